//! The Terraform of a fix, adapted to the configuration that it is for.
//!
//! A fix has ids, and adds resources of its own. Here ids become references. Where the configuration has the same thing
//! in another place, a comment says so: two resources for one thing undo each other.

use std::collections::BTreeSet;

use super::{
    contents::Plan,
    naming::{Reference, SINGLE, Taken, taken},
};

/// A resource that a fix adds, its attribute that says what it is a part of, and the attributes of that in which the
/// configuration may list such parts itself.
const PARTS: [(&str, &str, &[&str]); 6] = [
    ("aws_vpc_security_group_ingress_rule", "security_group_id", &["ingress"]),
    ("aws_vpc_security_group_egress_rule", "security_group_id", &["egress"]),
    ("aws_network_acl_rule", "network_acl_id", &["ingress", "egress"]),
    ("aws_route", "route_table_id", &["route"]),
    ("aws_vpc_endpoint_policy", "vpc_endpoint_id", &["policy"]),
    ("aws_iam_role_policy_attachment", "role", &["managed_policy_arns"]),
];

/// What the configuration says of what a fix may name.
pub struct Snippets {
    references: Vec<Reference>,
    taken: Vec<Taken>,
}

impl Snippets {
    #[must_use]
    pub fn of(plan: &Plan, references: &[Reference]) -> Self {
        Self { references: references.to_vec(), taken: taken(plan) }
    }

    /// With references in the place of ids. An expression is valid in its own module only, so that is said. `provider`:
    /// the alias of the one that the resources need, if they need one.
    #[must_use]
    pub fn adapted(&self, text: &str, provider: Option<&str>) -> String {
        let mut modules = BTreeSet::new();
        let mut text = self.with_places(text);
        if let Some(provider) = provider {
            let blocks = text.split_inclusive('\n').map(|line| {
                let argument = format!("  provider = {provider}\n\n");
                let begins = line.starts_with("resource \"");
                line.to_owned() + if begins { &argument } else { "" }
            });
            text = blocks.collect();
        }
        for reference in &self.references {
            let quoted = format!("\"{}\"", reference.id);
            let before = text.len();
            let resource = reference.expression.rsplit_once('.').map_or("", |parts| parts.0);
            let kind = resource.split('.').next().unwrap_or_default();
            text = with_arn(&text, reference).replace(
                &format!("# In the {kind} {quoted}, set:"),
                &format!("# In {resource}, set:"),
            );
            text = if reference.is_name() {
                with_name(&text, kind, &quoted, &reference.expression)
            } else {
                text.replace(&quoted, &reference.expression)
            };
            if text.len() != before {
                modules.extend(
                    reference
                        .module
                        .as_ref()
                        .map(|module| format!("# {} is in {module}.\n", reference.expression)),
                );
            }
        }
        modules.into_iter().collect::<String>() + &text
    }

    /// With a comment before each resource for which the configuration has another place.
    fn with_places(&self, text: &str) -> String {
        let mut adapted = String::new();
        for block in text.split_inclusive("\n}\n") {
            let start = block.find("resource \"").unwrap_or(block.len());
            let (before, resource) = block.split_at(start);
            adapted.push_str(before);
            adapted.push_str(&self.other_place(resource).unwrap_or_default());
            adapted.push_str(resource);
        }
        adapted
    }

    fn other_place(&self, resource: &str) -> Option<String> {
        let kind = resource.strip_prefix("resource \"")?.split('"').next()?;
        let named = |attribute: &str| {
            let mut lines = resource.lines().map(str::trim);
            let value =
                lines.find_map(|line| line.strip_prefix(attribute)?.trim().strip_prefix('='))?;
            Some(value.trim().trim_matches('"'))
        };
        let single = SINGLE.iter().find(|single| single.0 == kind);
        let taken = single.and_then(|(_, attribute)| {
            let id = named(attribute)?;
            self.taken.iter().find(|taken| taken.kind == kind && taken.id == id)
        });
        if let Some(taken) = taken {
            return Some(format!(
                "# {} exists: change it in place of this, because there can be only one.\n",
                taken.address
            ));
        }
        let (_, attribute, lists) = PARTS.iter().find(|part| part.0 == kind)?;
        let id = named(attribute)?;
        let whole = self.references.iter().find(|reference| reference.id == id)?;
        let list = lists.iter().find(|list| whole.lists.contains(**list))?;
        Some(format!(
            "# {} lists its {list} itself: put this there. Terraform removes what is not in that list.\n",
            whole.address
        ))
    }
}

/// A text with a reference in the place of a name, where an attribute is about this kind of resource: resources of
/// several kinds may have one name.
fn with_name(text: &str, kind: &str, quoted: &str, expression: &str) -> String {
    let word = kind.rsplit('_').next().unwrap_or(kind);
    let of_line = |line: &str| match line.split_once('=') {
        Some((attribute, _)) if attribute.contains(word) => line.replace(quoted, expression),
        _ => line.to_owned(),
    };
    text.split_inclusive('\n').map(of_line).collect()
}

/// A text with a reference in the place of a role's ARN, which has no account of its own in a plan.
fn with_arn(text: &str, role: &Reference) -> String {
    let Some(resource) = role.expression.strip_suffix(".name") else { return text.into() };
    if !resource.starts_with("aws_iam_role.") {
        return text.into();
    }
    let mut rest = text;
    let mut done = String::new();
    while let Some(at) = rest.find("arn:aws") {
        let (before, from) = rest.split_at(at);
        let end = from.find(['"', '\\', ' ', ',']).unwrap_or(from.len());
        let (arn, after) = from.split_at(end);
        let is_its = arn.contains(":role/") && arn.rsplit('/').next() == Some(role.id.as_str());
        done.push_str(before);
        if is_its {
            done.extend(["${", resource, ".arn}"]);
        } else {
            done.push_str(arn);
        }
        rest = after;
    }
    done + rest
}
