//! The agent as the node has it: programs, service, process, registration, configuration, proxies.
//!
//! Source of the places: amazon-ssm-agent `packaging/` and `agent/appconfig/constants_unix.go`.

use std::{collections::BTreeMap, fs, io, path::Path};

use serde_json::Value;
use ssm_doctor_facts::probe::{
    Agent, Configuration, Installed, Process, Registration, Unit, Unseen,
};

use super::{
    process::{self, PROGRAM, WORKERS, program},
    proxy::Variable,
};

pub struct Found {
    pub agent: Agent,
    pub configuration: Option<Configuration>,
    pub proxies: Vec<Variable>,
    pub unseen: Vec<Unseen>,
}

/// Folder of the programs, name of the unit.
const PACKAGE: (&str, &str) = ("/usr/bin", "amazon-ssm-agent");
const SNAP: (&str, &str) =
    ("/snap/amazon-ssm-agent/current", "snap.amazon-ssm-agent.amazon-ssm-agent");

const CONFIGURATION: &str = "/etc/amazon/ssm/amazon-ssm-agent.json";
const LOG_SETTINGS: &str = "/etc/amazon/ssm/seelog.xml";
const REGISTRATION: &str = "/var/lib/amazon/ssm/registration";
const IDENTITY: &str = "/var/lib/amazon/ssm/runtimeconfig/identity_config.json";

pub fn look() -> Found {
    let mut unseen = Vec::new();
    let at = |place: &(&str, &str)| Path::new(place.0).join(PROGRAM).exists();
    let (installed, place) = if at(&SNAP) {
        (Installed::Snap, SNAP)
    } else if at(&PACKAGE) {
        (Installed::Package(PACKAGE.0.into()), PACKAGE)
    } else {
        (Installed::No, PACKAGE)
    };
    let missing = if installed == Installed::No {
        Vec::new()
    } else {
        let there = |name: &&str| Path::new(place.0).join(name).exists();
        WORKERS.iter().filter(|it| !there(it)).map(|it| (*it).to_owned()).collect()
    };
    let version = (installed != Installed::No)
        .then(|| program(&format!("{}/{PROGRAM}", place.0), &["-version"]))
        .flatten()
        .and_then(|it| Some(it.1.trim().rsplit_once(": ")?.1.to_owned()));
    let service = service(place.1);
    let (process, processes_seen) = process::of_agent();
    let proxies = proxies(place.1, service.as_ref(), process.as_ref(), &mut unseen);
    let text = |value: &Value, key: &str| Some(value.get(key)?.as_str()?.to_owned());
    let registration = read_json(REGISTRATION, "agent/registration", &mut unseen);
    let registration = registration.and_then(|it| {
        let id = text(&it, "ManagedInstanceID").filter(|it| it.starts_with("mi-"))?;
        // An empty text is a Region that is not known.
        Some(Registration { id, region: text(&it, "Region").unwrap_or_default() })
    });
    let identity = read_json(IDENTITY, "agent/identity", &mut unseen);
    let configuration = read(CONFIGURATION, "agent/configuration", &mut unseen)
        .map(|text| configuration(&text))
        .or_else(|| {
            // Without the file the agent has its defaults.
            let absent = !unseen.iter().any(|it| it.item == "agent/configuration");
            (absent && installed != Installed::No).then(|| configuration("{}"))
        });
    Found {
        agent: Agent {
            installed,
            version,
            missing,
            unit: service.map(|it| it.unit),
            process,
            processes_seen,
            registration,
            credential_source: identity.and_then(|it| text(&it, "CredentialSource")),
        },
        configuration,
        proxies,
        unseen,
    }
}

/// A file's text; none if it does not exist. What cannot be read is unseen.
fn read(path: &str, item: &str, unseen: &mut Vec<Unseen>) -> Option<String> {
    match fs::read_to_string(path) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => {
            let root_sees = error.kind() == io::ErrorKind::PermissionDenied;
            unseen.push(Unseen { item: item.into(), why: format!("{path}: {error}"), root_sees });
            None
        }
    }
}

/// A file's JSON; none if it does not exist, or if it is damaged.
fn read_json(path: &str, item: &str, unseen: &mut Vec<Unseen>) -> Option<Value> {
    serde_json::from_str(&read(path, item, unseen)?).ok()
}

/// Sections of the configuration with an endpoint, and the services that they are for. Source: amazon-ssm-agent
/// `agent/appconfig/contracts.go`.
const ENDPOINTS: [(&str, &str); 5] =
    [("Ssm", "ssm"), ("Mgs", "ssmmessages"), ("Mds", "ec2messages"), ("S3", "s3"), ("Kms", "kms")];
/// Settings that lead the agent elsewhere.
const SETTINGS: [(&str, &str); 5] = [
    ("Agent", "Region"),
    ("Agent", "ServiceDomain"),
    ("Agent", "UseDualStackEndpoint"),
    ("Mgs", "Region"),
    ("Profile", "Name"),
];

