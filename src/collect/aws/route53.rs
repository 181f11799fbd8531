//! Route 53: the private hosted zones of a VPC, and what their records say.
//!
//! The service is global; a VPC is named to it with its Region.

use aws_sdk_route53::{
    Client,
    types::{self as sdk, RrType, VpcRegion},
};
use ssm_doctor_facts::{
    ids::{Region, VpcId, ZoneId},
    lookup::Facts,
    route53::{HostedZone, ZoneRecord},
};

use super::{
    service::Service,
    why::{Failure, Outcome, maybe, read, row, unreadable},
};

pub type Route53 = Service<Client>;

/// A server that never says "that was all" is not followed further.
const MOST_PAGES: usize = 50;

impl Route53 {
    pub async fn hosted_zones(self, vpc: VpcId, region: Region) -> Facts {
        let zones = self.zones_of(&vpc, &region).await.map(Some);
        Facts { hosted_zones: [(vpc, row(zones))].into(), ..Facts::default() }
    }

    async fn zones_of(&self, vpc: &VpcId, region: &Region) -> Result<Vec<HostedZone>, Failure> {
        let mut zones = Vec::new();
        let mut next = None;
        for _ in 0..MOST_PAGES {
            let call = self
                .client
                .list_hosted_zones_by_vpc()
                .vpc_id(vpc.as_str())
                .vpc_region(VpcRegion::from(region.as_str()))
                .set_next_token(next);
            let Some(page) = self.watch.read(call.send().await, &[])? else { break };
            for it in &page.hosted_zone_summaries {
                zones.push(summary(it)?);
            }
            next = page.next_token;
            if next.is_none() {
                return Ok(zones);
            }
        }
        Err(unreadable("a list of hosted zones without an end"))
    }

    pub async fn hosted_zone(self, id: ZoneId) -> Facts {
        let output = self.client.get_hosted_zone().id(id.as_str()).send().await;
        let zone = self.watch.read(output, &["NoSuchHostedZone"]).map(|output| {
            let output = output?;
            let vpcs = output.vpcs().iter().filter_map(|vpc| vpc.vpc_id()?.parse().ok());
            let vpcs = vpcs.collect();
            output.hosted_zone.map(|it| HostedZone {
                id: id.clone(),
                name: name(&it.name),
                owner: None,
                service: it.linked_service.and_then(|it| it.service_principal),
                vpcs,
            })
        });
        Facts { profile_zones: [(id, row(zone))].into(), ..Facts::default() }
    }

    pub async fn zone_records(self, id: ZoneId) -> Facts {
        let records = self.records_of(&id).await;
        Facts { zone_records: [(id, row(records))].into(), ..Facts::default() }
    }

    async fn records_of(&self, id: &ZoneId) -> Outcome<Vec<ZoneRecord>> {
        let mut records = Vec::new();
        let (mut from, mut kind, mut identifier): (_, Option<RrType>, _) = (None, None, None);
        for _ in 0..MOST_PAGES {
            let call = self
                .client
                .list_resource_record_sets()
                .hosted_zone_id(id.as_str())
                .set_start_record_name(from)
                .set_start_record_type(kind)
                .set_start_record_identifier(identifier);
            let Some(page) = self.watch.read(call.send().await, &["NoSuchHostedZone"])? else {
                return Ok(None);
            };
            records.extend(page.resource_record_sets.iter().map(record));
            if !page.is_truncated {
                return Ok(Some(records));
            }
            (from, kind) = (page.next_record_name, page.next_record_type);
            identifier = page.next_record_identifier;
        }
        Err(unreadable(format!("the records of {id} have no end")))
    }
}

