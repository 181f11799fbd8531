//! The hops of a path, and the kinds of them.

use alloc::{
    string::{String, ToString},
    vec::Vec,
};

use ssm_doctor_facts::lookup::Unknown;

use crate::answer::*;

/// One component of a path, which passes packets or does not.
#[derive(Clone, Debug)]
pub struct Hop {
    pub kind: HopKind,
    /// The group, table, gateway or endpoint in question.
    pub id: String,
    pub answer: Answer,
}

impl Hop {
    pub(super) fn new(kind: HopKind, id: &(impl ToString + ?Sized), answer: Answer) -> Self {
        Self { kind, id: id.to_string(), answer }
    }

    /// Records in its evidence that it is on the path to `service`.
    pub(super) fn mark_path(&mut self, service: &'static str) {
        if let Ok(verdict) = &mut self.answer {
            *verdict = match verdict.clone() {
                Verdict::Pass(evidence) => Verdict::Pass(evidence.on_path_to(service)),
                Verdict::Fail(evidence, fix) => Verdict::Fail(evidence.on_path_to(service), fix),
                inapplicable @ Verdict::NotApplicable(_) => inapplicable,
            };
        }
    }

    /// Is it not known what a DNS server that others run answers?
    pub(super) fn may_resolve_elsewhere(&self) -> bool {
        matches!(self.kind, HopKind::NameServer | HopKind::ResolverRule) && self.answer.is_err()
    }

    /// Is there no route at all?
    pub(super) fn is_missing_route(&self) -> bool {
        self.kind == HopKind::Route && self.stops()
    }

    /// Does it certainly pass every packet?
    pub(super) fn passes(&self) -> bool {
        matches!(self.answer, Ok(Verdict::Pass(_)))
    }

    /// Does it stop every packet?
    pub(super) fn stops(&self) -> bool {
        !self.kind.never_stops_all() && matches!(self.answer, Ok(Verdict::Fail(..)))
    }
}

/// The path to one service.
#[derive(Clone, Debug)]
pub struct Path {
    pub service: &'static str,
    pub hops: Vec<Hop>,
    /// Set if it is unknown which hops packets meet, so that hops are missing or doubtful.
    pub unfollowed: Option<Unknown>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reachable {
    Yes,
    No,
    Unknown,
}

impl Path {
    #[must_use]
    pub fn reachable(&self) -> Reachable {
        reachable(&self.hops, self.unfollowed.is_some())
    }

    /// Does DNS Firewall keep back the addresses that it is to?
    pub(super) fn is_withheld(&self) -> bool {
        self.hops.iter().any(|hop| hop.kind == HopKind::DnsFirewall && hop.stops())
    }

    /// Why the path is unknown, if it is, and what some of its hops say.
    pub(super) fn lost_or<'a>(
        &self,
        hops: impl Iterator<Item = &'a Hop>,
    ) -> impl Iterator<Item = Answer> {
        self.unfollowed.clone().map(Err).into_iter().chain(hops.map(|hop| hop.answer.clone()))
    }

    pub(super) fn unknown(&self) -> Unknown {
        let hops = self.hops.iter().filter_map(|it| it.answer.as_ref().err());
        hops.chain(&self.unfollowed)
            .cloned()
            .reduce(Unknown::and)
            .unwrap_or_else(|| Unknown::limit("the path could not be followed"))
    }
}

pub(super) fn reachable(hops: &[Hop], unfollowed: bool) -> Reachable {
    if hops.iter().any(Hop::stops) {
        Reachable::No
    } else if unfollowed || hops.iter().any(|it| it.answer.is_err()) {
        Reachable::Unknown
    } else {
        Reachable::Yes
    }
}

/// The paths to several addresses of one name. The agent tries one after the other: one that works is
/// enough. The others make connections slow or unreliable.
pub(super) fn any_address(ways: Vec<Vec<Hop>>) -> Vec<Hop> {
    let (mut open, mut blocked): (Vec<_>, Vec<_>) =
        ways.into_iter().partition(|it| reachable(it, false) != Reachable::No);
    open.sort_by_key(|it| reachable(it, false) == Reachable::Unknown);
    let mut open = open.into_iter();
    let Some(mut best) = open.next() else { return side_by_side(blocked) };
    let unfollowed = blocked.iter_mut().flat_map(|it| it.drain(..)).filter(Hop::stops);
    best.extend(unfollowed.map(|it| Hop { kind: HopKind::SomeAddresses, ..it }));
    for other in open {
        best = side_by_side(Vec::from([best, other]));
    }
    best
}

/// Several paths as one: hops of the same kind and id become one hop.
pub(super) fn side_by_side(ways: Vec<Vec<Hop>>) -> Vec<Hop> {
    let mut all: Vec<Hop> = Vec::new();
    for hop in ways.into_iter().flatten() {
        match all.iter_mut().find(|it| it.kind == hop.kind && it.id == hop.id) {
            Some(known) => {
                let both = [known.answer.clone(), hop.answer];
                known.answer = all_of(both, "no such hop on the way", |it| it);
            }
            None => all.push(hop),
        }
    }
    all
}

