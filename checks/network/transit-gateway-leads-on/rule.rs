//! The transit gateway's tables lead on to the service, and back.
//!
//! A route to a transit gateway says only that packets get there. Where they go from there its own tables
//! decide, one for each foot; and the VPC behind the other foot has to lead on in its turn.

use ssm_doctor_analysis::network::hop::HopKind;

crate::hop_check::hop_check!(
    Layer::Route,
    HopKind::TransitRoute,
    after & super::transit_gateway_attached::CHECK
);
