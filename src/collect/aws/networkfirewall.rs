//! Network Firewall: the firewalls of a VPC, and what their policies say.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aws_sdk_networkfirewall::{Client, types as sdk};
use ssm_doctor_facts::{
    ids::{Arn, Region, VpcId},
    lookup::Facts,
    network_firewall::{
        DomainList, FirewallEndpoint, GroupReference, GroupRules, NetworkFirewall,
        NetworkFirewallPolicy, RuleGroup, RuleOption, RuleOrder, StatefulRule, StatelessRule,
    },
};

use super::{
    service::Service,
    why::{Failure, Outcome, field, maybe, read, row},
};
use crate::collect::chain::all;

pub type NetworkFirewalls = Service<Client>;

/// The page size that this call allows at most.
const PAGE: i32 = 100;

const GONE: [&str; 1] = ["ResourceNotFoundException"];

/// Rules in Suricata's language, which are not evaluated, may be two million characters.
const MOST: usize = 10_000;

impl NetworkFirewalls {
    /// The firewalls that stand in a VPC, and the policy of each with its groups, but those known.
    pub async fn firewalls(self, vpc: VpcId, known: BTreeSet<Arn>, region: Region) -> Facts {
        let firewalls = self.firewalls_of(&vpc).await;
        let mut facts = Facts::default();
        let policies = firewalls.iter().flatten().flatten().map(|it| it.policy.clone());
        let policies = policies.filter(|it| !known.contains(it)).collect::<BTreeSet<_>>();
        let policies = policies
            .into_iter()
            .map(|policy| self.clone().policy(policy, known.clone(), region.clone()));
        all(policies).await.into_iter().for_each(|it| facts.absorb(it));
        facts.network_firewalls.insert(vpc, row(firewalls));
        facts
    }

    async fn firewalls_of(&self, vpc: &VpcId) -> Outcome<Vec<NetworkFirewall>> {
        let call = self.client.list_firewalls().vpc_ids(vpc.as_str());
        let listed = call.into_paginator().page_size(PAGE).items().send();
        let listed = self.watch.read(listed.collect::<Result<Vec<_>, _>>().await, &[])?;
        let firewalls = all(listed.iter().flatten().map(|it| async {
            let arn = field("FirewallArn", it.firewall_arn())?;
            let output = self.client.describe_firewall().firewall_arn(arn).send().await;
            // Deleted since it was listed.
            let Some(output) = self.watch.read(output, &GONE)? else { return Ok(None) };
            let about = field("Firewall", output.firewall())?;
            firewall(about, field("FirewallStatus", output.firewall_status())?).map(Some)
        }));
        let firewalls = firewalls.await.into_iter().filter_map(Result::transpose);
        firewalls.collect::<Result<_, _>>().map(Some)
    }

    /// A policy, and the groups of rules that it uses, but those known.
    pub async fn policy(self, arn: Arn, known: BTreeSet<Arn>, region: Region) -> Facts {
        let policy = self.policy_of(&arn).await;
        let mut facts = Facts::default();
        let used = policy.iter().flatten().flat_map(|it| it.stateless.iter().chain(&it.stateful));
        // Of AWS's own no rule is shown.
        let groups = used.filter(|it| !it.is_managed()).map(|it| it.group.clone());
        let groups: BTreeSet<Arn> = groups.collect();
        let groups = groups.difference(&known).map(|arn| async {
            let group = self.group_of(arn, &region).await;
            (arn.clone(), row(group))
        });
        facts.rule_groups.extend(all(groups).await);
        facts.network_firewall_policies.insert(arn, row(policy));
        facts
    }

    pub async fn rule_group(self, arn: Arn, region: Region) -> Facts {
        let group = self.group_of(&arn, &region).await;
        Facts { rule_groups: [(arn, row(group))].into(), ..Facts::default() }
    }

    async fn policy_of(&self, arn: &Arn) -> Outcome<NetworkFirewallPolicy> {
        let call = self.client.describe_firewall_policy().firewall_policy_arn(arn.as_str());
        let Some(output) = self.watch.read(call.send().await, &GONE)? else { return Ok(None) };
        policy(field("FirewallPolicy", output.firewall_policy())?).map(Some)
    }

    async fn group_of(&self, arn: &Arn, region: &Region) -> Outcome<RuleGroup> {
        let call = self.client.describe_rule_group().rule_group_arn(arn.as_str());
        let Some(output) = self.watch.read(call.send().await, &GONE)? else { return Ok(None) };
        Ok(Some(rule_group(field("RuleGroup", output.rule_group())?, region)))
    }
}

