//! What the node sees is what AWS shows.
//!
//! A probe on the node sees results, and AWS's APIs show settings. Where both disagree, the node does not have these
//! settings: they changed after it started, or something between the node and AWS is not visible in AWS's APIs.
//! A node that reached the services proves the path to them, whatever could not be read of the path.

use core::net::IpAddr;

use ssm_doctor_analysis::{
    dns::{self, Resolution},
    node::probe,
    permissions::instance_profile::profile_name,
};
use ssm_doctor_facts::{
    probe::{Probe, Role, Source},
    special_addresses::AddressKind,
    ssm::CORE,
};

use crate::node_probe::{Standing, age, given, known_time, standing_at, subject, time};
use crate::{path, prelude::*};

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Agent,
    impact: Impact::Degrades,
    depends_on: path::joined!(
        path::HOPS,
        &[
            &crate::identity::profile_attached::CHECK,
            &crate::identity::profile_contains_role::CHECK,
            &crate::identity::role_trusts_ec2::CHECK,
            &crate::identity::profile_settled::CHECK,
        ],
    ),
    proves: path::HOPS,
    run,
};

/// A probe that is older shows nothing of the settings now.
const FRESH: i64 = 15 * 60;

fn run(case: &Case) -> Answer {
    let Some(probe) = given(case)? else {
        return Ok(Verdict::NotApplicable("no probe of the node was given (--probe)"));
    };
    let at = time(probe);
    let fresh = at.is_some_and(|at| at.until(case.scope.at) <= FRESH);
    let stands = standing_at(case, known_time(case, at), false, 0)?;
    if !fresh && !matches!(stands, Standing::Holds) {
        return Ok(Verdict::NotApplicable("the node has reported since the probe"));
    }
    if let Some((evidence, fix)) = role_differs(case, probe)? {
        return Ok(Verdict::Fail(evidence.and(age(case, probe)), fix));
    }
    if probe.source == Source::SsmCli {
        return Ok(Verdict::NotApplicable("ssm-cli sees too little of the services to compare"));
    }
    if probe::other_region(probe, case.scope.region.as_str()).is_some() {
        return Ok(Verdict::NotApplicable("the probe asked the services of another Region"));
    }
    if !probe::reaches_services(probe) {
        if let Some((evidence, fix)) = names_differ(case, probe)? {
            return Ok(Verdict::Fail(evidence.and(age(case, probe)), fix));
        }
        return Ok(Verdict::NotApplicable(
            "the probe did not reach the services, and other checks say why",
        ));
    }
    if !fresh {
        return Ok(Verdict::NotApplicable("the probe is older than 15 minutes"));
    }
    let evidence = observed(
        subject(probe),
        "reached ssm and ssmmessages up to an answer of AWS with a trusted certificate",
    );
    Ok(Verdict::Pass(evidence.and(age(case, probe))))
}

/// The role that the metadata service hands out, against the one in the instance profile.
fn role_differs(case: &Case, probe: &Probe) -> Result<Option<(Evidence, Fix)>, Unknown> {
    let Some(seen) = probe.metadata.as_ref().and_then(|metadata| metadata.role.as_ref()) else {
        return Ok(None);
    };
    let Some(id) = case.scope.target.instance() else { return Ok(None) };
    let Some(instance) = case.facts.instance(id).optional()? else { return Ok(None) };
    let Some(arn) = &instance.profile else { return Ok(None) };
    let name = profile_name(arn)?;
    let Some(profile) = case.facts.instance_profile(&name).optional()? else { return Ok(None) };
    let Some(role) = profile.roles.first() else { return Ok(None) };
    let wait = Fix::new(
        "attach the instance profile anew (disassociate and associate it), or wait until the metadata service has the role, and restart the agent",
        Recovery::Agent,
    );
    let shows = observed(id, format!("has an instance profile with the role {role}"));
    // ssm-cli names the role of the agent's credentials, which need not be those of the metadata service.
    if probe.source == Source::SsmCli && *seen != Role::None {
        return Ok(None);
    }
    Ok(match seen {
        Role::None => {
            let listed = observed(subject(probe), "saw that the metadata service lists no role");
            Some((listed.and(shows), wait))
        }
        Role::Named { name, .. } if *name != role.to_string() => {
            let says = format!("saw that the metadata service has credentials of {name}");
            Some((observed(subject(probe), says).and(shows), wait))
        }
        Role::Named { code: Some(code), .. } if code != "Success" => {
            let says =
                format!("saw that the metadata service has no credentials of {role} ({code})");
            Some((observed(subject(probe), says).and(shows), wait))
        }
        Role::Named { .. } => None,
    })
}

/// A service's name that leads the node to public addresses although the VPC's resolver leads to an endpoint, or the
/// reverse. Where the node reaches the services all the same, the difference does not matter.
fn names_differ(case: &Case, probe: &Probe) -> Result<Option<(Evidence, Fix)>, Unknown> {
    let Some(id) = case.scope.target.instance() else { return Ok(None) };
    let Some(instance) = case.facts.instance(id).optional()? else { return Ok(None) };
    let Some(vpc) = &instance.vpc else { return Ok(None) };
    for service in CORE {
        let addresses: Vec<_> = probe::addresses(probe, service).collect();
        let public = |address: &IpAddr| AddressKind::of(address) == AddressKind::Public;
        let (Some(first), all_public) = (addresses.first(), addresses.iter().all(public)) else {
            continue;
        };
        let all_private = !addresses.iter().any(public);
        let name = dns::resolve(case, vpc, service)?;
        let shows = match &name.to {
            Resolution::Endpoint(endpoint) if all_public => {
                observed(&endpoint.id, format!("is where the VPC's resolver leads {}", name.host))
            }
            Resolution::Public if all_private => observed(
                vpc,
                format!("has a resolver that leads {} to public addresses", name.host),
            ),
            _ => continue,
        };
        let sees = format!("saw that {} leads to {first}", name.host);
        let fix = Fix::new(
            "remove the service's name from /etc/hosts of the node, or let the node ask the VPC's resolver",
            Recovery::Agent,
        );
        return Ok(Some((observed(subject(probe), sees).and(shows), fix)));
    }
    Ok(None)
}
