//! `$XDG_CONFIG_HOME/ssm-doctor/config.toml`, else `~/.config/ssm-doctor/config.toml`: what one would
//! otherwise type every time. The command line and the environment come before it.

use std::{env, fs, io, path::PathBuf};

use serde::Deserialize;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// See `--runbook-base`.
    pub runbook_base: Option<String>,
    #[cfg_attr(not(feature = "live"), expect(dead_code, reason = "of a live run only"))]
    pub profile: Option<String>,
    #[cfg_attr(not(feature = "live"), expect(dead_code, reason = "of a live run only"))]
    pub region: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("cannot read the configuration `{}`: {error}", file.display())]
    Unreadable { file: PathBuf, error: io::Error },
    #[error("the configuration `{}` is wrong: {what}", file.display())]
    Wrong { file: PathBuf, what: String },
}

impl ConfigError {
    #[must_use]
    pub fn help() -> String {
        "its keys are `runbook-base`, `profile` and `region`, each a string".into()
    }
}

impl Config {
    /// The file's settings; none if there is no file.
    ///
    /// # Errors
    /// If there is one that cannot be used.
    pub fn load() -> Result<Self, ConfigError> {
        let set = |name| env::var_os(name).filter(|it| !it.is_empty()).map(PathBuf::from);
        // The specification has relative paths ignored.
        let home = set("XDG_CONFIG_HOME").filter(|it| it.is_absolute());
        let Some(home) = home.or_else(|| set("HOME").map(|it| it.join(".config"))) else {
            return Ok(Self::default());
        };
        let file = home.join("ssm-doctor").join("config.toml");
        let text = match fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) =>
            {
                return Ok(Self::default());
            }
            Err(error) => return Err(ConfigError::Unreadable { file, error }),
        };
        toml::from_str(&text).map_err(|error| {
            let line = error
                .span()
                .and_then(|it| text.get(..it.start))
                .map(|it| format!(" (line {})", it.matches('\n').count() + 1))
                .unwrap_or_default();
            ConfigError::Wrong { file, what: format!("{}{line}", error.message()) }
        })
    }
}
