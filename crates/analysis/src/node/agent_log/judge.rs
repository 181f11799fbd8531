//! From the lines of a log to the state of each stage, and to the causes.
//!
//! The newest line decides. A cause ends when a later line says that its stage works, or a stage that needs it.
//! A cause whose reason is not in the text gives way to one whose reason is.

use alloc::vec::Vec;

use super::{
    cause::{Cause, NetworkFault, Side},
    reading::{Event, What, read},
    stage::Stage,
};
use crate::node::serial_console::Denial;
use ssm_doctor_facts::{
    agent_log::{AgentLog, LogLine},
    time::Timestamp,
};

/// What a log shows.
#[derive(Clone, Debug)]
pub struct Judgement<'l> {
    /// In the order of [`Stage::ALL`].
    pub stages: Vec<StageState<'l>>,
    /// The root cause first.
    pub causes: Vec<Found<'l>>,
    pub outcome: Outcome,
}

#[derive(Clone, Debug)]
pub struct StageState<'l> {
    pub stage: Stage,
    pub state: State,
    pub since: Option<Timestamp>,
    pub last: Option<Timestamp>,
    /// How many lines say so.
    pub count: u64,
    pub evidence: Vec<&'l str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Works,
    Failed,
    /// The log shows nothing of the stage, at least since the agent's last start.
    NotReached,
}

impl State {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Works => "ok",
            Self::Failed => "failed",
            Self::NotReached => "not-reached",
        }
    }
}

/// A cause, and the lines that show it.
#[derive(Clone, Debug)]
pub struct Found<'l> {
    pub cause: Cause,
    pub stage: Stage,
    /// The checks that it fails. The text cannot distinguish them if there are several.
    pub checks: &'static [&'static str],
    pub evidence: Vec<&'l str>,
    pub first: Option<Timestamp>,
    pub since: Option<Timestamp>,
    pub last: Option<Timestamp>,
    pub count: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Healthy,
    Faulty,
    /// The log shows no fault, and either no open control channel, or a session that ended before it was open.
    Undecided,
}

/// A line and what it says, in the order in which lines of its kind were last written.
struct Known<'l> {
    order: usize,
    line: &'l LogLine,
    event: Event,
    works: bool,
}

/// A call that has no answer yet has an error after this time: the longest time-out is about two minutes
/// (measured).
const ANSWERED_WITHIN: i64 = 150;

/// How long after its end a control channel should be open again. Retries come after 8 to 12 seconds, 15 to 20,
/// and 30 to 50 (measured).
const REOPENS_WITHIN: i64 = 120;

/// A session that starts so much later is another one, whose logs are delivered unless it says otherwise.
const ANOTHER_SESSION: i64 = 60;

/// The log does not name the destination of a port session that opens. One that opens so much later, without an error
/// since, says that the destination of the error answers again, or is not asked for any more.
const ANOTHER_DAY: i64 = 86_400;

/// The most lines that are shown of one cause or stage.
const MOST_EVIDENCE: usize = 3;

/// What the log shows, by its last lines.
#[must_use]
pub fn judge(log: &AgentLog) -> Judgement<'_> {
    let lines: Vec<Known> =
        log.lines.iter().enumerate().filter_map(|(order, line)| known(log, order, line)).collect();
    let mut found = open_failures(&lines);
    let run = Run::of(log, &lines);
    found.extend(run.stopped.map(stopped));
    let lost = channel_lost(log, &lines, &run);
    let cut_short = lost.is_some_and(|lost| lost.is_undecided);
    let fails_unseen = session_without_start(&lines);
    if let Some(lost) = lost.filter(|lost| !lost.is_undecided)
        && !found.iter().any(|found| found.stage == Stage::ControlChannel)
    {
        found.push(lost.found());
    }
    let stages = states(&lines, &found, &run, cut_short);
    settle(&mut found, &lines, &run);
    found.sort_by_key(rank);
    let works =
        |stage: Stage| stages.iter().any(|row| row.stage == stage && row.state == State::Works);
    let outcome = if !found.is_empty() {
        Outcome::Faulty
    } else if fails_unseen {
        Outcome::Undecided
    } else if works(Stage::ControlChannel) || works(Stage::DataChannel) {
        Outcome::Healthy
    } else {
        Outcome::Undecided
    };
    Judgement { stages, causes: found, outcome }
}

