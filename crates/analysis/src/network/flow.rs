//! Packets of a connection: where they start, and where they go.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::net::{IpAddr, Ipv6Addr};

use ipnet::{IpNet, Ipv6Net};
use ssm_doctor_facts::{
    ec2::*,
    ids::*,
    lookup::{Facts, Unknown},
    scope::Scope,
};

use crate::{
    case::Case,
    dns::name::Name,
    network::{
        address_set::{Addresses, Family, Ports, ports},
        service::bucket_in_other_region,
    },
};

pub const HTTPS: u16 = 443;

/// The instance, and the ways out of it.
pub(super) struct Host<'a> {
    pub(super) vpc: &'a VpcId,
    /// The VPC's ranges, if they were seen: what is in them is no public service.
    pub(super) own: &'a [IpNet],
    /// By device index: the system's default route leads by the first.
    pub(super) interfaces: Vec<&'a AttachedInterface>,
    pub(super) windows: bool,
    pub(super) running: bool,
}

/// What is asked for: a service, by the name that leads to it.
#[derive(Clone, Copy)]
pub(super) struct ServiceQuery<'a> {
    pub(super) case: &'a Case<'a>,
    pub(super) facts: &'a Facts,
    pub(super) scope: &'a Scope,
    pub(super) service: &'static str,
    pub(super) name: &'a Result<Name<'a>, Unknown>,
}

/// Where packets start: an address of one network interface.
#[derive(Clone, Copy)]
pub(super) struct Origin<'a> {
    pub(super) host: &'a Host<'a>,
    pub(super) vpc: &'a VpcId,
    pub(super) interface: &'a AttachedInterface,
    pub(super) address: IpAddr,
}

/// A subnet of a VPC, at whose border a network ACL stands.
pub(super) type SubnetOfVpc<'a> = (&'a VpcId, &'a SubnetId);

impl<'a> Origin<'a> {
    pub(super) fn subnet_of_vpc(&self) -> SubnetOfVpc<'a> {
        (self.vpc, &self.interface.subnet)
    }

    /// The ports from which the system opens connections. Source: VPC guide, "Ephemeral ports".
    pub(super) fn ports(&self) -> Ports {
        ports(if self.host.windows { 49_152..=65_535 } else { 32_768..=60_999 })
    }
}

/// The other end of a packet: one address, or one of many, we do not know which.
#[derive(Clone)]
pub(super) struct Remote {
    pub(super) addresses: Addresses,
    /// For sentences.
    pub(super) phrase: String,
    /// The prefix list that names these very addresses.
    pub(super) list: Option<PrefixListId>,
}

impl Remote {
    pub(super) fn one(address: IpAddr) -> Self {
        Self { addresses: Addresses::one(address), phrase: address.to_string(), list: None }
    }

    /// One address somewhere in `net`.
    pub(super) fn somewhere(net: &IpNet) -> Self {
        Self { addresses: Addresses::net(net), phrase: net.to_string(), list: None }
    }

    /// One of the addresses that DNS64 makes of IPv4 ones.
    pub(super) fn translated() -> Self {
        Self::somewhere(&NAT64)
    }

    pub(super) fn is_translated(&self) -> bool {
        self.phrase == NAT64.to_string()
    }

    pub(super) fn is_one(&self) -> bool {
        self.phrase.parse::<IpAddr>().is_ok()
    }

    /// Those of the addresses that take one of several ways.
    pub(super) fn part(&self, addresses: &Addresses) -> Self {
        Self { addresses: addresses.clone(), ..self.clone() }
    }

    pub(super) fn family(&self) -> Family {
        self.addresses.family()
    }

    /// A range for a rule that lets it through: itself if it is one, else everything.
    pub(super) fn range(&self) -> IpNet {
        let one = self.phrase.parse::<IpAddr>().map(IpNet::from);
        one.or_else(|_| self.phrase.parse()).unwrap_or_else(|_| self.family().everything())
    }
}

/// A place where a service answers: one network interface of an endpoint.
pub(super) struct ServiceInterface<'a> {
    pub(super) destination: Remote,
    /// The VPC and the subnet that it stands in; None in networks that do not show.
    pub(super) location: Result<Option<(&'a VpcId, SubnetId)>, Unknown>,
}

impl ServiceInterface<'_> {
    /// Where it stands, as far as that shows.
    pub(super) fn subnet_of_vpc(&self) -> Option<SubnetOfVpc<'_>> {
        let location = self.location.as_ref().ok()?.as_ref();
        location.map(|(vpc, subnet)| (*vpc, subnet))
    }
}

/// The network through which names that have IPv4 addresses alone are reached by IPv6. Source:
/// RFC 6052; VPC guide, "DNS64 and NAT64".
pub const NAT64: IpNet =
    IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96));

/// One packet's way: from where, to which service, in which world.
pub(super) struct PathTrace<'a> {
    pub(super) case: &'a Case<'a>,
    pub(super) facts: &'a Facts,
    pub(super) scope: &'a Scope,
    pub(super) service: &'static str,
    pub(super) name: &'a Result<Name<'a>, Unknown>,
    pub(super) from: Origin<'a>,
}

pub(super) fn join<T: ToString>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Where packets of a flight are to arrive.
#[derive(Clone, Copy)]
pub(super) enum FlowTarget<'a> {
    Subnet(SubnetOfVpc<'a>),
    /// An address in networks that do not show.
    Somewhere,
    /// An address, of which it was not seen where it is.
    Unseen(&'a Unknown),
    Internet,
}

/// The packets of a connection one way: those of the instance, or the replies to them.
#[derive(Clone, Copy)]
pub(super) struct Flow<'a> {
    pub source: &'a Remote,
    pub destination: &'a Remote,
    pub target: FlowTarget<'a>,
    pub replies: bool,
}

impl Flow<'_> {
    /// Is all of its way inside this VPC?
    pub fn within(&self, vpc: &VpcId) -> bool {
        matches!(self.target, FlowTarget::Subnet(it) if it.0 == vpc)
    }
}

/// A route that packets meet, by the table it stands in.
pub(super) type TableRoute<'a> = (&'a RouteTable, &'a Route);

impl PathTrace<'_> {
    pub(super) fn family(&self) -> Family {
        Family::of(&self.from.address)
    }

    /// The Region that the service is asked in, if not the target's.
    pub(super) fn bucket_in_other_region(&self) -> Result<Option<&Region>, Unknown> {
        bucket_in_other_region(self.case, self.service)
    }

    /// Any address that a public service may have.
    pub(super) fn internet(&self, family: Family) -> Remote {
        Remote {
            addresses: Addresses::public(family, self.from.host.own),
            phrase: "the service's public addresses".into(),
            list: None,
        }
    }

    pub(super) fn subject(&self, endpoint: &Endpoint) -> String {
        format!("{} ({})", endpoint.id, self.service)
    }
}
