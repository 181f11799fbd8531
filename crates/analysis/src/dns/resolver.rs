//! The VPC's resolver, asked for the name of a service.

use alloc::{
    collections::BTreeMap,
    string::{String, ToString},
    vec,
};
use core::cell::RefCell;

use crate::answer::{Fix, Recovery, Verdict, observed, seen};
use crate::case::Case;
use crate::dns::{
    outcome::{Remedy, Statement},
    query::Query,
    resolution::{Families, KnownName, Name, Step, StepKind},
    settings::{Settings, both},
};
use ssm_doctor_facts::{
    ids::{ResolverRuleId, VpcId},
    lookup::Unknown,
    route53::ResolverRule,
};

/// [`resolve`], as a case keeps it, by VPC and service.
#[derive(Default)]
struct KnownNames(RefCell<BTreeMap<(VpcId, String), Result<KnownName, Unknown>>>);

/// The name of `service`, asked for in `vpc`.
///
/// # Errors
/// [`Unknown`] when what decides was not seen, or the VPC's instances ask a DNS server of their own.
pub fn resolve<'a>(case: &Case<'a>, vpc: &VpcId, service: &str) -> Result<Name<'a>, Unknown> {
    let key = (vpc.clone(), service.to_string());
    let names = case.results::<KnownNames>();
    let known = names.0.borrow().get(&key).cloned();
    if let Some(known) = known {
        return known?.restore(case.facts, vpc);
    }
    let name = resolve_anew(case, vpc, service);
    let known = name.as_ref().map(KnownName::of).map_err(Clone::clone);
    names.0.borrow_mut().insert(key, known);
    name
}

fn resolve_anew<'a>(case: &Case<'a>, vpc: &VpcId, service: &str) -> Result<Name<'a>, Unknown> {
    let query = Query::new(case, case.scope, vpc, service);
    let by_endpoint = query.by_endpoint()?;
    let settings = Settings::of(&query);
    settings.ask_ahead(&query, &by_endpoint)?;
    let rule = query.rule_step(&by_endpoint, &settings);
    let zone = query.zone_answer(by_endpoint, &settings)?;
    let firewall = query.firewall_step(&settings, &zone, &rule)?;
    let firewall_for_ipv6 = query.for_ipv6().firewall_step(&settings, &zone, &rule)?;
    let (zone, to, addresses) = zone.step();
    let steps = vec![query.dns_support()?, firewall, rule, zone];
    let families = Families::of_addresses(&addresses).or_else(|| Families::of(&to));
    let addresses_of_zone = addresses;
    Ok(Name { host: query.host, families, to, addresses_of_zone, steps, firewall_for_ipv6 })
}

/// The Resolver rule that hands the question for `service` to servers whose answers AWS does not show.
///
/// # Errors
/// [`Unknown`] when the rules were not seen.
pub fn forwarding_rule<'a>(
    case: &Case<'a>,
    vpc: &VpcId,
    service: &str,
) -> Result<Option<(ResolverRuleId, &'a ResolverRule)>, Unknown> {
    let query = Query::new(case, case.scope, vpc, service);
    let settings = Settings::of(&query);
    let found = query.forwarding_rule(&query.by_endpoint()?, &settings);
    // A rule that was not seen may be for a longer domain, and keep the name here.
    match both(settings.unseen_rules.as_ref(), settings.unseen_profiles.as_ref()) {
        Some(unknown) => Err(unknown),
        None => Ok(found.map(|(id, rule)| (id.clone(), rule))),
    }
}

impl Query<'_, '_> {
    /// Does the VPC's resolver answer at all? Without DNS support it answers nothing, public names
    /// included (VPC User Guide, "DNS attributes for your VPC").
    fn dns_support(&self) -> Result<Step, Unknown> {
        let answer = match seen(self.facts.vpc_dns(self.vpc).required())? {
            Ok(dns) if dns.support => {
                Ok(Verdict::Pass(observed(self.vpc, Statement::DnsSupportOn)))
            }
            Ok(_) => {
                let off = Statement::DnsSupportOff { host: self.host.clone() };
                let remedy = Remedy::EnableDnsSupport { vpc: self.vpc.clone() };
                let fix = Fix::of(remedy, Recovery::Agent);
                self.fails_at_amazons_resolver(observed(self.vpc, off), fix)?
            }
            Err(unknown) => Err(unknown),
        };
        Ok(Step { kind: StepKind::Resolver, id: self.vpc.to_string(), answer })
    }
}
