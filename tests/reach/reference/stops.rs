//! What stops packets, and what becomes of a packet.

use std::collections::BTreeSet;

/// A kind of thing that packets or DNS queries meet, in AWS's terms. One kind is one blame: whoever
/// mends it has to know of nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hop {
    /// The filters between the instance and a DNS server that is not Amazon's.
    DnsQuery,
    VpcDns,
    DnsFirewall,
    /// What such a rule leads to does not show, so that it stops nothing for certain.
    #[allow(dead_code, reason = "the analysis alone can say it")]
    ResolverRule,
    HostedZone,
    PrivateDns,
    /// The instance's security groups.
    SecurityGroup,
    NetworkAcl,
    /// No route, or one that leads to the internet alone for a private address.
    Route,
    /// A route whose target is gone, or cannot carry the packet.
    RouteTarget,
    NetworkFirewall,
    InternetGateway,
    PublicAccessBlock,
    PublicAddress,
    /// The NAT gateway with its own way on.
    NatGateway,
    /// The NAT instance with its security groups and its own way on.
    NatInstance,
    Peering,
    /// The VPC's attachment.
    TransitGateway,
    /// The transit gateway's tables, and the routes of a VPC that packets only cross.
    TransitGatewayRoute,
    /// The name has no address of the instance's kind.
    AddressFamily,
    Endpoint,
    EndpointSecurityGroup,
}

/// A hop, and what about it, for reports.
pub type Point = (Hop, &'static str);

/// What becomes of a packet on a part of its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Passes,
    /// By some of the ports that a translator may take.
    Partly(&'static str),
    Dropped(Hop, &'static str),
    Unclear(&'static str),
}
use Fate::{Dropped, Partly, Passes, Unclear};

impl Fate {
    /// One part after another: a drop anywhere is a drop, and the first one is to blame.
    pub fn then(self, next: Self) -> Self {
        if next.rank() > self.rank() { next } else { self }
    }

    pub fn rank(self) -> u8 {
        match self {
            Passes => 0,
            Partly(_) => 1,
            Unclear(_) => 2,
            Dropped(..) => 3,
        }
    }

    /// One of these, and nobody can see which.
    pub fn one_of(fates: impl IntoIterator<Item = Self>) -> Self {
        let fates: Vec<Self> = fates.into_iter().collect();
        match fates.as_slice() {
            [] => Unclear("nothing is known of it"),
            [first, rest @ ..] if rest.iter().all(|fate| fate.rank() == first.rank()) => *first,
            _ => Unclear("depends on what is not visible"),
        }
    }
}

/// Hops that are taken to let everything pass, whatever the facts say.
pub type Healed = BTreeSet<Hop>;

pub static NOTHING: Healed = Healed::new();
