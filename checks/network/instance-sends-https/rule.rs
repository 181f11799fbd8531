//! The instance's own security groups let tcp/443 out.
//!
//! New groups allow everything out; a default group that was stripped, or a group made for HTTP
//! only, does not. Nothing has to come in: the agent opens every connection.

use ssm_doctor_analysis::network::hop::HopKind;

crate::hop_check::hop_check!(Layer::Filter, HopKind::InstanceGroup);
