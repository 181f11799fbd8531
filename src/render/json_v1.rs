//! The report as JSON, `ssm-doctor/report/v1`: a contract with the machines that read it.
//!
//! Within v1 a field may be added, and nothing else: none is renamed, removed, or given another
//! meaning. Hence structs of its own, however alike they are to the model's, and a schema that is
//! committed and compared by a test.

use schemars::JsonSchema;
use serde::Serialize;
use ssm_doctor_analysis::{
    answer::{Answer, Evidence, Verdict},
    network::{hop::Path as Way, hop::Reachable as Reach},
};
use ssm_doctor_checks::engine::{
    check::{Check, Impact as Weight},
    diagnosis::{Finding as Found, Overall, Standing as Stands},
    verification::Verified,
    words,
};
use ssm_doctor_checks::path::row;
use ssm_doctor_facts::{
    change::{Change as Edit, Risk},
    lookup::Vantage,
    scope::Session as Kind,
};

use super::View;
use crate::{
    gate::{Excuse, suppression::Suppression},
    report::{self, Repair, Report, several},
};

/// The report of one run.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "ssm-doctor/report/v1")]
pub struct Document {
    schema: Schema,
    tool: Tool,
    target: Target,
    session: Session,
    verdict: Conclusion,
    /// Names of checks: what to fix, the root cause first.
    pub causes: Vec<String>,
    /// Where to look next, if nothing is found at fault or nothing but a silent agent.
    note: Option<String>,
    /// Every check's answer: failures first, the one to fix first at the top.
    pub findings: Vec<Finding>,
    /// Suppressions of this target's findings that count again, because their last day is over.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    expired_suppressions: Vec<Suppression>,
    /// The smallest set of changes that lets a session start; null if nothing blocks it.
    prescription: Option<Prescription>,
    /// The ways from the instance to the services that the session needs.
    paths: Vec<Path>,
    /// The verdicts on the other kinds of session, if the run was not asked for one kind.
    other_sessions: Vec<OtherSession>,
    client: Client,
    facts: Facts,
}

#[derive(Serialize, JsonSchema)]
enum Schema {
    #[serde(rename = "ssm-doctor/report/v1")]
    ReportV1,
}

#[derive(Serialize, JsonSchema)]
pub struct Tool {
    version: &'static str,
}

impl Tool {
    #[must_use]
    pub fn current() -> Self {
        Self { version: env!("CARGO_PKG_VERSION") }
    }
}

#[derive(Serialize, JsonSchema)]
struct Target {
    id: String,
    kind: TargetKind,
    /// The account of the credentials; null if it could not be seen.
    account: Option<String>,
    region: String,
    partition: String,
    /// The instance's Name tag, or the name that a node reported.
    name: Option<String>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum TargetKind {
    Instance,
    Node,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Session {
    Shell,
    Ssh,
    Port,
    RemotePort,
    Command,
}

impl From<Kind> for Session {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Shell => Self::Shell,
            Kind::Ssh => Self::Ssh,
            Kind::Port => Self::Port,
            Kind::RemotePort => Self::RemotePort,
            Kind::Command => Self::Command,
        }
    }
}

/// Can the session start?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Conclusion {
    Healthy,
    /// No: something that blocks has failed.
    Blocked,
    /// Yes, but something promised with it is missing or unreliable.
    Degraded,
    /// Nothing that was seen blocks, and something that could was not seen.
    Inconclusive,
}

impl Conclusion {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => Overall::Healthy.as_str(),
            Self::Blocked => Overall::Blocked.as_str(),
            Self::Degraded => Overall::Degraded.as_str(),
            Self::Inconclusive => Overall::Inconclusive.as_str(),
        }
    }
}

impl From<Overall> for Conclusion {
    fn from(overall: Overall) -> Self {
        match overall {
            Overall::Healthy => Self::Healthy,
            Overall::Blocked => Self::Blocked,
            Overall::Degraded => Self::Degraded,
            Overall::Inconclusive => Self::Inconclusive,
        }
    }
}

