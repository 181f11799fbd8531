//! For each needed service there is an endpoint or a route out.
//!
//! Services are judged one by one: with `ssm` reachable and `ssmmessages` not, a node is Online and
//! no session ever starts.

use ssm_doctor_analysis::network::hop::HopKind;

crate::hop_check::hop_check!(Layer::Route, HopKind::Route);
