//! Endpoint and instance have a family of addresses in common.
//!
//! A subnet with IPv6 alone cannot use an endpoint with IPv4 addresses alone, and the agent finds public
//! IPv6 addresses only under other names, which its configuration has to turn on.

use ssm_doctor_analysis::network::hop::HopKind;

crate::hop_check::hop_check!(Layer::Route, HopKind::AddressType);