fn summary(it: &sdk::HostedZoneSummary) -> Result<HostedZone, Failure> {
    let owner = it.owner();
    Ok(HostedZone {
        id: read("HostedZoneId", it.hosted_zone_id().trim_start_matches("/hostedzone/"))?,
        name: name(it.name()),
        owner: maybe("OwningAccount", owner.and_then(|it| it.owning_account()))?,
        service: owner
            .and_then(|it| it.owning_service())
            .filter(|it| !it.is_empty())
            .map(Into::into),
        vpcs: Vec::new(),
    })
}

fn record(it: &sdk::ResourceRecordSet) -> ZoneRecord {
    let kind = it.r#type().as_str();
    // Of other kinds only that they exist matters.
    let leads = matches!(kind, "A" | "AAAA" | "CNAME" | "NS");
    let values = it.resource_records().iter().filter(|_| leads);
    ZoneRecord {
        name: name(it.name()),
        kind: kind.to_owned().into(),
        values: values
            .map(|it| if kind.starts_with('A') { it.value().into() } else { name(it.value()) })
            .collect(),
        alias: it.alias_target().map(|it| name(it.dns_name())),
    }
}

/// In lower case, without the final dot, and with the asterisk that Route 53 writes as `\052`.
pub fn name(raw: &str) -> String {
    raw.replace("\\052", "*").trim_end_matches('.').to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use ssm_doctor_facts::route53::RecordType;

    use super::*;

    #[test]
    fn zones_are_read() {
        let zone = |owner: sdk::HostedZoneOwner| {
            sdk::HostedZoneSummary::builder()
                .hosted_zone_id("Z0123")
                .name("ssm.eu-west-1.amazonaws.com.")
                .owner(owner)
                .build()
                .unwrap()
        };
        let ours = sdk::HostedZoneOwner::builder().owning_account("111122223333").build();
        let read = summary(&zone(ours)).unwrap();
        assert_eq!(read.name, "ssm.eu-west-1.amazonaws.com");
        assert_eq!(read.owner.map(String::from).as_deref(), Some("111122223333"));
        assert_eq!(read.service, None);
        let aws = sdk::HostedZoneOwner::builder().owning_service("vpce.amazonaws.com").build();
        assert_eq!(summary(&zone(aws)).unwrap().service.as_deref(), Some("vpce.amazonaws.com"));
        let odd = sdk::HostedZoneOwner::builder().owning_account("me").build();
        assert!(summary(&zone(odd)).is_err());
    }

    #[test]
    fn records_are_read() {
        let value = |raw: &str| sdk::ResourceRecord::builder().value(raw).build().unwrap();
        let wild = sdk::ResourceRecordSet::builder()
            .name("\\052.Eu-West-1.amazonaws.com.")
            .r#type(RrType::Cname)
            .resource_records(value("Central.example.com."))
            .build()
            .unwrap();
        assert_eq!(
            record(&wild),
            ZoneRecord {
                name: "*.eu-west-1.amazonaws.com".into(),
                kind: RecordType::Cname,
                values: vec!["central.example.com".into()],
                alias: None,
            }
        );
        let target = sdk::AliasTarget::builder()
            .hosted_zone_id("Z7K1066E3PUKB")
            .dns_name("vpce-0a-1b.ssm.eu-west-1.vpce.amazonaws.com.")
            .evaluate_target_health(false)
            .build()
            .unwrap();
        let alias = sdk::ResourceRecordSet::builder()
            .name("ssm.eu-west-1.amazonaws.com.")
            .r#type(RrType::A)
            .alias_target(target)
            .build()
            .unwrap();
        assert_eq!(
            record(&alias).alias.as_deref(),
            Some("vpce-0a-1b.ssm.eu-west-1.vpce.amazonaws.com")
        );
        let text = sdk::ResourceRecordSet::builder()
            .name("amazonaws.com.")
            .r#type(RrType::Txt)
            .resource_records(value("\"secret\""))
            .build()
            .unwrap();
        assert_eq!(
            (record(&text).kind, record(&text).values),
            (RecordType::Other("TXT".into()), vec![])
        );
    }
}