fn known<'l>(log: &AgentLog, order: usize, line: &'l LogLine) -> Option<Known<'l>> {
    let event = read(&line.text)?;
    let works = match event.what {
        What::Works | What::PortOpens => true,
        // A try without an error since is a success.
        What::Tried => {
            let seconds_since = line.last.zip(log.ends_at).map(|(tried, end)| tried.until(end));
            line.last > line.since || seconds_since.is_some_and(|since| since >= ANSWERED_WITHIN)
        }
        _ => false,
    };
    Some(Known { order, line, event, works })
}

/// The last run of the agent: what worked before it says nothing of it.
struct Run<'k, 'l> {
    started: Option<&'k Known<'l>>,
    /// Facts that were saved earlier have the time alone.
    started_at: Option<Timestamp>,
    /// The agent was stopped, and no later line shows that it runs.
    stopped: Option<&'k Known<'l>>,
}

impl<'k, 'l> Run<'k, 'l> {
    fn of(log: &AgentLog, lines: &'k [Known<'l>]) -> Self {
        let last = |what: &What| lines.iter().rfind(|known| known.event.what == *what);
        let runs_after = |stop: &Known| {
            lines.iter().any(|known| {
                let agent_works = known.event.what == What::Works && !is_session(known.event.stage);
                known.order > stop.order && (known.event.what == What::Started || agent_works)
            })
        };
        Self {
            started: last(&What::Started),
            started_at: log.started_at,
            stopped: last(&What::Stopped).filter(|stop| !runs_after(stop)),
        }
    }

    /// Was this written by an earlier run?
    fn is_after(&self, known: &Known) -> bool {
        let at = known.line.last;
        let started_later = at.is_some_and(|at| self.started_at.is_some_and(|start| at < start));
        // An agent finds its identity just before it says that it starts.
        let before = known.event.stage == Stage::Identity;
        self.stopped.is_some_and(|stop| stop.order > known.order)
            || match self.started {
                Some(start) if !before => start.order > known.order,
                _ => started_later,
            }
    }
}

fn stopped<'l>(stop: &Known<'l>) -> Found<'l> {
    let stage = stop.event.stage;
    let at = stop.line.last;
    Found {
        cause: Cause::Stopped,
        stage,
        checks: Cause::Stopped.checks(stage),
        evidence: Vec::from([stop.line.text.as_str()]),
        first: at,
        since: at,
        last: at,
        // The lines of earlier stops are of the same kind.
        count: 1,
    }
}

/// The failures that no later line ends.
fn open_failures<'l>(lines: &[Known<'l>]) -> Vec<Found<'l>> {
    let mut found: Vec<Found> = Vec::new();
    for known in lines {
        let What::Failed(cause) = &known.event.what else { continue };
        let stage = known.event.stage;
        if lines.iter().any(|later| ends(later, known, cause, lines)) {
            continue;
        }
        // Where the same reason keeps two stages from working, the earlier one shows it.
        let same = |found: &&mut Found| {
            found.cause == *cause && !is_session(stage) && !is_session(found.stage)
        };
        if let Some(first) = found.iter_mut().find(same) {
            first.stage = first.stage.min(stage);
            first.checks = cause.checks(first.stage);
            first.first = earlier(first.first, known.line.first);
            first.since = earlier(first.since, known.line.since);
            first.last = first.last.max(known.line.last);
            first.count += known.line.count;
            first.evidence.push(&known.line.text);
            first.evidence.truncate(MOST_EVIDENCE);
            continue;
        }
        found.push(Found {
            checks: cause.checks(stage),
            cause: cause.clone(),
            stage,
            evidence: Vec::from([known.line.text.as_str()]),
            first: known.line.first,
            since: known.line.since,
            last: known.line.last,
            count: known.line.count,
        });
    }
    found
}

/// Did the newest session end before it was open, without a line that says why?
fn session_without_start(lines: &[Known]) -> bool {
    let announces = |known: &&Known| {
        known.event.stage == Stage::SessionWorker && known.event.what == What::Works
    };
    let explains = |known: &Known| {
        let opens = known.event.stage == Stage::SessionGates && known.works;
        let fails = is_session(known.event.stage) && matches!(known.event.what, What::Failed(_));
        opens || fails || known.event.what == What::OperatorLeft
    };
    let newest = lines.iter().rfind(announces);
    newest.is_some_and(|newest| {
        has_ended(newest, lines)
            && !lines.iter().any(|known| known.order > newest.order && explains(known))
    })
}

