//! The peering connection that the route names is active.
//!
//! A peering connection outlives its other side as a route that leads nowhere, and is not transitive: it
//! leads to endpoints in the peer VPC, never through the peer's own gateways.

use ssm_doctor_analysis::network::hop::HopKind;

crate::hop_check::hop_check!(Layer::Route, HopKind::Peering);
