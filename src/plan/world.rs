//! The resources of a plan, before or after it is applied.
//!
//! A resource that is planned has no id yet. Here it has one that is made of its address, in the form of
//! its kind (`subnet-aws-subnet-private`), so that others can refer to it. What refers to it is known only
//! after apply in the plan, and is resolved from the configuration.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
    str::FromStr,
};

use serde_json::Value;
use ssm_doctor_facts::lookup::Why;

use super::{
    contents::Plan,
    document::ResourceChange,
    identity::{COMPANION_ATTRIBUTES, identity, made_along},
    reference::{Named, Place, segments},
    values::{Attribute, attribute, why},
};

pub use super::{
    homes::Home,
    resource::{Known, Resource},
};

/// What is in one subnet: where a plan does not show in which of several, each is tried.
const PLACED: [&str; 4] =
    ["aws_instance", "aws_launch_template", "aws_network_interface", "aws_nat_gateway"];

/// How many resources may pass on what they refer to. Terraform accepts no circle of them.
const DEPTH: usize = 8;

/// All resources at one time.
pub struct World<'p> {
    pub resources: Vec<Resource<'p>>,
    /// What the plan changes or deletes, with the values from before. A route table's or security group's state
    /// lists the routes or rules of other resources too, and keeps those that the plan deletes.
    former: Vec<Resource<'p>>,
    /// The addresses of what other providers than AWS's make.
    others: Vec<&'p str>,
    /// The addresses of what the plan leaves as it is.
    untouched: BTreeSet<&'p str>,
    /// The ids of managed resources that exist at another time only.
    pub gone: BTreeSet<String>,
    /// Of several resources that an attribute of [`PLACED`] may refer to, the one to take; None: it is not known.
    choice: Option<usize>,
    /// The most resources that such an attribute may refer to.
    alternatives: Cell<usize>,
    assumed: RefCell<BTreeSet<String>>,
    /// How many resources are being followed.
    depth: Cell<usize>,
}

/// The time at which a [`World`] is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum When<'u> {
    Before,
    /// After all changes but those to these addresses.
    After {
        undone: &'u BTreeSet<String>,
    },
}

impl<'p> World<'p> {
    #[must_use]
    pub fn new(plan: &'p Plan, when: When, choice: Option<usize>) -> Self {
        let changes = || plan.document.resource_changes.iter();
        let is_before = |change: &ResourceChange| match when {
            When::Before => true,
            When::After { undone } => undone.contains(&change.address),
        };
        let managed = changes()
            .filter(|change| change.deposed.is_none())
            .filter_map(|change| plan.resource(change, is_before(change)));
        let data =
            plan.data.iter().filter_map(|(address, values)| plan.data_source(address, values));
        let resources: Vec<Resource> = managed.chain(data).collect();
        let mut gone: BTreeSet<String> = plan.made.values().cloned().collect();
        gone.extend(changes().filter_map(|change| identity(&change.kind, &change.change.before)));
        for resource in &resources {
            gone.remove(&resource.id);
        }
        let is_applied = |change: &&ResourceChange| {
            let actions = &change.change.actions;
            !is_before(change)
                && !actions
                    .iter()
                    .any(|action| ["no-op", "read", "forget"].contains(&action.as_str()))
        };
        let former =
            changes().filter(is_applied).filter_map(|change| plan.resource(change, true)).collect();
        let others = changes().filter(|change| !change.provider_name.ends_with("/aws"));
        let others = others.map(|change| change.address.as_str()).collect();
        let untouched = changes().filter(|change| !change.is_change());
        let untouched = untouched.map(|change| change.address.as_str()).collect();
        Self {
            resources,
            former,
            others,
            untouched,
            gone,
            choice,
            alternatives: Cell::new(0),
            assumed: RefCell::default(),
            depth: Cell::new(0),
        }
    }

    /// Does the plan remove a part that is a resource of its own? So it is where the plan changes what has the part
    /// (`kinds`, by the reference `of`), and that lists all its parts itself: Terraform removes those that it does not
    /// list. Source: documentation of the AWS provider, `aws_security_group` and others.
    #[must_use]
    pub fn is_overruled(
        &self,
        part: &Resource<'p>,
        of: &str,
        kinds: &[&str],
        attribute: &str,
    ) -> bool {
        self.untouched.contains(part.address.as_str())
            && self.refers_to_one(part, of, kinds).value().is_some_and(|id| {
                let mut changed = self.former.iter().filter(|former| kinds.contains(&former.kind));
                changed.any(|former| former.id == id && former.is_listing(attribute))
            })
    }