/// Does `later` say that what `failure` reports is over?
fn ends(later: &Known, failure: &Known, cause: &Cause, lines: &[Known]) -> bool {
    let stage = failure.event.stage;
    if !later.works || later.order < failure.order {
        return false;
    }
    // Of text without a time it is not known whether it is older.
    if failure.line.last.is_none() && later.line.last.is_some() {
        return false;
    }
    if !passes_gate(later, failure, cause) {
        return false;
    }
    let proven = later.event.stage.proves();
    if cause.only_degrades(stage) {
        return proven.contains(&stage)
            && later_by(later, failure).is_some_and(|by| by >= ANOTHER_SESSION)
            && (is_seen_at_start(failure) || has_ended(later, lines));
    }
    if stage == Stage::Registration {
        // An HTML page in AWS's place counts as a success for every call but this one (measured).
        return proven.contains(&stage)
            || !is_no_answer_of_aws(cause) && proven.contains(&Stage::Health);
    }
    proven.contains(&stage)
}

/// In seconds.
fn later_by(later: &Known, failure: &Known) -> Option<i64> {
    failure.line.last.zip(later.line.last).map(|(from, to)| from.until(to))
}

/// Does the agent look for this before a session starts? It delivers logs when the session ends. Source:
/// amazon-ssm-agent `agent/session/shell/shell.go`, `validate` and `finishLogging`.
fn is_seen_at_start(failure: &Known) -> bool {
    let text = &failure.line.text;
    text.contains("DescribeLogGroups") || text.contains("unable to validate its existence")
}

/// Is the session over that this line is of?
fn has_ended(opened: &Known, lines: &[Known]) -> bool {
    let session = session_of(&opened.line.text);
    session.is_some()
        && lines.iter().any(|known| {
            known.event.what == What::SessionEnded
                && known.order > opened.order
                && session_of(&known.line.text) == session
        })
}

/// `[ssm-session-worker] [alice-0123456789abcdef0]`: the session's id.
fn session_of(text: &str) -> Option<&str> {
    text.split_once("[ssm-session-worker] [")?.1.split_once(']').map(|it| it.0)
}

/// Is the session that `later` reports of a kind that needs what failed? Encryption, logs and the user of a session do
/// not concern port sessions, and the port does not concern others.
fn passes_gate(later: &Known, failure: &Known, cause: &Cause) -> bool {
    if failure.event.stage != Stage::SessionGates || later.event.stage != Stage::SessionGates {
        return true;
    }
    let is_port = later.event.what == What::PortOpens;
    match cause {
        Cause::DestinationSilent(_)
        | Cause::DestinationRefuses(_)
        | Cause::DestinationForbidden(_) => {
            is_port && later_by(later, failure).is_some_and(|by| by >= ANOTHER_DAY)
        }
        Cause::DocumentSchema
        | Cause::DocumentInvalid
        | Cause::PluginUnsupported(_)
        | Cause::FilesOrInotifyInstances
        | Cause::FileDescriptors
        | Cause::NoInotifyWatches
        | Cause::OutOfMemory
        | Cause::DiskFull
        | Cause::ReadOnly
        | Cause::WorkerSilent => true,
        _ => !is_port || failure.line.text.contains("[pluginName=Port]"),
    }
}

/// The control channel ended, or the agent left it, and nothing says that it was opened again.
#[derive(Clone, Copy)]
struct Lost<'l> {
    line: &'l LogLine,
    refused: bool,
    /// The log ends before the channel had to be open again.
    is_undecided: bool,
}

impl<'l> Lost<'l> {
    fn found(self) -> Found<'l> {
        let cause = if self.refused {
            // After a success the agent goes back to ec2messages for this answer only. Source:
            // amazon-ssm-agent `agent/ssmconnectionchannel/ssmconnectionchannel.go`.
            let action = "ssmmessages:CreateControlChannel".into();
            Cause::Denied(Denial { action, policy: None, explicit: false })
        } else {
            Cause::ChannelLost
        };
        let stage = Stage::ControlChannel;
        Found {
            checks: cause.checks(stage),
            cause,
            stage,
            evidence: Vec::from([self.line.text.as_str()]),
            first: self.line.since,
            since: self.line.since,
            last: self.line.last,
            count: self.line.count,
        }
    }
}

