//! The internet gateway that the route names is attached to the VPC.
//!
//! A detached gateway leaves its routes behind. The same holds for egress-only gateways, by which IPv6
//! goes out and nothing comes in.

use ssm_doctor_analysis::network::hop::HopKind;

crate::hop_check::hop_check!(Layer::Route, HopKind::InternetGateway);
