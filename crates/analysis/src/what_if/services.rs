//! Changes to names, logs, documents and settings.

use alloc::{
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};
use core::net::IpAddr;

use ssm_doctor_facts::{
    change::{
        LogsChange, NetworkFirewallChange, Route53Change, Route53ResolverChange,
        ServiceSettingChange, SsmChange,
    },
    cloudwatch_logs::LogGroup,
    ids::*,
    lookup::{Facts, Row},
    network_firewall::GroupRules,
    route53::*,
    ssm::{Document, ServiceSetting, SettingId},
    text::Text,
};

use crate::what_if::row::change_endpoint;

pub(super) fn logs(facts: &mut Facts, change: &LogsChange) -> Option<()> {
    match change {
        LogsChange::CreateLogGroup { group, key } => {
            let row = LogGroup { key: key.as_ref().map(ToString::to_string) };
            facts.log_groups.insert(group.clone(), Row::Present(row));
        }
        LogsChange::EncryptLogGroup { group, key } => {
            facts.log_groups.get_mut(group)?.present_mut()?.key = Some(key.to_string());
        }
    }
    Some(())
}

pub(super) fn network_firewall(facts: &mut Facts, change: &NetworkFirewallChange) -> Option<()> {
    match change {
        NetworkFirewallChange::AddDomains { group, domains } => {
            let group = facts.rule_groups.get_mut(group)?.present_mut()?;
            let GroupRules::Domains(list) = &mut group.rules else { return None };
            list.targets.extend(domains.iter().cloned());
            Some(())
        }
        NetworkFirewallChange::SetHomeNet { group, ranges } => {
            let group = facts.rule_groups.get_mut(group)?.present_mut()?;
            group.variables.insert(String::from("HOME_NET"), ranges.clone());
            Some(())
        }
        NetworkFirewallChange::SetPolicyHomeNet { policy, ranges } => {
            let policy = facts.network_firewall_policies.get_mut(policy)?.present_mut()?;
            policy.variables.insert(String::from("HOME_NET"), ranges.clone());
            Some(())
        }
    }
}

pub(super) fn route53(facts: &mut Facts, change: &Route53Change) -> Option<()> {
    let (zone, name, kind, values, alias) = match change {
        Route53Change::UpsertAddresses { zone, name, addresses } => {
            let v6 = addresses.iter().any(IpAddr::is_ipv6);
            let kind = if v6 { RecordType::Aaaa } else { RecordType::A };
            (zone, name, kind, addresses.iter().map(ToString::to_string).collect(), None)
        }
        Route53Change::UpsertAlias { zone, name, endpoint, dns_name } => {
            let target = name_of_endpoint(facts, endpoint, dns_name.as_deref())?;
            (zone, name, RecordType::A, Vec::new(), Some(target))
        }
        Route53Change::UpsertCname { zone, name, endpoint, dns_name } => {
            let target = name_of_endpoint(facts, endpoint, dns_name.as_deref())?;
            (zone, name, RecordType::Cname, vec![target], None)
        }
        Route53Change::DisassociateZone { zone, vpc, .. } => {
            facts.hosted_zones.get_mut(vpc)?.present_mut()?.retain(|other| other.id != *zone);
            return Some(());
        }
    };
    let record = ZoneRecord { name: name.clone(), kind, values, alias };
    let records = facts.zone_records.get_mut(zone)?.present_mut()?;
    // A name with a CNAME record has no other record.
    let cname = |kind: &RecordType| *kind == RecordType::Cname;
    let conflicts =
        |other: &ZoneRecord| other.name == record.name && cname(&other.kind) != cname(&record.kind);
    (!records.iter().any(conflicts)).then_some(())?;
    records.retain(|other| other.name != record.name || other.kind != record.kind);
    records.push(record);
    Some(())
}

/// The endpoint's own name. One that was not seen is named here: AWS's begin with the endpoint's id.
fn name_of_endpoint(facts: &mut Facts, id: &EndpointId, known: Option<&str>) -> Option<String> {
    if let Some(name) = known {
        return Some(name.into());
    }
    let mut name = None;
    change_endpoint(facts, id, |endpoint| {
        let service = endpoint.service.rsplit('.').next().unwrap_or_default();
        let own = format!("{id}-created.{service}.vpce.amazonaws.com");
        endpoint.names.push(own.clone());
        name = Some(own);
    })?;
    name
}

