//! A resource of a plan, and what is known of its attributes.

use std::collections::BTreeMap;

use serde_json::Value;
use ssm_doctor_facts::lookup::Why;

use super::{
    homes::Home,
    reference::{Named, Place},
    values::{Attribute, attribute, why},
};

/// A resource, or what a data source shows.
pub struct Resource<'p> {
    pub address: String,
    /// `aws_subnet`. A data source is the resource that it shows.
    pub kind: &'p str,
    pub data: bool,
    pub values: Value,
    /// None for the resources of another provider than AWS, or of a Region that is not shown.
    pub home: Option<Home>,
    pub(super) place: Option<Place<'p>>,
    pub(super) expressions: Option<&'p serde_json::Map<String, Value>>,
    /// Its id in AWS, or the one that stands for it.
    pub id: String,
    /// Does the id stand for one that is known only after apply?
    pub(super) is_made: bool,
}

/// What is known of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum Known<T> {
    None,
    Value(T),
    /// With the attribute's address.
    Unknown(Why, String),
}

impl<T> Known<T> {
    pub fn value(self) -> Option<T> {
        match self {
            Self::Value(value) => Some(value),
            Self::None | Self::Unknown(..) => None,
        }
    }

    /// Why it is not known, with the attribute's address.
    pub fn why(self) -> Option<(Why, String)> {
        match self {
            Self::Unknown(why, address) => Some((why, address)),
            Self::None | Self::Value(_) => None,
        }
    }

    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Known<U> {
        match self {
            Self::None => Known::None,
            Self::Value(value) => Known::Value(change(value)),
            Self::Unknown(why, address) => Known::Unknown(why, address),
        }
    }
}

impl<'p> Resource<'p> {
    /// What the configuration says of an attribute.
    #[must_use]
    pub fn expression(&self, attribute: &str) -> Option<&'p Value> {
        self.expressions?.get(attribute)
    }

    /// Does the configuration set an attribute? Unknown resources count as having set it.
    #[must_use]
    pub fn sets(&self, attribute: &str) -> bool {
        self.expressions.is_none_or(|expressions| expressions.contains_key(attribute))
    }

    /// Does the configuration list what an attribute has? Then it has nothing else.
    #[must_use]
    pub fn is_listing(&self, attribute: &str) -> bool {
        self.expression(attribute).is_some()
    }

    /// Is an attribute that is known only after apply left to the provider? So it is where the configuration
    /// sets it to `null`, too.
    fn is_computed(&self, attribute: &str) -> bool {
        self.expressions.is_some_and(|expressions| {
            expressions.get(attribute).is_none_or(|expression| self.is_constant(expression))
        })
    }

    fn is_constant(&self, expression: &Value) -> bool {
        self.place.as_ref().is_some_and(|place| place.is_constant(expression))
    }

    /// Is what an expression names of it known only after apply?
    pub(super) fn is_open(&self, named: &Named) -> bool {
        match &named.attribute {
            None => self.is_made,
            Some(name) => match self.values.get(name) {
                Some(value) => why(value).is_some(),
                // A block or a list that the plan leaves out.
                None => self.is_made,
            },
        }
    }

    /// An attribute as text.
    #[must_use]
    pub fn text(&self, name: &str) -> Known<String> {
        match attribute(self.values.get(name)) {
            Attribute::Known(Value::String(text)) if text.is_empty() => Known::None,
            Attribute::Known(Value::String(text)) => Known::Value(text.clone()),
            Attribute::Known(value) => Known::Value(value.to_string()),
            Attribute::None => Known::None,
            Attribute::Unknown(Why::AfterApply) if self.is_computed(name) => Known::None,
            Attribute::Unknown(why) => Known::Unknown(why, format!("{}.{name}", self.address)),
        }
    }

    /// A text that is known now, or None.
    #[must_use]
    pub fn known(&self, name: &str) -> Option<String> {
        self.text(name).value()
    }

    /// `true`, `false`, or what the provider takes for no value.
    #[must_use]
    pub fn flag(&self, name: &str, default: bool) -> bool {
        self.values.get(name).and_then(Value::as_bool).unwrap_or(default)
    }

    /// The blocks or items of a list.
    #[must_use]
    pub fn items(&self, name: &str) -> &[Value] {
        self.values.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// Texts of a list that are known.
    #[must_use]
    pub fn texts(&self, name: &str) -> Vec<String> {
        self.items(name).iter().filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// The address of an attribute.
    #[must_use]
    pub fn attribute_address(&self, name: &str) -> String {
        format!("{}.{name}", self.address)
    }

    #[must_use]
    pub fn tags(&self) -> BTreeMap<String, String> {
        let tags = ["tags_all", "tags"].iter().find_map(|name| self.values.get(name)?.as_object());
        let known = tags.into_iter().flatten();
        known.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
    }
}
