//! The rules of a Network Firewall on the way let the agent through.
//!
//! A list of what is allowed drops the TLS of every other name, and says so nowhere but in the firewall's
//! own log: the agent sees connections that open and never answer.

use ssm_doctor_analysis::network::hop::HopKind;

crate::hop_check::hop_check!(Layer::Route, HopKind::Firewall);
