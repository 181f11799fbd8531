//! The NAT gateway that the route names works, and has a way on.
//!
//! It is a public one, it is available, and it stands in a subnet that an internet gateway serves: a NAT
//! gateway in a private subnet drops everything, in silence.

use ssm_doctor_analysis::network::hop::HopKind;

crate::hop_check::hop_check!(Layer::Route, HopKind::NatGateway);
