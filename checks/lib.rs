//! What the doctor knows.
//!
//! `no_std`: a check cannot read the clock, the environment, the disk or the network, nor a
//! `HashMap`'s random order. The compiler sees to it.
#![no_std]
extern crate alloc;

mod agent_log;
mod agent_permissions;
mod agent_role;
pub mod engine;
pub mod error_message;
mod hop_check;
mod log_check;
mod node_probe;
pub mod path;

/// What every check is written in.
mod prelude {
    #![allow(unused_imports, reason = "a vocabulary: no check needs all of it")]

    pub(crate) use alloc::{
        format,
        string::{String, ToString},
        vec::Vec,
    };

    pub(crate) use ssm_doctor_analysis::{answer::*, case::Case};
    pub(crate) use ssm_doctor_facts::{
        ids::*,
        lookup::{Facts, Ourselves, Unknown},
        scope::{Scope, Session},
    };

    pub(crate) use crate::engine::{
        check::{Check, Impact, Layer},
        no_verdict::{
            Judged, NoVerdict, Precondition, answer, instance, logged_instance, preferences, role,
            role_by_systems_manager,
        },
    };
}

// The words that several checks of an area share.
#[path = "agent/log_words.rs"]
pub mod agent_log_words;
#[path = "agent/words.rs"]
mod agent_words;
#[path = "client/words.rs"]
mod client_words;
#[path = "dns/words.rs"]
mod dns_words;
#[path = "preferences/words.rs"]
mod preferences_words;
#[path = "agent/probe_words.rs"]
mod probe_words;

// An area is a folder of checks; each lists its own in a generated `mod.rs`.
mod agent;
mod client;
mod dns;
mod endpoint;
mod hybrid;
mod identity;
#[path = "identity/remedies.rs"]
mod identity_remedies;
mod network;
mod network_remedies;
#[path = "network/statements.rs"]
mod network_statements;
mod operator;
#[path = "operator/remedies.rs"]
mod operator_remedies;
mod preferences;
#[path = "preferences/remedies.rs"]
mod preferences_remedies;
mod target;

/// Is a check about whoever starts the session, or about the machine that they start it from?
#[must_use]
pub fn is_about_operator(check: &engine::check::Check) -> bool {
    [operator::CHECKS, client::CHECKS, &[&endpoint::policy_allows_operator::CHECK]]
        .into_iter()
        .flatten()
        .any(|other| *other == check)
}

/// Every check, area by area. Among causes of one layer the order of areas decides which is named
/// first.
pub fn all() -> impl Iterator<Item = &'static engine::check::Check> {
    [
        target::CHECKS,
        identity::CHECKS,
        dns::CHECKS,
        network::CHECKS,
        endpoint::CHECKS,
        agent::CHECKS,
        preferences::CHECKS,
        hybrid::CHECKS,
        operator::CHECKS,
        client::CHECKS,
    ]
    .into_iter()
    .flatten()
    .copied()
}
