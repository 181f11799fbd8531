//! Instances ask Amazon's resolver, or one that the agent is seen to get on with.
//!
//! Other name servers (Active Directory's, a filter's) are a fact, not yet a fault: with a
//! forwarder for AWS's names all is well, and that forwarder is not visible from here. So this never
//! blocks by itself; it is the explanation when the agent stays away.

use alloc::vec;
use core::net::IpAddr;

use crate::{network_remedies::amazon_provided_dns, prelude::*};
use ssm_doctor_analysis::{
    dns::{self, Resolution},
    network::service,
};
use ssm_doctor_facts::{lookup::Need, route53::Place};

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
    let (server, handed) = match dns::handed_out(case.facts, vpc)? {
        Some((options, [])) => (None, observed(options, "hands out no DNS server")),
        _ => match dns::foreign_resolver(case.facts, vpc)? {
            Some(server) => {
                (Some(server), observed(vpc, format!("hands out the DNS server {server}")))
            }
            None => return Ok(Verdict::Pass(observed(vpc, "hands out Amazon's DNS resolver"))),
        },
    };
    let silent = any_of(service::CORE, |service| {
        Ok((!service::agent_reaches(case, service)?).then_some(service))
    })?;
    let Some(service) = silent else {
        let through = "is registered and connected, so it is told where the services are";
        return Ok(Verdict::Pass(handed.and(observed(id, through))));
    };
    let domain = format!("{}.{}", case.scope.region, case.scope.region.dns_suffix());
    if let Some(server) = server.filter(|it| ANSWER_ANYBODY.contains(it)) {
        let private = any_of(service::CORE, |service| {
            let name = seen(dns::resolve(case, vpc, service))?;
            Ok((!matches!(name.map(|it| it.to), Ok(Resolution::Public))).then_some(service))
        })?;
        if private.is_none() {
            let answers = "answers anybody, and the services have public addresses here";
            return Ok(Verdict::Pass(handed.and(observed(server, answers))));
        }
    }
    let provide = amazon_provided_dns(vpc);
    let (evidence, options) = match server {
        None => {
            let left = "leaves its instances with the DNS servers of their images, if any";
            (handed.and(observed(vpc, left)), vec![provide])
        }
        Some(server) => {
            let forward = FixOption::new(format!(
                "let {server} forward {domain} to the resolver of {vpc}"
            ))
            .after(format!(
                "on {server}, add a conditional forwarder for {domain} to the resolver of {vpc}: the base address of the VPC plus two"
            ));
            (
                handed.and(doubts(server, service, vpc, case)?),
                if ANSWER_ANYBODY.contains(&server) {
                    vec![provide]
                } else {
                    vec![forward, provide]
                },
            )
        }
    };
    Ok(Verdict::Fail(evidence, Fix::options(options, Recovery::Agent)))
}

/// Public resolvers: Google's, Cloudflare's, Quad9's and Cisco's.
const ANSWER_ANYBODY: [&str; 8] = [
    "8.8.8.8",
    "8.8.4.4",
    "1.1.1.1",
    "1.0.0.1",
    "9.9.9.9",
    "149.112.112.112",
    "208.67.222.222",
    "208.67.220.220",
];

/// What a server may not know, and whether it is there at all.
fn doubts(server: &str, service: &str, vpc: &VpcId, case: &Case) -> Result<Evidence, Unknown> {
    let relied_on = case.facts.endpoints(vpc).required()?.iter().find(|it| {
        it.private_dns
            && it.serves(&case.scope.region).is_some_and(|it| service::CORE.contains(&it))
    });
    let domain = format!("{}.{}", case.scope.region, case.scope.region.dns_suffix());
    let knows = if let Some(endpoint) = relied_on {
        format!(
            "knows the private names of {} only if it forwards {domain} to the VPC's resolver",
            endpoint.id
        )
    } else {
        let host = case.scope.region.service_host(service);
        format!("may not answer for {host}, which is not visible")
    };
    let evidence = observed(server, knows);
    let Ok(address) = server.parse::<IpAddr>() else { return Ok(evidence) };
    if !case.facts.vpc(vpc).required()?.cidrs.iter().any(|it| it.contains(&address)) {
        return Ok(evidence);
    }
    let place = Place { vpc: vpc.clone(), address };
    Ok(match case.facts.interface_at(&place).optional() {
        Ok(None) => evidence.and(observed(
            server,
            "is the address of no network interface that this account may see",
        )),
        Err(unknown) if unknown.is_unasked() => evidence.wanting([Need::interface_at(place)]),
        _ => evidence,
    })
}
