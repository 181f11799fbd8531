//! What the doctor knows.
//!
//! `no_std`: a check cannot read the clock, the environment, the disk or the network, nor a
//! `HashMap`'s random order. The compiler sees to it.
#![no_std]
extern crate alloc;

pub mod model;
pub mod solve;
pub mod worlds;

/// What every check is written in.
mod prelude {
    #![allow(unused_imports, reason = "a vocabulary: no check needs all of it")]

    pub(crate) use alloc::{
        format,
        string::{String, ToString},
        vec::Vec,
    };

    pub(crate) use crate::model::{
        facts::{Facts, Ourselves, Unknown},
        ids::*,
        scope::{Scope, Session},
        verdict::*,
    };
}

/// An area is a folder of checks; each lists its own in a generated `mod.rs`.
macro_rules! areas {
    ($($area:ident)*) => {
        $(mod $area;)*

        /// Every check, area by area.
        pub fn all() -> impl Iterator<Item = &'static model::verdict::Check> {
            [$($area::CHECKS),*].into_iter().flatten().copied()
        }
    };
}

areas! { target identity dns network endpoint agent preferences hybrid operator }
