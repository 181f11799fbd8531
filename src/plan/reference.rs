//! What an expression of the configuration refers to.
//!
//! An attribute that is known only after apply has no value in a plan. Its expression names the resources
//! that it comes from: `subnet_id = aws_subnet.private.id`. A plan lists these names without the expression
//! around them. So `element(aws_subnet.private[*].id, count.index)` and `aws_subnet.private[0].id` differ
//! only in what they name. Local values are not in a plan at all: of one it is known only which resources its module
//! has.

use serde_json::Value;

use super::document::{Configuration, Module, ModuleCall, ResourceConfig};

/// How many references are followed one after the other. Terraform accepts none that form a circle.
const DEPTH: usize = 24;

/// Where an expression is written.
#[derive(Clone)]
pub struct Place<'c> {
    pub module: &'c Module,
    /// The address of the module instance, as a prefix: empty, or `module.network["a"].`.
    pub prefix: String,
    /// The key of the resource or module call whose expression it is.
    key: Option<Value>,
    for_each: Option<&'c Value>,
    /// The call that made the module, and where it is written.
    parent: Option<(&'c ModuleCall, Box<Place<'c>>)>,
}

/// A resource instance that an expression names, as far as it names one: without a key, all of them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Named {
    /// `module.a.aws_subnet.x`, without the key.
    pub address: String,
    pub key: Option<Key>,
    /// The attribute, if the expression names one.
    pub attribute: Option<String>,
}

/// A key, as Terraform writes it in an address.
pub type Key = String;

impl Named {
    /// Is it a local value?
    #[must_use]
    pub fn is_local(&self) -> bool {
        matches!(segments(&self.address).as_slice(), [.., kind, _] if kind.name == "local")
    }

    /// Is this the address of an instance that is named?
    #[must_use]
    pub fn is(&self, address: &str) -> bool {
        let mut named = segments(&self.address);
        if let Some(last) = named.last_mut() {
            last.key.clone_from(&self.key);
        }
        let parts = segments(address);
        named.len() == parts.len()
            && named.iter().zip(&parts).all(|(named, part)| {
                named.name == part.name && (named.key.is_none() || named.key == part.key)
            })
    }
}

impl ModuleCall {
    /// Does it make one instance, which has no key?
    fn is_one(&self) -> bool {
        self.count_expression.is_null() && self.for_each_expression.is_null()
    }
}

impl<'c> Place<'c> {
    /// Where the configuration of a resource is written: `module_address` as in `module.a[0].module.b`.
    #[must_use]
    pub fn of(
        configuration: &'c Configuration,
        module_address: &str,
        name: &str,
        key: Option<&Value>,
    ) -> Option<(Self, &'c ResourceConfig)> {
        let mut place = Place {
            module: &configuration.root_module,
            prefix: String::new(),
            key: None,
            for_each: None,
            parent: None,
        };
        let mut segments = segments(module_address).into_iter();
        while let (Some(word), Some(call)) = (segments.next(), segments.next()) {
            if word.name != "module" {
                return None;
            }
            place = place.inside(&call)?;
        }
        let resource = place.module.resources.iter().find(|resource| resource.address == name)?;
        place.key = key.cloned();
        place.for_each = Some(&resource.for_each_expression).filter(|each| !each.is_null());
        Some((place, resource))
    }

    fn inside(&self, call: &Segment) -> Option<Self> {
        let found = self.module.calls.get(&call.name)?;
        let key = call.key.as_deref().and_then(|key| serde_json::from_str(key).ok());
        let suffix = call.key.as_ref().map_or_else(String::new, |key| format!("[{key}]"));
        let parent = Place {
            key,
            for_each: Some(&found.for_each_expression).filter(|each| !each.is_null()),
            ..self.clone()
        };
        Some(Self {
            module: &found.module,
            prefix: format!("{}module.{}{suffix}.", self.prefix, call.name),
            key: None,
            for_each: None,
            parent: Some((found, Box::new(parent))),
        })
    }

    /// What an expression names. Blocks within blocks count as one expression.
    #[must_use]
    pub fn named(&self, expression: &Value) -> Vec<Named> {
        let mut found = Vec::new();
        self.collect(expression, DEPTH, &mut found);
        found.dedup();
        found
    }

    /// Has an expression the same value whatever is applied? One that goes through a local value may not.
    #[must_use]
    pub fn is_constant(&self, expression: &Value) -> bool {
        self.named(expression).is_empty()
    }

    /// The module instance in which a local value is defined.
    #[must_use]
    pub fn of_local(&self, local: &Named) -> Option<Self> {
        let mut place = self;
        while let Some((_, parent)) = &place.parent {
            place = parent;
        }
        let mut place = place.clone();
        let all = segments(&local.address);
        let mut modules = all.iter();
        while let (Some(word), Some(call)) = (modules.next(), modules.next()) {
            if word.name == "module" {
                place = place.inside(call)?;
            }
        }
        Some(place)
    }

    /// What a local value of this module may come from, beside the module's own resources: what the module is given, and
    /// what the modules that it calls give.
    #[must_use]
    pub fn within_reach(&self) -> Vec<Named> {
        let mut found = Vec::new();
        if let Some((call, parent)) = &self.parent {
            call.expressions.values().for_each(|given| parent.collect(given, DEPTH, &mut found));
        }
        for (name, call) in &self.module.calls {
            let inside = self.inside(&Segment { name: name.clone(), key: None });
            for output in call.module.outputs.values() {
                let Some(inside) = &inside else { continue };
                inside.collect(&output.expression, DEPTH, &mut found);
            }
        }
        found.retain(|named| !named.is_local());
        found
    }

