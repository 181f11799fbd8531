//! What the facts about an account mean for a Session Manager session.
#![no_std]
extern crate alloc;

pub mod answer;
pub mod case;
pub mod dns;
pub mod error_message;
pub mod event_history;
pub mod network;
pub mod node;
pub mod permissions;
pub mod session;
pub mod what_if;
pub mod workstation;
