//! Blocks of HCL, the language of Terraform.

use alloc::{format, string::String, vec::Vec};
use core::fmt::{Display, Write};

use ssm_doctor_facts::change::CREATED;

/// A resource's name, which begins with a letter and has no other signs than `_`.
pub(super) fn identifier(name: &str) -> String {
    let plain = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '_' };
    let mut identifier: String = name.chars().map(plain).collect();
    identifier.make_ascii_lowercase();
    if identifier.starts_with(|first: char| first.is_ascii_digit()) {
        identifier.insert(0, '_');
    }
    identifier
}

/// A block of HCL that is being written.
pub(super) struct Block(String);

impl Block {
    pub(super) fn resource(kind: &str, name: &str) -> Self {
        Self(format!("resource \"{kind}\" \"{name}\" {{\n"))
    }

    pub(super) fn data(kind: &str, name: &str) -> Self {
        Self(format!("data \"{kind}\" \"{name}\" {{\n"))
    }

    /// An attribute whose value is a string, or a reference where it is the id of a created resource.
    pub(super) fn text(self, name: &str, value: &str) -> Self {
        self.expression(name, &reference(value))
    }

    /// An attribute whose value is a list of strings.
    pub(super) fn list<T: Display>(self, name: &str, values: &[T]) -> Self {
        let values: Vec<String> =
            values.iter().map(|value| reference(&format!("{value}"))).collect();
        self.expression(name, &format!("[{}]", values.join(", ")))
    }

    pub(super) fn expression(mut self, name: &str, value: &str) -> Self {
        // Writing to a string does not fail.
        _ = writeln!(self.0, "  {name} = {value}");
        self
    }

    /// A block inside of the block.
    pub(super) fn nested(mut self, name: &str, attributes: &[(&str, String)]) -> Self {
        _ = writeln!(self.0, "  {name} {{");
        for (attribute, value) in attributes {
            _ = writeln!(self.0, "    {attribute} = {value}");
        }
        _ = writeln!(self.0, "  }}");
        self
    }

    /// The same, with a block that is written already.
    pub(super) fn nested_block(mut self, name: &str, block: &str) -> Self {
        _ = writeln!(self.0, "  {name} {block}");
        self
    }

    pub(super) fn end(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

/// The blocks as `terraform fmt` would write them: the equals signs of lines that follow each other are aligned.
pub(crate) fn aligned(blocks: &str) -> String {
    let lines: Vec<&str> = blocks.lines().collect();
    let indent = |name: &str| name.len() - name.trim_start().len();
    let same_group = |one: &&str, next: &&str| match (attribute(one), attribute(next)) {
        (Some((one, _)), Some((next, _))) => indent(one) == indent(next),
        _ => false,
    };
    let mut text = String::new();
    for group in lines.chunk_by(same_group) {
        let names = group.iter().filter_map(|line| attribute(line)).map(|(name, _)| name);
        let widest = names.map(str::len).max().unwrap_or(0);
        for line in group {
            _ = match attribute(line) {
                Some((name, value)) => {
                    let gap = widest - name.len();
                    writeln!(text, "{name}{:gap$} = {value}", "")
                }
                None => writeln!(text, "{line}"),
            };
        }
    }
    text.truncate(text.trim_end().len());
    text
}

/// The name, with the spaces before it, and the value, if the line is a whole attribute.
fn attribute(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once(" = ")?;
    let is_whole = !value.ends_with(['{', '[', '(']) && !name.trim_start().contains(' ');
    is_whole.then_some((name, value))
}

/// A value, or a reference to the resource that is created.
pub(super) fn reference(value: &str) -> String {
    match CREATED.iter().find(|row| row.0 == value) {
        // The attributes of data are named in full.
        Some((_, _, reference)) if reference.starts_with("data.") => (*reference).into(),
        Some((_, _, reference)) => format!("{reference}.id"),
        None => quoted(value),
    }
}

/// The name of a resource, which tells it from others of its kind.
pub(super) fn named(parts: &[&str]) -> String {
    let mut name = String::from("ssm_doctor");
    for part in parts {
        name.push('_');
        name.extend(part.chars().map(|letter| {
            if letter.is_ascii_alphanumeric() || letter == '_' { letter } else { '_' }
        }));
    }
    name
}

/// A string of HCL, in which `${` and `%{` begin no template. Source: HCL native syntax specification,
/// "Template Expressions".
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for letter in text.chars() {
        match letter {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted.replace("${", "$${").replace("%{", "%%{")
}
