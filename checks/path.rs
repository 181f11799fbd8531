//! The checks that speak for the hops of a path, which whatever waits for a packet depends on.

use crate::{dns, endpoint, engine::check::Check, network};

/// Those that stop every packet.
pub(crate) const HOPS: &[&Check] = &[
    &dns::vpc_dns_enabled::CHECK,
    &dns::endpoint_private_dns_on::CHECK,
    &dns::no_zone_shadows_endpoints::CHECK,
    &dns::no_firewall_blocks_names::CHECK,
    &endpoint::available::CHECK,
    &endpoint::address_type_fits::CHECK,
    &network::instance_asks_dns::CHECK,
    &network::service_path_exists::CHECK,
    &network::route_alive::CHECK,
    &network::internet_gateway_attached::CHECK,
    &network::firewall_passes_agent::CHECK,
    &network::nat_gateway_works::CHECK,
    &network::nat_instance_forwards::CHECK,
    &network::peering_active::CHECK,
    &network::transit_gateway_attached::CHECK,
    &network::transit_gateway_leads_on::CHECK,
    &network::public_access_open::CHECK,
    &network::public_address_present::CHECK,
    &network::instance_sends_https::CHECK,
    &network::acls_pass_https::CHECK,
    &network::endpoint_accepts_https::CHECK,
];

/// What shows only that it may, and is looked at when packets stay away.
pub(crate) const REMARKS: &[&Check] = &[
    &dns::vpc_resolver_in_use::CHECK,
    &dns::no_rule_diverts_names::CHECK,
    &network::no_appliance_in_path::CHECK,
    &network::acls_pass_every_reply::CHECK,
];

/// One list of several, which must be `N` long together.
#[allow(clippy::indexing_slicing, reason = "at compile time, where a wrong index does not compile")]
pub(crate) const fn all<const N: usize>(lists: &[&[&'static Check]]) -> [&'static Check; N] {
    let mut all: [&'static Check; N] = [HOPS[0]; N];
    let (mut count, mut list) = (0, 0);
    while list < lists.len() {
        let mut item = 0;
        while item < lists[list].len() {
            all[count] = lists[list][item];
            (count, item) = (count + 1, item + 1);
        }
        list += 1;
    }
    assert!(count == N, "the list is of another length");
    all
}
