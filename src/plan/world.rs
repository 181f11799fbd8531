//! The resources of a plan, before or after it is applied.
//!
//! A resource that is planned has no id yet. Here it has one that is made of its address, in the form of
//! its kind (`subnet-aws-subnet-private`), so that others can refer to it. What refers to it is known only
//! after apply in the plan, and is resolved from the configuration.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    str::FromStr,
};

use serde_json::Value;
use ssm_doctor_facts::{ids::Region, lookup::Why};

use super::{
    document::{Document, ResourceChange, StateModule},
    homes::Homes,
    identity::{COMPANION_ATTRIBUTES, identity, identity_attribute, made_along, made_id},
    reference::{Named, Place, segments},
    values::{Attribute, attribute, merged, why},
};

pub use super::{
    homes::Home,
    resource::{Known, Resource},
};

/// How the configuration refers to a resource.
pub struct Reference {
    pub id: String,
    /// `aws_subnet.private.id`.
    pub expression: String,
    /// The module in which the expression is valid; None for the root module.
    pub module: Option<String>,
    pub address: String,
    /// Is the id AWS's own? Names, which others may have too, do not count.
    pub exists: bool,
}

/// What is in one subnet: where a plan does not show in which of several, each is tried.
const PLACED: [&str; 4] =
    ["aws_instance", "aws_launch_template", "aws_network_interface", "aws_nat_gateway"];

/// All resources at one time.
pub struct World<'p> {
    pub resources: Vec<Resource<'p>>,
    /// What the plan changes or deletes, with the values from before. A route table's or security group's state
    /// lists the routes or rules of other resources too, and keeps those that the plan deletes.
    former: Vec<Resource<'p>>,
    /// The addresses of what other providers than AWS's make.
    others: Vec<&'p str>,
    /// The ids of managed resources that exist at another time only.
    pub gone: BTreeSet<String>,
    /// Of several resources that an attribute of [`PLACED`] may refer to, the one to take; None: it is not known.
    choice: Option<usize>,
    /// The most resources that such an attribute may refer to.
    alternatives: Cell<usize>,
    assumed: RefCell<BTreeSet<String>>,
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
        Self {
            resources,
            former,
            others,
            gone,
            choice,
            alternatives: Cell::new(0),
            assumed: RefCell::default(),
        }
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
                    Some(resource.id.clone())
                } else {
                    made_along(&resource.id, named.attribute.as_deref(), kinds)
                };
                ids.extend(id.filter(|id| !ids.contains(id)));
            }
        }
        match place.named(expression).iter().find(|named| named.is_local()) {
            Some(local) if ids.is_empty() => self.of_local(local, place, kinds),
            _ => ids,
        }
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

/// A plan, and what is worked out of it once.
pub struct Plan {
    pub document: Document,
    /// The data sources that were read, by address: kind, module, name and values.
    data: BTreeMap<String, DataSource>,
    homes: Homes,
    /// The id that stands for a resource without one, by address.
    made: BTreeMap<String, String>,
}

struct DataSource {
    kind: String,
    module: String,
    name: String,
    index: Option<Value>,
    values: Value,
}

impl Plan {
    /// `region`: the one to take where the plan does not show it.
    #[must_use]
    pub fn new(document: Document, region: Option<&Region>) -> Self {
        let mut data = BTreeMap::new();
        if let Some(state) = &document.prior_state {
            collect_data(&state.values.root_module, &mut data);
        }
        let shown: Vec<&Value> = data.values().map(|source| &source.values).collect();
        let homes = Homes::of(&document, &shown, region);
        let mut made = BTreeMap::new();
        let mut taken = BTreeSet::new();
        for change in &document.resource_changes {
            let mut id = made_id(&change.kind, &change.address);
            while !taken.insert(id.clone()) {
                id.push('x');
            }
            made.insert(change.address.clone(), id);
        }
        Self { document, data, homes, made }
    }

    /// Every id that stands for a resource, with its address, the longest id first.
    #[must_use]
    pub fn made_ids(&self) -> Vec<(&str, &str)> {
        let mut ids: Vec<_> =
            self.made.iter().map(|(address, id)| (id.as_str(), address.as_str())).collect();
        ids.sort_by_key(|(id, _)| core::cmp::Reverse(id.len()));
        ids
    }

    /// Ids that exist and ids that stand for one, each with the expression that refers to it within its module.
    #[must_use]
    pub fn references(&self) -> Vec<Reference> {
        let changes = self.document.resource_changes.iter();
        let managed =
            changes.filter(|change| change.mode == "managed" && !change.change.after.is_null());
        managed.flat_map(|change| self.references_to(change)).collect()
    }

