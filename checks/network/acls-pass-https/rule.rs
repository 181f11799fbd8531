//! Network ACLs pass tcp/443 one way and the replies the other.
//!
//! ACLs are stateless: replies come back to a high port of the system, which needs a rule of its own.
//! They stand at the edge of subnets, so between two hosts of one subnet there is none.

use ssm_doctor_analysis::network::hop::HopKind;

crate::hop_check::hop_check!(Layer::Filter, HopKind::Acl);
