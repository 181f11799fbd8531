//! The VPC's resolver logged the answers for the services' names that its settings lead to.
//!
//! The log shows what the instance was told, where the other checks show what it should be told. It is read only on
//! request. It has no query that goes to another DNS server, and none that is answered from the resolver's cache, so a
//! query that is missing proves nothing.

use crate::prelude::*;
use ssm_doctor_analysis::{
    dns::{
        self,
        query_log::{self, WrongAnswer, latest, refusal, wrong_address},
    },
    network::service,
};
use ssm_doctor_facts::resolver_query_logs::LoggedQuery;

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Dns,
    impact: Impact::Blocks,
    depends_on: &[
        &crate::target::found_in_region::CHECK,
        &crate::target::instance_running::CHECK,
        &super::endpoint_private_dns_on::CHECK,
        &super::no_firewall_blocks_names::CHECK,
        &super::no_rule_diverts_names::CHECK,
        &super::no_zone_shadows_endpoints::CHECK,
        &super::vpc_dns_enabled::CHECK,
        &super::vpc_resolver_in_use::CHECK,
    ],
    proves: &[],
    run: |case| answer(run(case)),
};

fn run(case: &Case) -> Judged {
    let (id, instance) = logged_instance(case, "AWS logs no queries of a hybrid node")?;
    let vpc = instance.vpc.as_ref();
    let vpc = vpc.or_not_applicable("the instance is in no VPC any more")?;
    let queries = query_log::logged(case, id, vpc)?;
    let queries = queries
        .or_not_applicable("the queries of the VPC are logged to no log group of this account")?;
    let judge = |service: &'static str| {
        let host = case.scope.region.service_host(service);
        match latest(&queries, &host) {
            Some(query) => judge(case, vpc, service, query),
            None => Err(Unknown::limit(format!(
                "the query log has no query of {id} for {host} in the last hour: the agent asks another DNS server, asks nothing, or was answered from the resolver's cache"
            ))),
        }
    };
    Ok(all_of(service::CORE, "no service is needed", judge)?)
}

fn judge(case: &Case, vpc: &VpcId, service: &str, query: &LoggedQuery) -> Answer {
    let LoggedQuery { name: host, at, answers, .. } = query;
    let wrong = match refusal(query) {
        Some(wrong) => Some(wrong),
        None => wrong_address(query, &dns::resolve(case, vpc, service)?, case.facts)?,
    };
    let Some(wrong) = wrong else {
        let addresses: Vec<String> = answers.iter().map(ToString::to_string).collect();
        let what = match addresses.as_slice() {
            [] => "was answered as it should be".into(),
            _ => format!("resolved to {}", addresses.join(", ")),
        };
        return Ok(Verdict::Pass(observed(host, format!("{what} at {at}, by the query log"))));
    };
    let (what, fix) = match &wrong {
        WrongAnswer::BlockedByFirewall => (
            "was blocked by a DNS Firewall rule".into(),
            "let DNS Firewall answer the name, as the runbook of dns/no-firewall-blocks-names shows",
        ),
        WrongAnswer::Code(code) => (
            format!("was answered {code}"),
            "find the Resolver rule, Route 53 Profile or private hosted zone that answers the name, and correct it or take it off the VPC",
        ),
        WrongAnswer::NoAddress => (
            "was answered without an address".into(),
            "find the private hosted zone or Route 53 Profile that answers the name, and add the record or take it off the VPC",
        ),
        WrongAnswer::OtherAddresses { endpoint, addresses } => {
            let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
            let addresses = addresses.join(", ");
            (
                format!("resolved to {addresses}, and {endpoint} has none of these addresses,"),
                "find the Resolver rule, Route 53 Profile or private hosted zone that answers the name, and let it lead to the endpoint",
            )
        }
    };
    let evidence = observed(host, format!("{what} at {at}, by the query log of {vpc}"));
    Ok(Verdict::Fail(evidence, Fix::new(fix, Recovery::Agent)))
}
