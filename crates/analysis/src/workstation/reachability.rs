//! What this machine's names and connections are compared with.

use core::net::IpAddr;

use crate::answer::any_of;
use crate::case::Case;
use ssm_doctor_facts::{
    ids::EndpointId,
    lookup::Unknown,
    scope::Scope,
    special_addresses::AddressKind,
    workstation::{Host, Surroundings},
};

#[must_use]
pub fn host(service: &str, scope: &Scope) -> Host {
    Host::of(service, &scope.region)
}

/// The host that the AWS CLI asks for the session.
#[must_use]
pub fn api_host(surroundings: &Surroundings, scope: &Scope) -> Host {
    match surroundings.dual_stack {
        Some(_) => Host::dual_stack("ssm", &scope.region),
        None => host("ssm", scope),
    }
}

/// An address that the internet does not carry.
#[must_use]
pub fn is_private(address: &IpAddr) -> bool {
    matches!(
        AddressKind::of(address),
        AddressKind::Private | AddressKind::Shared | AddressKind::LinkLocal
    )
}

/// An address of no other machine: what DNS filters answer with.
#[must_use]
pub fn is_nowhere(address: &IpAddr) -> bool {
    address.is_loopback() || address.is_unspecified()
}

/// The interface endpoint of the target's VPC that has this address.
///
/// # Errors
/// [`Unknown`] when the VPC's endpoints were not seen.
pub fn endpoint_at<'f>(
    case: &Case<'f>,
    address: IpAddr,
) -> Result<Option<&'f EndpointId>, Unknown> {
    let Some(id) = case.scope.target.instance() else { return Ok(None) };
    let Some(vpc) = case.facts.instance(id).optional()?.and_then(|row| row.vpc.as_ref()) else {
        return Ok(None);
    };
    any_of(case.facts.endpoints(vpc).required()?, |endpoint| {
        let found = any_of(&endpoint.interfaces, |id| {
            let interface = case.facts.network_interface(id).optional()?;
            Ok(interface.filter(|row| row.private_ips.contains(&address)))
        })?;
        Ok(found.map(|_| &endpoint.id))
    })
}