fn firewall(it: &sdk::Firewall, status: &sdk::FirewallStatus) -> Result<NetworkFirewall, Failure> {
    let zones = status.sync_states().into_iter().flatten();
    let attached = zones.filter_map(|(zone, it)| Some((zone, it.attachment()?)));
    // Being made, an endpoint has no id yet.
    let attached = attached.filter_map(|(zone, it)| Some((zone, it.endpoint_id()?, it)));
    let mut endpoints = attached
        .map(|(zone, id, it)| {
            Ok(FirewallEndpoint {
                id: read("EndpointId", id)?,
                state: field("Status", it.status())?.as_str().to_owned().into(),
                subnet: maybe("SubnetId", it.subnet_id())?,
                availability_zone: Some(zone.clone()),
                message: it.status_message().filter(|it| !it.is_empty()).map(Into::into),
            })
        })
        .collect::<Result<Vec<_>, Failure>>()?;
    endpoints.sort_by(|one, other| one.id.cmp(&other.id));
    Ok(NetworkFirewall {
        name: it.firewall_name().unwrap_or("(unnamed)").into(),
        policy: read("FirewallPolicyArn", it.firewall_policy_arn())?,
        state: status.status().as_str().to_owned().into(),
        endpoints,
        proxy: it.no_source_preservation(),
    })
}

fn policy(it: &sdk::FirewallPolicy) -> Result<NetworkFirewallPolicy, Failure> {
    let reference =
        |arn: &str, priority| Ok(GroupReference { group: read("ResourceArn", arn)?, priority });
    let stateless = it.stateless_rule_group_references().iter();
    let stateful = it.stateful_rule_group_references().iter();
    let order = it.stateful_engine_options().and_then(|it| it.rule_order());
    let variables = it.policy_variables().and_then(|it| it.rule_variables());
    Ok(NetworkFirewallPolicy {
        stateless: stateless
            .map(|it| reference(it.resource_arn(), Some(it.priority())))
            .collect::<Result<_, Failure>>()?,
        stateless_default: it.stateless_default_actions().to_vec(),
        stateful: stateful
            .map(|it| reference(it.resource_arn(), it.priority()))
            .collect::<Result<_, Failure>>()?,
        order: order.map_or(RuleOrder::Action, |it| it.as_str().to_owned().into()),
        stateful_default: it.stateful_default_actions().to_vec(),
        variables: sets(variables, sdk::IpSet::definition),
        tls_inspection: it.tls_inspection_configuration_arn().map(Into::into),
    })
}

fn sets<T>(
    sets: Option<&HashMap<String, T>>,
    definition: impl Fn(&T) -> &[String],
) -> BTreeMap<String, Vec<String>> {
    let sets = sets.into_iter().flatten();
    sets.map(|(name, it)| (name.clone(), definition(it).to_vec())).collect()
}

fn rule_group(it: &sdk::RuleGroup, region: &Region) -> RuleGroup {
    let variables = it.rule_variables();
    RuleGroup {
        rules: rules(it.rules_source(), region),
        variables: sets(variables.and_then(|it| it.ip_sets()), sdk::IpSet::definition),
        ports: sets(variables.and_then(|it| it.port_sets()), sdk::PortSet::definition),
    }
}

fn rules(source: Option<&sdk::RulesSource>, region: &Region) -> GroupRules {
    let Some(source) = source else { return GroupRules::Unreadable("none that are shown".into()) };
    // One kind in each group; what has several is none that is known.
    let kinds = [
        source.rules_string().map(|it| GroupRules::Suricata(it.chars().take(MOST).collect())),
        source.rules_source_list().map(|it| GroupRules::Domains(domain_list(it, region))),
        source
            .stateful_rules
            .as_ref()
            .map(|it| GroupRules::Stateful(it.iter().map(stateful_rule).collect())),
        source.stateless_rules_and_custom_actions().map(|it| {
            GroupRules::Stateless(it.stateless_rules().iter().map(stateless_rule).collect())
        }),
    ];
    let mut found = kinds.into_iter().flatten();
    match (found.next(), found.next()) {
        (Some(rules), None) => rules,
        (None, _) => GroupRules::Unreadable("none of those known here".into()),
        (Some(_), Some(_)) => GroupRules::Unreadable("several at once".into()),
    }
}

fn domain_list(it: &sdk::RulesSourceList, region: &Region) -> DomainList {
    let targets = it.targets().iter().filter(|it| may_match(it, region));
    DomainList {
        kind: it.generated_rules_type().as_str().to_owned().into(),
        looks_at: it.target_types().iter().map(|it| it.as_str().to_owned().into()).collect(),
        targets: targets.cloned().collect(),
    }
}

