//! A private hosted zone that covers a service's name leads it to something.
//!
//! A zone that lacks the record does not let the question through to the public name: it answers that
//! there is no such name. A zone for a parent (`amazonaws.com`) takes every service's name with it.

use ssm_doctor_analysis::network::hop::HopKind;

crate::hop_check::hop_check!(Layer::Dns, HopKind::HostedZone);
