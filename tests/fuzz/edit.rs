//! Edits of valid input: bytes that nobody chose seldom get past a parser's first line.
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on stops here")]

use std::{env, fs, path::Path};

use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config, RngSeed, TestError, TestRunner},
};

/// Tries `cases` values of `strategy`, or as many as the environment says.
///
/// # Panics
/// If `test` does, with the smallest value for which it does.
pub fn check<S: Strategy>(cases: u32, strategy: S, test: impl Fn(S::Value)) {
    let said = Config::default();
    let config = Config {
        cases: if env::var_os("PROPTEST_CASES").is_some() { said.cases } else { cases },
        rng_seed: if env::var_os("PROPTEST_RNG_SEED").is_some() {
            said.rng_seed
        } else {
            RngSeed::Fixed(0)
        },
        failure_persistence: None,
        ..said
    };
    let run = TestRunner::new(config).run(&strategy, |value| {
        test(value);
        Ok(())
    });
    if let Err(TestError::Fail(reason, value)) = run {
        panic!("{reason}, with {value:?}");
    }
}

/// Texts of one folder of the repository, its subfolders included.
///
/// # Panics
/// If there are none.
#[must_use]
pub fn seeds(folder: &str, suffix: &str) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(folder);
    let mut folders = vec![root];
    let mut paths = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(suffix) {
                paths.push(path);
            }
        }
    }
    assert!(!paths.is_empty(), "no seeds in {folder}");
    paths.sort();
    paths.iter().map(|path| fs::read_to_string(path).unwrap()).collect()
}

/// A valid input, by its place in a list, and what is done to it.
#[derive(Clone, Debug)]
pub struct Edited {
    seed: u8,
    edits: Vec<Edit>,
}

/// Any edited text.
pub fn edited() -> impl Strategy<Value = Edited> {
    (any::<u8>(), vec(edit(), 0..12)).prop_map(|(seed, edits)| Edited { seed, edits })
}

fn edit() -> impl Strategy<Value = Edit> {
    let (at, length) = (any::<u16>(), any::<u8>());
    prop_oneof![
        (at, any::<u8>()).prop_map(|(at, byte)| Edit::Set { at, byte }),
        (at, length).prop_map(|(at, length)| Edit::Remove { at, length }),
        (at, length, at).prop_map(|(at, length, to)| Edit::Copy { at, length, to }),
        (at, length, any::<u8>()).prop_map(|(at, length, times)| Edit::Repeat {
            at,
            length,
            times
        }),
        (at, any::<u8>()).prop_map(|(at, token)| Edit::Insert { at, token }),
        at.prop_map(|at| Edit::Truncate { at }),
    ]
}

/// Places count from the beginning, and go round at the end.
#[derive(Clone, Debug)]
enum Edit {
    Set {
        at: u16,
        byte: u8,
    },
    Remove {
        at: u16,
        length: u8,
    },
    /// Copies a part to another place.
    Copy {
        at: u16,
        length: u8,
        to: u16,
    },
    /// Repeats a part, up to 64 kB.
    Repeat {
        at: u16,
        length: u8,
        times: u8,
    },
    /// Inserts what parsers treat as special.
    Insert {
        at: u16,
        token: u8,
    },
    Truncate {
        at: u16,
    },
}

const TOKENS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    "\"",
    "\\",
    "*",
    "?",
    "${",
    "}",
    "null",
    "true",
    "-1",
    "1e400",
    "18446744073709551616",
    "0.0.0.0/0",
    "::/0",
    "::ffff:10.0.0.1/96",
    "255.255.255.255/32",
    "\0",
    "\u{1b}[31m",
    "\u{202e}",
    "\u{feff}",
    "é",
    "\r\n",
    "\n",
    "<error>",
    "</error>",
    "arn:aws:",
    "i-",
    "2026-11-30 07:00:00",
    "9999-12-31T23:59:59Z",
    "{{ x }}",
    "\"Statement\":",
    "\"NotAction\":",
    "ForAllValues:",
    "IfExists",
    "AccessDeniedException",
];

/// No input grows beyond this.
const LARGEST: usize = 64 * 1024;

impl Edited {
    /// The edited text. What is no UTF-8 any more is replaced.
    #[must_use]
    pub fn text(&self, seeds: &[String]) -> String {
        String::from_utf8_lossy(&self.bytes(seeds)).into_owned()
    }

    #[must_use]
    pub fn bytes(&self, seeds: &[String]) -> Vec<u8> {
        let seed = seeds.get(usize::from(self.seed) % seeds.len().max(1));
        let mut bytes = seed.map(|seed| seed.clone().into_bytes()).unwrap_or_default();
        for edit in &self.edits {
            edit.apply(&mut bytes);
            bytes.truncate(LARGEST);
        }
        bytes
    }
}

impl Edit {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let place = |at: u16| usize::from(at) % (bytes.len() + 1);
        let part = |at: u16, length: u8| {
            let from = place(at);
            from..bytes.len().min(from + usize::from(length))
        };
        match *self {
            Self::Set { at, byte } => {
                let at = place(at);
                if let Some(old) = bytes.get_mut(at) {
                    *old = byte;
                }
            }
            Self::Remove { at, length } => {
                let part = part(at, length);
                bytes.drain(part);
            }
            Self::Copy { at, length, to } => {
                let (part, to) = (part(at, length), place(to));
                let copy = bytes.get(part).unwrap_or_default().to_vec();
                bytes.splice(to..to, copy);
            }
            Self::Repeat { at, length, times } => {
                let part = part(at, length);
                let copy = bytes.get(part.clone()).unwrap_or_default().repeat(usize::from(times));
                bytes.splice(part.end..part.end, copy);
            }
            Self::Insert { at, token } => {
                let at = place(at);
                let token =
                    TOKENS.get(usize::from(token) % TOKENS.len()).copied().unwrap_or_default();
                bytes.splice(at..at, token.bytes());
            }
            Self::Truncate { at } => {
                let at = place(at);
                bytes.truncate(at);
            }
        }
    }
}