/// The paths of different addresses, if it is unknown which address counts: what they agree on holds. If
/// some work and others do not, the result is unknown, and `mixed` is the hop that says so.
pub(super) fn all_agree(ways: Vec<Vec<Hop>>, mixed: impl Fn() -> Hop) -> Vec<Hop> {
    let blocked = ways.iter().filter(|it| reachable(it, false) == Reachable::No).count();
    if blocked == 0 || blocked == ways.len() {
        return side_by_side(ways);
    }
    let open = ways.into_iter().filter(|it| reachable(it, false) != Reachable::No);
    let mut hops = side_by_side(open.collect());
    hops.push(mixed());
    hops
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident => $effects:expr,)*) => {
        /// What a hop is, in the order in which packets meet them. One check speaks for each kind.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum HopKind { $($(#[$doc])* $kind,)* }

        impl HopKind {
            pub const ALL: &[Self] = &[$(Self::$kind),*];

            const fn effects(self) -> Effects {
                match self { $(Self::$kind => $effects,)* }
            }
        }
    };
}

kinds! {
    /// May the instance send queries to DNS servers that are not Amazon's?
    NameQuery => STOPS,
    /// What such a server answers.
    NameServer => STOPS.hides_source(),
    /// The VPC's two DNS attributes.
    VpcDns => STOPS,
    DnsFirewall => STOPS,
    ResolverRule => STOPS,
    /// A private hosted zone that decides what the name resolves to.
    HostedZone => STOPS,
    /// An endpoint's private DNS names.
    PrivateDns => STOPS,
    InstanceGroup => STOPS,
    Acl => STOPS.also_at(&[BehindTransit, BehindNat, ToSharedEndpoint]),
    /// Only some replies pass: nothing is stopped, but some connections fail.
    SomeReplies => STOPS.never_all(),
    /// Only some addresses of the name lead to the service: likewise.
    SomeAddresses => STOPS.never_all(),
    /// Is there any route at all?
    Route => STOPS.also_at(&[BehindTransit, ToSharedEndpoint]),
    /// Does the route's target exist, and is the path beyond it visible?
    NextHop => STOPS.also_at(&[BehindTransit, ToSharedEndpoint]),
    /// Something that may stop packets, and AWS does not show whether it does.
    Appliance => STOPS.never_all().hides_source().also_at(&[BehindTransit, ToSharedEndpoint]),
    /// A Network Firewall, by its rules.
    Firewall => STOPS.also_at(&[BehindTransit]),
    InternetGateway => STOPS.shows_source(),
    PublicAccess => STOPS.also_at(&[BehindTransit, BehindNat]),
    PublicAddress => STOPS,
    NatGateway => STOPS.shows_source().also_at(&[BehindTransit, BehindNat]),
    NatInstance => STOPS.hides_source(),
    Peering => STOPS.hides_source(),
    /// The VPC's attachment to a transit gateway.
    TransitGateway => STOPS.hides_source().also_at(&[BehindTransit, ToSharedEndpoint]),
    /// What a transit gateway's own route tables say.
    TransitRoute => STOPS.also_at(&[BehindTransit, ToSharedEndpoint]),
    /// Does the endpoint have an address of the instance's family?
    AddressType => STOPS,
    /// State and interfaces of an endpoint.
    Endpoint => STOPS.also_at(&[ToSharedEndpoint]),
    EndpointGroup => STOPS.also_at(&[ToSharedEndpoint]),
}

/// What a kind of hop does to packets, and where else a path may meet it.
#[derive(Clone, Copy)]
struct Effects {
    never_all: bool,
    source: Source,
    places: &'static [Place],
}

/// What is known of the source address of packets beyond a hop.
#[derive(Clone, Copy, PartialEq)]
enum Source {
    Kept,
    /// This account does not decide it.
    Hidden,
    /// A public address of this account.
    Public,
}

/// A place outside of the instance's own VPC or subnet, which may not have been seen.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Place {
    /// Behind route tables of a transit gateway, or of another network.
    BehindTransit,
    /// Behind a NAT gateway, on the way out.
    BehindNat,
    /// On the way to an endpoint of another network, and that endpoint.
    ToSharedEndpoint,
}
use Place::{BehindNat, BehindTransit, ToSharedEndpoint};

/// A kind that lets every packet through or none, and that a path meets near the instance alone.
const STOPS: Effects = Effects { never_all: false, source: Source::Kept, places: &[] };

impl Effects {
    const fn never_all(self) -> Self {
        Self { never_all: true, ..self }
    }

    const fn hides_source(self) -> Self {
        Self { source: Source::Hidden, ..self }
    }

    const fn shows_source(self) -> Self {
        Self { source: Source::Public, ..self }
    }

    const fn also_at(self, places: &'static [Place]) -> Self {
        Self { places, ..self }
    }
}

impl HopKind {
    /// Does such a hop never stop every packet, whatever its answer?
    pub(super) const fn never_stops_all(self) -> bool {
        self.effects().never_all
    }

    /// Do packets leave such a hop with a source address that this account does not decide?
    pub(super) fn hides_source(self) -> bool {
        self.effects().source == Source::Hidden
    }

    /// Do packets leave such a hop for the internet, with a public address of this account?
    pub(super) fn shows_source(self) -> bool {
        self.effects().source == Source::Public
    }

    /// The kinds that a path may meet at a place: what is unknown where the place was not seen.
    pub(super) fn at(place: Place) -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(move |it| it.effects().places.contains(&place))
    }
}
