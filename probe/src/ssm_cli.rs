//! `ssm-cli get-diagnostics --output json`, as a probe that sees less.
//!
//! Source: amazon-ssm-agent `agent/cli/diagnostics` and `agent/cli/clicommand/getdiagnostics.go`. Its rows on
//! connectivity open TCP and no TLS, so they are all `Success` under TLS inspection (measured), and those of
//! `monitoring` and `sts` are about no service that a session needs. It needs root and prints no time.

use serde::Deserialize;
use ssm_doctor_facts::probe::{
    Agent, ContactOutcome, Installed, Metadata, NameAnswer, NameOutcome, Probe, Process,
    Registration, Reply, Resolver, Role, ServiceContact, Source, Unit,
};

pub const KEY: &str = "DiagnosticsOutput";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    diagnostics_output: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Row {
    check: String,
    /// `Success`, `Skipped` or `Failed`.
    status: String,
    #[serde(default)]
    note: String,
}

/// What the rows say.
#[must_use]
pub fn probe(output: Output) -> Probe {
    let mut probe = Probe::new(Source::SsmCli, None);
    probe.root = true;
    for row in output.diagnostics_output {
        let (succeeded, failed) = (row.status == "Success", row.status == "Failed");
        match row.check.as_str() {
            "EC2 IMDS" if succeeded || failed => metadata(&mut probe, &row.note, succeeded),
            "Hybrid instance registration" if succeeded => {
                if let Some(id) = word_after(&row.note, "instance id ") {
                    let region = word_after(&row.note, "region ").unwrap_or_default();
                    agent(&mut probe).registration = Some(Registration { id, region });
                }
            }
            "AWS Credentials" if succeeded || failed => role(&mut probe, &row.note),
            "Agent service" if succeeded || failed => service(&mut probe, &row.note),
            "SSM Agent version" if succeeded => {
                agent(&mut probe).version = word_after(&row.note, "version is ")
                    .map(|it| it.trim_end_matches(',').to_owned());
            }
            check => {
                let service = check
                    .strip_prefix("Connectivity to ")
                    .and_then(|it| it.strip_suffix(" endpoint"));
                if let Some(service) = service.filter(|_| succeeded || failed) {
                    contact(&mut probe, service, &row.note, succeeded);
                }
            }
        }
    }
    probe
}

fn agent(probe: &mut Probe) -> &mut Agent {
    probe.agent.get_or_insert_with(|| Agent {
        // It is a program of the agent's own package.
        installed: Installed::Package("the package of ssm-cli".into()),
        version: None,
        missing: Vec::new(),
        unit: None,
        process: None,
        processes_seen: false,
        registration: None,
        credential_source: None,
    })
}

fn metadata(probe: &mut Probe, note: &str, succeeded: bool) {
    let reply = if succeeded {
        Reply::Status(200)
    } else if note.contains("timeout") {
        Reply::Silent
    } else if note.contains("connection refused") {
        Reply::Refused
    } else {
        Reply::Failed(note.to_owned())
    };
    probe.region = probe.region.take().or_else(|| word_after(note, "region "));
    probe.metadata = Some(Metadata {
        token: reply,
        without_token: None,
        instance: succeeded.then(|| word_after(note, "instance id ")).flatten(),
        region: succeeded.then(|| word_after(note, "region ")).flatten(),
        role: None,
    });
}

/// What the note says of the role. That it could not ask STS says nothing: no session needs STS.
fn role(probe: &mut Probe, note: &str) {
    let Some(metadata) = &mut probe.metadata else { return };
    if note.contains("EC2RoleRequestError: no EC2 instance role found") {
        metadata.role = Some(Role::None);
    } else if let Some(name) =
        note.split_once(":assumed-role/").and_then(|it| it.1.split('/').next())
    {
        metadata.role = Some(Role::Named { name: name.into(), code: None, expires_at: None });
    }
}

/// `Agent service is running and is running as expected user`, `Agent is installed as a systemctl service but is
/// not running`, on Windows `Agent service is not running, state is: Stopped`, and others that say less.
fn service(probe: &mut Probe, note: &str) {
    if note.starts_with("Agent service is running") {
        // It names no process.
        agent(probe).process = Some(Process { pid: 0, uid: 0, worker: false });
    } else if note.ends_with("but is not running") {
        let name = if note.contains("snap") {
            "snap.amazon-ssm-agent.amazon-ssm-agent"
        } else {
            "amazon-ssm-agent"
        };
        agent(probe).unit = Some(Unit {
            name: name.into(),
            state: "inactive".into(),
            enabled: String::new(),
            result: String::new(),
        });
    } else if let Some(state) = note.strip_prefix("Agent service is not running, state is: ") {
        agent(probe).unit = Some(Unit {
            name: "AmazonSSMAgent".into(),
            state: state.to_lowercase(),
            enabled: String::new(),
            result: String::new(),
        });
    } else if note == "Unable to find ssm agent on this instance" {
        agent(probe).installed = Installed::No;
    }
}

