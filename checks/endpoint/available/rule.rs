//! Each endpoint that the names lead to works and stands somewhere.
//!
//! An interface endpoint without a subnet is accepted by the API, is `available`, and leads nowhere.

use ssm_doctor_analysis::network::hop::HopKind;

crate::hop_check::hop_check!(Layer::Route, HopKind::Endpoint);
