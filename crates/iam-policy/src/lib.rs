//! IAM's evaluation of a request, in three truth values, and why.
//!
//! Every layer that has a say (identity policies, permissions boundary, session policy, service and
//! resource control policies, the resource's own policy, the VPC endpoint's) is read as far as it was
//! seen. What was not seen, of a layer or of the request's context, makes the answer unknown only
//! where it could change it. A policy that AWS would not have stored is never guessed at either.
//!
//! [`Policy::read`] a document once, put it into [`Layers`], and [`evaluate`] any number of requests.
//! Source: IAM user guide, "Policy evaluation logic" and "IAM JSON policy element reference".

#![no_std]
extern crate alloc;

mod condition;
mod context;
mod document;
mod explain;
mod layers;
mod pattern;
mod principal;
mod resource;
mod trust;
mod truth;

/// The service that an action is of: `kms` of `kms:Decrypt`.
#[must_use]
pub fn service_of(action: &str) -> &str {
    action.split_once(':').map_or(action, |it| it.0)
}

pub use context::{Context, Known, Object, Owner, Principal, Request};
pub use document::{Effect, Kind, Policy, Statement};
pub use explain::{Cited, Denial, Doubt, Miss, Open, Outcome, Part, Refusal, Undecided};
pub use layers::{Attached, Layer, Layers, Level, Name, Ruling, Seen, evaluate};
pub use trust::{Trust, may_tag_sessions, trusted, trusts};
