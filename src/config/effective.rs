//! The settings in force, and where each comes from.

use std::path::Path;

use clap::ValueEnum;
use serde::Serialize;

use super::{Config, PROFILE, REGION, RUNBOOK_BASE, variable};
use crate::cli::FailOn;

/// What the command line says.
pub struct Flags<'f> {
    pub runbook_base: Option<&'f str>,
    pub profile: Option<&'f str>,
    pub region: Option<&'f str>,
    pub fail_on: &'f [FailOn],
}

/// A setting in force.
#[derive(Serialize)]
pub struct Setting {
    pub name: &'static str,
    /// None if nothing sets it.
    pub value: Option<String>,
    /// A flag, a variable, a file, or `default`.
    pub from: String,
}

/// Every setting, in the order of the documentation.
#[must_use]
pub fn effective(flags: &Flags, config: &Config, our_runbooks: &str) -> Vec<Setting> {
    let fail_on = (!flags.fail_on.is_empty()).then(|| listed(flags.fail_on));
    let file = |found: Option<(String, &Path)>| {
        found.map(|(value, path)| (value, path.display().to_string()))
    };
    let text =
        |found: Option<(&str, &Path)>| file(found.map(|(value, path)| (value.to_owned(), path)));
    let mut settings = vec![
        setting(
            "runbook-base",
            flags.runbook_base.map(str::to_owned),
            variable(&RUNBOOK_BASE),
            text(config.find(|file| file.runbook_base.as_deref())),
            Some(our_runbooks),
        ),
        setting(
            "profile",
            flags.profile.map(str::to_owned),
            variable(&PROFILE),
            text(config.find(|file| file.profile.as_deref())),
            None,
        ),
        setting(
            "region",
            flags.region.map(str::to_owned),
            variable(&REGION),
            text(config.find(|file| file.region.as_deref())),
            None,
        ),
        setting(
            "format",
            None,
            None,
            file(
                config.find(|file| file.format.as_ref()).map(|(format, path)| (name(format), path)),
            ),
            Some("table"),
        ),
        setting(
            "fail-on",
            fail_on,
            None,
            file(
                config.find(|file| file.fail_on.as_deref()).map(|(all, path)| (listed(all), path)),
            ),
            Some("blocks"),
        ),
    ];
    for (path, file) in &config.0 {
        settings.extend(file.suppress.iter().map(|suppression| Setting {
            name: "suppress",
            value: Some(suppression.to_string()),
            from: path.display().to_string(),
        }));
    }
    settings
}

fn setting(
    name: &'static str,
    flag: Option<String>,
    variable: Option<(&'static str, String)>,
    file: Option<(String, String)>,
    default: Option<&str>,
) -> Setting {
    // A flag that only repeats its variable is that variable.
    let flag = flag.filter(|flag| variable.as_ref().is_none_or(|(_, value)| value != flag));
    let (value, from) = if let Some(value) = flag {
        (Some(value), format!("--{name}"))
    } else if let Some((variable, value)) = variable {
        (Some(value), variable.to_owned())
    } else if let Some((value, file)) = file {
        (Some(value), file)
    } else {
        (default.map(str::to_owned), "default".to_owned())
    };
    Setting { name, value, from }
}

fn listed(all: &[FailOn]) -> String {
    all.iter().map(name).collect::<Vec<_>>().join(",")
}

/// As the command line spells it.
fn name<T: ValueEnum>(value: &T) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}
