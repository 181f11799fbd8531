//! `ssm-doctor log`: what an agent's log says, judged on its own.

use schemars::JsonSchema;
use serde::Serialize;
use ssm_doctor_analysis::node::agent_log::{self, Found, Judgement, Outcome, Scan, State};
use ssm_doctor_checks::agent_log_words as words;
use ssm_doctor_facts::{agent_log::AgentLog, ids::Target, time::Timestamp};

use ssm_doctor_probe::log_files;
pub use ssm_doctor_probe::log_files::ReadError;

use crate::{
    render::{BOLD, PLAIN, Page},
    report::summary::counted,
};

/// What a log says, for machines.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "ssm-doctor/log/v1")]
pub struct Document {
    schema: SchemaName,
    agent: Agent,
    /// The times of the first and of the last line.
    begins_at: Option<Timestamp>,
    ends_at: Option<Timestamp>,
    /// The time to which the node's clock was last set back within a file. Lines before that have this time at the
    /// latest.
    #[serde(skip_serializing_if = "Option::is_none")]
    clock_set_back_to: Option<Timestamp>,
    /// A compressed file or an archive ends before its end, so that lines are missing.
    is_cut_off: bool,
    /// Other nodes whose files were among those given, and which were not judged.
    other_nodes: Vec<String>,
    outcome: Verdict,
    /// All stages, in the order in which a session needs them.
    stages: Vec<Stage>,
    /// The root cause first. Empty when nothing is wrong.
    causes: Vec<Cause>,
}

#[derive(Serialize, JsonSchema)]
enum SchemaName {
    #[serde(rename = "ssm-doctor/log/v1")]
    LogV1,
}

#[derive(Serialize, JsonSchema)]
struct Agent {
    version: Option<String>,
    os: Option<String>,
    started_at: Option<Timestamp>,
    instance: Option<String>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Verdict {
    /// Exit status 0.
    Healthy,
    /// Exit status 1.
    Faulty,
    /// The log shows neither a fault nor an open control channel. Exit status 3.
    Undecided,
}

#[derive(Serialize, JsonSchema)]
#[allow(clippy::struct_field_names, reason = "the document has this name")]
struct Stage {
    stage: &'static str,
    state: StageState,
    since: Option<Timestamp>,
    last: Option<Timestamp>,
    count: u64,
    evidence: Vec<String>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum StageState {
    Ok,
    Failed,
    NotReached,
}

#[derive(Serialize, JsonSchema)]
struct Cause {
    /// The check whose runbook is about it.
    check: &'static str,
    title: String,
    standing: Standing,
    evidence: Vec<String>,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    count: u64,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Standing {
    Cause,
    /// One of several that the text cannot distinguish. They follow one another.
    Possible,
}

/// What was read, and what it means.
pub struct Report<'l> {
    log: &'l AgentLog,
    judgement: Judgement<'l>,
}

/// Reads logs.
///
/// # Errors
/// If a file cannot be read, or nothing of it is an agent's log.
pub fn read(paths: &[std::path::PathBuf]) -> Result<AgentLog, LogError> {
    Ok(agent_log::merge(scans(paths)?, None))
}

fn scans(paths: &[std::path::PathBuf]) -> Result<Vec<Scan>, LogError> {
    let scans = log_files::read(paths)?;
    // A log that is empty shows nothing, and is a log all the same.
    if !scans.iter().any(|scan| scan.is_recognized() || scan.is_empty()) {
        return Err(LogError::NoLog);
    }
    Ok(scans)
}

/// The log that was given with a target, if any.
///
/// # Errors
/// If a file cannot be read, nothing of it is an agent's log, or all of it is of other nodes.
pub fn given(paths: &[std::path::PathBuf], target: &Target) -> Result<Option<AgentLog>, LogError> {
    if paths.is_empty() {
        return Ok(None);
    }
    let scans = scans(paths)?;
    let asked = target.to_string();
    let nodes = agent_log::nodes(&scans);
    // A log that names no node may be of any. The agent of an instance with a leftover hybrid registration may name
    // the registration alone.
    let mut comparable = nodes.iter().filter(|id| agent_log::is_same_kind(id, &asked));
    match comparable.next() {
        Some(found) if !nodes.contains(&asked.as_str()) => {
            Err(LogError::OtherNode { found: (*found).to_owned(), asked: target.clone() })
        }
        _ => Ok(Some(agent_log::merge(scans, Some(&asked)))),
    }
}

#[derive(Debug, thiserror::Error)]
pub enum LogError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("this is not a log of SSM Agent or of the Session Manager plugin")]
    NoLog,
    #[error("the agent's log is of `{found}`, not of `{asked}`")]
    OtherNode { found: String, asked: Target },
}

impl LogError {
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::Read(error) => error.help(),
            Self::OtherNode { found, .. } => {
                format!("ask about `{found}`, or copy the log from the other node")
            }
            Self::NoLog => "give amazon-ssm-agent.log, its rotated files and hibernate.log, or their folder; errors.log alone does not hold every cause".into(),
        }
    }
}

impl<'l> Report<'l> {
    #[must_use]
    pub fn new(log: &'l AgentLog) -> Self {
        Self { judgement: agent_log::judge(log), log }
    }

