//! EC2: instances, and the VPC around them.
//!
//! A VPC is asked for whole, by filter, since everything in it is a dozen small calls at once and
//! asking only for what is missing would take a round for each hop. What a filtered answer does
//! not list may still exist (another VPC's, or an answer that lost an item), so it is absent only
//! once AWS has said so when asked by its id.

mod console;
mod endpoint;
mod flow_log;
mod gateway;
mod instance;
mod lists;
mod network_interface;
mod route_table;
mod traffic;
mod transit_gateway;
mod vpc;

pub use lists::Ec2;
pub use vpc::{VpcLists, foreign_nat_gateways};
