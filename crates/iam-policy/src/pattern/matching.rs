//! Compares a pattern with a text, or with the beginning of a text.
//!
//! A crate for wildcards does not serve here: variables are replaced by literal text, ARNs restrict what a
//! wildcard may match, and of a value that is only a prefix the answer can be unknown.

use crate::truth::Truth;

/// The number of colon-delimited parts of an ARN.
pub(crate) const ARN_PARTS: usize = 6;

/// A value of the request that a pattern is compared with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestValue<'a> {
    pub(crate) text: &'a str,
    /// `text` is only the beginning of the value; the rest is unknown.
    pub(crate) is_prefix: bool,
}

impl<'a> RequestValue<'a> {
    pub(crate) fn exact(text: &'a str) -> Self {
        Self { text, is_prefix: false }
    }

    pub(crate) fn prefix(text: &'a str) -> Self {
        Self { text, is_prefix: true }
    }
}

/// How a pattern is compared with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MatchMode {
    /// With wildcards.
    Like,
    /// Wildcards are ordinary characters.
    Equals,
    /// As `Equals`, without regard to case.
    EqualsIgnoreCase,
    /// As the ARN condition operators do: each part of the ARN separately.
    Arn,
    /// As the `Resource` element does: a final `*` may extend over several parts of the ARN.
    ResourceArn,
}

impl MatchMode {
    pub(super) fn is_literal(self) -> bool {
        matches!(self, Self::Equals | Self::EqualsIgnoreCase)
    }
}

/// One token of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Char(char),
    /// `?`
    AnyChar,
    /// `*`
    AnyRun,
}

impl Token {
    pub(super) fn of(char: char) -> Self {
        match char {
            '*' => Self::AnyRun,
            '?' => Self::AnyChar,
            _ => Self::Char(char),
        }
    }
}

/// A pattern that is read token by token.
pub(super) trait Tokens {
    /// The token at this position, and the position of the next one.
    fn token(&self, position: usize) -> Option<(Token, usize)>;
    fn ends_with_any_run(&self) -> bool;
}

/// A pattern without variables. Positions are byte offsets.
pub(super) struct RawTokens<'a> {
    pub(super) text: &'a str,
    /// Wildcards are ordinary characters.
    pub(super) literal: bool,
}

impl Tokens for RawTokens<'_> {
    fn token(&self, position: usize) -> Option<(Token, usize)> {
        let char = char_at(self.text, position)?;
        let token = if self.literal { Token::Char(char) } else { Token::of(char) };
        Some((token, position + char.len_utf8()))
    }

    fn ends_with_any_run(&self) -> bool {
        !self.literal && self.text.ends_with('*')
    }
}

/// A pattern whose variables have been replaced. Positions are indices.
impl Tokens for [Token] {
    fn token(&self, position: usize) -> Option<(Token, usize)> {
        self.get(position).map(|token| (*token, position + 1))
    }

    fn ends_with_any_run(&self) -> bool {
        self.last() == Some(&Token::AnyRun)
    }
}

fn char_at(text: &str, position: usize) -> Option<char> {
    match text.as_bytes().get(position) {
        Some(byte) if byte.is_ascii() => Some(char::from(*byte)),
        Some(_) => text.get(position..)?.chars().next(),
        None => None,
    }
}

/// Whether a wildcard may match a colon.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ColonRule {
    Any,
    /// Not the five colons between the parts of an ARN.
    NotBetweenArnParts,
    /// As `NotBetweenArnParts`, but a `*` at the pattern's end may match any of them.
    OnlyFinalRunBetweenArnParts,
}

/// How far a pattern and a text match.
struct MatchProgress {
    /// Both match to their ends.
    complete: bool,
    /// The pattern matches to the end of the text at least.
    text_consumed: bool,
    /// The number of literal colons that matched.
    colons_matched: usize,
    /// The unread rest of the pattern contains a colon.
    colon_remains: bool,
}

const NO_MATCH: MatchProgress = MatchProgress {
    complete: false,
    text_consumed: false,
    colons_matched: 0,
    colon_remains: false,
};