    /// 0: nothing is wrong; 1: a fault; 3: the log does not show it.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self.judgement.outcome {
            Outcome::Healthy => 0,
            Outcome::Faulty => 1,
            Outcome::Undecided => 3,
        }
    }

    #[must_use]
    pub fn document(&self) -> Document {
        let Judgement { stages, causes, outcome } = &self.judgement;
        Document {
            schema: SchemaName::LogV1,
            agent: Agent {
                version: self.log.version.clone(),
                os: self.log.os.clone(),
                started_at: self.log.started_at,
                instance: self.log.instance.clone(),
            },
            begins_at: self.log.begins_at,
            ends_at: self.log.ends_at,
            clock_set_back_to: self.log.clock_set_back_to,
            is_cut_off: self.log.is_cut_off,
            other_nodes: self.log.other_nodes.clone(),
            outcome: match outcome {
                Outcome::Healthy => Verdict::Healthy,
                Outcome::Faulty => Verdict::Faulty,
                Outcome::Undecided => Verdict::Undecided,
            },
            stages: stages
                .iter()
                .map(|it| Stage {
                    stage: it.stage.as_str(),
                    state: match it.state {
                        State::Works => StageState::Ok,
                        State::Failed => StageState::Failed,
                        State::NotReached => StageState::NotReached,
                    },
                    since: it.since,
                    last: it.last,
                    count: it.count,
                    evidence: owned(&it.evidence),
                })
                .collect(),
            causes: causes.iter().flat_map(causes_of).collect(),
        }
    }

    /// For people.
    pub fn print(&self, page: &mut Page) {
        let Judgement { stages, causes, outcome } = &self.judgement;
        let verdict = match outcome {
            Outcome::Healthy => "NOTHING WRONG",
            Outcome::Faulty => "FAULT",
            Outcome::Undecided => "CANNOT TELL",
        };
        let text = match (outcome, causes.first()) {
            (Outcome::Faulty, Some(first)) => words::title(&first.cause, first.stage),
            (Outcome::Healthy, _) => match &self.log.instance {
                Some(id) if !self.log.other_nodes.is_empty() => {
                    format!("the log of {id} ends with a working agent")
                }
                _ => "the log ends with a working agent".into(),
            },
            _ if stages.iter().any(|it| {
                it.stage == agent_log::Stage::ControlChannel && it.state == State::Works
            }) =>
            {
                "the newest session ended before it was open, and the log does not show why".into()
            }
            _ => "the log shows neither a fault nor an open control channel".into(),
        };
        page.paragraph(0, &[(BOLD, verdict), (PLAIN, " "), (PLAIN, &text)]);
        page.paragraph(0, &[(PLAIN, &self.about())]);
        for text in words::limits(self.log) {
            page.paragraph(0, &[(PLAIN, &format!("note: the log {text}"))]);
        }
        page.blank();
        for found in causes {
            cause(page, found);
        }
        let rows: Vec<Vec<String>> = stages
            .iter()
            .map(|it| {
                let since = it.since.map_or_else(String::new, |at| format!("since {at}"));
                let last = it.last.map_or_else(String::new, |at| format!("last {at}"));
                let count = match it.count {
                    0 => String::new(),
                    count => counted(count, "line", "lines"),
                };
                vec![words::words(it.stage), it.state.as_str().to_owned(), since, last, count]
            })
            .collect();
        page.rows(&["stage", "state", "since", "last line", "count"], &rows);
        page.blank();
        page.paragraph(0, &[(PLAIN, NOTE)]);
    }

    /// Agent, system, node and period.
    fn about(&self) -> String {
        let log = self.log;
        let mut parts = Vec::new();
        parts.extend(log.version.as_ref().map(|it| format!("agent {it}")));
        parts.extend(log.os.clone());
        parts.extend(log.instance.clone());
        if let Some((from, to)) = log.begins_at.zip(log.ends_at) {
            parts.push(format!("{from} to {to}"));
        }
        parts.extend(log.started_at.map(|at| format!("last started {at}")));
        if parts.is_empty() { "the log is empty or without times".into() } else { parts.join(", ") }
    }
}

const NOTE: &str = "Times are the node's own, read as UTC unless the journal shows the zone. What was changed after the last line does not show.";

fn cause(page: &mut Page, found: &Found) {
    let title = words::title(&found.cause, found.stage);
    let names: Vec<&str> = found.checks.to_vec();
    if let [check] = names.as_slice() {
        page.paragraph(0, &[(PLAIN, "cause: "), (BOLD, &title), (PLAIN, &format!(" ({check})"))]);
    } else {
        page.paragraph(0, &[(PLAIN, "not decided: "), (BOLD, &title)]);
        for check in names {
            let text = format!("{} ({check})", words::possibility(check));
            page.paragraph(2, &[(PLAIN, "possible: "), (PLAIN, &text)]);
        }
    }
    let times = match (found.first, found.last) {
        (Some(first), Some(last)) if first != last => {
            format!("{}, from {first} to {last}", counted(found.count, "line", "lines"))
        }
        (_, Some(last)) => format!("at {last}"),
        _ => "without a time".into(),
    };
    page.paragraph(2, &[(PLAIN, &times)]);
    for line in &found.evidence {
        page.paragraph(2, &[(PLAIN, line)]);
    }
    page.blank();
}

/// One entry for each check.
fn causes_of(found: &Found) -> Vec<Cause> {
    let title = words::title(&found.cause, found.stage);
    let several = found.checks.len() > 1;
    let entry = |check: &&'static str| Cause {
        check,
        title: if several {
            format!("{title} (possible: {})", words::possibility(check))
        } else {
            title.clone()
        },
        standing: if several { Standing::Possible } else { Standing::Cause },
        evidence: owned(&found.evidence),
        first: found.first,
        last: found.last,
        count: found.count,
    };
    found.checks.iter().map(entry).collect()
}

fn owned(lines: &[&str]) -> Vec<String> {
    lines.iter().map(|it| (*it).to_owned()).collect()
}
