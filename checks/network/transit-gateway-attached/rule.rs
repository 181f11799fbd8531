//! The VPC's transit gateway attachment covers the instance's Availability Zone.
//!
//! An attachment serves the Availability Zones that it has a subnet in, and no others: instances there
//! lose their packets without a trace.

use ssm_doctor_analysis::network::hop::HopKind;

crate::hop_check::hop_check!(Layer::Route, HopKind::TransitGateway);
