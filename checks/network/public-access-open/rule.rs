//! VPC Block Public Access lets the way out be.
//!
//! One setting of an account and Region shuts all internet gateways at once, whatever routes and groups
//! say; it shows in neither of them.

use ssm_doctor_analysis::network::hop::HopKind;

crate::hop_check::hop_check!(Layer::Route, HopKind::PublicAccess);
