//! Route 53 Resolver: the rules, the DNS Firewall and the query logs of a VPC.

use aws_sdk_route53resolver::{
    Client,
    types::{
        self as sdk, FirewallRuleGroupAssociationStatus, ResolverRuleAssociationStatus as Status,
    },
};
use ssm_doctor_facts::{
    domain_name::may_match_below,
    ids::{
        AccountId, Arn, FirewallGroupId, FirewallListId, LogGroupName, Region, ResolverRuleId,
        VpcId,
    },
    lookup::Facts,
    route53::{FirewallAssociation, FirewallDomains, FirewallRule, ResolverRule},
};

use super::{
    route53::name,
    service::Service,
    why::{Failure, Outcome, field, maybe, named, row},
};
use crate::collect::chain::both;

pub type Route53Resolver = Service<Client>;

/// The page size that these calls allow at most.
const PAGE: i32 = 100;

/// A list that does not exist is refused, not absent: an association has named it.
macro_rules! all {
    ($self:ident, $call:expr) => {
        $self
            .watch
            .read($call.send().collect::<Result<Vec<_>, _>>().await, &[])
            .map(Option::unwrap_or_default)
    };
}

impl Route53Resolver {
    pub async fn resolver_rules(self, vpc: VpcId) -> Facts {
        let filter = sdk::Filter::builder().name("VPCId").values(vpc.as_str()).build();
        let call = self.client.list_resolver_rule_associations().filters(filter);
        let found = all!(self, call.into_paginator().page_size(PAGE).items());
        let rules = found.and_then(|it| {
            let standing = it.iter().filter(|it| {
                !matches!(it.status(), Some(Status::Deleting | Status::Failed))
                    && it.vpc_id().is_none_or(|it| it == vpc.as_str())
            });
            standing.map(|it| named("ResolverRuleId", it.resolver_rule_id())).collect()
        });
        Facts { resolver_rules: [(vpc, row(rules.map(Some)))].into(), ..Facts::default() }
    }

    /// The log groups of this account that the queries of a VPC are logged to.
    pub async fn query_logs(self, vpc: VpcId, account: Option<AccountId>) -> Facts {
        let groups = self.log_groups(&vpc, account.as_ref()).await;
        Facts { query_logs: [(vpc, row(groups))].into(), ..Facts::default() }
    }

    async fn log_groups(
        &self,
        vpc: &VpcId,
        account: Option<&AccountId>,
    ) -> Outcome<Vec<LogGroupName>> {
        let filter = sdk::Filter::builder().name("ResourceId").values(vpc.as_str()).build();
        let call = self.client.list_resolver_query_log_config_associations().filters(filter);
        let found = all!(self, call.into_paginator().page_size(PAGE).items())?;
        let mut groups = Vec::new();
        for id in found.iter().filter_map(|it| it.resolver_query_log_config_id()) {
            let call = self.client.get_resolver_query_log_config().resolver_query_log_config_id(id);
            let output = self.watch.read(call.send().await, &["ResourceNotFoundException"])?;
            let config = output.and_then(|it| it.resolver_query_log_config);
            let destination = config.as_ref().and_then(|it| it.destination_arn());
            groups.extend(destination.and_then(|arn| log_group(arn, account)));
        }
        Ok(Some(groups))
    }

    pub async fn resolver_rule(self, id: ResolverRuleId) -> Facts {
        let output = self.client.get_resolver_rule().resolver_rule_id(id.as_str()).send().await;
        let output = self.watch.read(output, &["ResourceNotFoundException"]);
        let rule = output.and_then(|it| {
            it.map(|it| resolver_rule(field("ResolverRule", it.resolver_rule())?)).transpose()
        });
        Facts { rules: [(id, row(rule))].into(), ..Facts::default() }
    }

    pub async fn firewall_groups(self, vpc: VpcId) -> Facts {
        let call = self.client.list_firewall_rule_group_associations().vpc_id(vpc.as_str());
        let found = all!(self, call.into_paginator().page_size(PAGE).items());
        let groups = found.and_then(|it| {
            let standing = it
                .iter()
                .filter(|it| it.status() != Some(&FirewallRuleGroupAssociationStatus::Deleting));
            standing.map(firewall_association).collect()
        });
        Facts { firewall_groups: [(vpc, row(groups.map(Some)))].into(), ..Facts::default() }
    }

    pub async fn firewall_rules(self, group: FirewallGroupId) -> Facts {
        let call = self.client.list_firewall_rules().firewall_rule_group_id(group.as_str());
        let found = all!(self, call.into_paginator().page_size(PAGE).items());
        let rules = found.and_then(|it| it.iter().map(firewall_rule).collect());
        Facts { firewall_rules: [(group, row(rules.map(Some)))].into(), ..Facts::default() }
    }

    pub async fn firewall_domains(self, list: FirewallListId, region: Region) -> Facts {
        let domains = self.domains_of(&list, &region).await;
        Facts { firewall_domains: [(list, row(domains))].into(), ..Facts::default() }
    }

    /// AWS's own lists say that they are AWS's, and refuse to show their domains.
    async fn domains_of(&self, list: &FirewallListId, region: &Region) -> Outcome<FirewallDomains> {
        let about = self.client.get_firewall_domain_list().firewall_domain_list_id(list.as_str());
        let call = self.client.list_firewall_domains().firewall_domain_list_id(list.as_str());
        let (about, domains) =
            both(about.send(), async { all!(self, call.into_paginator().page_size(PAGE).items()) })
                .await;
        let Some(about) = self.watch.read(about, &["ResourceNotFoundException"])? else {
            return Ok(None);
        };
        let about = field("FirewallDomainList", about.firewall_domain_list())?;
        if about.managed_owner_name().is_some_and(|it| !it.is_empty()) {
            return Ok(Some(FirewallDomains { managed: true, domains: Vec::new() }));
        }
        let domains = domains?;
        let domains = domains.iter().map(|it| name(it)).filter(|it| may_match(it, region));
        Ok(Some(FirewallDomains { managed: false, domains: domains.collect() }))
    }
}

