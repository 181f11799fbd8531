//! The DNS servers that a VPC's DHCP options hand out.

use alloc::string::String;
use core::net::{IpAddr, Ipv4Addr};

use ipnet::{IpNet, Ipv4Net};

use ssm_doctor_facts::{
    ids::{DhcpOptionsId, VpcId},
    limit::DnsLimit,
    lookup::{Facts, Unknown},
};

/// The DNS servers that DHCP hands out; None for a VPC without DHCP options.
///
/// Instances on Nitro ask Amazon's resolver then. Older ones have no DNS server at all, and AWS does not
/// tell the two apart. Source: VPC user guide, "DHCP option set concepts".
///
/// # Errors
/// [`Unknown`] when the DHCP options were not seen, or name no server.
pub fn dhcp_servers<'a>(facts: &'a Facts, vpc: &VpcId) -> Result<Option<&'a [String]>, Unknown> {
    match handed_out(facts, vpc)? {
        Some((options, [])) => Err(Unknown::limit(DnsLimit::NoServersInDhcpOptions {
            options: options.clone(),
            vpc: vpc.clone(),
        })),
        Some((_, servers)) => Ok(Some(servers)),
        None => Ok(None),
    }
}

/// The set of DHCP options of a VPC, if it has one, and the DNS servers in it.
///
/// # Errors
/// [`Unknown`] when they were not seen.
pub fn handed_out<'a>(
    facts: &'a Facts,
    vpc: &VpcId,
) -> Result<Option<(&'a DhcpOptionsId, &'a [String])>, Unknown> {
    let row = facts.vpc(vpc).required()?;
    let Some(id) = row.dhcp_options.as_ref().filter(|id| id.as_str() != "default") else {
        return Ok(None);
    };
    Ok(Some((id, &facts.dhcp_options(id).required()?.name_servers)))
}

/// A name server from DHCP that is not Amazon's, if there is one.
///
/// # Errors
/// As [`dhcp_servers`].
pub fn foreign_resolver<'a>(facts: &'a Facts, vpc: &VpcId) -> Result<Option<&'a str>, Unknown> {
    let Some(servers) = dhcp_servers(facts, vpc)? else { return Ok(None) };
    let cidrs = &facts.vpc(vpc).required()?.cidrs;
    Ok(servers.iter().map(String::as_str).find(|server| !is_amazons(server, cidrs)))
}

/// `AmazonProvidedDNS`, its link-local addresses, or the base of the VPC's primary IPv4 CIDR, which is the first
/// one, plus two. In other CIDRs that address is reserved, and nothing is said to answer there. Source: VPC User
/// Guide, "Amazon DNS server".
pub(crate) fn is_amazons(server: &str, cidrs: &[IpNet]) -> bool {
    if server.eq_ignore_ascii_case("AmazonProvidedDNS") {
        return true;
    }
    match server.parse::<IpAddr>() {
        Ok(IpAddr::V4(server)) => {
            server == Ipv4Addr::new(169, 254, 169, 253)
                || primary(cidrs).is_some_and(|net| {
                    u32::from(net.network()).checked_add(2).map(Ipv4Addr::from) == Some(server)
                })
        }
        Ok(IpAddr::V6(server)) => server.segments() == [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x253],
        Err(_) => false,
    }
}

fn primary(cidrs: &[IpNet]) -> Option<Ipv4Net> {
    cidrs.iter().find_map(|cidr| match cidr {
        IpNet::V4(net) => Some(*net),
        IpNet::V6(_) => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amazons_resolver_has_several_addresses() {
        let cidrs =
            ["fd00:1::/56", "10.0.0.0/16", "100.64.0.0/24"].map(|cidr| cidr.parse().unwrap());
        let amazons = ["AmazonProvidedDNS", "169.254.169.253", "10.0.0.2", "fd00:ec2::253"];
        let others = [
            "10.0.0.3",
            "100.64.0.2",
            "8.8.8.8",
            "fd00:1::2",
            "fd00:ec2::254",
            "dc1.example.com",
            "",
        ];
        for server in amazons {
            assert!(is_amazons(server, &cidrs), "{server}");
        }
        for server in others {
            assert!(!is_amazons(server, &cidrs), "{server}");
        }
    }
}
