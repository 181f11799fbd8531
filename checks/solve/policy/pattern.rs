//! IAM's wildcards, and variables in them.
//!
//! `*` is any run of characters and `?` any one; `${*}`, `${?}` and `${$}` are those characters
//! themselves; `${key}` is a value of the request's context, `${key, 'default'}` with a value for when
//! the request lacks it. A variable without a value equals nothing and is like nothing.
//! Source: IAM user guide, "IAM policy elements: Variables and tags".

use alloc::{
    borrow::{Cow, ToOwned},
    string::String,
    vec::Vec,
};

use super::{
    context::{Context, Known},
    truth::Truth,
};

/// A string of a policy, which may hold wildcards and variables.
#[derive(Clone, Debug)]
pub(super) struct Pattern<'p> {
    raw: Cow<'p, str>,
    /// Empty where it has no variables.
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug)]
enum Piece {
    Text(String),
    /// A wildcard's or variable's character, meant literally.
    Literal(char),
    Variable {
        key: String,
        default: Option<String>,
    },
}

/// One step of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Glyph {
    Is(char),
    One,
    Run,
}

/// A text, or the beginning of one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Words<'a> {
    pub(super) text: &'a str,
    /// How it goes on is not known.
    pub(super) open: bool,
}

impl<'a> Words<'a> {
    pub(super) fn exactly(text: &'a str) -> Self {
        Self { text, open: false }
    }
}

/// How a pattern's characters are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    /// Wildcards are.
    Like,
    /// Wildcards are characters like others.
    Equals,
    EqualsIgnoreCase,
    /// ARNs part by part.
    Arn,
    /// ARNs as the `Resource` element does.
    Resource,
}

impl<'p> Pattern<'p> {
    /// None when a variable does not read.
    pub(super) fn read(raw: Cow<'p, str>, variables: bool) -> Option<Self> {
        let pieces = if variables && raw.contains("${") { pieces(&raw)? } else { Vec::new() };
        Some(Self { raw, pieces })
    }

    /// What stands before its first variable.
    pub(super) fn before_variables(&self) -> &str {
        match self.pieces.first() {
            None => &self.raw,
            Some(Piece::Text(text)) => text,
            Some(_) => "",
        }
    }

    /// What of it is no variable.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        let plain = self.pieces.is_empty().then_some(&*self.raw);
        plain.into_iter().chain(self.pieces.iter().filter_map(|it| match it {
            Piece::Text(text) => Some(text.as_str()),
            _ => None,
        }))
    }

    /// The keys of the context that it takes.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|it| match it {
            Piece::Variable { key, .. } => Some(key.as_str()),
            _ => None,
        })
    }

    /// Could it have a variable without a value?
    pub(super) fn may_be_null(&self, context: &Context) -> bool {
        let lacks =
            |key: &str| matches!(context.get(key), None | Some(Known::Missing | Known::Unseen(_)));
        self.pieces.iter().any(|it| match it {
            Piece::Variable { key, default } => default.is_none() && lacks(key),
            Piece::Text(_) | Piece::Literal(_) => false,
        })
    }

    pub(super) fn matches(&self, by: Comparison, words: Words, context: &Context) -> Truth {
        if self.pieces.is_empty() {
            return compare(by, &Plain { text: &self.raw, literal: by.is_literal() }, words);
        }
        let Some((glyphs, certain)) = self.fill(by, context) else { return Truth::No };
        let found = compare(by, glyphs.as_slice(), words);
        // A run stands in for what is not known: no match with it is none with any value.
        if certain || found == Truth::No { found } else { Truth::Unknown }
    }

    /// Variables replaced; false where a value is not known. None where one has no value.
    fn fill(&self, by: Comparison, context: &Context) -> Option<(Vec<Glyph>, bool)> {
        let (mut glyphs, mut certain) = (Vec::new(), true);
        let literally = |text: &str, glyphs: &mut Vec<Glyph>| {
            glyphs.extend(text.chars().map(Glyph::Is));
        };
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) if by.is_literal() => literally(text, &mut glyphs),
                Piece::Text(text) => glyphs.extend(text.chars().map(Glyph::of)),
                Piece::Literal(it) => glyphs.push(Glyph::Is(*it)),
                Piece::Variable { key, default } => match (context.get(key), default) {
                    (Some(Known::Exactly(value)), _) => literally(value, &mut glyphs),
                    (Some(Known::Missing), Some(default)) => literally(default, &mut glyphs),
                    (Some(Known::Missing), None) => return None,
                    (Some(Known::Under(start)), _) => {
                        literally(start, &mut glyphs);
                        glyphs.push(Glyph::Run);
                        certain = false;
                    }
                    // Not even many values make one, but what AWS does with them is not documented.
                    (None | Some(Known::Unseen(_) | Known::Many(_)), _) => {
                        glyphs.push(Glyph::Run);
                        certain = false;
                    }
                },
            }
        }
        Some((glyphs, certain))
    }
}

impl Comparison {
    fn is_literal(self) -> bool {
        matches!(self, Self::Equals | Self::EqualsIgnoreCase)
    }
}

impl Glyph {
    fn of(it: char) -> Self {
        match it {
            '*' => Self::Run,
            '?' => Self::One,
            it => Self::Is(it),
        }
    }
}

/// Splits at variables; None where one does not end, or is not `key` or `key, 'default'`.
fn pieces(raw: &str) -> Option<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut rest = raw;
    while let Some((before, after)) = rest.split_once("${") {
        if !before.is_empty() {
            pieces.push(Piece::Text(before.to_owned()));
        }
        let (inside, after) = after.split_once('}')?;
        pieces.push(match inside {
            "*" | "?" | "$" => Piece::Literal(inside.chars().next()?),
            _ => variable(inside)?,
        });
        rest = after;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest.to_owned()));
    }
    Some(pieces)
}

