//! Each endpoint's security groups let the instance in.
//!
//! An interface endpoint is a network card in the VPC with security groups of its own, and the
//! default group that the console offers admits only itself. Dropped packets leave no trace: the
//! agent logs a timeout, never a refusal. Only ingress counts: security groups are stateful.

use ssm_doctor_analysis::network::hop::HopKind;

crate::hop_check::hop_check!(Layer::Filter, HopKind::EndpointGroup);
