//! What AWS sends as text: words of a list that may grow, and documents that should be JSON.

use alloc::string::String;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// An enum of the words AWS documents, which keeps any other word as it came.
macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($variant:ident = $word:literal),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(from = "String", into = "String")]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(with = "String"))]
        pub enum $name { $($variant,)* Other(String) }

        impl From<String> for $name {
            fn from(raw: String) -> Self {
                $(if raw.eq_ignore_ascii_case($word) { return Self::$variant; })*
                Self::Other(raw)
            }
        }

        impl $name {
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self { $(Self::$variant => $word,)* Self::Other(raw) => raw }
            }
        }

        impl From<$name> for String {
            fn from(it: $name) -> String { String::from(it.as_str()) }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(self.as_str()) }
        }
    )*};
}
pub(crate) use words;

/// A key of two parts, which JSON spells as one text: the parts with a space between them.
macro_rules! pair {
    ($(#[$doc:meta])* $name:ident { $first:ident: $left:ty, $second:ident: $right:ty }, $form:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(with = "String"))]
        pub struct $name {
            pub $first: $left,
            pub $second: $right,
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                write!(f, "{} {}", self.$first, self.$second)
            }
        }

        impl From<$name> for alloc::string::String {
            fn from(pair: $name) -> Self {
                alloc::format!("{pair}")
            }
        }

        impl TryFrom<alloc::string::String> for $name {
            type Error = alloc::string::String;
            fn try_from(raw: alloc::string::String) -> Result<Self, alloc::string::String> {
                let other = || alloc::format!("{raw:?} is not `{}`", $form);
                let ($first, $second) = raw.split_once(' ').ok_or_else(other)?;
                Ok(Self {
                    $first: $first.parse().map_err(|_| other())?,
                    $second: $second.parse().map_err(|_| other())?,
                })
            }
        }
    };
}
pub(crate) use pair;

/// A document that should be JSON. Parsed where it is, kept as it came where it is not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Value", into = "Value")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(with = "Value"))]
pub enum Text {
    Json(Value),
    /// Not a JSON object: as it came.
    Raw(String),
}

impl From<Value> for Text {
    fn from(value: Value) -> Self {
        match value {
            Value::String(raw) => Self::Raw(raw),
            value => Self::Json(value),
        }
    }
}

impl From<Text> for Value {
    fn from(text: Text) -> Self {
        match text {
            Text::Json(value) => value,
            Text::Raw(raw) => Value::String(raw),
        }
    }
}

impl Text {
    /// An object if `raw` is one, else the text itself.
    #[must_use]
    pub fn parse(raw: &str) -> Self {
        match serde_json::from_str::<Value>(raw) {
            Ok(value @ Value::Object(_)) => Self::Json(value),
            _ => Self::Raw(raw.into()),
        }
    }

    #[must_use]
    pub fn json(&self) -> Option<&Value> {
        match self {
            Self::Json(value) => Some(value),
            Self::Raw(_) => None,
        }
    }
}
