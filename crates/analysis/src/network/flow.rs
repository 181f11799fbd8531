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
    dns::Name,
    network::address_set::{Addresses, Family, Ports, ports},
};

pub const HTTPS: u16 = 443;

/// The instance and its network interfaces.
pub(super) struct Host<'a> {
    pub(super) vpc: &'a VpcId,
    /// The VPC's ranges, if they were seen: no public service is in them.
    pub(super) own: &'a [IpNet],
    /// By device index: the system's default route uses the first.
    pub(super) interfaces: Vec<&'a AttachedInterface>,
    pub(super) windows: bool,
    pub(super) running: bool,
}

/// A service, and what its name resolves to.
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

/// A subnet of a VPC. It has a network ACL at its border.
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

/// The other end of a packet: one address, or an unknown one of many.
#[derive(Clone, Debug)]
pub(super) struct Remote {
    pub(super) addresses: Addresses,
    /// For sentences.
    pub(super) phrase: String,
    /// The prefix list that has exactly these addresses.
    pub(super) list: Option<PrefixListId>,
    /// A service with a public address, of which nobody knows which one it is.
    pub(super) is_any_public: bool,
}

impl Remote {
    pub(super) fn one(address: IpAddr) -> Self {
        Self {
            addresses: Addresses::one(address),
            phrase: address.to_string(),
            list: None,
            is_any_public: false,
        }
    }

    /// One address somewhere in `net`.
    pub(super) fn somewhere(net: &IpNet) -> Self {
        Self {
            addresses: Addresses::net(net),
            phrase: net.to_string(),
            list: None,
            is_any_public: false,
        }
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

    /// Those of the addresses that take one of several routes.
    pub(super) fn part(&self, addresses: &Addresses) -> Self {
        Self { addresses: addresses.clone(), ..self.clone() }
    }

    pub(super) fn family(&self) -> Family {
        self.addresses.family()
    }

    /// The range for a rule that lets it pass: itself if it is one address or range, else every address.
    pub(super) fn range(&self) -> IpNet {
        let one = self.phrase.parse::<IpAddr>().map(IpNet::from);
        one.or_else(|_| self.phrase.parse()).unwrap_or_else(|_| self.family().everything())
    }
}

/// A network interface of an endpoint, on which the service answers.
pub(super) struct ServiceInterface<'a> {
    pub(super) destination: Remote,
    /// Its VPC and subnet; None in networks that AWS does not show.
    pub(super) location: Result<Option<(&'a VpcId, SubnetId)>, Unknown>,
}

impl ServiceInterface<'_> {
    /// Its VPC and subnet, if known.
    pub(super) fn subnet_of_vpc(&self) -> Option<SubnetOfVpc<'_>> {
        let location = self.location.as_ref().ok()?.as_ref();
        location.map(|(vpc, subnet)| (*vpc, subnet))
    }
}

/// The network through which names that have IPv4 addresses alone are reached by IPv6. Source:
/// RFC 6052; VPC guide, "DNS64 and NAT64".
pub const NAT64: IpNet =
    IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96));

/// Follows packets from one address of the instance to a service. Each module of this folder adds what
/// it knows.
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

/// Where packets of a flow must arrive.
#[derive(Clone, Copy)]
pub(super) enum FlowTarget<'a> {
    Subnet(SubnetOfVpc<'a>),
    /// An address in networks that AWS does not show.
    Somewhere,
    /// An address whose VPC was not seen.
    Unseen(&'a Unknown),
    Internet,
}

/// The packets of a connection in one direction: the instance's, or the replies.
#[derive(Clone, Copy)]
pub(super) struct Flow<'a> {
    pub source: &'a Remote,
    pub destination: &'a Remote,
    pub target: FlowTarget<'a>,
    pub replies: bool,
}

impl Flow<'_> {
    /// Does it stay inside this VPC?
    pub fn within(&self, vpc: &VpcId) -> bool {
        matches!(self.target, FlowTarget::Subnet(it) if it.0 == vpc)
    }
}

/// A route, with its table.
pub(super) type TableRoute<'a> = (&'a RouteTable, &'a Route);

impl PathTrace<'_> {
    pub(super) fn family(&self) -> Family {
        Family::of(&self.from.address)
    }

    /// The same, from another address of the same network interface.
    pub(super) fn sent_by(&self, address: IpAddr) -> Self {
        Self { from: Origin { address, ..self.from }, ..*self }
    }

    /// Any address that a public service may have.
    pub(super) fn internet(&self, family: Family) -> Remote {
        Remote {
            addresses: Addresses::public(family, self.from.host.own),
            phrase: "the service's public addresses".into(),
            list: None,
            is_any_public: true,
        }
    }

    pub(super) fn subject(&self, endpoint: &Endpoint) -> String {
        format!("{} ({})", endpoint.id, self.service)
    }
}