/// What one check says.
#[derive(Serialize, JsonSchema)]
pub struct Finding {
    /// `area/claim-that-holds-when-it-passes`.
    check: String,
    title: &'static str,
    verdict: Outcome,
    impact: Impact,
    /// Of failures only.
    #[serde(skip_serializing_if = "Option::is_none")]
    standing: Option<Standing>,
    layer: &'static str,
    /// The overall verdict depends on this answer, and it cannot be given.
    open: bool,
    /// Empty for an unknown, which has `missing` instead.
    evidence: Vec<Observation>,
    /// What could not be seen; empty but for unknowns.
    missing: Vec<Missing>,
    /// Of failures only.
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<Fix>,
    /// A URL.
    runbook: String,
    /// Why the finding does not count for the exit code, if somebody suppressed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    suppressed: Option<Suppression>,
    /// Does the baseline have the finding? Only with a baseline.
    #[serde(skip_serializing_if = "Option::is_none")]
    known: Option<bool>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Outcome {
    Pass,
    Fail,
    Unknown,
    NotApplicable,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Impact {
    Blocks,
    Degrades,
    Advises,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Standing {
    Cause,
    /// Perhaps a consequence of something unseen, or contradicted by what was seen elsewhere.
    Perhaps,
    Consequence,
}

/// Something, and what was observed of it: together a sentence.
#[derive(Serialize, JsonSchema)]
struct Observation {
    subject: String,
    observed: String,
}

#[derive(Serialize, JsonSchema)]
struct Missing {
    /// The IAM action of the call that went unanswered; null if it takes none, or no call can tell.
    action: Option<&'static str>,
    /// What that call was about: an id or a name; or, without an action, what was looked at from the
    /// machine that ran the doctor.
    subject: Option<String>,
    /// One word: `denied`, `throttled`, `unreachable`, `timed-out`, `vanished`, `unreadable`,
    /// `hidden-by-owner`, `refused`, `unasked`, or `limit` where no call can tell.
    reason: &'static str,
    why: String,
}

#[derive(Serialize, JsonSchema)]
struct Fix {
    /// The title of the first option.
    summary: String,
    /// The commands of the first option.
    commands: Vec<String>,
    /// What must happen after the fix before a session can start.
    recovery: &'static str,
    /// Any one of these suffices. The first grants the least access and disturbs least.
    options: Vec<FixOption>,
}

/// One way to repair a failure.
#[derive(Serialize, JsonSchema)]
struct FixOption {
    title: String,
    changes: Vec<Change>,
    /// Quoted for a POSIX shell, unless the run asked for another one; `<…>` stands for what could not be
    /// known.
    commands: Vec<String>,
    /// HCL for the AWS provider; null where it has no resource for the changes.
    terraform: Option<String>,
    /// Where in the AWS console the changes are made.
    console: Vec<String>,
    risks: Vec<Risk>,
    /// What a person has to do or decide first.
    manual: Vec<String>,
    /// What must happen after the fix before a session can start.
    takes_effect: &'static str,
    /// Does the doctor's model say that a session can start after it?
    verified: Certainty,
    /// What is left if not, or what would have to be seen.
    why: Option<String>,
}

/// An edit of one resource. It has more fields, by its kind.
#[derive(Serialize, JsonSchema)]
struct Change {
    #[serde(flatten)]
    fields: serde_json::Map<String, serde_json::Value>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Certainty {
    Yes,
    No,
    Unknown,
}

/// The smallest set of changes that lets a session start.
#[derive(Serialize, JsonSchema)]
struct Prescription {
    /// In the order in which they are to be carried out.
    options: Vec<Prescribed>,
    /// From the first command to the one that starts the session.
    steps: Vec<Step>,
    verified: Certainty,
    why: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct Step {
    /// In the imperative.
    title: String,
    commands: Vec<String>,
}

/// What repairs one check's failure.
#[derive(Serialize, JsonSchema)]
struct Prescribed {
    check: String,
    title: String,
    commands: Vec<String>,
}

#[derive(Serialize, JsonSchema)]
struct Path {
    /// `ssm`, `ssmmessages`, `kms`…
    service: &'static str,
    /// By the session asked for.
    needed: bool,
    reachable: Reachable,
    /// If the course of the path itself could not be followed: why.
    #[serde(skip_serializing_if = "Option::is_none")]
    lost: Option<String>,
    hops: Vec<Hop>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Reachable {
    Yes,
    No,
    Unknown,
}

#[derive(Serialize, JsonSchema)]
struct Hop {
    /// `security-group`, `network-acl`, `route`…
    component: &'static str,
    id: String,
    verdict: Outcome,
    why: String,
}

#[derive(Serialize, JsonSchema)]
struct OtherSession {
    session: Session,
    verdict: Conclusion,
}

/// The machine that ran the doctor.
#[derive(Serialize, JsonSchema)]
struct Client {
    /// Was it judged as the one that starts the session? The checks of the area `client` are about it.
    judged: bool,
    /// If it was not: why.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct Facts {
    /// RFC 3339, UTC.
    collected_at: String,
    /// API calls that the collection took, and in how many dependent rounds.
    calls: u32,
    rounds: u32,
    /// Where the facts were seen from, and when.
    seen: Vec<Seen>,
}

/// A source of facts. What holds in one place need not hold in another.
#[derive(Serialize, JsonSchema)]
struct Seen {
    from: Place,
    by: Source,
    /// RFC 3339, UTC, by the clock of the place. The end of a log; none if the source does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<String>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Place {
    Aws,
    /// The machine that ran the doctor.
    Workstation,
    Node,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Source {
    /// This run's calls and look-ups.
    Run,
    Probe,
    AgentLog,
    SerialConsole,
}

/// The reports of a run about several targets. A run about one has its report alone.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "ssm-doctor/reports/v1")]
pub struct Documents {
    schema: ReportsSchema,
    tool: Tool,
    summary: Summary,
    /// In the order in which the targets were named.
    reports: Vec<Document>,
}

#[derive(Serialize, JsonSchema)]
enum ReportsSchema {
    #[serde(rename = "ssm-doctor/reports/v1")]
    ReportsV1,
}

/// How many targets have which verdict.
#[derive(Serialize, JsonSchema)]
struct Summary {
    targets: usize,
    healthy: usize,
    degraded: usize,
    blocked: usize,
    inconclusive: usize,
}

/// # Errors
/// Never: a report has no map whose keys are not strings.
pub fn render(reports: &[Report], _: View) -> serde_json::Result<String> {
    if let [report] = reports {
        return super::json(&Document::new(report));
    }
    let count = |overall| several::count(reports, overall);
    super::json(&Documents {
        schema: ReportsSchema::ReportsV1,
        tool: Tool::current(),
        summary: Summary {
            targets: reports.len(),
            healthy: count(Overall::Healthy),
            degraded: count(Overall::Degraded),
            blocked: count(Overall::Blocked),
            inconclusive: count(Overall::Inconclusive),
        },
        reports: reports.iter().map(Document::new).collect(),
    })
}

impl Document {
    #[must_use]
    pub fn new(report: &Report) -> Self {
        let Report { scope, diagnosis, .. } = report;
        Self {
            schema: Schema::ReportV1,
            tool: Tool::current(),
            target: Target {
                id: scope.target.to_string(),
                kind: if scope.target.instance().is_some() {
                    TargetKind::Instance
                } else {
                    TargetKind::Node
                },
                account: report.account.as_ref().map(ToString::to_string),
                region: scope.region.to_string(),
                partition: report.partition.clone(),
                name: report.name.clone(),
            },
            session: scope.session.into(),
            verdict: diagnosis.overall.into(),
            causes: diagnosis.causes.iter().map(|it| it.name()).collect(),
            note: report.nothing_in_sight(),
            findings: diagnosis.findings.iter().map(|it| finding(report, it)).collect(),
            expired_suppressions: report
                .excuses
                .expired
                .iter()
                .map(|suppression| report.excuses.shown(suppression))
                .collect(),
            prescription: report.prescription.as_ref().map(|found| prescription(report, found)),
            paths: report.paths.iter().map(|found| path(found)).collect(),
            other_sessions: report
                .others
                .iter()
                .map(|&(session, overall)| OtherSession {
                    session: session.into(),
                    verdict: overall.into(),
                })
                .collect(),
            client: Client {
                judged: report.client_left_out.is_none(),
                why: report.client_left_out.clone(),
            },
            facts: Facts {
                collected_at: scope.at.to_string(),
                calls: report.calls,
                rounds: report.rounds,
                seen: report.seen.iter().map(seen).collect(),
            },
        }
    }
}

fn seen(found: &report::seen::Seen) -> Seen {
    Seen {
        from: match found.from {
            Vantage::Aws => Place::Aws,
            Vantage::Workstation => Place::Workstation,
            Vantage::Node => Place::Node,
        },
        by: match found.by {
            report::seen::Source::Run => Source::Run,
            report::seen::Source::Probe => Source::Probe,
            report::seen::Source::AgentLog => Source::AgentLog,
            report::seen::Source::SerialConsole => Source::SerialConsole,
        },
        at: found.at.map(|at| at.to_string()),
    }
}

fn finding(report: &Report, found: &Found) -> Finding {
    let check = found.check;
    Finding {
        check: check.name(),
        title: check.title(),
        verdict: outcome(&found.answer),
        impact: match check.impact {
            Weight::Blocks => Impact::Blocks,
            Weight::Degrades => Impact::Degrades,
            Weight::Advises => Impact::Advises,
        },
        standing: found.standing.map(|it| match it {
            Stands::Cause => Standing::Cause,
            Stands::Perhaps => Standing::Perhaps,
            Stands::Consequence => Standing::Consequence,
        }),
        layer: check.layer.as_str(),
        open: found.open,
        evidence: match &found.answer {
            Ok(Verdict::Pass(evidence) | Verdict::Fail(evidence, _)) => observations(evidence),
            Ok(Verdict::NotApplicable(why)) => vec![Observation {
                subject: report.scope.target.to_string(),
                observed: (*why).to_owned(),
            }],
            Err(_) => Vec::new(),
        },
        missing: match &found.answer {
            Err(unknown) => {
                let gaps = words::gaps(unknown).into_iter().map(report::missing);
                gaps.map(|report::Missing { action, subject, reason, why }| Missing {
                    action,
                    subject,
                    reason,
                    why,
                })
                .collect()
            }
            Ok(_) => Vec::new(),
        },
        fix: match &found.answer {
            Ok(Verdict::Fail(..)) => fix(report, check),
            _ => None,
        },
        runbook: report.runbook(check),
        suppressed: match (reports(found), report.excuses.of(found)) {
            (true, Some(Excuse::Suppressed(it))) => Some(report.excuses.shown(it)),
            _ => None,
        },
        known: (report.excuses.has_baseline() && reports(found))
            .then(|| report.excuses.of(found) == Some(Excuse::Known)),
    }
}

/// Does it report something that could count?
fn reports(found: &Found) -> bool {
    found.open || matches!(found.answer, Ok(Verdict::Fail(..)))
}

fn fix(report: &Report, check: &Check) -> Option<Fix> {
    let options = report.repairs(check);
    let first = options.first()?;
    Some(Fix {
        summary: first.title.clone(),
        commands: first.commands.clone(),
        recovery: first.recovery.as_str(),
        options: options.iter().map(option).collect(),
    })
}

fn option(repair: &Repair) -> FixOption {
    FixOption {
        title: repair.title.clone(),
        changes: repair.changes.iter().map(change).collect(),
        commands: repair.commands.clone(),
        terraform: repair.terraform.clone(),
        console: repair.console.clone(),
        risks: repair.risks.clone(),
        manual: repair.manual.clone(),
        takes_effect: repair.recovery.as_str(),
        verified: certainty(&repair.verified),
        why: report::why(&repair.verified),
    }
}

fn change(change: &Edit) -> Change {
    let fields = match serde_json::to_value(change) {
        Ok(serde_json::Value::Object(fields)) => fields,
        // A change is a map of named fields.
        _ => serde_json::Map::new(),
    };
    Change { fields }
}

pub fn certainty(verified: &Verified) -> Certainty {
    match verified {
        Verified::Yes => Certainty::Yes,
        Verified::No(_) => Certainty::No,
        Verified::Unknown(_) | Verified::NotModelled(_) | Verified::ByHand => Certainty::Unknown,
    }
}

fn prescription(report: &Report, found: &report::Prescribed) -> Prescription {
    Prescription {
        options: found
            .prescription
            .options
            .iter()
            .map(|(check, option)| Prescribed {
                check: check.name(),
                title: option.title.clone(),
                commands: report.commands_for(&option.changes),
            })
            .collect(),
        steps: found
            .steps
            .iter()
            .map(|step| Step { title: step.title.clone(), commands: report.commands_of(step) })
            .collect(),
        verified: certainty(&found.prescription.verified),
        why: report::why(&found.prescription.verified),
    }
}

fn outcome(answer: &Answer) -> Outcome {
    match answer {
        Ok(Verdict::Pass(_)) => Outcome::Pass,
        Ok(Verdict::Fail(..)) => Outcome::Fail,
        Ok(Verdict::NotApplicable(_)) => Outcome::NotApplicable,
        Err(_) => Outcome::Unknown,
    }
}

fn observations(evidence: &Evidence) -> Vec<Observation> {
    evidence
        .iter()
        .map(|it| Observation { subject: it.subject.clone(), observed: words::observed(it) })
        .collect()
}

fn path(path: &Way) -> Path {
    Path {
        service: path.service,
        needed: true,
        reachable: match path.reachable() {
            Reach::Yes => Reachable::Yes,
            Reach::No => Reachable::No,
            Reach::Unknown => Reachable::Unknown,
        },
        lost: path.unfollowed.as_ref().map(report::unknown_in_words),
        hops: path
            .hops
            .iter()
            .map(|it| Hop {
                component: row(it.kind).name,
                id: it.id.clone(),
                verdict: outcome(&it.answer),
                why: report::in_words(&it.answer),
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use schemars::generate::SchemaSettings;

    /// With `UPDATE_SCHEMAS` set (`cargo xtask update`) it writes what it would compare.
    #[test]
    fn the_committed_schemas_are_current() {
        // What we write, and what we read, differ in which fields may be left out.
        let written = || SchemaSettings::draft2020_12().for_serialize().into_generator();
        let schemas = [
            ("report-v1.json", written().into_root_schema_for::<super::Document>()),
            ("plan-v1.json", written().into_root_schema_for::<crate::plan::report::Document>()),
            ("config-v1.json", schemars::schema_for!(crate::config::File)),
            ("log-v1.json", written().into_root_schema_for::<crate::log::Document>()),
            ("facts-v2.json", schemars::schema_for!(crate::snapshot::File)),
            ("probe-v1.json", schemars::schema_for!(ssm_doctor_probe::File)),
            ("reports-v1.json", written().into_root_schema_for::<super::Documents>()),
            ("fleet-v1.json", written().into_root_schema_for::<crate::fleet::render::Document>()),
            ("judge-v1.json", schemars::schema_for!(crate::judge::line::Line)),
            (
                "judge-error-v1.json",
                written().into_root_schema_for::<crate::judge::record::ErrorRecord>(),
            ),
        ];
        for (name, schema) in schemas {
            let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas").join(name);
            let current = crate::render::json(&schema).unwrap();
            if std::env::var_os("UPDATE_SCHEMAS").is_some() {
                fs::write(&file, &current).unwrap();
            }
            let committed = fs::read_to_string(&file).unwrap_or_default();
            assert!(
                committed == current,
                "schemas/{name} is out of date: run `cargo xtask update`"
            );
        }
    }
}