pub(super) fn route53resolver(facts: &mut Facts, change: &Route53ResolverChange) -> Option<()> {
    match change {
        Route53ResolverChange::CreateFirewallAllowRule { group, domains, priority } => {
            let rules = facts.firewall_rules.get_mut(group)?.present_mut()?;
            (!rules.iter().any(|rule| rule.priority == *priority)).then_some(())?;
            let list = FirewallListId::created();
            rules.push(FirewallRule {
                name: String::from("allow-ssm"),
                priority: *priority,
                action: FirewallAction::Allow,
                domains: Some(list.clone()),
                query_type: None,
                redirection: None,
            });
            let domains = FirewallDomains { managed: false, domains: domains.clone() };
            facts.firewall_domains.insert(list, Row::Present(domains));
            Some(())
        }
        Route53ResolverChange::TrustRedirection { group, list, query_type } => {
            let rules = facts.firewall_rules.get_mut(group)?.present_mut()?;
            let mut rules = rules.iter_mut();
            let rule = rules.find(|rule| {
                rule.domains.as_ref() == Some(list) && rule.query_type == *query_type
            })?;
            rule.redirection = Some(Redirection::Trust);
            Some(())
        }
        Route53ResolverChange::AssociateSystemRule { domain, vpc } => {
            let label = domain.split('.').next()?;
            let id: ResolverRuleId =
                format!("{}-{label}", ResolverRuleId::created()).parse().ok()?;
            facts.resolver_rules.get_mut(vpc)?.present_mut()?.push(id.clone());
            let rule = ResolverRule {
                domain: Some(domain.clone()),
                kind: RuleType::System,
                targets: Vec::new(),
            };
            facts.rules.insert(id, Row::Present(rule));
            Some(())
        }
        Route53ResolverChange::DisassociateResolverRule { rule, vpc } => {
            facts.resolver_rules.get_mut(vpc)?.present_mut()?.retain(|other| other != rule);
            Some(())
        }
    }
}

pub(super) fn service_setting(facts: &mut Facts, change: &ServiceSettingChange) -> Option<()> {
    let ServiceSettingChange::Update { setting, value } = change;
    let ids = [SettingId::DefaultHostManagementRole, SettingId::ActivationTier];
    let id = ids.into_iter().find(|id| setting.ends_with(id.as_str()))?;
    let row =
        ServiceSetting { value: value.clone(), status: "Customized".into(), changed_at: None };
    facts.service_settings.insert(id, Row::Present(row));
    Some(())
}

pub(super) fn ssm(facts: &mut Facts, change: &SsmChange) -> Option<()> {
    match change {
        SsmChange::CreateDocument { name, content } => {
            let row = Document {
                kind: "Session".into(),
                version: None,
                created_at: None,
                parameters: Vec::new(),
                content: Text::parse(content),
                later: None,
            };
            facts.documents.insert(name.clone(), Row::Present(row));
            Some(())
        }
        SsmChange::UpdateDocument { name, content } => {
            let document = facts.documents.get_mut(name)?.present_mut()?;
            document.content = Text::parse(content);
            // AWS counts them, and would give the time of the change.
            document.version = None;
            document.created_at = None;
            document.later = None;
            Some(())
        }
        SsmChange::UpdateAgent { target } => {
            facts.nodes.get_mut(target)?.present_mut()?.agent_version =
                Some(String::from(NEWEST_AGENT));
            Some(())
        }
        // What earlier versions contain was not seen.
        SsmChange::SetDefaultDocumentVersion { name, version } => {
            let document = facts.documents.get_mut(name)?.present_mut()?;
            let of_later = document.later.as_ref().is_some_and(|later| later.version == *version);
            *document = document.with_later_as_default().filter(|_| of_later)?;
            Some(())
        }
    }
}

/// Newer than every version that some feature needs.
const NEWEST_AGENT: &str = "3.3.9999.0";
