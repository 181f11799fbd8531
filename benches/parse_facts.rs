//! Reads lines of facts into the same structs as `ssm-doctor judge`, and does nothing with them: what judging is
//! compared with.
#![allow(clippy::unwrap_used, reason = "a bench that cannot go on stops here")]

use std::{
    hint::black_box,
    io::{self, BufRead as _},
};

use mimalloc::MiMalloc;
use serde::Deserialize;
use ssm_doctor_facts::{lookup::Facts, scope::Scope};

/// As ssm-doctor has it.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[derive(Deserialize)]
struct Line {
    scope: Option<Scope>,
    facts: Facts,
}

fn main() {
    let mut input = io::stdin().lock();
    let mut text = String::new();
    while input.read_line(&mut text).unwrap() > 0 {
        let line: Line = serde_json::from_str(&text).unwrap();
        black_box((&line.scope, &line.facts));
        text.clear();
    }
}
