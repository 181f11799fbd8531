//! VPC Flow Logs show no rejected packet between the instance and the services.
//!
//! They show what happened, where the other checks show what the rules are. They are read only on request, and say little
//! of their own: not which rule rejected a packet, nothing of a packet that the system never sent, nothing of the last
//! minutes. So packets to public addresses, which may be anybody's, decide nothing, and neither do rejected replies unless
//! a network ACL is seen to reject them.

use alloc::collections::BTreeMap;
use core::net::IpAddr;

use crate::prelude::*;
use ssm_doctor_analysis::{
    dns::{self, query_log},
    network::{
        flow_log::{Rejection, rejections, shows_rejected},
        hop::HopKind,
        path, service,
    },
};
use ssm_doctor_facts::{
    ec2::AttachedInterface,
    flow_logs::{FlowLog, FlowSearch, RejectedFlow},
    lookup::Unknowns,
    resolver_query_logs::LoggedQuery,
};

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Filter,
    impact: Impact::Blocks,
    depends_on: &[
        &crate::target::found_in_region::CHECK,
        &crate::target::instance_running::CHECK,
        &super::acls_pass_every_reply::CHECK,
        &super::acls_pass_https::CHECK,
        &super::instance_sends_https::CHECK,
    ],
    proves: &[],
    run: |case| answer(run(case)),
};

fn run(case: &Case) -> Judged {
    let (id, instance) = logged_instance(case, "AWS logs no packets of a hybrid node")?;
    let interface = instance.primary_interface().zip(instance.vpc.as_ref());
    let (interface, vpc) =
        interface.or_not_applicable("the instance has no network interface any more")?;
    let logs = case.facts.flow_logs(id).required()?;
    let logs: Vec<&FlowLog> = logs.iter().filter(|log| shows_rejected(log)).collect();
    let first = logs.first().or_not_applicable(
        "no flow log in CloudWatch Logs shows rejected packets of the instance",
    )?;
    let mut unseen = Unknowns::default();
    let recorded: Vec<(&FlowLog, &Vec<RejectedFlow>)> = logs
        .iter()
        .filter_map(|log| {
            let search = FlowSearch { log: log.id.clone(), interface: interface.id.clone() };
            Some((*log, unseen.keep(case.facts.rejected_packets(&search).required())?))
        })
        .collect();
    let mut services = addresses(case, vpc, &mut unseen);
    let to_public = |services: &BTreeMap<IpAddr, &'static str>| {
        let mut found = recorded.iter().flat_map(|(_, rows)| rejections(rows, interface, services));
        found.find(|rejection| rejection.service.is_none())
    };
    if to_public(&services).is_some() {
        let queries = unseen.keep(query_log::logged(case, id, vpc)).flatten();
        services.extend(logged_addresses(case, &queries.unwrap_or_default()));
    }
    let unseen = seen(unseen.none())?;
    let mut failures: Option<Evidence> = None;
    let mut acls_reject_replies = false;
    let mut doubts = Unknowns::default();
    doubts.keep(unseen);
    for (log, rows) in &recorded {
        for rejection in rejections(rows, interface, &services) {
            let Some(service) = rejection.service else { continue };
            if rejection.replies {
                match doubt(case, log, &rejection, service)? {
                    Some(doubt) => doubts.add(doubt),
                    None => acls_reject_replies = true,
                }
                continue;
            }
            let what = observed(&log.id, words(&rejection, service));
            let what = what.and(filters(interface));
            failures = Some(match failures {
                Some(failures) => failures.and(what),
                None => what,
            });
        }
    }
    if let Some(evidence) = failures {
        return Ok(Verdict::Fail(evidence, fix(interface)));
    }
    doubts.none()?;
    if acls_reject_replies {
        return Err(NoVerdict::NotApplicable(
            "replies were rejected, and the checks of network ACLs show by which",
        ));
    }
    if let Some(rejection) = to_public(&services) {
        return Err(Unknown::limit(format!(
            "packets from {} to {}:443 were rejected, and which service has that address is not visible",
            rejection.own, rejection.remote
        ))
        .into());
    }
    let what = "recorded no rejected packet between the instance and port 443 of a service in the last hour";
    Ok(Verdict::Pass(observed(&first.id, what)))
}

/// The addresses that names of services are known to have in the VPC.
fn addresses(case: &Case, vpc: &VpcId, unseen: &mut Unknowns) -> BTreeMap<IpAddr, &'static str> {
    let mut services = BTreeMap::new();
    for service in service::CORE {
        let name = dns::resolve(case, vpc, service);
        let addresses = unseen.keep(name.and_then(|name| name.addresses(case.facts)));
        services.extend(addresses.into_iter().flatten().map(|address| (address, service)));
    }
    services
}

/// The addresses that the VPC's resolver gave for names of services.
fn logged_addresses(case: &Case, queries: &[&LoggedQuery]) -> BTreeMap<IpAddr, &'static str> {
    let of = |service: &'static str| {
        let host = case.scope.region.service_host(service);
        let queries = queries.iter().filter(move |query| query.name == host);
        queries.flat_map(move |query| query.answers.iter().map(move |address| (*address, service)))
    };
    service::CORE.into_iter().flat_map(of).collect()
}

/// Why rejected replies decide nothing; None if network ACLs are seen to reject them.
fn doubt(
    case: &Case,
    log: &FlowLog,
    rejection: &Rejection,
    service: &str,
) -> Result<Option<Unknown>, Unknown> {
    let acls = seen(path::judge(case, &[HopKind::Acl, HopKind::SomeReplies]))?;
    if matches!(acls, Ok(Verdict::Fail(..))) {
        return Ok(None);
    }
    let doubt = Unknown::limit(format!(
        "{} {}, and no network ACL is seen to reject replies: a security group rejects those of a connection that was idle for long",
        log.id,
        words(rejection, service)
    ));
    Ok(Some(match acls {
        Err(unseen) => doubt.and(unseen),
        Ok(_) => doubt,
    }))
}

fn words(rejection: &Rejection, service: &str) -> String {
    let Rejection { own, remote, replies, packets, last, .. } = rejection;
    let packets = format!("{packets} rejected packet{}", if *packets == 1 { "" } else { "s" });
    if *replies {
        format!("recorded {packets} from {service} at {remote}:443 to {own}, the last at {last}")
    } else {
        format!("recorded {packets} from {own} to {service} at {remote}:443, the last at {last}")
    }
}

/// What can have rejected packets that leave.
fn filters(interface: &AttachedInterface) -> Evidence {
    let groups: Vec<String> = interface.security_groups.iter().map(ToString::to_string).collect();
    let what = format!(
        "has the security groups {}; flow logs do not show whether one of them or the network ACL of {} rejected the packets",
        groups.join(", "),
        interface.subnet
    );
    observed(&interface.id, what)
}

fn fix(interface: &AttachedInterface) -> Fix {
    let group = FixOption::new(format!(
        "let a security group of {} send tcp/443 to these addresses, as the runbook of network/instance-sends-https shows",
        interface.id
    ));
    let acl = FixOption::new(format!(
        "let the network ACL of {} pass tcp/443 to these addresses and the replies, as the runbook of network/acls-pass-https shows",
        interface.subnet
    ));
    Fix::options([group, acl], Recovery::Agent)
}
