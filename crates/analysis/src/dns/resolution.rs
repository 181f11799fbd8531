//! What a name resolves to in a VPC.

use alloc::{string::String, vec::Vec};
use core::net::IpAddr;

use crate::answer::Answer;
use crate::dns::endpoint_name::is_endpoint_name;
use ssm_doctor_facts::{
    ec2::{AddressFamily, Endpoint},
    ids::{EndpointId, VpcId},
    lookup::{Facts, Unknown, Unknowns},
};

/// A name, where it leads, and what the query for it passes.
#[derive(Clone, Debug)]
pub struct Name<'a> {
    pub host: String,
    /// Where packets go; past a step that fails, where they would go without it.
    pub to: Resolution<'a>,
    /// Where it leads to an endpoint by a private hosted zone's records with addresses: which of the endpoint's
    /// addresses they have. Empty if it leads to all of them.
    pub addresses_of_zone: Vec<IpAddr>,
    /// Which kinds of addresses the name has; None where AWS uses an unrecognized word.
    pub families: Option<Families>,
    /// What the query for IPv4 addresses passes, in the order in which the resolver takes the steps.
    pub steps: Vec<Step>,
    /// What DNS Firewall does with the query for IPv6 addresses: its rules may be for one type of query.
    pub(super) firewall_for_ipv6: Step,
}

impl Name<'_> {
    /// What the query for addresses of one kind passes.
    pub(crate) fn steps_for(&self, ipv6: bool) -> impl Iterator<Item = &Step> {
        self.steps.iter().map(move |step| {
            if ipv6 && step.kind == StepKind::Firewall { &self.firewall_for_ipv6 } else { step }
        })
    }

    /// The addresses that it is known to have: those of an endpoint's interfaces, or of a private hosted zone. Empty for
    /// public addresses.
    ///
    /// # Errors
    /// [`Unknown`] when an interface was not seen.
    pub fn addresses(&self, facts: &Facts) -> Result<Vec<IpAddr>, Unknown> {
        let endpoint = match &self.to {
            Resolution::Endpoint(_) if !self.addresses_of_zone.is_empty() => {
                return Ok(self.addresses_of_zone.clone());
            }
            Resolution::Endpoint(endpoint) => endpoint,
            Resolution::Elsewhere(there) => return Ok(there.addresses.clone()),
            Resolution::Public | Resolution::PublicDespite(..) => return Ok(Vec::new()),
        };
        let (mut addresses, mut unseen) = (Vec::new(), Unknowns::default());
        for id in &endpoint.interfaces {
            let interface = unseen.keep(facts.network_interface(id).required());
            addresses.extend(interface.into_iter().flat_map(|it| &it.private_ips));
        }
        unseen.none()?;
        Ok(addresses)
    }
}

