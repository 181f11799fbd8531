//! What `<service>.<region>.<suffix>` resolves to from inside a VPC.
//!
//! An interface endpoint with private DNS puts a hidden zone on the whole VPC: every subnet then
//! resolves the name to the endpoint, public ones too, and only by Amazon's resolver.

use alloc::format;

use crate::model::{
    ec2::{Endpoint, EndpointKind, EndpointState},
    facts::{Facts, Unknown},
    ids::*,
    scope::Scope,
};

/// Where the agent is sent when it asks for a service.
#[derive(Debug)]
pub enum Resolution<'a> {
    /// To the network interfaces of this endpoint.
    Endpoint(&'a Endpoint),
    /// To public addresses, and no endpoint in the VPC was meant to prevent it.
    Public,
    /// To public addresses although this endpoint stands there.
    PublicDespite(&'a Endpoint, Defect),
}

/// Why an endpoint does not get the traffic that it was made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defect {
    NotAvailable,
    PrivateDnsOff,
    /// The VPC's `enableDnsSupport` or `enableDnsHostnames` is off.
    VpcDnsOff,
}

/// # Errors
/// [`Unknown`] when what decides was not seen, or the VPC's instances ask a DNS server of their own.
pub fn resolve<'a>(
    facts: &'a Facts,
    scope: &Scope,
    vpc: &VpcId,
    service: &str,
) -> Result<Resolution<'a>, Unknown> {
    let endpoints = facts.endpoints(vpc).required()?;
    let candidates = || {
        endpoints
            .iter()
            .filter(|it| it.kind == EndpointKind::Interface)
            .filter(|it| it.serves(&scope.region) == Some(service))
    };
    let Some(any) = candidates().next() else { return Ok(Resolution::Public) };
    let Some(available) = candidates().find(|it| it.state == EndpointState::Available) else {
        return Ok(Resolution::PublicDespite(any, Defect::NotAvailable));
    };
    let Some(endpoint) =
        candidates().find(|it| it.private_dns && it.state == EndpointState::Available)
    else {
        return Ok(Resolution::PublicDespite(available, Defect::PrivateDnsOff));
    };
    let dns = facts.vpc_dns(vpc).required()?;
    if !dns.support || !dns.hostnames {
        return Ok(Resolution::PublicDespite(endpoint, Defect::VpcDnsOff));
    }
    match foreign_resolver(facts, vpc)? {
        None => Ok(Resolution::Endpoint(endpoint)),
        Some(server) => Err(Unknown::limit(format!(
            "instances of {vpc} ask the DNS server {server}: unless it forwards {}.{} to the VPC's own resolver, {service} resolves to public addresses instead of {}",
            scope.region,
            scope.region.dns_suffix(),
            endpoint.id
        ))),
    }
}

/// A name server from DHCP that is not Amazon's, if there is one.
///
/// # Errors
/// [`Unknown`] when the DHCP options were not seen.
pub fn foreign_resolver<'a>(facts: &'a Facts, vpc: &VpcId) -> Result<Option<&'a str>, Unknown> {
    let row = facts.vpc(vpc).required()?;
    let Some(id) = row.dhcp_options.as_ref().filter(|it| it.as_str() != "default") else {
        return Ok(None);
    };
    let servers = &facts.dhcp_options(id).required()?.name_servers;
    Ok(servers.iter().map(alloc::string::String::as_str).find(|it| !is_amazons(it, &row.cidrs)))
}

/// `AmazonProvidedDNS`, its link-local address, or the base of a VPC CIDR plus two.
fn is_amazons(server: &str, cidrs: &[ipnet::IpNet]) -> bool {
    if server.eq_ignore_ascii_case("AmazonProvidedDNS") || server == "169.254.169.253" {
        return true;
    }
    let Ok(server) = server.parse::<core::net::Ipv4Addr>() else { return false };
    cidrs.iter().any(|it| match it {
        ipnet::IpNet::V4(net) => {
            u32::from(net.network()).checked_add(2).map(core::net::Ipv4Addr::from) == Some(server)
        }
        ipnet::IpNet::V6(_) => false,
    })
}
