//! A NAT instance on the way may forward, as far as AWS can tell.
//!
//! Source/destination check, groups and a way on are AWS's to show; forwarding itself is a matter of the
//! system on it, so this fails or is unknown and passes only beside an unknown.

use ssm_doctor_analysis::network::hop::HopKind;

crate::hop_check::hop_check!(Layer::Route, HopKind::NatInstance);
