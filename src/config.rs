//! What one would otherwise type every time: the project's `ssm-doctor.toml` and the user's `config.toml`.
//!
//! The project's file is in the current folder, or in one above it up to the repository's root. The user's is
//! `$XDG_CONFIG_HOME/ssm-doctor/config.toml`, else `~/.config/ssm-doctor/config.toml`. Flags come first, then the
//! environment, the project's file, and the user's.

pub mod effective;

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    slice,
};

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de::Error as _};
use ssm_doctor_checks::{all, engine::check::Check};

use crate::{
    cli::{FailOn, ReportArgs},
    gate::suppression::Suppression,
    render::Format,
};

/// The name of a project's file.
const PROJECT: &str = "ssm-doctor.toml";

/// The variables that the AWS tools read too.
const PROFILE: [&str; 1] = ["AWS_PROFILE"];
const REGION: [&str; 2] = ["AWS_REGION", "AWS_DEFAULT_REGION"];
const RUNBOOK_BASE: [&str; 1] = ["SSM_DOCTOR_RUNBOOK_BASE"];

/// Settings of a project (`ssm-doctor.toml`) or of a user (`config.toml`).
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "ssm-doctor.toml")]
pub struct File {
    /// The base URL of your runbooks; a check's name is appended.
    runbook_base: Option<String>,
    /// A profile of the AWS configuration files.
    profile: Option<String>,
    /// The Region of the targets.
    region: Option<String>,
    /// The report's format.
    format: Option<Format>,
    /// The outcomes that exit with 1, in addition to a blocked session, as `--fail-on` takes them.
    fail_on: Option<OneOrSeveral>,
    /// Findings that do not count for the exit code.
    #[serde(default)]
    suppress: Vec<Suppression>,
}

/// One word, or a list of words.
#[derive(Debug, JsonSchema)]
#[schemars(untagged)]
enum OneOrSeveral {
    One(FailOn),
    Several(Vec<FailOn>),
}

impl OneOrSeveral {
    fn words(&self) -> &[FailOn] {
        match self {
            Self::One(word) => slice::from_ref(word),
            Self::Several(words) => words,
        }
    }
}

/// By hand, because the error of an untagged enum does not say which word is wrong.
impl<'d> Deserialize<'d> for OneOrSeveral {
    fn deserialize<D: Deserializer<'d>>(from: D) -> Result<Self, D::Error> {
        let value = toml::Value::deserialize(from)?;
        let read: Result<Self, toml::de::Error> = match value {
            toml::Value::Array(_) => value.try_into().map(Self::Several),
            one => one.try_into().map(Self::One),
        };
        read.map_err(|error| D::Error::custom(error.message()))
    }
}

/// The files that there are, the project's first.
#[derive(Debug, Default)]
pub struct Config(Vec<(PathBuf, File)>);

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("cannot read the configuration `{}`: {error}", file.display())]
    Unreadable { file: PathBuf, error: io::Error },
    #[error("the configuration `{}` is wrong: {what}", file.display())]
    Wrong { file: PathBuf, what: String },
    #[error("the configuration `{}` suppresses `{asked}`, which is no check", file.display())]
    NoCheck { file: PathBuf, asked: String, near: Option<String> },
    #[error("the configuration `{}` suppresses `{asked}`, which is an area and no check", file.display())]
    Area { file: PathBuf, asked: String },
}

impl ConfigError {
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::NoCheck { near: Some(near), .. } => {
                format!("did you mean `{near}`? `ssm-doctor checks` lists them")
            }
            Self::NoCheck { .. } => "`ssm-doctor checks` lists them".into(),
            Self::Area { asked, .. } => {
                format!("name one check each; `ssm-doctor checks {asked}` lists those of the area")
            }
            Self::Unreadable { .. } | Self::Wrong { .. } => {
                "its keys are `runbook-base`, `profile`, `region`, `format`, `fail-on` and `[[suppress]]` with `check`, \
                 `target`, `reason`, `owner` and `expires`; schemas/config-v1.json describes them"
                    .into()
            }
        }
    }
}

impl Config {
    /// The files' settings; none without files.
    ///
    /// # Errors
    /// If there is a file that cannot be used.
    pub fn load() -> Result<Self, ConfigError> {
        let files = project_file().into_iter().chain(user_file());
        let read = files.filter_map(|file| File::read(file).transpose());
        read.collect::<Result<_, _>>().map(Self)
    }

    /// What the first file that has it says, and that file.
    fn find<'c, T: ?Sized>(
        &'c self,
        get: impl Fn(&'c File) -> Option<&'c T>,
    ) -> Option<(&'c T, &'c Path)> {
        self.0.iter().find_map(|(path, file)| Some((get(file)?, path.as_path())))
    }

    #[must_use]
    pub fn runbook_base(&self) -> Option<&str> {
        self.find(|file| file.runbook_base.as_deref()).map(|found| found.0)
    }

