//! Roles, instance profiles, users, and their policies.

use std::collections::BTreeMap;

use serde_json::Value;
use ssm_doctor_facts::{
    iam::{AttachedPolicies, InstanceProfile, ManagedPolicy, Role},
    ids::{Arn, ProfileName, RoleName},
    lookup::{Absent, Row, Why},
    text::Text,
};

use super::{
    policy_document::{self, planned},
    row::{Rows, partition, unknown},
};
use crate::plan::{
    values::{Attribute, attribute},
    world::{Home, Known, Resource, World},
};

const ROLE: [&str; 1] = ["aws_iam_role"];
const POLICY: [&str; 1] = ["aws_iam_policy"];

pub(super) fn add(rows: &mut Rows, world: &World, home: &Home) {
    for resource in world.of(home, &POLICY) {
        let Some(arn) = arn(home, resource, "policy") else { continue };
        let row = match resource.text("policy") {
            Known::Value(text) => Row::Present(ManagedPolicy {
                version: "(planned)".into(),
                document: Text::parse(&text),
            }),
            Known::Unknown(Why::AfterApply, address) => {
                match assumed(rows, world, resource, "policy") {
                    Some(document) => {
                        Row::Present(ManagedPolicy { version: "(planned)".into(), document })
                    }
                    None => unknown(Why::AfterApply, &address),
                }
            }
            Known::Unknown(why, address) => unknown(why, &address),
            Known::None => continue,
        };
        rows.facts.managed_policies.insert(arn, row);
    }
    for resource in world.of(home, &ROLE) {
        let Ok(name) = resource.id.parse::<RoleName>() else { continue };
        role(rows, world, home, resource, &name);
    }
    for resource in world.of(home, &["aws_iam_instance_profile"]) {
        let Ok(name) = resource.id.parse::<ProfileName>() else { continue };
        let row = match world.refers_to_one(resource, "role", &ROLE) {
            Known::Unknown(why, address) => unknown(why, &address),
            role => {
                let role = role.value().and_then(|name| name.parse().ok());
                Row::Present(InstanceProfile {
                    id: resource.known("unique_id"),
                    roles: role.into_iter().collect(),
                })
            }
        };
        rows.facts.instance_profiles.insert(name, row);
    }
}

/// An ARN, made of the name where it is known only after apply.
fn arn(home: &Home, resource: &Resource, kind: &str) -> Option<Arn> {
    let given = resource
        .known("arn")
        .or_else(|| resource.id.starts_with("arn:").then(|| resource.id.clone()));
    let made = || {
        let path = resource.known("path").unwrap_or_else(|| "/".into());
        let (partition, account) = (partition(home), &home.account);
        format!("arn:{partition}:iam::{account}:{kind}{path}{}", resource.id)
    };
    given.unwrap_or_else(made).parse().ok()
}

