//! From this machine the services' names lead to the services.
//!
//! A private address is no fault by itself: over a VPN, names rightly lead to the endpoints of some VPC.
//! It is one where nothing answers there, as when DNS forwards to a VPC that only the VPN reaches.

use crate::client_words::{fails, of_network, passes};
use crate::prelude::*;
use ssm_doctor_analysis::workstation::{self, Workstation};
use ssm_doctor_facts::workstation::{Contact, Host, Outcome, Stage};

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Session,
    impact: Impact::Blocks,
    depends_on: &[],
    proves: &[],
    run,
};

fn run(case: &Case) -> Answer {
    of_network(case, |workstation| {
        let hosts = [
            workstation::api_host(workstation.surroundings, case.scope),
            workstation::host("ssmmessages", case.scope),
        ];
        all_of(hosts, "a proxy resolves the names", |host| judge(case, &workstation, &host))
    })
}

fn judge(case: &Case, workstation: &Workstation, host: &Host) -> Answer {
    let contact = case.facts.here_contact(host).required()?;
    if contact.proxy.is_some() {
        return Ok(Verdict::NotApplicable("a proxy resolves the name"));
    }
    let Some(row) = case.facts.here_name(host).optional()? else {
        return missing(workstation, host);
    };
    let server = row.server.as_ref().map(|it| format!(" (asked of {it})")).unwrap_or_default();
    let listed: Vec<String> = row.addresses.iter().map(ToString::to_string).collect();
    let resolves = format!("resolves from this machine to {}{server}", listed.join(", "));
    if row.addresses.iter().all(workstation::is_nowhere) {
        return fails(
            host,
            format!("{resolves}, which is no address of a service: a filter answers so"),
            "have the DNS filter of this machine or its network let the name pass, and look into the hosts file",
        );
    }
    let Some(private) = row.addresses.iter().find(|it| workstation::is_private(it)) else {
        return passes(host, resolves);
    };
    if let Some(endpoint) = workstation::endpoint_at(case, *private)? {
        return passes(host, format!("{resolves}: {private} is {endpoint}"));
    }
    match unanswered(contact) {
        None => passes(host, format!("{resolves}, where it answers")),
        Some(how) => fails(
            host,
            format!(
                "{resolves}: private, the address of no endpoint that is known, and there is no connection ({how})"
            ),
            "connect the VPN whose DNS this machine uses, or have the DNS server answer with public addresses: it forwards AWS's names to a VPC that this machine does not reach",
        ),
    }
}

fn missing(workstation: &Workstation, host: &Host) -> Answer {
    match &workstation.surroundings.dual_stack {
        Some(setting) if host.is_dual_stack() => fails(
            host,
            format!("does not exist for this machine, and {setting} makes the AWS CLI ask for it"),
            "turn dual-stack endpoints off: AWS_USE_DUALSTACK_ENDPOINT=false",
        ),
        _ => fails(
            host,
            "does not exist for the DNS server of this machine",
            "have that DNS server resolve AWS's names, or use another one; over a VPN, check its split DNS",
        ),
    }
}

/// Why nothing was found at the address, if so.
fn unanswered(contact: &Contact) -> Option<String> {
    match &contact.outcome {
        Outcome::Closed { at: Stage::Tcp, how } => Some(how.clone()),
        Outcome::Silent { at: Stage::Tcp, seconds } => {
            Some(format!("silence for {seconds} seconds"))
        }
        _ => None,
    }
}