    fn collect(&self, expression: &Value, depth: usize, found: &mut Vec<Named>) {
        let Some(depth) = depth.checked_sub(1) else { return };
        match expression {
            Value::Array(parts) => {
                for part in parts {
                    self.collect(part, depth, found);
                }
            }
            Value::Object(fields) => match fields.get("references").and_then(Value::as_array) {
                Some(references) => {
                    let names: Vec<&str> = references.iter().filter_map(Value::as_str).collect();
                    for name in longest(&names) {
                        self.follow(name, &names, depth, found);
                    }
                }
                None if fields.contains_key("constant_value") => {}
                None => fields.values().for_each(|part| self.collect(part, depth, found)),
            },
            _ => {}
        }
    }

    fn follow(&self, name: &str, all: &[&str], depth: usize, found: &mut Vec<Named>) {
        let by_key = all.iter().any(|name| {
            name.starts_with("each.key") || name.starts_with("each.value") || *name == "count.index"
        });
        let own_key = || self.key.as_ref().filter(|_| by_key).map(Value::to_string);
        let parts = segments(name);
        let mut parts = parts.iter();
        let (Some(first), Some(second)) = (parts.next(), parts.next()) else { return };
        match first.name.as_str() {
            "var" => {
                let Some((call, parent)) = &self.parent else { return };
                if let Some(expression) = call.expressions.get(&second.name) {
                    parent.collect(expression, depth, found);
                }
            }
            "each" if second.name == "value" => {
                let Some(each) = self.for_each else { return };
                let mut named = Vec::new();
                self.collect(each, depth, &mut named);
                let key = self.key.as_ref().map(Value::to_string);
                let attribute = parts.next().map(|part| part.name.clone());
                found.extend(named.into_iter().map(|named| Named {
                    key: named.key.or_else(|| key.clone()),
                    attribute: named.attribute.or_else(|| attribute.clone()),
                    ..named
                }));
            }
            "module" => {
                let Some(output) = parts.next() else { return };
                let mut call = second.clone();
                let is_one = self.module.calls.get(&call.name).is_some_and(ModuleCall::is_one);
                call.key = call.key.or_else(|| own_key().filter(|_| !is_one));
                // The address is right even where the key is not known: every instance is meant then.
                let Some(inside) = self.inside(&call) else { return };
                let Some(given) = inside.module.outputs.get(&output.name) else { return };
                let before = found.len();
                inside.collect(&given.expression, depth, found);
                // An item of a list or map that is made of one resource: the instance with that key.
                if let Some([only]) = found.get_mut(before..) {
                    let own = || own_key().filter(|_| is_one);
                    only.key = only.key.take().or_else(|| output.key.clone()).or_else(own);
                }
            }
            "local" => found.push(Named {
                address: format!("{}local.{}", self.prefix, second.name),
                key: own_key(),
                attribute: None,
            }),
            "each" | "count" | "path" | "terraform" | "self" => {}
            "data" => {
                if let Some(third) = parts.next() {
                    found.push(Named {
                        address: format!("{}data.{}.{}", self.prefix, second.name, third.name),
                        key: third.key.clone().or_else(own_key),
                        attribute: parts.next().map(|part| part.name.clone()),
                    });
                }
            }
            kind => found.push(Named {
                address: format!("{}{kind}.{}", self.prefix, second.name),
                key: second.key.clone().or_else(own_key),
                attribute: parts.next().map(|part| part.name.clone()),
            }),
        }
    }
}

/// The names that are not merely the beginning of another one: Terraform lists `a.b.c`, `a.b` and `a`.
fn longest<'n>(names: &[&'n str]) -> Vec<&'n str> {
    let begins = |name: &str, other: &str| {
        other.strip_prefix(name).is_some_and(|rest| rest.starts_with(['.', '[']))
    };
    names.iter().filter(|name| !names.iter().any(|other| begins(name, other))).copied().collect()
}

/// A part of an address, and the key behind it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Segment {
    pub name: String,
    /// In JSON: `0`, or `"a"`.
    pub key: Option<String>,
}

/// `a.b["c.d"].e` in its parts.
#[must_use]
pub fn segments(address: &str) -> Vec<Segment> {
    let mut parts = Vec::new();
    let mut part = Segment::default();
    let (mut bracket, mut quoted) = (false, false);
    for letter in address.chars() {
        match letter {
            '"' if bracket => {
                quoted = !quoted;
                part.key.get_or_insert_default().push(letter);
            }
            '[' if !quoted => bracket = true,
            ']' if !quoted => bracket = false,
            '.' if !bracket => {
                parts.push(core::mem::take(&mut part));
            }
            _ if bracket => part.key.get_or_insert_default().push(letter),
            _ => part.name.push(letter),
        }
    }
    if !part.name.is_empty() {
        parts.push(part);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_come_apart() {
        let parts = segments(r#"module.a["x.y"].aws_subnet.this[0].id"#);
        let shown: Vec<_> =
            parts.iter().map(|part| (part.name.as_str(), part.key.as_deref())).collect();
        let expected = [
            ("module", None),
            ("a", Some("\"x.y\"")),
            ("aws_subnet", None),
            ("this", Some("0")),
            ("id", None),
        ];
        assert_eq!(shown, expected);
    }

    #[test]
    fn only_the_longest_names_count() {
        let names = ["aws_subnet.a[0].id", "aws_subnet.a[0]", "aws_subnet.a", "aws_subnet.ab"];
        assert_eq!(longest(&names), ["aws_subnet.a[0].id", "aws_subnet.ab"]);
    }
}