fn variable(inside: &str) -> Option<Piece> {
    let (key, default) = match inside.split_once(',') {
        None => (inside, None),
        Some((key, default)) => {
            let quoted = default.trim().strip_prefix('\'')?.strip_suffix('\'')?;
            (key, Some(quoted.to_owned()))
        }
    };
    let key = key.trim();
    (!key.is_empty()).then(|| Piece::Variable { key: key.to_owned(), default })
}

/// A pattern, read one step at a time from a place in it.
pub(super) trait Steps {
    /// The step at this place and the place after it.
    fn step(&self, at: usize) -> Option<(Glyph, usize)>;
    /// Does it end in a run?
    fn ends_open(&self) -> bool;
}

struct Plain<'a> {
    text: &'a str,
    literal: bool,
}

impl Steps for Plain<'_> {
    fn step(&self, at: usize) -> Option<(Glyph, usize)> {
        let it = char_at(self.text, at)?;
        let glyph = if self.literal { Glyph::Is(it) } else { Glyph::of(it) };
        Some((glyph, at + it.len_utf8()))
    }

    fn ends_open(&self) -> bool {
        !self.literal && self.text.ends_with('*')
    }
}

impl Steps for [Glyph] {
    fn step(&self, at: usize) -> Option<(Glyph, usize)> {
        self.get(at).map(|it| (*it, at + 1))
    }

    fn ends_open(&self) -> bool {
        self.last() == Some(&Glyph::Run)
    }
}

fn char_at(text: &str, at: usize) -> Option<char> {
    match text.as_bytes().get(at) {
        Some(byte) if byte.is_ascii() => Some(char::from(*byte)),
        Some(_) => text.get(at..)?.chars().next(),
        None => None,
    }
}

/// May a wildcard stand for a colon?
#[derive(Clone, Copy, PartialEq, Eq)]
enum Colons {
    Free,
    /// Not within the first five parts of an ARN; `tail`: a last star may.
    Kept {
        tail: bool,
    },
}

/// How far a pattern went along a text.
struct Walk {
    /// To the end of both.
    whole: bool,
    /// To the end of the text at least.
    alive: bool,
    /// Colons in the pattern.
    colons: usize,
}

const DEAD: Walk = Walk { whole: false, alive: false, colons: 0 };
/// Of an ARN.
pub(super) const PARTS: usize = 6;

fn compare<S: Steps + ?Sized>(by: Comparison, pattern: &S, words: Words) -> Truth {
    let loose = walk(pattern, words.text, Colons::Free, by == Comparison::EqualsIgnoreCase);
    if !(loose.whole || words.open && loose.alive) {
        return Truth::No;
    }
    let (strict, within) = match by {
        Comparison::Like | Comparison::Equals | Comparison::EqualsIgnoreCase => (loose, true),
        // A star that ends a part "can expand to match beyond the colon boundaries"; that the last
        // one does is relied upon, in the middle nobody has confirmed it. Source: IAM user guide,
        // "IAM JSON policy elements: Resource".
        Comparison::Resource => {
            (walk(pattern, words.text, Colons::Kept { tail: true }, false), true)
        }
        // "Each of the six colon-delimited components of the ARN is checked separately".
        Comparison::Arn => {
            let strict = walk(pattern, words.text, Colons::Kept { tail: false }, false);
            let within = strict.colons >= PARTS - 1;
            (strict, within)
        }
    };
    let certain = within && strict.whole && (!words.open || pattern.ends_open());
    if certain { Truth::Yes } else { Truth::Unknown }
}

/// Follows the last star only: what an earlier one could reach, the last one reaches too.
fn walk<S: Steps + ?Sized>(pattern: &S, text: &str, colons: Colons, fold: bool) -> Walk {
    let (mut at, mut read, mut seen) = (0, 0, 0);
    let mut star: Option<(usize, usize, usize)> = None;
    loop {
        let step = pattern.step(at);
        if let Some((Glyph::Run, next)) = step {
            star = Some((next, read, seen));
            at = next;
            continue;
        }
        let letter = char_at(text, read);
        let Some(letter) = letter else {
            return Walk { whole: step.is_none(), alive: true, colons: seen };
        };
        let kept = |seen: usize| colons != Colons::Free && seen < PARTS - 1 && letter == ':';
        match step {
            Some((Glyph::Is(it), next)) if same(it, letter, fold) => {
                seen += usize::from(it == ':');
                (at, read) = (next, read + letter.len_utf8());
                continue;
            }
            Some((Glyph::One, next)) if !kept(seen) => {
                (at, read) = (next, read + letter.len_utf8());
                continue;
            }
            _ => {}
        }
        let Some((next, from, before)) = star else { return DEAD };
        let Some(skipped) = char_at(text, from) else { return DEAD };
        let last = pattern.step(next).is_none();
        let stops = colons != Colons::Free && before < PARTS - 1 && skipped == ':';
        if stops && !(last && colons == Colons::Kept { tail: true }) {
            return DEAD;
        }
        let from = from + skipped.len_utf8();
        star = Some((next, from, before));
        (at, read, seen) = (next, from, before);
    }
}

fn same(a: char, b: char, fold: bool) -> bool {
    a == b || fold && a.to_lowercase().eq(b.to_lowercase())
}

/// Action names are compared without regard to case.
pub(super) fn action_matches(pattern: &str, action: &str) -> bool {
    pattern == "*"
        || walk(&Plain { text: pattern, literal: false }, action, Colons::Free, true).whole
}
