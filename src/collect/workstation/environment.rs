//! What this machine tells every tool: options, environment variables, the home directory.

use std::{
    env,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use ssm_doctor_facts::time::Timestamp;

use crate::collect::text::printable;

/// What the AWS tools were told here, as the SDK read it.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// The profile of `--profile`, and the one in use: that of `--profile`, or of the doctor's own configuration.
    pub profile_flag: Option<String>,
    pub profile: Option<String>,
    pub endpoint_override: Option<String>,
    pub dual_stack: bool,
    pub fips: bool,
    /// When the credentials in use end.
    pub ends_at: Option<Timestamp>,
    /// The DNS server of `--resolver`.
    pub resolver: Option<SocketAddr>,
}

/// The first of these environment variables that is set, and its value.
pub fn variable(names: &[&'static str]) -> Option<(&'static str, String)> {
    let set = |name: &&'static str| Some((*name, env::var(name).ok().filter(|it| !it.is_empty())?));
    names.iter().find_map(set)
}

/// Host and port of a URL, with or without a scheme; never the user and password that it may contain.
pub fn host_of(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |it| it.1);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority.rsplit_once('@').map_or(authority, |it| it.1).into()
}

pub fn home() -> Option<PathBuf> {
    env::home_dir().filter(|it| it.is_absolute())
}

/// A path without the name of whose home it lies in.
pub fn shown(path: &Path) -> String {
    let below =
        home().and_then(|home| path.strip_prefix(home).ok().map(|it| Path::new("~").join(it)));
    printable(&below.as_deref().unwrap_or(path).to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_of_urls_without_their_secrets() {
        let rows = [
            ("http://proxy.corp:3128", "proxy.corp:3128"),
            ("http://alice:hunter2@proxy.corp:3128/", "proxy.corp:3128"),
            ("alice:p@ss@proxy.corp", "proxy.corp"),
            ("proxy.corp:3128", "proxy.corp:3128"),
            ("https://localhost:4566/path?x=@y", "localhost:4566"),
            ("", ""),
        ];
        for (url, host) in rows {
            assert_eq!(host_of(url), host, "{url}");
        }
    }
}