pub(super) fn compare<P: Tokens + ?Sized>(
    mode: MatchMode,
    pattern: &P,
    value: RequestValue,
) -> Truth {
    let ignore_case = mode == MatchMode::EqualsIgnoreCase;
    let unrestricted = advance(pattern, value.text, ColonRule::Any, ignore_case);
    if !(unrestricted.complete || value.is_prefix && unrestricted.text_consumed) {
        return Truth::No;
    }
    let rule = match mode {
        MatchMode::Like | MatchMode::Equals | MatchMode::EqualsIgnoreCase => {
            return certainty(&unrestricted, pattern, value);
        }
        // "Each of the six colon-delimited components of the ARN is checked separately". Source: IAM user
        // guide, "Condition operators".
        MatchMode::Arn => ColonRule::NotBetweenArnParts,
        // A star that ends a part "can expand to match beyond the colon boundaries". Policies rely on this
        // for the last star. For a star in the middle nobody has confirmed it. Source: IAM user guide,
        // "IAM JSON policy elements: Resource".
        MatchMode::ResourceArn => ColonRule::OnlyFinalRunBetweenArnParts,
    };
    let restricted = advance(pattern, value.text, rule, false);
    // The unknown rest of an ARN is the rest of a name. It adds no parts to the ARN.
    let has_all_parts = value.text.matches(':').count() >= ARN_PARTS - 1;
    if value.is_prefix && !restricted.text_consumed && unrestricted.colon_remains && has_all_parts {
        return Truth::No;
    }
    if mode == MatchMode::Arn && restricted.colons_matched < ARN_PARTS - 1 {
        return Truth::Unknown;
    }
    certainty(&restricted, pattern, value)
}

pub(super) fn matches_action(pattern: &str, action: &str) -> bool {
    let tokens = RawTokens { text: pattern, literal: false };
    advance(&tokens, action, ColonRule::Any, true).complete
}

fn certainty<P: Tokens + ?Sized>(
    progress: &MatchProgress,
    pattern: &P,
    value: RequestValue,
) -> Truth {
    let certain = progress.complete && (!value.is_prefix || pattern.ends_with_any_run());
    if certain { Truth::Yes } else { Truth::Unknown }
}

/// Matches the pattern from left to right. After a mismatch only the last `*` is extended: whatever an
/// earlier one could match, the last one can match too.
fn advance<P: Tokens + ?Sized>(
    pattern: &P,
    text: &str,
    rule: ColonRule,
    ignore_case: bool,
) -> MatchProgress {
    let restricted = rule != ColonRule::Any;
    let (mut position, mut read, mut colons) = (0, 0, 0);
    // After the last `*`: the position in the pattern, the bytes read, the colons matched.
    let mut last_run: Option<(usize, usize, usize)> = None;
    loop {
        let token = pattern.token(position);
        if let Some((Token::AnyRun, next)) = token {
            last_run = Some((next, read, colons));
            position = next;
            continue;
        }
        let Some(char) = char_at(text, read) else {
            return MatchProgress {
                complete: token.is_none(),
                text_consumed: true,
                colons_matched: colons,
                colon_remains: has_colon(pattern, position),
            };
        };
        let is_separator =
            |char: char, colons: usize| restricted && colons < ARN_PARTS - 1 && char == ':';
        match token {
            Some((Token::Char(wanted), next)) if same(wanted, char, ignore_case) => {
                colons += usize::from(wanted == ':');
                (position, read) = (next, read + char.len_utf8());
                continue;
            }
            Some((Token::AnyChar, next)) if !is_separator(char, colons) => {
                (position, read) = (next, read + char.len_utf8());
                continue;
            }
            _ => {}
        }
        let Some((next, from, colons_before)) = last_run else { return NO_MATCH };
        let Some(skipped) = char_at(text, from) else { return NO_MATCH };
        let is_final = pattern.token(next).is_none();
        let may_skip = is_final && rule == ColonRule::OnlyFinalRunBetweenArnParts;
        if is_separator(skipped, colons_before) && !may_skip {
            return NO_MATCH;
        }
        let from = from + skipped.len_utf8();
        last_run = Some((next, from, colons_before));
        (position, read, colons) = (next, from, colons_before);
    }
}

fn has_colon<P: Tokens + ?Sized>(pattern: &P, mut position: usize) -> bool {
    while let Some((token, next)) = pattern.token(position) {
        if token == Token::Char(':') {
            return true;
        }
        position = next;
    }
    false
}

fn same(a: char, b: char, ignore_case: bool) -> bool {
    match ignore_case {
        false => a == b,
        true if a.is_ascii() && b.is_ascii() => a.eq_ignore_ascii_case(&b),
        true => a.to_lowercase().eq(b.to_lowercase()),
    }
}
