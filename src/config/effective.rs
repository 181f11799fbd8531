//! The settings in force, and where each comes from.

use std::path::Path;

use clap::ValueEnum;
use serde::Serialize;

use super::{Config, File, PROFILE, REGION, RUNBOOK_BASE, variable};
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
    let runbooks = config.find(|file| file.runbook_base.as_deref());
    let profile = config.find(|file| file.profile.as_deref());
    let region = config.find(|file| file.region.as_deref());
    let format = config.find(|file| file.format.as_ref());
    let fail_on = config.find(File::fail_on);
    let flag = (!flags.fail_on.is_empty()).then_some(flags.fail_on);
    let text = str::to_owned;
    let mut settings = vec![
        setting(
            "runbook-base",
            text,
            (flags.runbook_base, variable(&RUNBOOK_BASE), runbooks),
            Some(our_runbooks),
        ),
        setting("profile", text, (flags.profile, variable(&PROFILE), profile), None),
        setting("region", text, (flags.region, variable(&REGION), region), None),
        setting("format", name, (None, None, format), Some("table")),
        setting("fail-on", listed, (flag, None, fail_on), Some("blocks")),
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

/// A flag; a variable's name and value; a file's value and the file.
type Sources<'s, T> = (Option<&'s T>, Option<(&'static str, String)>, Option<(&'s T, &'s Path)>);

/// The first source that has a value decides. `spelled` says it as the command line takes it.
fn setting<T: ?Sized>(
    name: &'static str,
    spelled: fn(&T) -> String,
    (flag, variable, file): Sources<T>,
    default: Option<&str>,
) -> Setting {
    // A flag that only repeats its variable is that variable.
    let flag =
        flag.map(spelled).filter(|flag| variable.as_ref().is_none_or(|(_, value)| value != flag));
    let (value, from) = if let Some(value) = flag {
        (Some(value), format!("--{name}"))
    } else if let Some((variable, value)) = variable {
        (Some(value), variable.to_owned())
    } else if let Some((value, file)) = file {
        (Some(spelled(value)), file.display().to_string())
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