    /// As [`of`](Self::of), of what the plan changes or deletes, with the values from before.
    pub fn former<'w>(
        &'w self,
        home: &'w Home,
        kinds: &'w [&str],
    ) -> impl Iterator<Item = &'w Resource<'p>> {
        is_of(&self.former, home, kinds)
    }

    /// The resources of some kinds in a home; those of IAM are the same in every Region.
    pub fn of<'w>(
        &'w self,
        home: &'w Home,
        kinds: &'w [&str],
    ) -> impl Iterator<Item = &'w Resource<'p>> {
        is_of(&self.resources, home, kinds)
    }

    /// What an attribute refers to: ids, or names for what has only a name. `kinds`: what it may refer to.
    #[must_use]
    pub fn refers(
        &self,
        resource: &Resource<'p>,
        attribute: &str,
        kinds: &[&str],
    ) -> Known<Vec<String>> {
        let expression = resource.expression(attribute);
        let value = resource.values.get(attribute);
        self.ids(resource, value, expression, attribute, kinds)
    }

    /// As [`refers`](Self::refers), for an attribute with one value.
    #[must_use]
    pub fn refers_to_one(
        &self,
        resource: &Resource<'p>,
        attribute: &str,
        kinds: &[&str],
    ) -> Known<String> {
        self.one(self.refers(resource, attribute, kinds), resource, attribute)
    }

    /// The only id of several, which stand for alternatives.
    fn one(&self, ids: Known<Vec<String>>, resource: &Resource, attribute: &str) -> Known<String> {
        match ids {
            Known::Value(ids) => match <[String; 1]>::try_from(ids) {
                Ok([id]) => Known::Value(id),
                Err(ids) if ids.is_empty() => Known::None,
                Err(ids) => {
                    let address = resource.attribute_address(attribute);
                    if PLACED.contains(&resource.kind) {
                        self.alternatives.set(self.alternatives.get().max(ids.len()));
                        if let Some(at) = self.choice {
                            self.assume_any(&address, &ids);
                            let chosen = ids.into_iter().cycle().nth(at);
                            return chosen.map_or(Known::None, Known::Value);
                        }
                    }
                    Known::Unknown(Why::AfterApply, address)
                }
            },
            Known::None => Known::None,
            Known::Unknown(why, address) => Known::Unknown(why, address),
        }
    }

    fn assume_any(&self, address: &str, ids: &[String]) {
        let of = |id: &String| self.with_id(id).map_or(id.clone(), |found| found.address.clone());
        let all: Vec<String> = ids.iter().map(of).collect();
        self.assumed.borrow_mut().insert(format!(
            "{address} is one of {}: the plan does not show which, and with each the result is the same",
            all.join(", ")
        ));
    }

    /// The most resources that one attribute of a resource in a subnet may refer to.
    #[must_use]
    pub fn alternatives(&self) -> usize {
        self.alternatives.get()
    }

    /// The id of what an attribute refers to, if it is known and of the right form.
    #[must_use]
    pub fn id_in<T: FromStr>(
        &self,
        resource: &Resource<'p>,
        attribute: &str,
        kinds: &[&str],
    ) -> Option<T> {
        self.refers_to_one(resource, attribute, kinds).value()?.parse().ok()
    }

    /// Does an attribute refer to what has this id?
    #[must_use]
    pub fn refers_to(
        &self,
        resource: &Resource<'p>,
        attribute: &str,
        kinds: &[&str],
        id: &str,
    ) -> bool {
        self.refers_to_one(resource, attribute, kinds).value().as_deref() == Some(id)
    }

    /// The resource that has this id.
    #[must_use]
    pub fn with_id(&self, id: &str) -> Option<&Resource<'p>> {
        self.resources.iter().find(|resource| resource.id == id)
    }

    /// As [`refers_to_one`](Self::refers_to_one), for an attribute of a block. Terraform keeps blocks as a set,
    /// so the block's expressions are those of the blocks with the same known values.
    #[must_use]
    pub fn refers_in_block(
        &self,
        resource: &Resource<'p>,
        name: &str,
        block: &Value,
        attribute: &str,
        kinds: &[&str],
    ) -> Known<Vec<String>> {
        let written = resource.expression(name);
        let expressions = match written {
            Some(Value::Array(blocks)) => {
                let like: Vec<Value> = blocks
                    .iter()
                    .filter(|written| is_like(written, block))
                    .filter_map(|written| written.get(attribute).cloned())
                    .collect();
                Some(Value::Array(like))
            }
            other => other.cloned(),
        };
        let label = format!("{name}.{attribute}");
        self.ids(resource, block.get(attribute), expressions.as_ref(), &label, kinds)
    }

    /// The ids that a value and its expression have.
    pub fn ids(
        &self,
        resource: &Resource<'p>,
        value: Option<&Value>,
        expression: Option<&Value>,
        label: &str,
        kinds: &[&str],
    ) -> Known<Vec<String>> {
        let unknown = |why| Known::Unknown(why, format!("{}.{label}", resource.address));
        let resolved = || expression.map(|expression| self.resolve(resource, expression, kinds));
        match attribute(value) {
            Attribute::None => Known::None,
            Attribute::Known(Value::String(id)) if id.is_empty() => Known::None,
            Attribute::Known(Value::String(id)) => Known::Value(vec![id.clone()]),
            Attribute::Known(Value::Array(items)) => {
                let open = items.iter().filter(|item| why(item).is_some()).count();
                let mut ids: Vec<String> =
                    items.iter().filter_map(Value::as_str).map(str::to_owned).collect();
                if open > 0 {
                    let mut more = resolved().unwrap_or_default();
                    more.retain(|id| !ids.contains(id));
                    if more.len() != open {
                        let why = items.iter().find_map(why).unwrap_or(Why::AfterApply);
                        return unknown(why);
                    }
                    ids.extend(more);
                }
                Known::Value(ids)
            }
            Attribute::Known(_) => unknown(Why::Unreadable),
            Attribute::Unknown(why) => match resolved() {
                Some(ids) if !ids.is_empty() => Known::Value(ids),
                _ if why == Why::AfterApply && self.is_left_to_provider(resource, expression) => {
                    Known::None
                }
                _ => unknown(why),
            },
        }
    }

    /// Is an attribute that is known only after apply one that the configuration leaves to the provider? So it
    /// is where the configuration does not set it, or sets it to `null`: what it refers to would be known.
    fn is_left_to_provider(&self, resource: &Resource<'p>, expression: Option<&Value>) -> bool {
        let (Some(expression), Some(place)) = (expression, &resource.place) else {
            return resource.expressions.is_some();
        };
        if place.is_constant(expression) {
            return true;
        }
        let named = place.named(expression);
        !named.is_empty()
            && named.iter().all(|named| {
                if named.is_local() {
                    return false;
                }
                let mut others = self.others.iter();
                !others.any(|address| named.is(address))
                    && self.named(named).all(|found| !found.is_open(named))
            })
    }

    /// The ids of what an expression names, as far as they are known only after apply.
    fn resolve(&self, from: &Resource<'p>, expression: &Value, kinds: &[&str]) -> Vec<String> {
        let Some(place) = &from.place else { return Vec::new() };
        let mut ids = Vec::new();
        for named in place.named(expression) {
            let found = self.named(&named);
            for resource in found.filter(|found| found.is_open(&named)) {
                let id = if kinds.contains(&resource.kind) {
                    vec![resource.id.clone()]
                } else if let Some(id) = made_along(&resource.id, named.attribute.as_deref(), kinds)
                {
                    vec![id]
                } else {
                    self.passed_on(resource, &named, kinds)
                };
                for id in id {
                    if !ids.contains(&id) {
                        ids.push(id);
                    }
                }
            }
        }
        match place.named(expression).iter().find(|named| named.is_local()) {
            Some(local) if ids.is_empty() => self.of_local(local, place, kinds),
            _ => ids,
        }
    }

    /// As [`resolve`](Self::resolve), of whatever kind.
    pub fn resolve_any(&self, from: &Resource<'p>, expression: &Value) -> Vec<String> {
        let Some(place) = &from.place else { return Vec::new() };
        let named = place.named(expression);
        named.iter().flat_map(|named| self.named(named)).map(|it| it.id.clone()).collect()
    }

    /// What an attribute of a resource has that only passes it on: `aws_vpc_ipv4_cidr_block_association.x.vpc_id`.
    fn passed_on(&self, resource: &Resource<'p>, named: &Named, kinds: &[&str]) -> Vec<String> {
        let Some(name) = named.attribute.as_deref().filter(|_| self.depth.get() < DEPTH) else {
            return Vec::new();
        };
        let Some(expression) = resource.expression(name) else { return Vec::new() };
        self.depth.set(self.depth.get() + 1);
        let ids = self.resolve(resource, expression, kinds);
        self.depth.set(self.depth.get() - 1);
        ids
    }

    /// The ids that a local value has. A plan does not show its expression: it is assumed to come from the only
    /// resource of these kinds that it can come from. Several are no answer.
    fn of_local(&self, local: &Named, from: &Place, kinds: &[&str]) -> Vec<String> {
        let Some(place) = from.of_local(local) else { return Vec::new() };
        let reach = place.within_reach();
        let is_here = |address: &str| {
            let own = address.strip_prefix(&place.prefix);
            own.is_some_and(|own| !own.starts_with("module."))
        };
        let candidates = self.resources.iter().filter(|resource| {
            let named = || reach.iter().any(|named| named.is(&resource.address));
            kinds.contains(&resource.kind)
                && resource.is_made
                && !resource.data
                && (is_here(&resource.address) || named())
        });
        let candidates: Vec<&Resource> = candidates.collect();
        let blocks: BTreeSet<Vec<String>> =
            candidates.iter().map(|resource| names(&resource.address)).collect();
        // It may be the main route table of a VPC, or what else comes with a resource.
        let has_companion = self.resources.iter().any(|resource| {
            is_here(&resource.address)
                && COMPANION_ATTRIBUTES
                    .iter()
                    .any(|name| made_along(&resource.id, Some(name), kinds).is_some())
        });
        let ([first, ..], 1, false) = (candidates.as_slice(), blocks.len(), has_companion) else {
            return Vec::new();
        };
        let with_key = |resource: &&&Resource| {
            let last = segments(&resource.address).pop();
            local.key.is_some() && last.and_then(|last| last.key) == local.key
        };
        let (chosen, address) = match candidates.iter().find(with_key) {
            Some(only) => (vec![only.id.clone()], only.address.as_str()),
            None if candidates.len() == 1 => (vec![first.id.clone()], first.address.as_str()),
            None => {
                let all = candidates.iter().map(|resource| resource.id.clone()).collect();
                (all, first.address.split('[').next().unwrap_or(&first.address))
            }
        };
        self.assumed.borrow_mut().insert(format!(
            "{} comes from {address}: a plan does not show local values, and no other resource fits",
            local.address
        ));
        chosen
    }

    /// What was assumed of local values, as sentences.
    #[must_use]
    pub fn assumed(&self) -> BTreeSet<String> {
        self.assumed.borrow().clone()
    }

    /// The resources that an expression names. If none of them has the key, it is not theirs, and all are meant.
    fn named<'w>(&'w self, named: &Named) -> impl Iterator<Item = &'w Resource<'p>> {
        let is_there =
            |named: &Named| self.resources.iter().any(|resource| named.is(&resource.address));
        // The keys of a map are texts, those of a counted resource are numbers.
        let unquoted = named.key.as_ref().map(|key| key.trim_matches('"').to_owned());
        let forms = [named.key.clone(), unquoted, None];
        let mut forms = forms.into_iter().map(|key| Named { key, ..named.clone() });
        let named = forms.find(is_there).unwrap_or_else(|| named.clone());
        self.resources.iter().filter(move |resource| named.is(&resource.address))
    }
}

/// The parts of an address, without keys.
fn names(address: &str) -> Vec<String> {
    segments(address).into_iter().map(|part| part.name).collect()
}

fn is_of<'w, 'p>(
    resources: &'w [Resource<'p>],
    home: &'w Home,
    kinds: &'w [&str],
) -> impl Iterator<Item = &'w Resource<'p>> {
    resources.iter().filter(move |resource| {
        kinds.contains(&resource.kind)
            && resource.home.as_ref().is_some_and(|other| {
                other.account == home.account
                    && (other.region == home.region || resource.kind.starts_with("aws_iam_"))
            })
    })
}

/// Do the constants of a block as it is written agree with the values of one that is planned?
fn is_like(written: &Value, planned: &Value) -> bool {
    written.as_object().into_iter().flatten().all(|(name, expression)| {
        match (expression.get("constant_value"), attribute(planned.get(name))) {
            (Some(constant), Attribute::Known(value)) => {
                constant == value
                    || constant.to_string().trim_matches('"') == value.to_string().trim_matches('"')
            }
            _ => true,
        }
    })
}
