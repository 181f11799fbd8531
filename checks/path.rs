//! The hops of a path: what each kind is called, and the check that speaks for it.

use ssm_doctor_analysis::network::hop::HopKind;

use crate::{dns, endpoint, engine::check::Check, network};

/// A kind of hop, as reports show it.
#[derive(Clone, Copy)]
pub struct HopRow {
    /// In JSON.
    pub name: &'static str,
    /// In the drawing of a path, before the hop's id.
    pub kind: &'static str,
    /// In the drawing of a path, instead of kind and id.
    pub drawn_as: Option<&'static str>,
    /// The same for a hop that is in order.
    pub drawn_in_order_as: Option<&'static str>,
    /// Is the hop left out of the drawing when it is in order?
    pub hidden_in_order: bool,
    /// Does it decide what the name resolves to, rather than where packets go?
    pub of_names: bool,
    /// It stops no packet for certain: a reason to look here when packets stay away.
    suspected: bool,
    check: &'static Check,
}

/// The table. The compiler asks for a row of each kind.
#[rustfmt::skip]
#[must_use]
pub const fn row(kind: HopKind) -> HopRow {
    match kind {
        HopKind::NameQuery => hop("name-query", "", &network::instance_asks_dns::CHECK).of_names().drawn_as("port 53"),
        HopKind::NameServer => hop("name-server", "DNS server", &dns::vpc_resolver_in_use::CHECK).of_names().suspected(),
        HopKind::VpcDns => hop("vpc-dns", "", &dns::vpc_dns_enabled::CHECK).of_names().drawn_as("VPC DNS"),
        HopKind::DnsFirewall => hop("dns-firewall", "DNS Firewall of", &dns::no_firewall_blocks_names::CHECK).of_names(),
        HopKind::ResolverRule => hop("resolver-rule", "Resolver rules of", &dns::no_rule_diverts_names::CHECK).of_names().suspected(),
        HopKind::HostedZone => hop("hosted-zone", "hosted zones of", &dns::no_zone_shadows_endpoints::CHECK).of_names(),
        HopKind::PrivateDns => hop("private-dns", "", &dns::endpoint_private_dns_on::CHECK).of_names().drawn_as("private DNS"),
        HopKind::InstanceGroup => hop("security-group", "security group", &network::instance_sends_https::CHECK),
        HopKind::Acl => hop("network-acl", "network ACL of", &network::acls_pass_https::CHECK).drawn_in_order_as("network ACL"),
        HopKind::SomeReplies => hop("partly", "", &network::acls_pass_every_reply::CHECK).suspected().drawn_as("some replies"),
        HopKind::SomeAddresses => hop("some-addresses", "", &network::every_address_reachable::CHECK).suspected().drawn_as("some addresses"),
        HopKind::Route => hop("route", "route table", &network::service_path_exists::CHECK),
        HopKind::NextHop => hop("next-hop", "next hop", &network::route_alive::CHECK).hidden_in_order(),
        HopKind::Appliance => hop("appliance", "appliance", &network::no_appliance_in_path::CHECK).suspected().hidden_in_order(),
        HopKind::Firewall => hop("firewall", "firewall", &network::firewall_passes_agent::CHECK),
        HopKind::InternetGateway => hop("internet-gateway", "internet gateway", &network::internet_gateway_attached::CHECK),
        HopKind::PublicAccess => hop("public-access", "", &network::public_access_open::CHECK).drawn_as("public access").hidden_in_order(),
        HopKind::PublicAddress => hop("public-address", "", &network::public_address_present::CHECK).drawn_as("public address"),
        HopKind::NatGateway => hop("nat-gateway", "NAT gateway", &network::nat_gateway_works::CHECK),
        HopKind::NatInstance => hop("nat-instance", "NAT instance", &network::nat_instance_forwards::CHECK),
        HopKind::Peering => hop("peering", "peering connection", &network::peering_active::CHECK),
        HopKind::TransitGateway => hop("transit-gateway", "transit gateway", &network::transit_gateway_attached::CHECK),
        HopKind::TransitRoute => hop("transit-gateway-route", "route table", &network::transit_gateway_leads_on::CHECK),
        HopKind::AddressType => hop("address-type", "", &endpoint::address_type_fits::CHECK).drawn_as("address type").hidden_in_order(),
        HopKind::Endpoint => hop("endpoint", "endpoint", &endpoint::available::CHECK),
        HopKind::EndpointGroup => hop("endpoint-security-group", "endpoint's security group", &network::endpoint_accepts_https::CHECK),
    }
}

const fn hop(name: &'static str, kind: &'static str, check: &'static Check) -> HopRow {
    HopRow {
        name,
        kind,
        drawn_as: None,
        drawn_in_order_as: None,
        hidden_in_order: false,
        of_names: false,
        suspected: false,
        check,
    }
}

impl HopRow {
    const fn drawn_as(self, name: &'static str) -> Self {
        Self { drawn_as: Some(name), drawn_in_order_as: Some(name), ..self }
    }

    const fn drawn_in_order_as(self, name: &'static str) -> Self {
        Self { drawn_in_order_as: Some(name), ..self }
    }

    const fn hidden_in_order(self) -> Self {
        Self { hidden_in_order: true, ..self }
    }

    const fn of_names(self) -> Self {
        Self { of_names: true, ..self }
    }

    const fn suspected(self) -> Self {
        Self { suspected: true, ..self }
    }
}

/// The checks of the hops that stop packets, which whatever waits for a packet depends on.
pub(crate) const HOPS: &[&Check] = &select::<{ count(false) }>(false);

/// The checks of the other hops.
pub(crate) const SUSPECTED_HOPS: &[&Check] = &select::<{ count(true) }>(true);

const fn count(suspected: bool) -> usize {
    let (mut count, mut rest) = (0, HopKind::ALL);
    while let [kind, others @ ..] = rest {
        count += (row(*kind).suspected == suspected) as usize;
        rest = others;
    }
    count
}

#[allow(clippy::indexing_slicing, reason = "at compile time, where a wrong index does not compile")]
const fn select<const N: usize>(suspected: bool) -> [&'static Check; N] {
    let mut checks = [row(HopKind::Route).check; N];
    let (mut at, mut rest) = (0, HopKind::ALL);
    while let [kind, others @ ..] = rest {
        let row = row(*kind);
        if row.suspected == suspected {
            checks[at] = row.check;
            at += 1;
        }
        rest = others;
    }
    checks
}

/// One list of several.
macro_rules! joined {
    ($($list:expr),+ $(,)?) => {{
        const LISTS: &[&[&$crate::engine::check::Check]] = &[$($list),+];
        &$crate::path::join::<{ $crate::path::length(LISTS) }>(LISTS)
    }};
}
pub(crate) use joined;

pub(crate) const fn length(lists: &[&[&Check]]) -> usize {
    let (mut length, mut rest) = (0, lists);
    while let [list, others @ ..] = rest {
        length += list.len();
        rest = others;
    }
    length
}

#[allow(clippy::indexing_slicing, reason = "at compile time, where a wrong index does not compile")]
pub(crate) const fn join<const N: usize>(lists: &[&[&'static Check]]) -> [&'static Check; N] {
    let mut all = [lists[0][0]; N];
    let (mut at, mut list) = (0, 0);
    while list < lists.len() {
        let mut item = 0;
        while item < lists[list].len() {
            all[at] = lists[list][item];
            (at, item) = (at + 1, item + 1);
        }
        list += 1;
    }
    all
}
