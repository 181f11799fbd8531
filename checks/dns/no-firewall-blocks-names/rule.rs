//! DNS Firewall lets the names of Systems Manager through.
//!
//! It answers before zones and endpoints do, so that it also blocks names with private addresses. The
//! walled garden is the usual case: everything is blocked but a list that lacks AWS's names.

use ssm_doctor_analysis::network::hop::HopKind;

crate::hop_check::hop_check!(Layer::Dns, HopKind::DnsFirewall);
