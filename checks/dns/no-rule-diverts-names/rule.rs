//! No Resolver rule hands the names of Systems Manager to other DNS servers.
//!
//! Those may know better (the inbound endpoint of a VPC with central endpoints) or worse (a data
//! centre's servers, which give public addresses). Which it is does not show in AWS, so this never
//! blocks by itself; it is the explanation when the agent stays away.

use crate::{dns_words, prelude::*};
use ssm_doctor_analysis::{
    dns::{self, Statement},
    network::service,
};
use ssm_doctor_facts::{change::Route53ResolverChange, route53::ResolverRule};

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Dns,
    impact: Impact::Advises,
    depends_on: &[&crate::target::found_in_region::CHECK],
    proves: &[],
    run,
};

fn run(case: &Case) -> Answer {
    let Some(id) = case.scope.target.instance() else {
        return Ok(Verdict::NotApplicable("a hybrid node's resolver is not visible to AWS"));
    };
    let Some(vpc) = &case.facts.instance(id).required()?.vpc else {
        return Ok(Verdict::NotApplicable("the instance is in no VPC any more"));
    };
    all_of(service::CORE, "no name is asked for", |service| {
        let host = case.scope.region.service_host(service);
        let Some((id, rule)) = dns::forwarding_rule(case, vpc, service)? else {
            return Ok(Verdict::Pass(observed(vpc, Statement::NoForwardingRule { host })));
        };
        if service::agent_reaches(case, service)? {
            let through = format!("forwards {host} elsewhere, and the agent reaches {service}");
            return Ok(Verdict::Pass(observed(&id, through)));
        }
        let domain = dns_words::shown(rule.domain.as_deref().unwrap_or_default());
        let targets = rule.targets.join(", ");
        Ok(Verdict::Fail(
            observed(
                &id,
                format!(
                    "forwards queries for {domain}, {host} among them, to {targets}, which may not know the private addresses of AWS services"
                ),
            ),
            Fix::options(
                [keep_in_vpc(vpc, &id, rule, &host).after(format!(
                    "see on the node which address {targets} answers for {host}: if the node reaches that address, this rule is not the fault"
                ))],
                Recovery::Agent,
            ),
        ))
    })
}

/// A Resolver rule for the name alone, which is more specific than the one that forwards. A second rule
/// for the same domain cannot be associated.
fn keep_in_vpc(vpc: &VpcId, id: &ResolverRuleId, rule: &ResolverRule, host: &str) -> FixOption {
    if rule.domain.as_deref() == Some(host) {
        return FixOption::new(format!("take the Resolver rule {id} off {vpc}")).with(
            Route53ResolverChange::DisassociateResolverRule { rule: id.clone(), vpc: vpc.clone() },
        );
    }
    FixOption::new(format!("answer {host} in {vpc} by a SYSTEM rule"))
        .with(Route53ResolverChange::AssociateSystemRule { domain: host.into(), vpc: vpc.clone() })
}