/// May an entry of a list match the name of an AWS service? Lists hold up to a hundred thousand.
fn may_match(domain: &str, region: &Region) -> bool {
    let suffixes = [region.dns_suffix(), region.dual_stack_suffix()];
    suffixes.iter().any(|suffix| may_match_below(domain, suffix))
}

fn resolver_rule(it: &sdk::ResolverRule) -> Result<ResolverRule, Failure> {
    let target = |it: &sdk::TargetAddress| {
        let port = it.port().unwrap_or(53);
        match (it.ip(), it.ipv6()) {
            (Some(ip), _) => Some(format!("{ip}:{port}")),
            (None, Some(ip)) => Some(format!("[{ip}]:{port}")),
            (None, None) => None,
        }
    };
    Ok(ResolverRule {
        domain: it.domain_name().map(name),
        kind: field("RuleType", it.rule_type())?.as_str().to_owned().into(),
        targets: it.target_ips().iter().filter_map(target).collect(),
    })
}

fn firewall_association(
    it: &sdk::FirewallRuleGroupAssociation,
) -> Result<FirewallAssociation, Failure> {
    Ok(FirewallAssociation {
        group: named("FirewallRuleGroupId", it.firewall_rule_group_id())?,
        priority: field("Priority", it.priority())?,
    })
}

fn firewall_rule(it: &sdk::FirewallRule) -> Result<FirewallRule, Failure> {
    Ok(FirewallRule {
        name: it.name().unwrap_or("(unnamed)").into(),
        priority: field("Priority", it.priority())?,
        action: field("Action", it.action())?.as_str().to_owned().into(),
        domains: maybe("FirewallDomainListId", it.firewall_domain_list_id())?,
        query_type: it.qtype().filter(|it| !it.is_empty()).map(Into::into),
        redirection: it
            .firewall_domain_redirection_action()
            .map(|it| it.as_str().to_owned().into()),
    })
}

/// The log group of a destination, unless it is a bucket, a stream, or in another account.
fn log_group(destination: &str, account: Option<&AccountId>) -> Option<LogGroupName> {
    let arn: Arn = destination.parse().ok()?;
    let is_ours = account.is_none_or(|account| arn.account() == account.as_str());
    let (_, group) = destination.split_once(":log-group:").filter(|_| is_ours)?;
    group.trim_end_matches(":*").parse().ok()
}

#[cfg(test)]
mod tests {
    use ssm_doctor_facts::route53::{FirewallAction, Redirection, RuleType};

    use super::*;

    #[test]
    fn rules_are_read() {
        let target = |ip: &str| sdk::TargetAddress::builder().ip(ip).port(53).build();
        let rule = sdk::ResolverRule::builder()
            .domain_name("Amazonaws.com.")
            .rule_type(sdk::RuleTypeOption::Forward)
            .target_ips(target("10.0.0.10"))
            .target_ips(sdk::TargetAddress::builder().ipv6("fd00::1").build())
            .build();
        assert_eq!(
            resolver_rule(&rule).unwrap(),
            ResolverRule {
                domain: Some("amazonaws.com".into()),
                kind: RuleType::Forward,
                targets: vec!["10.0.0.10:53".into(), "[fd00::1]:53".into()],
            }
        );
        let all = sdk::ResolverRule::builder().domain_name(".").rule_type("NEWEST".into()).build();
        let all = resolver_rule(&all).unwrap();
        assert_eq!((all.domain.as_deref(), all.kind.as_str()), (Some(""), "NEWEST"));
        assert!(resolver_rule(&sdk::ResolverRule::builder().build()).is_err());
    }

    #[test]
    fn firewall_rules_are_read() {
        let rule = sdk::FirewallRule::builder()
            .name("garden")
            .priority(7)
            .action(sdk::Action::Block)
            .firewall_domain_list_id("rslvr-fdl-1")
            .qtype("A");
        let read = firewall_rule(&rule.clone().build()).unwrap();
        assert_eq!((read.priority, read.action), (7, FirewallAction::Block));
        assert_eq!(read.query_type.as_deref(), Some("A"));
        assert_eq!(read.redirection, None);
        let trust = sdk::FirewallDomainRedirectionAction::TrustRedirectionDomain;
        let trusting = rule.clone().firewall_domain_redirection_action(trust).build();
        assert_eq!(firewall_rule(&trusting).unwrap().redirection, Some(Redirection::Trust));
        assert_eq!(read.domains.map(String::from).as_deref(), Some("rslvr-fdl-1"));
        assert!(firewall_rule(&rule.set_action(None).build()).is_err());
    }

    #[test]
    fn only_what_can_match_a_service_is_kept() {
        let region: Region = "eu-west-1".parse().unwrap();
        let rows = [
            ("*", true),
            ("*.com", true),
            ("*.amazonaws.com", true),
            ("*amazonaws.com", true),
            ("ssm.eu-west-1.amazonaws.com", true),
            ("*.eu-west-1.api.aws", true),
            ("*.aws", true),
            ("example.com", false),
            ("*.example.com", false),
            ("*.net", false),
            ("com", false),
        ];
        for (domain, kept) in rows {
            assert_eq!(may_match(domain, &region), kept, "{domain}");
        }
    }
}
