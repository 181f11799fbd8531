//! What filters traffic: security groups and network ACLs.

use std::collections::BTreeSet;

use aws_sdk_ec2::types as sdk;
use ssm_doctor_facts::{
    ec2::{AclEntry, NetworkAcl, Peer, Rule, SecurityGroup, Traffic},
    ids::{SecurityGroupId, VpcId},
    lookup::Facts,
};

use super::lists::{Ec2, PAGE, all, by_id, filter, ids, keyed, listed, swept};
use crate::collect::aws::why::{Failure, field, named};

impl Ec2 {
    pub async fn security_groups(self, ids: BTreeSet<SecurityGroupId>) -> Facts {
        let this = &self;
        let rows = by_id(ids, |ids| async move {
            let call = this
                .client
                .describe_security_groups()
                .set_group_ids(Some(ids))
                .into_paginator()
                .items();
            let found = all!(this, call, "InvalidGroup.NotFound", "InvalidGroupId.Malformed")?;
            Ok(found
                .map(|it| keyed(&it, sdk::SecurityGroup::group_id, |it| Ok(security_group(it)))))
        });
        Facts { security_groups: rows.await, ..Facts::default() }
    }

    pub async fn security_groups_of(self, vpc: VpcId, asked: BTreeSet<SecurityGroupId>) -> Facts {
        let call = self.client.describe_security_groups().filters(filter("vpc-id", vpc.as_str()));
        let found = listed(all!(self, call.into_paginator().page_size(PAGE).items()));
        let found =
            found.map(|it| keyed(&it, sdk::SecurityGroup::group_id, |it| Ok(security_group(it))));
        Facts { security_groups: swept(found, asked), ..Facts::default() }
    }
}

pub(super) fn network_acl(it: &sdk::NetworkAcl) -> Result<NetworkAcl, Failure> {
    Ok(NetworkAcl {
        id: named("networkAclId", it.network_acl_id())?,
        default: it.is_default().unwrap_or_default(),
        subnets: ids("subnetId", it.associations().iter().filter_map(|it| it.subnet_id()))?,
        entries: it.entries().iter().map(acl_entry).collect::<Result<_, _>>()?,
    })
}

fn acl_entry(it: &sdk::NetworkAclEntry) -> Result<AclEntry, Failure> {
    let ports = it.port_range();
    let (from, to) = (ports.and_then(sdk::PortRange::from), ports.and_then(sdk::PortRange::to));
    Ok(AclEntry {
        number: field("ruleNumber", it.rule_number())?,
        egress: field("egress", it.egress())?,
        allow: field("ruleAction", it.rule_action())? == &sdk::RuleAction::Allow,
        traffic: traffic(it.protocol(), from, to),
        peer: cidr_peer(field("cidrBlock", it.cidr_block().or(it.ipv6_cidr_block()))?),
    })
}

fn cidr_peer(raw: &str) -> Peer {
    raw.parse().map_or_else(|_| Peer::Unreadable(raw.into()), Peer::Cidr)
}

/// Without ports, or with -1 for them, a rule of TCP or UDP is for all of them.
fn traffic(protocol: Option<&str>, from: Option<i32>, to: Option<i32>) -> Traffic {
    let port = |raw: Option<i32>, all| raw.filter(|it| *it != -1).map_or(Ok(all), u16::try_from);
    let ports = (port(from, u16::MIN), port(to, u16::MAX));
    match (protocol, ports) {
        (Some("-1" | "all"), _) => Traffic::All,
        (Some("tcp" | "6"), (Ok(from), Ok(to))) => Traffic::Tcp(from, to),
        (Some("udp" | "17"), (Ok(from), Ok(to))) => Traffic::Udp(from, to),
        (Some(raw), _) => Traffic::Other(raw.into()),
        (None, _) => Traffic::Other("(none)".into()),
    }
}

fn security_group(it: &sdk::SecurityGroup) -> SecurityGroup {
    SecurityGroup {
        name: it.group_name().map(Into::into),
        ingress: it.ip_permissions().iter().flat_map(rules).collect(),
        egress: it.ip_permissions_egress().iter().flat_map(rules).collect(),
    }
}

