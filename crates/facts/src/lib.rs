//! What AWS said about an account and a node, and what was not seen.
//!
//! The lowest layer: it knows nothing of the crates above it, and does no I/O.
#![no_std]
extern crate alloc;

pub mod agent_log;
pub mod change;
pub mod cloudtrail;
pub mod cloudwatch;
pub mod cloudwatch_logs;
pub mod credentials;
pub mod domain_name;
pub mod ec2;
pub mod flow_logs;
pub mod iam;
pub mod ids;
pub mod limit;
pub mod lookup;
pub mod network_firewall;
pub mod probe;
pub mod resolver_query_logs;
pub mod route53;
pub mod s3;
pub mod scope;
pub mod special_addresses;
pub mod ssm;
pub mod text;
pub mod time;
pub mod user_data;
pub mod vpn;
pub mod workstation;
