//! Which Region and account each provider of the configuration is for.
//!
//! A plan shows the Region where the configuration names it, or a variable has it. Otherwise resources show it:
//! their ARNs, Availability Zones and endpoint services.

use std::collections::BTreeMap;

use serde_json::Value;
use ssm_doctor_facts::ids::{AccountId, Region};

use super::document::Document;

/// The account where the plan shows none: no account has this id.
pub const NO_ACCOUNT: &str = "000000000000";

/// A Region of an account: what one provider of the configuration is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Home {
    pub account: AccountId,
    pub region: Region,
}

/// The Region and account of each provider.
pub struct Homes {
    by_key: BTreeMap<String, Home>,
    account: Option<AccountId>,
    default: Option<Region>,
}

impl Homes {
    #[must_use]
    pub fn of(document: &Document, data: &[(&str, &Value)], given: Option<&Region>) -> Self {
        let managed = |is_managed: bool| {
            let changes = document.resource_changes.iter();
            let changes = changes.filter(move |it| (it.mode == "managed") == is_managed);
            changes.flat_map(|change| [&change.change.before, &change.change.after])
        };
        // Other data sources show what belongs to others too: AMIs, shared subnets.
        let ours = data.iter().filter(|(kind, _)| *kind == "aws_caller_identity");
        let account = ours.map(|it| it.1).chain(managed(true)).find_map(account_in);
        let account = account.or_else(|| NO_ACCOUNT.parse().ok());
        let everything = managed(true).chain(managed(false)).chain(data.iter().map(|it| it.1));
        let shown = everything.into_iter().find_map(region_in);
        let variable = |expression: &Value| -> Option<String> {
            if let Some(constant) = expression.get("constant_value") {
                return constant.as_str().map(str::to_owned);
            }
            let names = expression.get("references")?.as_array()?;
            let name = names.iter().find_map(|name| name.as_str()?.strip_prefix("var."))?;
            document.variables.get(name)?.value.as_str().map(str::to_owned)
        };
        let mut by_key = BTreeMap::new();
        let mut default = given.cloned().or(shown);
        for (key, provider) in &document.configuration.provider_config {
            if provider.name != "aws" {
                continue;
            }
            let region = provider.expressions.get("region").and_then(&variable);
            let region = region.and_then(|region| region.parse::<Region>().ok());
            let region = region.or_else(|| default.clone());
            let role = provider
                .expressions
                .get("assume_role")
                .and_then(|blocks| blocks.get(0)?.get("role_arn").and_then(&variable));
            let theirs = role.and_then(|arn| arn.split(':').nth(4)?.parse().ok());
            if let (Some(region), Some(account)) = (region, theirs.or_else(|| account.clone())) {
                if key == "aws" {
                    default = Some(region.clone());
                }
                by_key.insert(key.clone(), Home { account, region });
            }
        }
        Self { by_key, account, default }
    }

    fn of_key(&self, key: &str) -> Option<Home> {
        let known = self.by_key.get(key).or_else(|| {
            // `module.a:aws` is the provider that a module configures by itself.
            self.by_key.get(key.rsplit(':').next()?)
        });
        known.cloned().or_else(|| {
            Some(Home { account: self.account.clone()?, region: self.default.clone()? })
        })
    }

    /// Where a resource is, by its provider and its own Region.
    #[must_use]
    pub fn of_values(&self, key: &str, values: &Value) -> Option<Home> {
        let mut home = self.of_key(key)?;
        // Since version 6 of the provider a resource may have a Region of its own.
        let own = values.get("region").and_then(Value::as_str).and_then(|own| own.parse().ok());
        if let Some(own) = own {
            home.region = own;
        }
        Some(home)
    }
}

/// The account that a resource or data source shows.
fn account_in(values: &Value) -> Option<AccountId> {
    let text = |name: &str| values.get(name).and_then(Value::as_str);
    let of_arn = text("arn").and_then(|arn| arn.split(':').nth(4));
    [text("account_id"), text("owner_id"), of_arn]
        .into_iter()
        .flatten()
        .find_map(|id| id.parse().ok())
}

/// The Region that a resource shows.
fn region_in(values: &Value) -> Option<Region> {
    let text = |name: &str| values.get(name).and_then(Value::as_str);
    let of_arn = text("arn").and_then(|arn| arn.split(':').nth(3));
    let zone = text("availability_zone")
        .map(|zone| zone.trim_end_matches(|it: char| it.is_ascii_lowercase()));
    let service = text("service_name")
        .and_then(|name| name.strip_prefix("com.amazonaws.")?.split('.').next());
    [of_arn, zone, service]
        .into_iter()
        .flatten()
        .filter(|region| !region.is_empty())
        .find_map(|id| id.parse().ok())
}
