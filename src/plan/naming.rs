//! How the configuration calls what it has, and what else the ids of a fix may mean there.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{
    contents::Plan,
    document::ResourceChange,
    identity::{COMPANIONS, identity, identity_attribute},
    reference::Place,
    resource::Resource,
    rows,
    values::{Attribute, attribute},
    world::{When, World},
};

/// How the configuration refers to a resource.
#[derive(Clone)]
pub struct Reference {
    pub id: String,
    /// `aws_subnet.private.id`.
    pub expression: String,
    /// The module in which the expression is valid; None for the root module.
    pub module: Option<String>,
    pub address: String,
    /// Is the id AWS's own? Names, which others may have too, do not count.
    pub exists: bool,
    /// Is it what comes along with the resource?
    comes_along: bool,
    /// The attributes that the configuration sets.
    pub lists: BTreeSet<String>,
}

impl Reference {
    /// Is the id a name, which resources of other kinds may have too?
    #[must_use]
    pub fn is_name(&self) -> bool {
        self.expression.rsplit('.').next() == Some("name")
    }
}

/// A resource of which there can be one for each of what it is a part of, and the attribute that names that.
pub const SINGLE: [(&str, &str); 9] = [
    ("aws_iam_role_policy", "name"),
    ("aws_vpc_endpoint_policy", "vpc_endpoint_id"),
    ("aws_ec2_instance_state", "instance_id"),
    ("aws_s3_bucket_server_side_encryption_configuration", "bucket"),
    ("aws_s3_bucket_policy", "bucket"),
    ("aws_kms_key_policy", "key_id"),
    ("aws_route_table_association", "subnet_id"),
    ("aws_network_acl_association", "subnet_id"),
    ("aws_vpc_dhcp_options_association", "vpc_id"),
];

/// A resource of one of the kinds of [`SINGLE`].
pub struct Taken {
    pub kind: &'static str,
    /// Of what it is a part of.
    pub id: String,
    pub address: String,
}

/// The resources after the plan is applied.
fn planned(plan: &Plan) -> World<'_> {
    static NOTHING: BTreeSet<String> = BTreeSet::new();
    World::new(plan, When::After { undone: &NOTHING }, None)
}

/// The resources that manage what a VPC comes with: the id of that, and the resource's address.
#[must_use]
pub fn defaults(plan: &Plan) -> Vec<(String, String)> {
    rows::defaults(&planned(plan))
}

/// The resources of which there can be only one for each of what they are a part of.
#[must_use]
pub fn taken(plan: &Plan) -> Vec<Taken> {
    let world = planned(plan);
    let mut all = Vec::new();
    for (kind, name) in SINGLE {
        for resource in world.resources.iter().filter(|it| it.kind == kind && !it.data) {
            let expression = resource.expression(name);
            let value = resource.values.get(name);
            let ids = match attribute(value) {
                Attribute::Known(Value::String(id)) => vec![id.clone()],
                _ => expression
                    .map_or_else(Vec::new, |expression| world.resolve_any(resource, expression)),
            };
            let address = &resource.address;
            let ids = if ids.is_empty() { vec![address.clone()] } else { ids };
            all.extend(ids.into_iter().map(|id| Taken { kind, id, address: address.clone() }));
        }
    }
    all
}

/// Ids that exist and ids that stand for one, each with the expression that refers to it within its module.
#[must_use]
pub fn references(plan: &Plan) -> Vec<Reference> {
    let world = planned(plan);
    let defaults = rows::defaults(&world);
    let changes = plan.document.resource_changes.iter();
    let managed =
        changes.filter(|change| change.mode == "managed" && !change.change.after.is_null());
    let mut all: Vec<Reference> = managed
        .flat_map(|change| {
            let resource = world.resources.iter().find(|it| it.address == change.address);
            let default = defaults.iter().find(|(_, address)| *address == change.address);
            references_to(plan, change, resource, default.map(|it| it.0.as_str()))
        })
        .collect();
    // What a resource manages is called by that resource.
    let managed: BTreeSet<&String> = defaults.iter().map(|it| &it.0).collect();
    all.retain(|reference| !reference.comes_along || !managed.contains(&reference.id));
    all
}

fn references_to(
    plan: &Plan,
    change: &ResourceChange,
    resource: Option<&Resource>,
    default: Option<&str>,
) -> Vec<Reference> {
    let module = change.module_address.as_ref().map_or(0, |module| module.len() + 1);
    let local = change.address.get(module..).unwrap_or(&change.address);
    let own = identity_attribute(&change.kind);
    let lists: BTreeSet<String> = match resource {
        // A default resource has all rules, none of them if it lists none.
        _ if default.is_some() => ["ingress", "egress", "route"].map(String::from).into(),
        Some(resource) => {
            resource.expressions.into_iter().flatten().map(|it| it.0.clone()).collect()
        }
        None => BTreeSet::new(),
    };
    let made = plan.made.get(&change.address).cloned();
    let companions = made.iter().flat_map(|made| {
        let of = COMPANIONS.iter().filter(|companion| companion.comes_with(made));
        of.map(|companion| (companion.id(made), companion.attribute, false, true))
    });
    let companions: Vec<_> = companions.collect();
    let known = identity(&change.kind, &change.change.after).map(|id| {
        let exists = own == "id" && id.contains('-');
        (id, own, exists, false)
    });
    let default = default.map(|id| (id.to_owned(), "id", false, false));
    let made = made.map(|id| (id, own, false, false));
    let ids = default.into_iter().chain(companions).chain(made).chain(known);
    let references = ids.map(|(id, attribute, exists, comes_along)| Reference {
        id,
        expression: format!("{local}.{attribute}"),
        module: change.module_address.clone(),
        address: change.address.clone(),
        exists,
        comes_along,
        lists: if comes_along { BTreeSet::new() } else { lists.clone() },
    });
    references.collect()
}

/// The ids of what changes, before and after, with the address.
#[must_use]
pub fn changed_ids(plan: &Plan) -> Vec<(String, String)> {
    let changes = || plan.document.resource_changes.iter().filter(|change| change.is_change());
    let is_changed = |address: &String| changes().any(|change| change.address == *address);
    let mut defaults = defaults(plan);
    defaults.retain(|(_, address)| is_changed(address));
    changes()
        .flat_map(|change| {
            let made = plan.made.get(&change.address).cloned();
            let known = [&change.change.before, &change.change.after];
            let known = known.into_iter().filter_map(|values| identity(&change.kind, values));
            made.into_iter().chain(known).map(|id| (id, change.address.clone()))
        })
        .chain(defaults)
        .collect()
}

/// The resources of the root module that need another provider than the default one: `aws.us`.
#[must_use]
pub fn aliases(plan: &Plan) -> BTreeMap<String, String> {
    let changes = plan.document.resource_changes.iter();
    let found = changes.filter_map(|change| {
        let name = format!("{}.{}", change.kind, change.name);
        let module = change.module_address.as_deref().unwrap_or_default();
        let (_, config) = Place::of(&plan.document.configuration, module, &name, None)?;
        let key = &config.provider_config_key;
        key.starts_with("aws.").then(|| (change.address.clone(), key.clone()))
    });
    found.collect()
}
