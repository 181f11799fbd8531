//! A command line, for the shell at hand.

use alloc::{
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};
use core::fmt::Display;

use ssm_doctor_facts::change::CREATED;

/// One call of a program, and the variable that takes its output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    pub sets: Option<&'static str>,
    pub words: Vec<Word>,
}

/// One argument: text, and variables of the shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Variable(&'static str),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shell {
    #[default]
    Posix,
    PowerShell,
}

impl Command {
    /// Each `{}` of the template takes the next value, which stays within its word. `{name}` is the
    /// variable `name`.
    #[must_use]
    pub fn new(template: &str, values: &[&dyn Display]) -> Self {
        let mut values = values.iter();
        let words = template.split(' ').map(|word| Word::of(word, &mut values)).collect();
        Self { sets: None, words }
    }

    /// The same; what `query` selects of its output goes into a variable.
    #[must_use]
    pub fn setting(mut self, variable: &'static str, query: &str) -> Self {
        self.sets = Some(variable);
        self.words.extend(["--query", query, "--output", "text"].map(Word::text));
        self
    }

    /// The same; what `query` makes of its output goes into a variable as JSON.
    #[must_use]
    pub fn setting_json(mut self, variable: &'static str, query: &str) -> Self {
        self.sets = Some(variable);
        self.words.extend(["--query", query, "--output", "json"].map(Word::text));
        self
    }

    /// With an option that takes several values.
    #[must_use]
    pub fn list<T: Display>(mut self, option: &str, values: &[T]) -> Self {
        self.words.push(Word::text(option));
        for value in values {
            self = self.and("{}", &[value]);
        }
        self
    }

    /// With another word before all others.
    pub(super) fn prefixed(mut self, word: &str) -> Self {
        self.words.insert(0, Word::text(word));
        self
    }

    #[must_use]
    pub fn and(mut self, template: &str, values: &[&dyn Display]) -> Self {
        self.words.extend(Self::new(template, values).words);
        self
    }

    /// As a person types it.
    #[must_use]
    pub fn line(&self, shell: Shell) -> String {
        let words: Vec<String> = self.words.iter().map(|word| word.quoted(shell)).collect();
        let call = words.join(" ");
        match (self.sets, shell) {
            (None, _) => call,
            (Some(variable), Shell::Posix) => format!("{variable}=$({call})"),
            (Some(variable), Shell::PowerShell) => format!("${variable} = {call}"),
        }
    }

    /// Does a person have to fill in a value? It stands in the command as `<…>`.
    #[must_use]
    pub fn has_placeholder(&self) -> bool {
        let open = |part: &Part| match part {
            Part::Text(text) => text.split_once('<').is_some_and(|(_, rest)| rest.contains('>')),
            Part::Variable(_) => false,
        };
        self.words.iter().any(|word| word.0.iter().any(open))
    }
}

impl Word {
    fn text(text: &str) -> Self {
        Self(vec![Part::Text(text.into())])
    }

    fn of<'v>(template: &str, values: &mut impl Iterator<Item = &'v &'v dyn Display>) -> Self {
        let mut parts = Vec::new();
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('{') {
            let Some((name, after)) = after.split_once('}') else { break };
            push_text(&mut parts, before);
            match VARIABLES.iter().find(|known| **known == name) {
                Some(variable) => parts.push(Part::Variable(variable)),
                None if name.is_empty() => {
                    // Every template has as many values as `{}`; the AWS CLI refuses an empty one.
                    let value = values.next().map(ToString::to_string).unwrap_or_default();
                    push_value(&mut parts, &value);
                }
                None => push_text(&mut parts, &format!("{{{name}}}")),
            }
            rest = after;
        }
        push_text(&mut parts, rest);
        Self(parts)
    }

    fn quoted(&self, shell: Shell) -> String {
        match (self.0.as_slice(), shell) {
            ([], _) => String::from("''"),
            ([Part::Text(text)], Shell::Posix) => posix(text),
            ([Part::Text(text)], Shell::PowerShell) => powershell(text),
            (parts, Shell::Posix) => parts
                .iter()
                .map(|part| match part {
                    Part::Text(text) => posix(text),
                    Part::Variable(name) => format!("\"${name}\""),
                })
                .collect(),
            (parts, Shell::PowerShell) => {
                let inside = parts.iter().map(|part| match part {
                    Part::Text(text) => {
                        text.replace('`', "``").replace('"', "`\"").replace('$', "`$")
                    }
                    Part::Variable(name) => format!("${{{name}}}"),
                });
                format!("\"{}\"", inside.collect::<String>())
            }
        }
    }
}

