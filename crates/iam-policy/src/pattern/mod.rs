//! IAM's wildcards and policy variables.
//!
//! - `*` matches any number of characters, `?` exactly one.
//! - `${*}`, `${?}` and `${$}` are those characters themselves.
//! - `${key}` is the value of a condition key in the request. `${key, 'default'}` has a value for requests
//!   without the key. A variable without a value equals nothing and matches no pattern.
//!
//! Source: IAM user guide, "IAM policy elements: Variables and tags".

mod matching;

use alloc::{
    borrow::{Cow, ToOwned},
    string::String,
    vec::Vec,
};

use crate::{
    request::{KeyValue, RequestContext},
    truth::Truth,
};
pub(crate) use matching::{ARN_PARTS, MatchMode, RequestValue};
use matching::{RawTokens, Token, compare, matches_action};

/// A string of a policy, which may contain wildcards and variables.
#[derive(Clone, Debug)]
pub(crate) struct Pattern<'p> {
    raw: Cow<'p, str>,
    /// Empty if the string has no variables.
    segments: Vec<Segment>,
}

#[derive(Clone, Debug)]
enum Segment {
    Text(String),
    /// `*`, `?` or `$` without a special meaning: `${*}`.
    EscapedChar(char),
    Variable {
        key: String,
        default: Option<String>,
    },
}

impl<'p> Pattern<'p> {
    /// Parses a string of a policy. `variables`: whether the policy's version has variables.
    ///
    /// Returns None if a variable is malformed.
    pub(crate) fn parse(raw: Cow<'p, str>, variables: bool) -> Option<Self> {
        let segments =
            if variables && raw.contains("${") { parse_segments(&raw)? } else { Vec::new() };
        Some(Self { raw, segments })
    }

    /// The text before the first variable.
    pub(crate) fn text_before_variables(&self) -> &str {
        match self.segments.first() {
            None => &self.raw,
            Some(Segment::Text(text)) => text,
            Some(_) => "",
        }
    }

    /// All text outside of variables.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &str> {
        let whole = self.segments.is_empty().then_some(&*self.raw);
        whole.into_iter().chain(self.segments.iter().filter_map(|segment| match segment {
            Segment::Text(text) => Some(text.as_str()),
            _ => None,
        }))
    }

    /// The condition keys that the variables refer to.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().filter_map(|segment| match segment {
            Segment::Variable { key, .. } => Some(key.as_str()),
            _ => None,
        })
    }

    /// Whether a variable has no value, or possibly none.
    pub(crate) fn may_be_null(&self, context: &RequestContext) -> bool {
        let may_lack = |key: &str| {
            matches!(context.get(key), None | Some(KeyValue::Absent | KeyValue::Unknown(_)))
        };
        self.segments.iter().any(|segment| match segment {
            Segment::Variable { key, default } => default.is_none() && may_lack(key),
            Segment::Text(_) | Segment::EscapedChar(_) => false,
        })
    }

    pub(crate) fn matches(
        &self,
        mode: MatchMode,
        value: RequestValue,
        context: &RequestContext,
    ) -> Truth {
        if self.segments.is_empty() {
            let tokens = RawTokens { text: &self.raw, literal: mode.is_literal() };
            return compare(mode, &tokens, value);
        }
        let Some((tokens, certain)) = self.substitute(mode, context) else { return Truth::No };
        let result = compare(mode, tokens.as_slice(), value);
        // A wildcard stands in for unknown text. If even the wildcard does not match, no text does.
        if certain || result == Truth::No { result } else { Truth::Unknown }
    }

    /// Replaces the variables by their values, or by `*` where a value is not fully known. The flag is
    /// true if every value is known. Returns None if a variable has no value.
    fn substitute(&self, mode: MatchMode, context: &RequestContext) -> Option<(Vec<Token>, bool)> {
        let (mut tokens, mut certain) = (Vec::new(), true);
        let push_literally = |text: &str, tokens: &mut Vec<Token>| {
            tokens.extend(text.chars().map(Token::Char));
        };
        for segment in &self.segments {
            let (key, default) = match segment {
                Segment::Text(text) if mode.is_literal() => {
                    push_literally(text, &mut tokens);
                    continue;
                }
                Segment::Text(text) => {
                    tokens.extend(text.chars().map(Token::of));
                    continue;
                }
                Segment::EscapedChar(char) => {
                    tokens.push(Token::Char(*char));
                    continue;
                }
                Segment::Variable { key, default } => (key, default),
            };
            match (context.get(key), default) {
                (Some(KeyValue::Exact(value)), _) => push_literally(value, &mut tokens),
                (Some(KeyValue::Absent), Some(default)) => push_literally(default, &mut tokens),
                (Some(KeyValue::Absent), None) => return None,
                (Some(KeyValue::Prefix(start)), _) => {
                    push_literally(start, &mut tokens);
                    tokens.push(Token::AnyRun);
                    certain = false;
                }
                // AWS does not document the value of a variable whose key has several values.
                (
                    None
                    | Some(
                        KeyValue::Unknown(_)
                        | KeyValue::Multiple(_)
                        | KeyValue::AtLeast(_)
                        | KeyValue::Between { .. },
                    ),
                    _,
                ) => {
                    tokens.push(Token::AnyRun);
                    certain = false;
                }
            }
        }
        Some((tokens, certain))
    }
}

/// Splits a string at its variables. Returns None if a variable does not end, or is neither `key` nor
/// `key, 'default'`.
fn parse_segments(raw: &str) -> Option<Vec<Segment>> {
    let mut segments = Vec::new();
    let mut rest = raw;
    while let Some((before, after)) = rest.split_once("${") {
        if !before.is_empty() {
            segments.push(Segment::Text(before.to_owned()));
        }
        let (inside, after) = after.split_once('}')?;
        segments.push(match inside {
            "*" | "?" | "$" => Segment::EscapedChar(inside.chars().next()?),
            _ => parse_variable(inside)?,
        });
        rest = after;
    }
    if !rest.is_empty() {
        segments.push(Segment::Text(rest.to_owned()));
    }
    Some(segments)
}

fn parse_variable(inside: &str) -> Option<Segment> {
    let (key, default) = match inside.split_once(',') {
        None => (inside, None),
        Some((key, default)) => {
            let text = default.trim().strip_prefix('\'')?.strip_suffix('\'')?;
            (key, Some(text.to_owned()))
        }
    };
    let key = key.trim();
    (!key.is_empty()).then(|| Segment::Variable { key: key.to_owned(), default })
}

/// One entry of an `Action` or `NotAction` element. Actions are compared without regard to case.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ActionPattern<'p> {
    pub(crate) raw: &'p str,
    has_wildcards: bool,
}

impl<'p> ActionPattern<'p> {
    pub(crate) fn parse(raw: &'p str) -> Self {
        Self { raw, has_wildcards: raw.contains(['*', '?']) }
    }

    pub(crate) fn matches(self, action: &str) -> bool {
        if !self.has_wildcards {
            return self.raw.eq_ignore_ascii_case(action);
        }
        self.raw == "*" || matches_action(self.raw, action)
    }
}

/// Does a pattern cover a text, as an entry of an `Action` element does? `*` stands for any text and `?` for
/// one character.
#[must_use]
pub fn pattern_covers(pattern: &str, text: &str) -> bool {
    matches_action(pattern, text)
}

#[cfg(test)]
mod tests;
