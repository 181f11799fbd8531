//! An instance behind an internet gateway has a public IPv4 address.
//!
//! The classic trap: the subnet is public, nothing needs to come in, and still no packet leaves.

use ssm_doctor_analysis::network::hop::HopKind;

crate::hop_check::hop_check!(
    Layer::Route,
    HopKind::PublicAddress,
    after & super::route_alive::CHECK
);
