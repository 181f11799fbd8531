//! The path of packets to a service and back.

pub mod address_set;
mod block_public_access;
mod dns_server;
mod first_match;
pub mod flow;
pub mod flow_log;
mod gateway_endpoint;
pub mod hop;
mod interface_endpoint;
mod internet_gateway;
mod nat_gateway;
mod nat_instance;
mod network_acl;
mod network_firewall;
mod next_hop;
pub mod path;
mod peering;
mod public_path;
pub mod remedy;
mod route_table;
mod security_group;
pub mod service;
mod service_addresses;
mod shared_endpoint;
pub mod statement;
mod traffic;
mod transit_gateway;
mod transit_gateway_attachment;
mod unused_endpoint;

pub use network_acl::NEGLIGIBLE;