fn channel_lost<'l>(log: &AgentLog, lines: &[Known<'l>], run: &Run<'_, 'l>) -> Option<Lost<'l>> {
    let open = lines.iter().rfind(|line| says_works(line, Stage::ControlChannel))?;
    // Only a channel of this run of the agent can be lost.
    if run.is_after(open) {
        return None;
    }
    let later = |what: What| {
        lines.iter().find(|known| known.event.what == what && known.order > open.order)
    };
    let legacy = later(What::LegacyChannel);
    let restarts = later(What::WorkerStarts);
    // A worker that starts goes back to ec2messages for any reason.
    if let Some(legacy) =
        legacy.filter(|known| restarts.is_none() && known.line.since >= open.line.last)
    {
        return Some(Lost { line: legacy.line, refused: true, is_undecided: false });
    }
    let ended = later(What::ChannelEnded).or(restarts)?;
    let since = ended.line.since.filter(|since| Some(*since) >= open.line.last);
    let seconds_since = since.or(ended.line.last)?.until(log.ends_at?);
    Some(Lost { line: ended.line, refused: false, is_undecided: seconds_since < REOPENS_WITHIN })
}

fn states<'l>(
    lines: &[Known<'l>],
    found: &[Found<'l>],
    run: &Run<'_, 'l>,
    cut_short: bool,
) -> Vec<StageState<'l>> {
    Stage::ALL
        .into_iter()
        .map(|stage| {
            let failed = failed(lines, stage);
            let lost =
                found.iter().find(|found| found.stage == stage && stage == Stage::ControlChannel);
            let works = lines.iter().rfind(|line| says_works(line, stage));
            if let Some(state) = failed {
                return state;
            }
            if let Some(lost) = lost {
                return StageState {
                    stage,
                    state: State::Failed,
                    since: lost.since,
                    last: lost.last,
                    count: lost.count,
                    evidence: lost.evidence.clone(),
                };
            }
            let nothing = StageState {
                stage,
                state: State::NotReached,
                since: None,
                last: None,
                count: 0,
                evidence: Vec::new(),
            };
            let Some(works) = works else { return nothing };
            let over = !is_session(stage) && stage != Stage::Registration && run.is_after(works);
            if over || cut_short && stage == Stage::ControlChannel {
                return nothing;
            }
            StageState {
                stage,
                state: State::Works,
                since: works.line.since,
                last: works.line.last,
                count: works.line.count,
                evidence: Vec::from([works.line.text.as_str()]),
            }
        })
        .collect()
}

fn says_works(known: &Known, stage: Stage) -> bool {
    known.works && known.event.stage.proves().contains(&stage)
}

/// The state of a stage whose last line is a failure.
fn failed<'l>(lines: &[Known<'l>], stage: Stage) -> Option<StageState<'l>> {
    let open = |known: &&Known<'l>| match &known.event.what {
        What::Failed(cause) if known.event.stage == stage => {
            let over = |later: &Known| {
                ends(later, known, cause, lines)
                    // The session started all the same.
                    || cause.only_degrades(stage)
                        && says_works(later, stage)
                        && passes_gate(later, known, cause)
                        && later.order > known.order
            };
            !lines.iter().any(over)
        }
        _ => false,
    };
    let open: Vec<&Known> = lines.iter().filter(open).collect();
    let newest = open.last()?;
    Some(StageState {
        stage,
        state: State::Failed,
        since: open.iter().map(|known| known.line.since).reduce(earlier).flatten(),
        last: newest.line.last,
        count: open.iter().map(|known| known.line.count).sum(),
        evidence: open
            .iter()
            .rev()
            .take(MOST_EVIDENCE)
            .map(|known| known.line.text.as_str())
            .collect(),
    })
}

