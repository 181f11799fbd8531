//! The transit gateway routes traffic to the service and back.
//!
//! A route to a transit gateway says only that packets reach it. Its own route tables, one per attachment,
//! decide where packets go next. The VPC of the next attachment needs a route onward too.

use ssm_doctor_analysis::network::hop::HopKind;

crate::hop_check::hop_check!(
    Layer::Route,
    HopKind::TransitRoute,
    after & super::transit_gateway_attached::CHECK
);