/// May a target of a list match the name of an AWS service? Lists may hold tens of thousands.
fn may_match(target: &str, region: &Region) -> bool {
    let target = target.trim().to_ascii_lowercase();
    let odd = !target.chars().all(|it| it.is_ascii_alphanumeric() || "-_.".contains(it));
    let above = |suffix: &str| target.starts_with('.') && format!(".{suffix}").ends_with(&target);
    let suffixes = [region.dns_suffix(), region.dual_stack_suffix()];
    odd || suffixes.into_iter().any(|it| target.ends_with(it) || above(it))
}

fn stateless_rule(it: &sdk::StatelessRule) -> StatelessRule {
    let definition = it.rule_definition();
    let attributes = definition.and_then(|it| it.match_attributes());
    let addresses = |all: Option<&[sdk::Address]>| {
        let all = all.unwrap_or_default().iter();
        all.map(|it| it.address_definition().to_owned()).collect()
    };
    let ports = |all: Option<&[sdk::PortRange]>| {
        let all = all.unwrap_or_default().iter();
        all.map(|it| (it.from_port(), it.to_port())).collect()
    };
    StatelessRule {
        priority: it.priority(),
        actions: definition.map(|it| it.actions().to_vec()).unwrap_or_default(),
        protocols: attributes.map(|it| it.protocols().to_vec()).unwrap_or_default(),
        sources: addresses(attributes.map(sdk::MatchAttributes::sources)),
        destinations: addresses(attributes.map(sdk::MatchAttributes::destinations)),
        source_ports: ports(attributes.map(sdk::MatchAttributes::source_ports)),
        destination_ports: ports(attributes.map(sdk::MatchAttributes::destination_ports)),
        flags: attributes.is_some_and(|it| !it.tcp_flags().is_empty()),
    }
}

fn stateful_rule(it: &sdk::StatefulRule) -> StatefulRule {
    let text = |of: fn(&sdk::Header) -> &str| it.header().map(of).unwrap_or_default().to_owned();
    let option = |it: &sdk::RuleOption| RuleOption {
        keyword: it.keyword().into(),
        settings: it.settings().to_vec(),
    };
    StatefulRule {
        action: it.action().as_str().to_owned().into(),
        protocol: text(|it| it.protocol().as_str()),
        source: text(sdk::Header::source),
        source_port: text(sdk::Header::source_port),
        direction: text(|it| it.direction().as_str()).into(),
        destination: text(sdk::Header::destination),
        destination_port: text(sdk::Header::destination_port),
        options: it.rule_options().iter().map(option).collect(),
    }
}

#[cfg(test)]
mod tests {
    use ssm_doctor_facts::network_firewall::{
        FirewallEndpointState, FirewallState, ListKind, ListTarget, RuleDirection, StatefulAction,
    };

    use super::*;

    fn region() -> Region {
        "eu-west-1".parse().unwrap()
    }

    #[test]
    fn firewalls_are_read() {
        let arn = "arn:aws:network-firewall:eu-west-1:111122223333:firewall-policy/egress";
        let about = sdk::Firewall::builder()
            .firewall_name("egress")
            .firewall_policy_arn(arn)
            .vpc_id("vpc-1")
            .firewall_id("1")
            .set_subnet_mappings(Some(Vec::new()))
            .build()
            .unwrap();
        let attachment = sdk::Attachment::builder()
            .endpoint_id("vpce-1")
            .subnet_id("subnet-1")
            .status("NEWEST".into())
            .status_message("why not")
            .build();
        let made = sdk::Attachment::builder().status(sdk::AttachmentStatus::Creating).build();
        let status = sdk::FirewallStatus::builder()
            .status(sdk::FirewallStatusValue::Ready)
            .configuration_sync_state_summary(sdk::ConfigurationSyncState::InSync)
            .sync_states("eu-west-1a", sdk::SyncState::builder().attachment(attachment).build())
            .sync_states("eu-west-1b", sdk::SyncState::builder().attachment(made).build())
            .build()
            .unwrap();
        let read = firewall(&about, &status).unwrap();
        assert_eq!((read.policy.name(), read.state), ("egress", FirewallState::Ready));
        let [endpoint] = read.endpoints.as_slice() else { panic!("{:?}", read.endpoints) };
        assert_eq!(endpoint.id.as_str(), "vpce-1");
        assert_eq!(endpoint.state, FirewallEndpointState::Other("NEWEST".into()));
        assert_eq!(endpoint.availability_zone.as_deref(), Some("eu-west-1a"));
        assert_eq!(endpoint.message.as_deref(), Some("why not"));
    }

