//! Edits of valid input: bytes that nobody chose seldom get past a parser's first line.

use proptest::{collection::vec, prelude::*};

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
