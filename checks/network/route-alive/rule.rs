//! What the route out points at works.
//!
//! A blackhole drops: longest prefix wins before anything is known of its target, and there is no
//! falling back to a shorter one.

use ssm_doctor_analysis::network::hop::HopKind;

crate::hop_check::hop_check!(Layer::Route, HopKind::NextHop);