    fn references_to(&self, change: &ResourceChange) -> Vec<Reference> {
        let module = change.module_address.as_ref().map_or(0, |module| module.len() + 1);
        let local = change.address.get(module..).unwrap_or(&change.address);
        let attribute = identity_attribute(&change.kind);
        let made = self.made.get(&change.address).cloned().map(|id| (id, false));
        let known = identity(&change.kind, &change.change.after).map(|id| {
            let exists = attribute == "id" && id.contains('-');
            (id, exists)
        });
        let ids = made.into_iter().chain(known);
        let references = ids.map(|(id, exists)| Reference {
            id,
            expression: format!("{local}.{attribute}"),
            module: change.module_address.clone(),
            address: change.address.clone(),
            exists,
        });
        references.collect()
    }

    /// Does an instance of this id exist already?
    #[must_use]
    pub fn exists(&self, instance: &str) -> bool {
        let changes = self.document.resource_changes.iter();
        changes.filter(|change| change.kind == "aws_instance").any(|change| {
            let values = [&change.change.before, &change.change.after];
            values
                .into_iter()
                .any(|values| identity("aws_instance", values).as_deref() == Some(instance))
        })
    }

    /// The ids of what changes, before and after, with the address.
    #[must_use]
    pub fn changed_ids(&self) -> Vec<(String, String)> {
        let changes = self.document.resource_changes.iter().filter(|change| change.is_change());
        changes
            .flat_map(|change| {
                let made = self.made.get(&change.address).cloned();
                let known = [&change.change.before, &change.change.after];
                let known = known.into_iter().filter_map(|values| identity(&change.kind, values));
                made.into_iter().chain(known).map(|id| (id, change.address.clone()))
            })
            .collect()
    }

    fn resource<'p>(&'p self, change: &'p ResourceChange, before: bool) -> Option<Resource<'p>> {
        if !change.provider_name.ends_with("/aws") {
            return None;
        }
        let done = &change.change;
        // Terraform stops to manage what it forgets, and leaves it as it is.
        let values = if before || done.actions.iter().any(|action| action == "forget") {
            merged(&done.before, &Value::Null, &done.before_sensitive)
        } else {
            merged(&done.after, &done.after_unknown, &done.after_sensitive)
        };
        if !values.is_object() {
            return None;
        }
        // The change names the address in the new configuration, which its former values lack.
        let prefix = if change.mode == "data" { "data." } else { "" };
        let name = format!("{prefix}{}.{}", change.kind, change.name);
        let module = change.module_address.as_deref().unwrap_or_default();
        Some(self.build(
            &change.address,
            &change.kind,
            (module, &name, change.index.as_ref()),
            values,
            change.mode == "data",
        ))
    }

    fn data_source<'p>(&'p self, address: &str, source: &'p DataSource) -> Option<Resource<'p>> {
        let replaced = self.document.resource_changes.iter().any(|it| it.address == address);
        (!replaced).then(|| {
            self.build(
                address,
                &source.kind,
                (&source.module, &source.name, source.index.as_ref()),
                source.values.clone(),
                true,
            )
        })
    }

    fn build<'p>(
        &'p self,
        address: &str,
        kind: &'p str,
        (module, name, key): (&str, &str, Option<&Value>),
        values: Value,
        data: bool,
    ) -> Resource<'p> {
        let found = Place::of(&self.document.configuration, module, name, key);
        let (place, config) =
            found.map_or((None, None), |(place, config)| (Some(place), Some(config)));
        let provider = config.map_or("aws", |config| config.provider_config_key.as_str());
        let home = self.homes.of_values(provider, &values);
        let known = identity(kind, &values);
        let is_made = known.is_none();
        let id =
            known.or_else(|| self.made.get(address).cloned()).unwrap_or_else(|| address.into());
        Resource {
            address: address.into(),
            kind,
            data,
            values,
            home,
            place,
            expressions: config.map(|config| &config.expressions),
            id,
            is_made,
        }
    }
}

fn collect_data(module: &StateModule, data: &mut BTreeMap<String, DataSource>) {
    for resource in module.resources.iter().filter(|resource| resource.mode == "data") {
        let source = DataSource {
            kind: resource.kind.clone(),
            module: module.address.clone(),
            name: format!("data.{}.{}", resource.kind, resource.name),
            index: resource.index.clone(),
            values: merged(&resource.values, &Value::Null, &resource.sensitive_values),
        };
        data.insert(resource.address.clone(), source);
    }
    module.child_modules.iter().for_each(|child| collect_data(child, data));
}
