//! The NAT gateway of the route works and reaches the internet.
//!
//! It is public and available, and its subnet has a route to an internet gateway: a NAT gateway in a
//! private subnet drops every packet, and nothing reports it.

use ssm_doctor_analysis::network::hop::HopKind;

crate::hop_check::hop_check!(Layer::Route, HopKind::NatGateway);