    #[test]
    fn policies_are_read() {
        let group = "arn:aws:network-firewall:eu-west-1:aws-managed:stateful-rulegroup/Threats";
        let reference =
            sdk::StatefulRuleGroupReference::builder().resource_arn(group).priority(3).build();
        let home = sdk::IpSet::builder().definition("10.0.0.0/8").build().unwrap();
        let strict = sdk::StatefulEngineOptions::builder().rule_order(sdk::RuleOrder::StrictOrder);
        let base = sdk::FirewallPolicy::builder()
            .stateless_default_actions("aws:forward_to_sfe")
            .stateless_fragment_default_actions("aws:drop");
        let read = policy(&base.clone().build().unwrap()).unwrap();
        assert_eq!((read.order, read.stateful.len()), (RuleOrder::Action, 0));
        let full = base
            .stateful_rule_group_references(reference.unwrap())
            .stateful_default_actions("aws:drop_strict")
            .stateful_engine_options(strict.build())
            .policy_variables(
                sdk::PolicyVariables::builder().rule_variables("HOME_NET", home).build(),
            );
        let read = policy(&full.build().unwrap()).unwrap();
        assert_eq!(read.order, RuleOrder::Strict);
        assert!(read.stateful.iter().all(|it| it.is_managed() && it.priority == Some(3)));
        assert_eq!(read.stateless_default, ["aws:forward_to_sfe"]);
        assert_eq!(read.variables["HOME_NET"], ["10.0.0.0/8"]);
    }

    #[test]
    fn rules_of_each_kind_are_read() {
        let list = sdk::RulesSourceList::builder()
            .targets(".amazonaws.com")
            .targets("example.com")
            .target_types(sdk::TargetType::TlsSni)
            .generated_rules_type(sdk::GeneratedRulesType::Allowlist)
            .build()
            .unwrap();
        let domains = sdk::RulesSource::builder().rules_source_list(list);
        assert_eq!(
            rules(Some(&domains.clone().build()), &region()),
            GroupRules::Domains(DomainList {
                kind: ListKind::Allow,
                looks_at: vec![ListTarget::Sni],
                targets: vec![".amazonaws.com".into()],
            })
        );
        let both = domains.rules_string("drop ip any any -> any any (sid:1;)").build();
        assert_eq!(rules(Some(&both), &region()), GroupRules::Unreadable("several at once".into()));
        let text = sdk::RulesSource::builder().rules_string("x".repeat(MOST + 1)).build();
        assert_eq!(rules(Some(&text), &region()), GroupRules::Suricata("x".repeat(MOST)));
        for source in [None, Some(sdk::RulesSource::builder().build())] {
            let read = rules(source.as_ref(), &region());
            assert!(matches!(read, GroupRules::Unreadable(_)), "{read:?}");
        }
    }

    #[test]
    fn single_rules_are_read() {
        let header = sdk::Header::builder()
            .protocol(sdk::StatefulRuleProtocol::Any)
            .source("$HOME_NET")
            .source_port("ANY")
            .direction(sdk::StatefulRuleDirection::Forward)
            .destination("ANY")
            .destination_port("443")
            .build()
            .unwrap();
        let sid = sdk::RuleOption::builder().keyword("sid").settings("7").build().unwrap();
        let rule = sdk::StatefulRule::builder()
            .action(sdk::StatefulAction::Reject)
            .header(header)
            .rule_options(sid)
            .build()
            .unwrap();
        let read = stateful_rule(&rule);
        assert_eq!((read.protocol.as_str(), read.sid().as_deref()), ("IP", Some("7")));
        assert_eq!((read.action, read.direction), (StatefulAction::Reject, RuleDirection::Forward));

        let ports = sdk::PortRange::builder().from_port(443).to_port(444).build();
        let attributes = sdk::MatchAttributes::builder()
            .destination_ports(ports)
            .tcp_flags(sdk::TcpFlagField::builder().flags(sdk::TcpFlag::Syn).build().unwrap())
            .build();
        let definition = sdk::RuleDefinition::builder()
            .match_attributes(attributes)
            .actions("aws:drop")
            .build()
            .unwrap();
        let rule =
            sdk::StatelessRule::builder().rule_definition(definition).priority(9).build().unwrap();
        let read = stateless_rule(&rule);
        assert_eq!((read.priority, read.flags), (9, true));
        assert_eq!(
            (read.actions, read.destination_ports),
            (vec!["aws:drop".into()], vec![(443, 444)])
        );
    }

    #[test]
    fn only_what_can_match_a_service_is_kept() {
        let rows = [
            (".amazonaws.com", true),
            (".com", true),
            ("ssm.eu-west-1.amazonaws.com", true),
            ("SSM.eu-west-1.amazonaws.com", true),
            (".eu-west-1.api.aws", true),
            (".aws", true),
            ("*.amazonaws.com", true),
            ("com", false),
            ("example.com", false),
            (".example.com", false),
            (".net", false),
        ];
        for (target, kept) in rows {
            assert_eq!(may_match(target, &region()), kept, "{target}");
        }
    }
}