fn role(rows: &mut Rows, world: &World, home: &Home, resource: &Resource, name: &RoleName) {
    let Some(arn) = arn(home, resource, "role") else { return };
    let boundary = world.refers_to_one(resource, "permissions_boundary", &POLICY);
    let trust = match resource.text("assume_role_policy") {
        Known::Value(text) => Some(Text::parse(&text)),
        Known::None => Some(Text::Raw(String::new())),
        Known::Unknown(why, address) => {
            rows.facts.roles.insert(name.clone(), unknown(why, &address));
            None
        }
    };
    if let Some(trust) = trust {
        let row = Role {
            arn,
            id: resource.known("unique_id"),
            trust,
            boundary: boundary.clone().value().and_then(|arn| arn.parse().ok()),
        };
        rows.facts.roles.insert(name.clone(), Row::Present(row));
    }
    rows.facts.role_tags.insert(name.clone(), Row::Present(resource.tags()));
    let mut policies = AttachedPolicies {
        managed: Vec::new(),
        inline: BTreeMap::new(),
        groups: Vec::new(),
        boundary: match boundary {
            Known::None => Row::Absent(Absent::Absent),
            Known::Value(arn) => match arn.parse() {
                Ok(arn) => Row::Present(arn),
                Err(_) => {
                    unknown(Why::Unreadable, &resource.attribute_address("permissions_boundary"))
                }
            },
            Known::Unknown(why, address) => unknown(why, &address),
        },
    };
    let mut open: Option<(Why, String)> = None;
    let mut attach = |ids: Known<Vec<String>>| match ids {
        Known::Value(arns) => {
            let arns = arns.iter().filter_map(|arn| arn.parse::<Arn>().ok());
            for arn in arns {
                if !policies.managed.contains(&arn) {
                    policies.managed.push(arn);
                }
            }
        }
        Known::None => {}
        Known::Unknown(why, address) => open = open.take().or(Some((why, address))),
    };
    let mut own = world.refers(resource, "managed_policy_arns", &POLICY);
    if let (Known::Value(arns), false) = (&mut own, resource.sets("managed_policy_arns")) {
        for former in world.former(home, &["aws_iam_role_policy_attachment"]) {
            if is_of(world, former, "role", name) {
                let detached =
                    world.refers(former, "policy_arn", &POLICY).value().unwrap_or_default();
                arns.retain(|arn| !detached.contains(arn));
            }
        }
    }
    attach(own);
    let kinds = ["aws_iam_role_policy_attachment", "aws_iam_role_policy_attachments_exclusive"];
    for attachment in world.of(home, &kinds) {
        let (role, policies) = if attachment.kind == kinds[0] {
            ("role", "policy_arn")
        } else {
            ("role_name", "policy_arns")
        };
        if is_of(world, attachment, role, name) {
            attach(world.refers(attachment, policies, &POLICY));
        }
    }
    for attachment in world.of(home, &["aws_iam_policy_attachment"]) {
        let roles = world.refers(attachment, "roles", &ROLE).value().unwrap_or_default();
        if roles.iter().any(|role| role == name.as_str()) {
            attach(world.refers(attachment, "policy_arn", &POLICY));
        }
    }
    let deleted: Vec<String> = world
        .former(home, &["aws_iam_role_policy"])
        .filter(|former| !resource.sets("inline_policy") && is_of(world, former, "role", name))
        .filter_map(|former| former.known("name"))
        .collect();
    for block in resource.items("inline_policy") {
        let label = block.get("name").and_then(Value::as_str).unwrap_or("inline");
        if deleted.iter().any(|other| other == label) {
            continue;
        }
        let address = format!("{}.inline_policy.policy", resource.address);
        let text = attribute(block.get("policy"));
        if text == Attribute::Unknown(Why::AfterApply)
            && let Some(assumed) = assumed(rows, world, resource, "inline_policy")
        {
            policies.inline.insert(label.into(), assumed);
        } else {
            document(rows, &mut policies, label, text, &address);
        }
    }
    for policy in world.of(home, &["aws_iam_role_policy"]) {
        if is_of(world, policy, "role", name) {
            let label = policy.known("name").unwrap_or_else(|| policy.address.clone());
            let address = policy.attribute_address("policy");
            let text = attribute(policy.values.get("policy"));
            if text == Attribute::Unknown(Why::AfterApply)
                && let Some(assumed) = assumed(rows, world, policy, "policy")
            {
                policies.inline.insert(label, assumed);
            } else {
                document(rows, &mut policies, &label, text, &address);
            }
        }
    }
    let row = match open {
        Some((why, address)) => unknown(why, &address),
        None => Row::Present(policies),
    };
    rows.facts.role_policies.insert(name.clone(), row);
}

fn is_of(world: &World, resource: &Resource, name: &str, role: &RoleName) -> bool {
    world.refers_to(resource, name, &ROLE, role.as_str())
}

/// An inline policy. One that is not known is kept as a managed policy that was not seen, so that its reason is.
fn document(
    rows: &mut Rows,
    policies: &mut AttachedPolicies,
    label: &str,
    policy: Attribute,
    address: &str,
) {
    match policy {
        Attribute::Known(value) => {
            let text = value.as_str().map_or_else(|| Text::Json(value.clone()), Text::parse);
            policies.inline.insert(label.into(), text);
        }
        Attribute::None => {}
        Attribute::Unknown(why) => {
            let arn = format!(
                "arn:aws:iam::000000000000:policy/{}",
                address.replace(['[', ']', '"', ' '], "-")
            );
            if let Ok(arn) = arn.parse::<Arn>() {
                policies.managed.push(arn.clone());
                rows.facts.managed_policies.insert(arn, unknown(why, address));
            }
        }
    }
}

/// What a policy may name to refuse whatever comes another way (`aws:SourceVpc`, `aws:SourceIp`).
const WAYS: [&str; 6] =
    ["aws_vpc", "aws_default_vpc", "aws_vpc_endpoint", "aws_subnet", "aws_nat_gateway", "aws_eip"];

/// What stands for a policy that is known only after apply, as far as its statements are not in the plan. It may allow
/// anything. Policies that name resources of the same plan are of this kind, and hardly one of them denies anything:
/// without this assumption, most plans would have no answer. None for a policy that names a way to AWS.
fn assumed(rows: &mut Rows, world: &World, resource: &Resource, name: &str) -> Option<Text> {
    if let Some(planned) = planned(world, resource, name) {
        return Some(planned);
    }
    if world.refers(resource, name, &WAYS).value().is_some() {
        return None;
    }
    let address = resource.attribute_address(name);
    rows.assumed.insert(format!("{address}, which is known only after apply, denies nothing"));
    Some(policy_document::open(&address, false))
}