/// Removes what another cause explains.
fn settle(found: &mut Vec<Found>, lines: &[Known], run: &Run) {
    let registered_by_command =
        lines.iter().any(|known| known.line.text.contains("Registration failed due to"))
            && found.iter().any(|found| found.stage == Stage::Registration);
    let agent_is_healthy =
        lines.iter().any(|line| says_works(line, Stage::Health) && !run.is_after(line));
    let all = found.clone();
    found.retain(|found| {
        let others = || {
            all.iter().filter(|other| (other.stage, &other.cause) != (found.stage, &found.cause))
        };
        let specific = |stages: &[Stage]| {
            others()
                .any(|other| stages.contains(&other.stage) && other.cause.is_specific(other.stage))
        };
        let replaced = match &found.cause {
            Cause::NoCredentials => specific(&[Stage::Credentials, Stage::Health]),
            // The agent says that there is no role where it cannot ask for one, too.
            Cause::NoRole => others().any(|other| {
                matches!(other.cause, Cause::MetadataSilent | Cause::MetadataUnreachable)
            }),
            Cause::Hibernates => others().any(|other| other.stage <= Stage::Health),
            Cause::NoIdentity => {
                registered_by_command || others().any(|other| other.stage == Stage::Identity)
            }
            Cause::MetadataSilent | Cause::MetadataUnreachable => registered_by_command,
            Cause::Network { fault: NetworkFault::Unspecified, from: Side::Node, host } => {
                others().any(|other| is_way_to(&other.cause, host))
            }
            Cause::WorkerNotStarted | Cause::WorkerSilent => specific(&[Stage::SessionWorker]),
            Cause::LogGroupUnverified | Cause::LogGroupNotEncrypted => others().any(|other| {
                other.stage == Stage::SessionGates && is_about_logs(&other.cause)
                    || other.cause == Cause::LogGroupNotEncrypted
            }),
            Cause::ShellFails | Cause::Unrecognized => specific(&[found.stage]),
            // The same refusal, in a line that does not say whose policy it is.
            Cause::Denied(denial) if denial.policy.is_none() => others().any(|other| {
                let same = |known: &Denial| known.action == denial.action && known.policy.is_some();
                other.stage == found.stage && matches!(&other.cause, Cause::Denied(it) if same(it))
            }),
            // The same refusal without its status.
            Cause::Network { fault: NetworkFault::UpgradeRefused(status), .. }
                if status.is_empty() =>
            {
                others().any(|other| {
                    other.stage == found.stage && matches!(other.cause, Cause::Network { .. })
                })
            }
            _ => false,
        };
        // The agent registers itself for Default Host Management only: where it has other credentials, or is
        // refused for another reason, that is no cause.
        let later = [Stage::Credentials, Stage::Health, Stage::ControlChannel];
        let fails_later = others().any(|other| later.contains(&other.stage));
        let for_host_management = found.stage == Stage::Registration
            && !registered_by_command
            && !is_no_answer_of_aws(&found.cause)
            && (agent_is_healthy && !fails_later
                || fails_later && !matches!(found.cause, Cause::Network { .. }));
        // A try that fails for another reason now has got over the older one.
        let superseded = later.contains(&found.stage)
            && others().any(|other| {
                other.stage == found.stage
                    && other.cause.is_specific(other.stage)
                    && other.since > found.last
            });
        !(replaced || for_host_management || superseded)
    });
}

/// Did something between the node and AWS answer?
fn is_no_answer_of_aws(cause: &Cause) -> bool {
    matches!(cause, Cause::Network { fault: NetworkFault::NotAws, .. })
}

fn is_way_to(cause: &Cause, host: &str) -> bool {
    matches!(cause, Cause::Network { from: Side::Node, host: other, fault }
        if *fault != NetworkFault::Unspecified
            && (host.is_empty() || other == host || !other.starts_with("ssmmessages")))
}

fn is_about_logs(cause: &Cause) -> bool {
    match cause {
        Cause::Denied(denial) => denial.action.starts_with("logs:"),
        Cause::Network { host, .. } => host.starts_with("logs"),
        _ => false,
    }
}

fn is_session(stage: Stage) -> bool {
    matches!(stage, Stage::DataChannel | Stage::SessionWorker | Stage::SessionGates)
}

/// The root cause first: what keeps the agent from starting, then stage by stage. A cause with its reason comes
/// before one without.
fn rank(found: &Found) -> (u8, bool, core::cmp::Reverse<Option<Timestamp>>) {
    let order = match (&found.cause, found.stage) {
        (
            Cause::ConfigurationBroken
            | Cause::ProgramMissing
            | Cause::SysprepPending
            | Cause::DiskFull
            | Cause::ReadOnly,
            _,
        ) => 0,
        (Cause::Stopped, _) => 1,
        (_, Stage::Registration) => 2,
        (_, Stage::Identity) => 3,
        (_, Stage::Credentials) => 4,
        (_, Stage::Health) => 5,
        (_, Stage::ControlChannel) => 6,
        (_, Stage::SessionWorker) => 7,
        (_, Stage::DataChannel) => 8,
        (_, Stage::SessionGates) => 9,
    };
    (order, !found.cause.is_specific(found.stage), core::cmp::Reverse(found.last))
}

fn earlier(a: Option<Timestamp>, b: Option<Timestamp>) -> Option<Timestamp> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}