/// Where the agent is sent when it asks for a service.
#[derive(Clone, Debug)]
pub enum Resolution<'a> {
    /// To the network interfaces of this endpoint of the VPC: by its private DNS, or, where that is
    /// off, by a private hosted zone.
    Endpoint(&'a Endpoint),
    /// To public addresses, and no endpoint in the VPC was meant to prevent it.
    Public,
    /// To public addresses although the VPC has this endpoint for the service.
    PublicDespite(&'a Endpoint, Defect),
    /// To what a private hosted zone or a Route 53 Profile says, which is no endpoint of this VPC.
    Elsewhere(Elsewhere),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Elsewhere {
    /// The zone's id, or the id of the endpoint that comes with a Profile.
    pub by: String,
    /// The name that the record points at, if it is not addresses that it has.
    pub target: Option<String>,
    /// Empty where AWS does not show them.
    pub addresses: Vec<IpAddr>,
}

impl Elsewhere {
    /// By a zone that has the addresses themselves, which may be out of date.
    pub(crate) fn is_by_address(&self) -> bool {
        self.target.is_none() && !is_endpoint_name(&self.by)
    }
}

/// Why an endpoint does not get the traffic that it was made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defect {
    NotAvailable,
    PrivateDnsOff,
    /// The VPC's `enableDnsSupport` or `enableDnsHostnames` is off.
    VpcDnsOff,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Families {
    pub v4: bool,
    pub v6: bool,
}

impl Families {
    pub(super) const V4: Self = Self { v4: true, v6: false };
    const V6: Self = Self { v4: false, v6: true };
    const BOTH: Self = Self { v4: true, v6: true };

    /// Source: AWS `PrivateLink` Guide, "DNS record IP type".
    pub(crate) fn of_endpoint(endpoint: &Endpoint) -> Option<Self> {
        match endpoint.dns_record_ip_type.as_ref().or(endpoint.ip_address_type.as_ref()) {
            // As the service has it: IPv4 alone for its standard name.
            None | Some(AddressFamily::V4 | AddressFamily::ServiceDefined) => Some(Self::V4),
            Some(AddressFamily::V6) => Some(Self::V6),
            Some(AddressFamily::Dual) => Some(Self::BOTH),
            Some(AddressFamily::Other(_)) => None,
        }
    }

    pub(super) fn of_addresses(addresses: &[IpAddr]) -> Option<Self> {
        let any = |v6| addresses.iter().any(|address| address.is_ipv6() == v6);
        (!addresses.is_empty()).then(|| Self { v4: any(false), v6: any(true) })
    }

    pub(super) fn of(resolution: &Resolution) -> Option<Self> {
        match resolution {
            Resolution::Endpoint(endpoint) => Self::of_endpoint(endpoint),
            Resolution::Elsewhere(elsewhere) => Self::of_addresses(&elsewhere.addresses),
            Resolution::Public | Resolution::PublicDespite(..) => Some(Self::V4),
        }
    }
}

/// One thing that a query passes, and whether it lets the right answer through.
#[derive(Clone, Debug)]
pub struct Step {
    pub kind: StepKind,
    /// The zone, rule or VPC in question.
    pub id: String,
    pub answer: Answer,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepKind {
    /// Does the VPC's resolver answer at all?
    Resolver,
    Firewall,
    Rule,
    Zone,
}

/// A [`Name`], as a case keeps it: with the ids of endpoints in place of their rows.
#[derive(Clone)]
pub(super) struct KnownName {
    host: String,
    to: KnownResolution,
    addresses_of_zone: Vec<IpAddr>,
    families: Option<Families>,
    steps: Vec<Step>,
    firewall_for_ipv6: Step,
}

#[derive(Clone)]
enum KnownResolution {
    Endpoint(EndpointId),
    Public,
    PublicDespite(EndpointId, Defect),
    Elsewhere(Elsewhere),
}

impl KnownName {
    pub(super) fn of(name: &Name) -> Self {
        let to = match &name.to {
            Resolution::Endpoint(endpoint) => KnownResolution::Endpoint(endpoint.id.clone()),
            Resolution::Public => KnownResolution::Public,
            Resolution::PublicDespite(endpoint, defect) => {
                KnownResolution::PublicDespite(endpoint.id.clone(), *defect)
            }
            Resolution::Elsewhere(elsewhere) => KnownResolution::Elsewhere(elsewhere.clone()),
        };
        let (host, steps) = (name.host.clone(), name.steps.clone());
        let addresses_of_zone = name.addresses_of_zone.clone();
        let firewall_for_ipv6 = name.firewall_for_ipv6.clone();
        Self { host, to, addresses_of_zone, families: name.families, steps, firewall_for_ipv6 }
    }

    /// INVARIANT: the endpoints are rows of this VPC.
    pub(super) fn restore<'a>(self, facts: &'a Facts, vpc: &VpcId) -> Result<Name<'a>, Unknown> {
        let endpoints = facts.endpoints(vpc).required()?;
        let row = |id: &EndpointId| endpoints.iter().find(|endpoint| endpoint.id == *id);
        let to = match self.to {
            KnownResolution::Endpoint(id) => row(&id).map(Resolution::Endpoint),
            KnownResolution::Public => Some(Resolution::Public),
            KnownResolution::PublicDespite(id, defect) => {
                row(&id).map(|endpoint| Resolution::PublicDespite(endpoint, defect))
            }
            KnownResolution::Elsewhere(elsewhere) => Some(Resolution::Elsewhere(elsewhere)),
        };
        let Self { host, addresses_of_zone, families, steps, firewall_for_ipv6, .. } = self;
        let to = to.unwrap_or(Resolution::Public);
        Ok(Name { host, to, addresses_of_zone, families, steps, firewall_for_ipv6 })
    }
}