/// One rule for each peer: EC2 groups the peers that share protocol and ports.
fn rules(it: &sdk::IpPermission) -> impl Iterator<Item = Rule> {
    fn peer<T>(raw: Option<&str>, kind: fn(T) -> Peer) -> Peer
    where
        T: std::str::FromStr,
    {
        let unreadable = || Peer::Unreadable(raw.unwrap_or("a peer of an unknown kind").into());
        raw.and_then(|it| it.parse().ok()).map_or_else(unreadable, kind)
    }
    let traffic = traffic(it.ip_protocol(), it.from_port(), it.to_port());
    let v4 = it.ip_ranges().iter().map(|it| peer(it.cidr_ip(), Peer::Cidr));
    let v6 = it.ipv6_ranges().iter().map(|it| peer(it.cidr_ipv6(), Peer::Cidr));
    let lists = it.prefix_list_ids().iter().map(|it| peer(it.prefix_list_id(), Peer::List));
    let groups = it
        .user_id_group_pairs()
        .iter()
        .map(|it| peer(it.group_id().or(it.group_name()), Peer::Group));
    v4.chain(v6).chain(lists).chain(groups).map(move |peer| Rule { traffic: traffic.clone(), peer })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::aws::why::unreadable;

    #[test]
    fn protocols_and_ports_are_read() {
        let rows = [
            (Some("-1"), None, None, Traffic::All),
            (Some("tcp"), Some(443), Some(443), Traffic::Tcp(443, 443)),
            (Some("6"), Some(1024), Some(65535), Traffic::Tcp(1024, 65535)),
            (Some("6"), None, None, Traffic::Tcp(0, 65535)),
            (Some("17"), Some(53), Some(53), Traffic::Udp(53, 53)),
            (Some("icmp"), Some(-1), Some(-1), Traffic::Other("icmp".into())),
            (Some("tcp"), Some(443), Some(70_000), Traffic::Other("tcp".into())),
            (None, None, None, Traffic::Other("(none)".into())),
        ];
        for (protocol, from, to, expected) in rows {
            assert_eq!(traffic(protocol, from, to), expected, "{protocol:?} {from:?} {to:?}");
        }
    }

    #[test]
    fn no_rule_is_dropped() {
        let permission = sdk::IpPermission::builder()
            .ip_protocol("tcp")
            .from_port(443)
            .to_port(443)
            .ip_ranges(sdk::IpRange::builder().cidr_ip("10.0.0.0/16").build())
            .ip_ranges(sdk::IpRange::builder().cidr_ip("10.0.0.0/99").build())
            .ipv6_ranges(sdk::Ipv6Range::builder().cidr_ipv6("2001:db8::/32").build())
            .prefix_list_ids(sdk::PrefixListId::builder().prefix_list_id("pl-1").build())
            .user_id_group_pairs(sdk::UserIdGroupPair::builder().group_id("sg-2").build())
            .user_id_group_pairs(sdk::UserIdGroupPair::builder().group_name("default").build())
            .build();
        let peers: Vec<_> = rules(&permission).map(|it| it.peer).collect();
        assert_eq!(
            peers,
            [
                Peer::Cidr("10.0.0.0/16".parse().unwrap()),
                Peer::Unreadable("10.0.0.0/99".into()),
                Peer::Cidr("2001:db8::/32".parse().unwrap()),
                Peer::List("pl-1".parse().unwrap()),
                Peer::Group("sg-2".parse().unwrap()),
                Peer::Unreadable("default".into()),
            ]
        );
    }

    #[test]
    fn an_acl_keeps_the_rule_that_closes_it() {
        let entry = |number, action| {
            sdk::NetworkAclEntry::builder()
                .rule_number(number)
                .egress(true)
                .protocol("-1")
                .rule_action(action)
                .cidr_block("0.0.0.0/0")
                .build()
        };
        let acl = sdk::NetworkAcl::builder()
            .network_acl_id("acl-1")
            .is_default(true)
            .associations(sdk::NetworkAclAssociation::builder().subnet_id("subnet-1").build())
            .entries(entry(100, sdk::RuleAction::Allow))
            .entries(entry(32_767, sdk::RuleAction::Deny));
        let read = network_acl(&acl.clone().build()).unwrap();
        let entries: Vec<_> =
            read.entries.iter().map(|it| (it.number, it.allow, it.egress)).collect();
        assert_eq!(entries, [(100, true, true), (32_767, false, true)]);

        let broken = acl
            .entries(sdk::NetworkAclEntry::builder().rule_number(1).egress(false).build())
            .build();
        assert_eq!(network_acl(&broken), Err(unreadable("an answer without `ruleAction`")));
    }
}
