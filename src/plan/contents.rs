//! What a plan has, before anybody asks what it comes to.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use ssm_doctor_facts::ids::Region;

use super::{
    document::{Document, ResourceChange, StateModule},
    homes::Homes,
    identity::{identity, made_id},
    reference::Place,
    resource::Resource,
    values::merged,
};

/// A plan, and what is worked out of it once.
pub struct Plan {
    pub document: Document,
    /// The data sources that were read, by address: kind, module, name and values.
    pub(super) data: BTreeMap<String, DataSource>,
    homes: Homes,
    /// The id that stands for a resource without one, by address.
    pub(super) made: BTreeMap<String, String>,
}

pub(super) struct DataSource {
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
        let shown: Vec<_> =
            data.values().map(|source| (source.kind.as_str(), &source.values)).collect();
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

    /// The organization that a data source shows.
    #[must_use]
    pub fn organization(&self) -> Option<&str> {
        let mut sources = self.data.values();
        let found = sources.find(|source| source.kind == "aws_organizations_organization");
        found?.values.get("id")?.as_str()
    }

    /// Every id that stands for a resource, with its address, the longest id first.
    #[must_use]
    pub fn made_ids(&self) -> Vec<(&str, &str)> {
        let mut ids: Vec<_> =
            self.made.iter().map(|(address, id)| (id.as_str(), address.as_str())).collect();
        ids.sort_by_key(|(id, _)| core::cmp::Reverse(id.len()));
        ids
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

    pub(super) fn resource<'p>(
        &'p self,
        change: &'p ResourceChange,
        before: bool,
    ) -> Option<Resource<'p>> {
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

    pub(super) fn data_source<'p>(
        &'p self,
        address: &str,
        source: &'p DataSource,
    ) -> Option<Resource<'p>> {
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