fn configuration(text: &str) -> Configuration {
    let parsed = serde_json::from_str::<Value>(text.trim_start_matches('\u{feff}'));
    let value = parsed.as_ref().ok();
    let at = |section: &str, key: &str| {
        let value = value?.get(section)?.get(key)?;
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        (!text.is_empty() && text != "false").then_some(text)
    };
    let host = |text: String| {
        let bare = text.split_once("://").map_or(text.as_str(), |it| it.1);
        bare.trim_end_matches('/').to_owned()
    };
    let endpoints: BTreeMap<String, String> = ENDPOINTS
        .iter()
        .filter_map(|(section, service)| {
            Some(((*service).to_owned(), host(at(section, "Endpoint")?)))
        })
        .collect();
    let settings = SETTINGS
        .iter()
        .filter_map(|(section, key)| Some((format!("{section}.{key}"), at(section, key)?)))
        .collect();
    let log = fs::read_to_string(LOG_SETTINGS).ok();
    let log_level = log.and_then(|it| {
        let rest = it.split_once("minlevel=\"")?.1;
        Some(rest.split('"').next()?.chars().take(20).collect())
    });
    Configuration {
        path: CONFIGURATION.into(),
        broken: parsed.err().map(|it| it.to_string()),
        endpoints,
        settings,
        log_level,
    }
}

struct Service {
    unit: Unit,
    /// `NAME=value`, from the unit and its drop-ins.
    environment: String,
    files: Vec<String>,
}

/// What systemd says; none without systemd, or without the unit.
fn service(name: &str) -> Option<Service> {
    const PROPERTIES: &str =
        "LoadState,ActiveState,UnitFileState,Result,Environment,EnvironmentFiles";
    let (_, text) = program("systemctl", &["show", name, "-p", PROPERTIES])?;
    let value = |key: &str| {
        let lines = text.lines().filter_map(|it| it.strip_prefix(key)?.strip_prefix('='));
        lines.collect::<Vec<_>>()
    };
    let one = |key: &str| value(key).first().map_or_else(String::new, |it| (*it).to_owned());
    if matches!(one("LoadState").as_str(), "" | "not-found") {
        return None;
    }
    let files = value("EnvironmentFiles");
    let files = files.iter().filter_map(|it| it.split(' ').next());
    Some(Service {
        unit: Unit {
            name: name.into(),
            state: one("ActiveState"),
            enabled: one("UnitFileState"),
            result: one("Result"),
        },
        environment: one("Environment"),
        files: files.filter(|it| !it.is_empty()).map(str::to_owned).collect(),
    })
}

/// The proxy variables that are in force: those of the process; if there is none, those of the unit.
fn proxies(
    name: &str,
    service: Option<&Service>,
    process: Option<&Process>,
    unseen: &mut Vec<Unseen>,
) -> Vec<Variable> {
    let pairs = |from: &str, text: &str, separator: char| -> Vec<Variable> {
        let pairs = text.split(separator).filter_map(|it| it.trim().split_once('='));
        pairs.filter_map(|(name, value)| Variable::new(from, name, value)).collect()
    };
    if let Some(process) = process {
        match fs::read(format!("/proc/{}/environ", process.pid)) {
            Ok(bytes) => {
                let from = format!("the environment of process {}", process.pid);
                return pairs(&from, &String::from_utf8_lossy(&bytes), '\0');
            }
            Err(error) => unseen.push(Unseen {
                item: "agent/environment".into(),
                why: error.to_string(),
                root_sees: error.kind() == io::ErrorKind::PermissionDenied,
            }),
        }
    }
    let Some(service) = service else { return drop_ins(name) };
    let from = format!("the unit {name}");
    let mut found = pairs(&from, &service.environment, ' ');
    for file in &service.files {
        let text = read(file, "agent/environment", unseen).unwrap_or_default();
        found.extend(pairs(file, &text, '\n'));
    }
    found
}

/// What the drop-in files of a unit set, for systems on which systemctl does not answer.
fn drop_ins(name: &str) -> Vec<Variable> {
    let folder = format!("/etc/systemd/system/{name}.service.d");
    let mut found = Vec::new();
    for file in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = file.path().display().to_string();
        let text = fs::read_to_string(file.path()).unwrap_or_default();
        let lines = text.lines().filter_map(|it| it.trim().strip_prefix("Environment="));
        for pair in lines.flat_map(|it| it.split(' ')) {
            let pair = pair.trim_matches(['"', '\'']).split_once('=');
            found.extend(pair.and_then(|(name, value)| Variable::new(&path, name, value)));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_file_that_cannot_be_read_is_unseen() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name).display().to_string();
        fs::write(file("readable"), "HTTPS_PROXY=http://proxy.corp:3128\nOTHER=1\n").unwrap();
        fs::create_dir(file("unreadable")).unwrap();
        let text = String::new;
        let unit = Unit { name: text(), state: text(), enabled: text(), result: text() };
        let files = ["readable", "unreadable", "absent"].map(file).into();
        let service = Service { unit, environment: text(), files };
        let mut unseen = Vec::new();
        let found = proxies("unit", Some(&service), None, &mut unseen);
        assert_eq!(found.len(), 1);
        let items: Vec<_> = unseen.iter().map(|it| it.item.as_str()).collect();
        assert_eq!(items, ["agent/environment"]);
    }
}
