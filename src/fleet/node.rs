//! A node of a fleet: its state, and what to fix, in a few fields.

use schemars::JsonSchema;
use serde::Serialize;
use ssm_doctor_checks::engine::{check::Check, diagnosis::Standing, verification::Verified};
use ssm_doctor_facts::{
    ec2::InstanceState,
    ids::Target,
    lookup::{Facts, Row},
    ssm::Ping,
};

use crate::{
    judge::alike::{Names, Pattern},
    render::json_v1::Conclusion,
    report::{Repair, Report},
    snapshot::Snapshot,
};

/// The tag that an Auto Scaling group gives to its instances.
pub const GROUP_TAG: &str = "aws:autoscaling:groupName";

/// An instance or a hybrid node.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Node {
    pub target: String,
    /// The instance's Name tag, or the name that a node reported.
    pub name: Option<String>,
    pub account: Option<String>,
    pub region: String,
    pub vpc: Option<String>,
    pub subnet: Option<String>,
    pub auto_scaling_group: Option<String>,
    pub platform: Option<String>,
    /// Of an instance: `running`, `stopped`…
    pub state: Option<String>,
    pub status: Status,
    pub session: Conclusion,
    /// What keeps a session from starting, the root cause first. Empty for a stopped instance.
    pub causes: Vec<Cause>,
    /// What was not seen, if the verdict depends on it.
    pub unseen: Vec<String>,
}

/// Each node has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Its agent reports to Systems Manager.
    Managed,
    /// It runs, and its agent does not report, or no longer.
    Unmanaged,
    /// An instance that does not run.
    Stopped,
    /// It was not seen whether it is managed.
    Unknown,
}

impl Status {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Managed => "managed",
            Self::Unmanaged => "unmanaged",
            Self::Stopped => "stopped",
            Self::Unknown => "unknown",
        }
    }
}

/// Something to fix, and how.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Cause {
    pub check: String,
    /// What was observed.
    pub statement: String,
    /// What to do.
    pub fix: String,
    pub commands: Vec<String>,
    /// Does the fix alone let a session start, on the doctor's model?
    pub suffices: bool,
    pub runbook: String,
    /// What is changed, as text that is equal for equal changes.
    #[serde(skip)]
    pub changes: String,
}

impl Node {
    #[must_use]
    pub fn new(snapshot: &Snapshot, report: &Report) -> Self {
        let node = Self::unjudged(snapshot);
        let overall = report.diagnosis.overall;
        let nothing_to_fix = node.status == Status::Stopped || overall.can_start();
        let unseen = report.unseen().into_iter().filter(|unseen| unseen.decisive);
        Self {
            account: report.account.as_ref().map(ToString::to_string),
            session: overall.into(),
            causes: if nothing_to_fix { Vec::new() } else { causes(report) },
            unseen: unseen.map(|it| format!("{} {}", it.what, it.why).trim_end().into()).collect(),
            ..node
        }
    }

    /// What its own facts say. The rest is as if nothing was seen.
    #[must_use]
    pub fn unjudged(snapshot: &Snapshot) -> Self {
        let Snapshot { scope, facts, .. } = snapshot;
        let instance = scope.target.instance().and_then(|id| facts.instances.get(id)?.present());
        Self {
            target: scope.target.to_string(),
            name: snapshot.name(),
            account: None,
            region: scope.region.to_string(),
            vpc: instance.and_then(|it| it.vpc.as_ref()).map(ToString::to_string),
            subnet: instance.and_then(|it| it.subnet.as_ref()).map(ToString::to_string),
            auto_scaling_group: instance.and_then(|it| it.tags.get(GROUP_TAG)).cloned(),
            platform: platform(&scope.target, facts),
            state: instance.map(|it| it.state.as_str().to_owned()),
            status: status(&scope.target, facts),
            session: Conclusion::Inconclusive,
            causes: Vec::new(),
            unseen: Vec::new(),
        }
    }