fn contact(probe: &mut Probe, service: &str, note: &str, succeeded: bool) {
    let host = note.split(' ').find(|it| it.contains(".amazonaws.") || it.starts_with(service));
    let host = host.unwrap_or(service).trim_end_matches(':').to_owned();
    let has = |words: &str| note.contains(words);
    let outcome = if succeeded {
        ContactOutcome::Connected
    } else if has("no such host") || has("server misbehaving") {
        let answer = if has("no such host") {
            NameOutcome::NoSuchName
        } else {
            NameOutcome::Error("server misbehaving".into())
        };
        probe.names.push(NameAnswer { name: host.clone(), from: Resolver::System, answer });
        ContactOutcome::NoAddress
    } else if has("proxy with status code") {
        let status = word_after(note, "status code ").and_then(|it| it.parse().ok());
        ContactOutcome::ProxyRefuses(status.unwrap_or_default())
    } else if has("timeout") || has("timed out") {
        ContactOutcome::Silent
    } else if has("connection refused") {
        ContactOutcome::Refused
    } else if has("no route") || has("unreachable") {
        ContactOutcome::NoRoute
    } else {
        ContactOutcome::Cut(note.to_owned())
    };
    probe.contacts.push(ServiceContact {
        service: service.to_owned(),
        host,
        address: None,
        proxy: has("proxy").then(|| "that the agent uses".to_owned()),
        outcome,
        certificate: None,
        clock_ahead: None,
        upgrade: None,
    });
}

fn word_after(text: &str, words: &str) -> Option<String> {
    let rest = text.split_once(words)?.1;
    rest.split(' ').next().filter(|it| !it.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of `ssm-cli get-diagnostics help`, and what its source prints on faults.
    const OUTPUT: &str = r#"{"DiagnosticsOutput": [
        {"Check": "EC2 IMDS", "Status": "Success", "Note": "IMDS is accessible and has instance id i-0123456789abcdefa in region us-east-1"},
        {"Check": "Hybrid instance registration", "Status": "Skipped", "Note": "Instance does not have hybrid registration"},
        {"Check": "Connectivity to ssm endpoint", "Status": "Success", "Note": "ssm.us-east-1.amazonaws.com is reachable"},
        {"Check": "Connectivity to ssmmessages endpoint", "Status": "Failed", "Note": "ssmmessages.us-east-1.amazonaws.com is not reachable: dial tcp 10.0.41.71:443: i/o timeout"},
        {"Check": "Connectivity to ec2messages endpoint", "Status": "Failed", "Note": "ec2messages.us-east-1.amazonaws.com is not reachable: dial tcp: lookup ec2messages.us-east-1.amazonaws.com on 10.0.0.2:53: no such host"},
        {"Check": "AWS Credentials", "Status": "Success", "Note": "Credentials are for arn:aws:sts::111122223333:assumed-role/WebRole/i-0123456789abcdefa and will expire at 2026-11-23 05:00:00 +0000 UTC"},
        {"Check": "Agent service", "Status": "Failed", "Note": "Agent is installed as a systemctl service but is not running"},
        {"Check": "SSM Agent version", "Status": "Success", "Note": "SSM Agent version is 3.0.655.0, latest agent version in us-east-1 is 3.1.192.0"}
    ]}"#;

    #[test]
    fn the_rows_become_a_smaller_probe() {
        let probe = probe(serde_json::from_str(OUTPUT).unwrap());
        assert_eq!((&probe.source, probe.at), (&Source::SsmCli, None));
        assert_eq!(probe.region.as_deref(), Some("us-east-1"));
        let outcomes: Vec<_> = probe.contacts.iter().map(|it| it.outcome.clone()).collect();
        assert_eq!(
            outcomes,
            [ContactOutcome::Connected, ContactOutcome::Silent, ContactOutcome::NoAddress]
        );
        assert_eq!(probe.contacts[1].host, "ssmmessages.us-east-1.amazonaws.com");
        let agent = probe.agent.as_ref().unwrap();
        assert_eq!(agent.version.as_deref(), Some("3.0.655.0"));
        assert_eq!(agent.unit.as_ref().map(|it| it.state.as_str()), Some("inactive"));
        assert_eq!(probe.ids(), ["i-0123456789abcdefa"]);
        let role = probe.metadata.as_ref().and_then(|it| it.role.clone());
        let named = Role::Named { name: "WebRole".into(), code: None, expires_at: None };
        assert_eq!(role, Some(named));
    }

    #[test]
    fn on_windows_the_service_is_stopped_and_there_is_no_role() {
        let rows = r#"{"DiagnosticsOutput": [
            {"Check": "EC2 IMDS", "Status": "Success", "Note": "IMDS is accessible and has instance id i-0123456789abcdefa in region us-east-1"},
            {"Check": "AWS Credentials", "Status": "Failed", "Note": "Failed to get aws credentials: EC2RoleRequestError: no EC2 instance role found"},
            {"Check": "Agent service", "Status": "Failed", "Note": "Agent service is not running, state is: Stopped"}
        ]}"#;
        let probe = probe(serde_json::from_str(rows).unwrap());
        assert_eq!(probe.metadata.as_ref().and_then(|it| it.role.clone()), Some(Role::None));
        let unit = probe.agent.as_ref().and_then(|it| it.unit.as_ref());
        assert_eq!(unit.map(|it| it.state.as_str()), Some("stopped"));
    }
}
