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

use crate::{
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
                    (None | Some(Known::Unseen(_) | Known::Many(_) | Known::Including(_)), _) => {
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
    /// Colons that it passed.
    colons: usize,
    /// Has what is left of it a colon?
    more_colons: bool,
}

const DEAD: Walk = Walk { whole: false, alive: false, colons: 0, more_colons: false };
/// Of an ARN.
pub(super) const PARTS: usize = 6;

fn compare<S: Steps + ?Sized>(by: Comparison, pattern: &S, words: Words) -> Truth {
    let loose = walk(pattern, words.text, Colons::Free, by == Comparison::EqualsIgnoreCase);
    if !(loose.whole || words.open && loose.alive) {
        return Truth::No;
    }
    let keeps = match by {
        Comparison::Like | Comparison::Equals | Comparison::EqualsIgnoreCase => {
            return certain(&loose, pattern, words);
        }
        // "Each of the six colon-delimited components of the ARN is checked separately".
        Comparison::Arn => Colons::Kept { tail: false },
        // A star that ends a part "can expand to match beyond the colon boundaries"; that the last
        // one does is relied upon, in the middle nobody has confirmed it. Source: IAM user guide,
        // "IAM JSON policy elements: Resource".
        Comparison::Resource => Colons::Kept { tail: true },
    };
    let strict = walk(pattern, words.text, keeps, false);
    // What is not known of an ARN is the end of a name, in which nobody looks for further parts.
    let begun = words.text.matches(':').count() >= PARTS - 1;
    if words.open && !strict.alive && loose.more_colons && begun {
        return Truth::No;
    }
    if by == Comparison::Arn && strict.colons < PARTS - 1 {
        return Truth::Unknown;
    }
    certain(&strict, pattern, words)
}

fn certain<S: Steps + ?Sized>(walk: &Walk, pattern: &S, words: Words) -> Truth {
    let certain = walk.whole && (!words.open || pattern.ends_open());
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
            let whole = step.is_none();
            let more_colons = has_colon(pattern, at);
            return Walk { whole, alive: true, colons: seen, more_colons };
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

fn has_colon<S: Steps + ?Sized>(pattern: &S, mut at: usize) -> bool {
    while let Some((glyph, next)) = pattern.step(at) {
        if glyph == Glyph::Is(':') {
            return true;
        }
        at = next;
    }
    false
}

fn same(a: char, b: char, fold: bool) -> bool {
    match fold {
        false => a == b,
        true if a.is_ascii() && b.is_ascii() => a.eq_ignore_ascii_case(&b),
        true => a.to_lowercase().eq(b.to_lowercase()),
    }
}

/// A name of actions. They are compared without regard to case.
#[derive(Clone, Copy, Debug)]
pub(super) struct Action<'p> {
    pub(super) raw: &'p str,
    wild: bool,
}

impl<'p> Action<'p> {
    pub(super) fn read(raw: &'p str) -> Self {
        Self { raw, wild: raw.contains(['*', '?']) }
    }

    pub(super) fn matches(self, action: &str) -> bool {
        if !self.wild {
            return self.raw.eq_ignore_ascii_case(action);
        }
        let pattern = Plain { text: self.raw, literal: false };
        self.raw == "*" || walk(&pattern, action, Colons::Free, true).whole
    }
}

#[cfg(test)]
mod tests {
    use Comparison::{Arn, Equals, EqualsIgnoreCase, Like, Resource};
    use Truth::{No, Unknown, Yes};

    use super::*;

    const DOCUMENT: &str = "arn:aws:ssm:eu-west-1:111122223333:document/Shell";

    fn pattern(raw: &str) -> Pattern<'_> {
        Pattern::read(Cow::Borrowed(raw), true).unwrap()
    }

    #[test]
    fn texts() {
        let rows = [
            (Like, "*", "", Yes),
            (Like, "a*c", "abbc", Yes),
            (Like, "a*c", "abb", No),
            (Like, "a?c", "abc", Yes),
            (Like, "a?c", "ac", No),
            (Like, "a?c", "aéc", Yes),
            (Like, "*a*b*", "xxaxxbxx", Yes),
            (Like, "*ab", "aab", Yes),
            (Like, "*aab", "aaab", Yes),
            (Like, "a*bc*d", "abxbcd", Yes),
            (Like, "a**", "a", Yes),
            (Like, "é*", "éa", Yes),
            (Like, "*é", "aé", Yes),
            (Like, "abc", "ABC", No),
            (Like, "", "", Yes),
            (Like, "", "a", No),
            (Equals, "a*", "ab", No),
            (Equals, "a*", "a*", Yes),
            (Equals, "Ab", "ab", No),
            (EqualsIgnoreCase, "Ab?", "aB?", Yes),
            (EqualsIgnoreCase, "ÄB", "äb", Yes),
            (EqualsIgnoreCase, "ab", "abc", No),
            // ARNs part by part: no star reaches over one of the first five colons.
            (Arn, "arn:aws:ssm:*:111122223333:document/*", DOCUMENT, Yes),
            (Arn, "arn:aws:ssm:*:*:*", DOCUMENT, Yes),
            (Arn, "arn:aws:ssm:eu-*:111122223333:document/?hell", DOCUMENT, Yes),
            (Arn, "arn:aws:ssm:us-*:*:*", DOCUMENT, No),
            (Arn, "arn:*:document/Shell", DOCUMENT, Unknown),
            (Arn, "arn:aws:ssm:*", DOCUMENT, Unknown),
            (Arn, "arn:aws:s3:*", DOCUMENT, No),
            (Arn, "*", DOCUMENT, Unknown),
            (Arn, "arn:aws:logs:*:*:log-group:*", "arn:aws:logs:r:1:log-group:g:log-stream:s", Yes),
            (Arn, "arn?aws:ssm:*:*:*", "arn:aws:ssm:a:b:c", Unknown),
            // In the Resource element the last star does.
            (Resource, "arn:aws:ssm:*", DOCUMENT, Yes),
            (Resource, "arn:aws:ssm:eu-west-1:*", DOCUMENT, Yes),
            (Resource, "arn:aws:ssm:*:document/*", DOCUMENT, Unknown),
            (Resource, "arn:aws:ssm:*:*:document/*", DOCUMENT, Yes),
            (Resource, "arn:aws:ssm:*:*:document/shell", DOCUMENT, No),
            (Resource, "arn:aws:ssm:*:*:*", "*", No),
        ];
        for (by, raw, text, expected) in rows {
            let found = pattern(raw).matches(by, Words::exactly(text), &Context::default());
            assert_eq!(found, expected, "{by:?} {raw} {text}");
        }
    }

    #[test]
    fn beginnings() {
        let rows = [
            (Like, "a*", "ab", Yes),
            (Like, "*", "", Yes),
            (Like, "ab*", "a", Unknown),
            (Like, "abc", "ab", Unknown),
            (Like, "ac", "ab", No),
            (Like, "a*c", "ab", Unknown),
            (Like, "ab", "abc", No),
            (Equals, "abc", "ab", Unknown),
            (Equals, "ab*", "ab", Unknown),
            (Equals, "b", "ab", No),
            (Arn, "arn:aws:ssm:*:*:*", "arn:aws:ssm:r:1:doc", Yes),
            (Arn, "arn:aws:ssm:*:*:*", "arn:aws:ssm:", Unknown),
            (Arn, "arn:aws:s3:*:*:*", "arn:aws:ssm:", No),
            (Resource, "arn:aws:ssm:*", "arn:aws:ssm:r", Yes),
            (Resource, "arn:aws:ssm:*:*:session/ana-*", "arn:aws:ssm:r:1:session/ana-", Yes),
            (Resource, "arn:aws:ssm:*:*:session/ana-*", "arn:aws:ssm:r:1:session/", Unknown),
            (Resource, "arn:aws:ssm:*:*:session/ana-*", "arn:aws:ssm:r:1:session/ben-", No),
        ];
        for (by, raw, text, expected) in rows {
            let words = Words { text, open: true };
            let found = pattern(raw).matches(by, words, &Context::default());
            assert_eq!(found, expected, "{by:?} {raw} {text}…");
        }
    }

    #[test]
    fn variables() {
        let context = Context::default()
            .with("aws:username", Known::Exactly("a*a".into()))
            .with("aws:userid", Known::Under("AROA:".into()))
            .with("aws:PrincipalTag/team", Known::Missing)
            .with("aws:TagKeys", Known::Many(Vec::from(["a".into()])));
        let rows = [
            ("x/${aws:username}", "x/a*a", Yes),
            ("x/${AWS:UserName}", "x/a*a", Yes),
            // A wildcard in a value is none.
            ("x/${aws:username}", "x/aba", No),
            ("x/${aws:username}*", "x/a*abc", Yes),
            ("${aws:userid}*", "AROA:i-1", Unknown),
            ("${aws:userid}", "AIDA", No),
            ("${aws:PrincipalTag/team}", "", No),
            ("${aws:PrincipalTag/team}*", "x", No),
            ("${aws:PrincipalTag/team, 'dev'}", "dev", Yes),
            ("${ aws:PrincipalTag/team , 'dev'}", "dev", Yes),
            ("${aws:PrincipalTag/team, ''}", "", Yes),
            ("${aws:username, 'dev'}", "dev", No),
            ("a/${aws:SourceVpce}/b", "a/x/b", Unknown),
            ("a/${aws:SourceVpce}/b", "c/x/b", No),
            ("${aws:TagKeys}", "a", Unknown),
            ("a${*}${?}${$}", "a*?$", Yes),
            ("a${*}", "ab", No),
        ];
        for (raw, text, expected) in rows {
            let found = pattern(raw).matches(Like, Words::exactly(text), &context);
            assert_eq!(found, expected, "{raw} {text}");
        }
        for raw in ["${aws:username", "${}", "${aws:username, dev}", "${, 'a'}", "${a, 'b}"] {
            assert!(Pattern::read(Cow::Borrowed(raw), true).is_none(), "{raw}");
        }
        // In the older language they are text.
        let literal = Pattern::read(Cow::Borrowed("${aws:username"), false).unwrap();
        assert_eq!(literal.matches(Like, Words::exactly("${aws:username"), &context), Yes);
    }

    #[test]
    fn actions() {
        let rows = [
            ("*", "ssm:StartSession", true),
            ("ssm:*", "ssm:StartSession", true),
            ("SSM:start*", "ssm:StartSession", true),
            ("ssm:?tartSession", "ssm:StartSession", true),
            ("ssm:startsession", "ssm:StartSession", true),
            ("ssm:GetDocument", "ssm:StartSession", false),
            ("ec2:*", "ssm:StartSession", false),
        ];
        for (raw, action, expected) in rows {
            assert_eq!(Action::read(raw).matches(action), expected, "{raw} {action}");
        }
    }
}