    /// Can other nodes of its class have what was found for this one? `snapshot` has only the node's own facts.
    #[must_use]
    pub fn is_common(&self, names: &Names, snapshot: &Snapshot) -> bool {
        let of_cause = |cause: &'_ Cause| {
            let Cause { statement, fix, commands, changes, .. } = cause;
            [statement, fix, changes].into_iter().chain(commands).cloned().collect::<Vec<_>>()
        };
        let texts = self.causes.iter().flat_map(of_cause).chain(self.unseen.iter().cloned());
        texts.into_iter().all(|text| Pattern::of(&text, names, snapshot).is_some())
    }

    /// What was found for this one, for another node of its class.
    #[must_use]
    pub fn adapted(&self, from: &Names, to: &Names, snapshot: &Snapshot) -> Self {
        let of = |text: &String| Pattern::new(text, from).with(to);
        let cause = |cause: &Cause| Cause {
            statement: of(&cause.statement),
            fix: of(&cause.fix),
            commands: cause.commands.iter().map(of).collect(),
            changes: of(&cause.changes),
            ..cause.clone()
        };
        Self {
            account: self.account.clone(),
            session: self.session,
            causes: self.causes.iter().map(cause).collect(),
            unseen: self.unseen.iter().map(of).collect(),
            ..Self::unjudged(snapshot)
        }
    }

    #[must_use]
    pub fn root(&self) -> Option<&Cause> {
        self.causes.first()
    }
}

/// `windows`, `linux` or `macos`. An instance that is not managed is known by its image only.
#[must_use]
pub fn platform(target: &Target, facts: &Facts) -> Option<String> {
    let node = facts.nodes.get(target).and_then(Row::present);
    let reported = node.and_then(|node| node.platform.as_deref()).map(str::to_ascii_lowercase);
    reported.or_else(|| {
        let instance = facts.instances.get(target.instance()?)?.present()?;
        Some(if instance.windows { "windows" } else { "linux" }.to_owned())
    })
}

#[must_use]
pub fn status(target: &Target, facts: &Facts) -> Status {
    if let Some(id) = target.instance() {
        match facts.instances.get(id) {
            Some(Row::Present(instance)) => match instance.state {
                InstanceState::Running | InstanceState::Pending => {}
                InstanceState::Other(_) => return Status::Unknown,
                _ => return Status::Stopped,
            },
            _ => return Status::Unknown,
        }
    }
    match facts.nodes.get(target) {
        Some(Row::Present(node)) if node.ping == Ping::Online => Status::Managed,
        Some(Row::Present(_) | Row::Absent(_)) => Status::Unmanaged,
        Some(Row::Unknown { .. }) | None => Status::Unknown,
    }
}

fn causes(report: &Report) -> Vec<Cause> {
    let named = &report.diagnosis.causes;
    let certain = |check: &Check| {
        let finding = report.finding(check);
        finding.is_some_and(|it| it.standing == Some(Standing::Cause) && !it.open)
    };
    // A suspect is no reason to change something on many nodes, unless there is nothing else.
    let any_certain = named.iter().any(|check| certain(check));
    let problems = report.problems();
    let of = |check: &&'static Check| {
        let problem = problems.iter().find(|it| std::ptr::eq(it.check, *check))?;
        let first: Option<&Repair> = problem.repairs.first();
        // Changes are maps of named fields, which are always written.
        let changes = |it: &Repair| match it.changes.as_slice() {
            [] => String::new(),
            changes => serde_json::to_string(changes).unwrap_or_default(),
        };
        Some(Cause {
            check: problem.check.name(),
            statement: problem.statement().to_owned(),
            fix: first.map(|it| it.title.clone()).unwrap_or_default(),
            commands: first.map(|it| it.commands.clone()).unwrap_or_default(),
            suffices: first.is_some_and(|it| it.verified == Verified::Yes),
            runbook: problem.runbook.clone(),
            changes: first.map(changes).unwrap_or_default(),
        })
    };
    named.iter().filter(|check| !any_certain || certain(check)).filter_map(of).collect()
}
