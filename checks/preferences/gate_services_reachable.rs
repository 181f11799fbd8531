//! The services that a gate of this session waits for can be reached from the node.
//!
//! Without a path the agent does not fail at once: it waits for minutes behind a blank screen, and
//! most people close it before the message comes.

use crate::{prelude::*, solve::reach};

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("gate_services_reachable.md"),
    layer: Layer::Session,
    impact: Impact::Blocks,
    depends_on: &[
        &super::document_readable::CHECK,
        &crate::target::found_in_region::CHECK,
        &crate::dns::vpc_dns_enabled::CHECK,
        &crate::dns::endpoint_private_dns_on::CHECK,
        &crate::endpoint::available::CHECK,
        &crate::network::service_path_exists::CHECK,
        &crate::network::route_alive::CHECK,
        &crate::network::internet_gateway_attached::CHECK,
        &crate::network::nat_gateway_works::CHECK,
        &crate::network::nat_instance_forwards::CHECK,
        &crate::network::peering_active::CHECK,
        &crate::network::transit_gateway_attached::CHECK,
        &crate::network::public_access_open::CHECK,
        &crate::endpoint::address_type_fits::CHECK,
        &crate::network::public_address_present::CHECK,
        &crate::network::instance_sends_https::CHECK,
        &crate::network::acls_pass_https::CHECK,
        &crate::network::endpoint_accepts_https::CHECK,
    ],
    proves: &[],
    run,
};

fn run(facts: &Facts, scope: &Scope) -> Answer {
    reach::judge_gates(facts, scope)
}