/// Variables that commands set and read beside those of [`CREATED`].
const VARIABLES: &[&str] = &[
    "allocation",
    "serial",
    "association",
    "nat_gateway",
    "dhcp_options",
    "resolver_rule",
    "domain_list",
    "rule_group",
    "firewall_policy",
    "token",
    "version",
];

fn push_text(parts: &mut Vec<Part>, text: &str) {
    match parts.last_mut() {
        _ if text.is_empty() => {}
        Some(Part::Text(so_far)) => so_far.push_str(text),
        _ => parts.push(Part::Text(text.into())),
    }
}

/// A value, in which the ids of created resources are variables.
fn push_value(parts: &mut Vec<Part>, value: &str) {
    let found = CREATED.iter().filter_map(|(id, variable, _)| {
        let (before, after) = value.split_once(id)?;
        Some((before, *variable, after))
    });
    let found = found.min_by_key(|(before, ..)| before.len());
    match found {
        Some((before, variable, after)) => {
            push_text(parts, before);
            parts.push(Part::Variable(variable));
            if !after.is_empty() {
                push_value(parts, after);
            }
        }
        None if value.is_empty() => push_empty(parts),
        None => push_text(parts, value),
    }
}

/// An empty argument is an argument.
fn push_empty(parts: &mut Vec<Part>) {
    if parts.is_empty() {
        parts.push(Part::Text(String::new()));
    }
}

fn posix(text: &str) -> String {
    // AWS gives no NUL, the only thing that cannot be quoted.
    shlex::try_quote(text).map_or_else(|_| String::from("''"), alloc::borrow::Cow::into_owned)
}

/// For PowerShell 7.3 or newer: older ones drop the double quotes inside of arguments.
fn powershell(text: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./:=+".contains(letter);
    if !text.is_empty() && text.chars().all(plain) {
        return text.into();
    }
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_stays_within_its_word() {
        let command = Command::new("aws x --name {} --tag {}", &[&"a b", &"it's $HOME"]);
        assert_eq!(command.line(Shell::Posix), r#"aws x --name 'a b' --tag "it's "'$HOME'"#);
        assert_eq!(command.line(Shell::PowerShell), "aws x --name 'a b' --tag 'it''s $HOME'");
    }

    #[test]
    fn the_id_of_a_created_resource_is_a_variable() {
        let create = Command::new("aws ec2 create-nat-gateway --subnet-id {}", &[&"subnet-1"])
            .setting("nat_gateway", "NatGateway.NatGatewayId");
        let route = Command::new("aws ec2 create-route --nat-gateway-id {}", &[&"nat-created"]);
        assert_eq!(
            create.line(Shell::Posix),
            "nat_gateway=$(aws ec2 create-nat-gateway --subnet-id subnet-1 --query NatGateway.NatGatewayId --output text)"
        );
        assert_eq!(
            route.line(Shell::Posix),
            r#"aws ec2 create-route --nat-gateway-id "$nat_gateway""#
        );
        assert_eq!(
            route.line(Shell::PowerShell),
            r#"aws ec2 create-route --nat-gateway-id "${nat_gateway}""#
        );
    }

    #[test]
    fn a_variable_stands_inside_of_text() {
        let command = Command::new("aws x --items Id={token},Name={}", &[&"a"]);
        assert_eq!(command.line(Shell::Posix), r#"aws x --items 'Id='"$token"',Name=a'"#);
    }
}
