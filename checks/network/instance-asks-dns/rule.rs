//! The instance may ask the DNS servers that it was told of.
//!
//! Nothing stands between an instance and Amazon's resolver. Another server is a host like any other: a
//! group that lets out tcp/443 alone, as hardened ones do, leaves every name unresolved.

use ssm_doctor_analysis::network::hop::HopKind;

crate::hop_check::hop_check!(Layer::Dns, HopKind::NameQuery);