    /// None if the environment has one, which comes first.
    #[must_use]
    #[cfg_attr(not(feature = "live"), expect(dead_code, reason = "of a live run only"))]
    pub fn profile(&self) -> Option<&str> {
        let found = self.find(|file| file.profile.as_deref()).map(|found| found.0);
        found.filter(|_| variable(&PROFILE).is_none())
    }

    /// None if the environment has one, which comes first.
    #[must_use]
    #[cfg_attr(not(feature = "live"), expect(dead_code, reason = "of a live run only"))]
    pub fn region(&self) -> Option<&str> {
        let found = self.find(|file| file.region.as_deref()).map(|found| found.0);
        found.filter(|_| variable(&REGION).is_none())
    }

    /// The suppressions of all files.
    pub fn suppressions(&self) -> impl Iterator<Item = &Suppression> {
        self.0.iter().flat_map(|(_, file)| &file.suppress)
    }

    /// Adds to the flags of a report what they leave open.
    pub fn complete(&self, args: &mut ReportArgs) {
        if args.format.is_none() {
            args.format = self.find(|file| file.format.as_ref()).map(|found| *found.0);
        }
        if args.threshold.fail_on.is_empty() {
            let found = self.find(File::fail_on).map(|found| found.0);
            args.threshold.fail_on = found.unwrap_or(&[FailOn::Blocks]).to_vec();
        }
    }
}

impl File {
    fn fail_on(&self) -> Option<&[FailOn]> {
        self.fail_on.as_ref().map(OneOrSeveral::words)
    }

    /// None if there is no such file.
    fn read(file: PathBuf) -> Result<Option<(PathBuf, Self)>, ConfigError> {
        let text = match fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(ConfigError::Unreadable { file, error }),
        };
        Self::parse(&text, file.clone()).map(|read| Some((file, read)))
    }

    fn parse(text: &str, file: PathBuf) -> Result<Self, ConfigError> {
        let read: Self = match toml::from_str(text) {
            Ok(read) => read,
            Err(error) => {
                let line = error
                    .span()
                    .and_then(|it| text.get(..it.start))
                    .map(|it| format!(" (line {})", it.matches('\n').count() + 1))
                    .unwrap_or_default();
                return Err(ConfigError::Wrong {
                    file,
                    what: format!("{}{line}", error.message()),
                });
            }
        };
        let is_check = |name: &str| all().any(|check| check.name() == name);
        if let Some(wrong) = read.suppress.iter().find(|suppression| !is_check(&suppression.check))
        {
            let asked = wrong.check.clone();
            if all().any(|check| check.area() == asked) {
                return Err(ConfigError::Area { file, asked });
            }
            let near = near_check(&asked);
            return Err(ConfigError::NoCheck { file, asked, near });
        }
        Ok(read)
    }
}

/// The check that was probably meant: of this name in an area, or spelled almost so. All checks of an area begin
/// alike, so a common beginning alone says nothing.
fn near_check(asked: &str) -> Option<String> {
    const LEAST: f64 = 0.75;
    let is_named = |name: &String| name.rsplit_once('/').is_some_and(|(_, own)| own == asked);
    let likeness = |name: &str| strsim::normalized_damerau_levenshtein(name, asked);
    let names = || all().map(Check::name);
    names().find(is_named).or_else(|| {
        names()
            .filter(|name| likeness(name) >= LEAST)
            .max_by(|a, b| likeness(a).total_cmp(&likeness(b)))
    })
}

/// The first of these variables that is set to something.
fn variable(names: &[&'static str]) -> Option<(&'static str, String)> {
    names.iter().find_map(|name| {
        env::var(name).ok().filter(|value| !value.is_empty()).map(|value| (*name, value))
    })
}

fn project_file() -> Option<PathBuf> {
    let here = env::current_dir().ok()?;
    for folder in here.ancestors() {
        let file = folder.join(PROJECT);
        if file.is_file() {
            return Some(file);
        }
        if folder.join(".git").exists() {
            return None;
        }
    }
    None
}

fn user_file() -> Option<PathBuf> {
    let set = |name| env::var_os(name).filter(|it| !it.is_empty()).map(PathBuf::from);
    // The XDG Base Directory Specification says to ignore relative paths.
    let home = set("XDG_CONFIG_HOME").filter(|it| it.is_absolute());
    let home = home.or_else(|| set("HOME").map(|it| it.join(".config")))?;
    Some(home.join("ssm-doctor").join("config.toml"))
}

#[cfg(test)]
mod tests {
    use ssm_doctor_fuzz::{check, edited, seeds};

    use super::*;

    const TEXTS: u32 = 2_000;

    #[test]
    fn no_edited_file_makes_it_panic() {
        let texts = seeds("tests/fuzz/corpus/configuration", ".toml");
        assert!(texts.iter().all(|text| File::parse(text, PathBuf::new()).is_ok()));
        check(TEXTS, edited(), |edited| {
            if let Err(error) = File::parse(&edited.text(&texts), PathBuf::from("ssm-doctor.toml"))
            {
                assert!(!format!("{error} {}", error.help()).contains('\u{1b}'), "{error}");
            }
        });
    }
}
