//! What a plan does to sessions, before anybody chooses how to print it.

use std::{collections::BTreeMap, path::Path};

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use ssm_doctor_checks::engine::{diagnosis::Overall, fix};
use ssm_doctor_facts::change::Change;

use super::{
    contents::Plan,
    homes::NO_ACCOUNT,
    identity::{COMPANIONS, endpoint_interface, is_part_of_id},
    judge::{Judged, JudgedTarget},
    naming::{Reference, aliases, defaults, references},
    snippet::Snippets,
    source::{FileLine, Source},
};
use crate::{
    render::json_v1::{self, Certainty, Conclusion, Finding, Tool},
    report::{
        self, Report,
        summary::{Role, Severity},
    },
    word::replaced,
};

/// What a Terraform plan does to sessions.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "ssm-doctor/plan/v1")]
pub struct Document {
    schema: SchemaName,
    tool: Tool,
    pub session: String,
    pub targets: Vec<Target>,
    /// What the answer rests on and neither the plan nor facts show.
    pub assumptions: Vec<String>,
    /// Resources that may matter to sessions and are not judged.
    pub ignored: Vec<Ignored>,
}

#[derive(Serialize, JsonSchema)]
enum SchemaName {
    #[serde(rename = "ssm-doctor/plan/v1")]
    PlanV1,
}

#[derive(Serialize, JsonSchema)]
pub struct Ignored {
    pub address: String,
    pub why: &'static str,
}

/// An instance: one that the plan contains, or one that the facts are about.
#[derive(Serialize, JsonSchema)]
pub struct Target {
    /// Its address in the configuration; null for an instance that the configuration does not manage.
    pub address: Option<String>,
    /// Null for an instance that the plan creates.
    pub id: Option<String>,
    pub region: String,
    /// Null where the plan does not show it.
    pub account: Option<String>,
    pub result: Outcome,
    /// Can a session start? Null where the instance does not exist.
    pub before: Option<Conclusion>,
    pub after: Option<Conclusion>,
    /// The checks to look at first, of those that fail after the plan.
    pub causes: Vec<String>,
    /// The addresses of the changes that make the difference.
    pub changed_by: Vec<String>,
    /// After the plan; as in `ssm-doctor/report/v1`.
    findings: Vec<Finding>,
    /// The smallest set of changes that lets a session start; null where nothing blocks it.
    pub prescription: Option<Prescription>,
    /// The causes, as people read them.
    #[serde(skip)]
    pub problems: Vec<Problem>,
    /// Where the first of the changes is declared, or the instance.
    #[serde(skip)]
    pub declared: Option<FileLine>,
}

/// What the plan does to an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// A session could start and no longer can. Exit status 1.
    Breaks,
    /// No session can start to an instance that the plan creates. Exit status 1.
    StartsBroken,
    /// Something that is needed is not known. Exit status 3.
    Unknown,
    /// No session could start before either. Exit status 0: the plan does not cause it.
    StaysBroken,
    /// A session can start.
    Works,
    /// The plan removes the instance.
    Removed,
}

pub struct Problem {
    /// `cause`, `also blocking`, `unknown`…
    pub label: &'static str,
    pub severity: Severity,
    /// Was something not seen that the answer depends on?
    pub is_unknown: bool,
    pub statements: Vec<String>,
    /// Never empty.
    pub checks: Vec<String>,
    /// The address of the first check's runbook.
    pub runbook: String,
}

impl Problem {
    /// The checks, or the first of many.
    #[must_use]
    pub fn checks(&self) -> String {
        const MOST: usize = 3;
        let first: Vec<&str> = self.checks.iter().take(MOST).map(String::as_str).collect();
        match self.checks.len().saturating_sub(MOST) {
            0 => first.join(", "),
            more => format!("{} and {more} more", first.join(", ")),
        }
    }
}

#[derive(Serialize, JsonSchema)]
pub struct Prescription {
    pub options: Vec<Prescribed>,
    /// All of it, as HCL for the AWS provider; null where the provider has no resource for it.
    pub terraform: Option<String>,
    /// Does the doctor's model say that a session can start then?
    verified: Certainty,
    pub why: Option<String>,
}

#[derive(Serialize, JsonSchema)]
pub struct Prescribed {
    check: String,
    pub title: String,
    terraform: Option<String>,
}

impl Document {
    /// The same for every format.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        let has = |outcome| self.targets.iter().any(|target| target.result == outcome);
        if has(Outcome::Breaks) || has(Outcome::StartsBroken) {
            1
        } else if has(Outcome::Unknown) {
            3
        } else {
            0
        }
    }

    /// How many instances there are of an outcome.
    #[must_use]
    pub fn count(&self, outcome: Outcome) -> usize {
        self.targets.iter().filter(|target| target.result == outcome).count()
    }
}

/// `source`: the folder of the configuration.
#[must_use]
pub fn report(plan: &Plan, judged: &Judged, source: &Path) -> Document {
    let names = Names::of(plan);
    let source = Source::new(&plan.document.configuration, source);
    let targets = judged.targets.iter().map(|target| self::target(&names, target, &source));
    Document {
        schema: SchemaName::PlanV1,
        tool: Tool::current(),
        session: judged.session.phrase().into(),
        targets: targets.collect(),
        assumptions: judged.assumptions.iter().map(|text| names.in_text(text)).collect(),
        ignored: judged
            .ignored
            .iter()
            .map(|(address, why)| Ignored { address: address.clone(), why })
            .collect(),
    }
}

/// The document, with addresses in the place of ids that stand for what is planned.
///
/// # Errors
/// None that is known: a report has no map whose keys are not strings.
pub fn to_json(plan: &Plan, document: &Document) -> serde_json::Result<Value> {
    let names = Names::of(plan);
    let mut value = serde_json::to_value(document)?;
    names.rename(&mut value);
    Ok(value)
}

fn target(names: &Names, judged: &JudgedTarget, source: &Source) -> Target {
    let after = judged.after.as_ref();
    let provider =
        judged.address.as_ref().and_then(|address| names.providers.get(address)).cloned();
    let overall = after.map(|report| report.diagnosis.overall);
    let document = after.map(json_v1::Document::new);
    let (causes, findings) =
        document.map_or_else(Default::default, |document| (document.causes, document.findings));
    let result = outcome(judged, overall);
    // A change breaks what worked. What is new is wrong itself.
    let mut addresses: Vec<&String> = judged.address.iter().chain(&judged.changed_by).collect();
    if result == Outcome::Breaks {
        addresses.rotate_left(judged.address.iter().count());
    }
    Target {
        address: judged.address.clone(),
        id: judged.id.clone(),
        region: judged.home.region.to_string(),
        account: Some(judged.home.account.to_string()).filter(|id| id != NO_ACCOUNT),
        result,
        before: judged.before.map(Into::into),
        after: overall.map(Into::into),
        causes,
        changed_by: judged.changed_by.clone(),
        findings,
        prescription: after.and_then(|report| prescription(names, report, provider.as_deref())),
        problems: after.map(|report| problems(names, report)).unwrap_or_default(),
        declared: addresses.into_iter().find_map(|address| source.declares(address)),
    }
}

fn outcome(judged: &JudgedTarget, after: Option<Overall>) -> Outcome {
    let Some(after) = after else { return Outcome::Removed };
    match after {
        _ if after.can_start() => Outcome::Works,
        Overall::Blocked if judged.before.is_none() => Outcome::StartsBroken,
        Overall::Blocked if judged.could_start => Outcome::Breaks,
        Overall::Blocked if judged.before == Some(Overall::Blocked) => Outcome::StaysBroken,
        // It is not known whether a session could start before.
        _ => Outcome::Unknown,
    }
}

fn problems(names: &Names, report: &Report) -> Vec<Problem> {
    let failing = report.problems().into_iter().map(|problem| Problem {
        label: match problem.role {
            Role::Root => "cause",
            Role::AlsoBlocking => "also blocking",
            Role::AlsoWrong => "also wrong",
            Role::Advice => "advice",
        },
        severity: problem.severity(),
        is_unknown: false,
        statements: problem.statements.iter().map(|text| names.for_people(text)).collect(),
        checks: vec![problem.check.name()],
        runbook: problem.runbook,
    });
    let unseen =
        report.unseen().into_iter().filter(|unseen| unseen.decisive).map(|unseen| Problem {
            label: "unknown",
            severity: Severity::Warning,
            is_unknown: true,
            statements: vec![
                names.for_people(format!("{} {}", unseen.what, unseen.why).trim_end()),
            ],
            checks: unseen.checks,
            runbook: unseen.runbook,
        });
    failing.chain(unseen).collect()
}

fn prescription(names: &Names, report: &Report, provider: Option<&str>) -> Option<Prescription> {
    let terraform =
        |changes: &[Change]| Some(names.snippets.adapted(&fix::terraform(changes)?, provider));
    let found = &report.prescription.as_ref()?.prescription;
    let all: Vec<Change> =
        found.options.iter().flat_map(|(_, option)| option.changes.clone()).collect();
    Some(Prescription {
        options: found
            .options
            .iter()
            .map(|(check, option)| Prescribed {
                check: check.name(),
                title: names.for_people(&option.title),
                terraform: terraform(&option.changes),
            })
            .collect(),
        terraform: terraform(&all),
        verified: json_v1::certainty(&found.verified),
        why: report::why(&found.verified).map(|text| names.for_people(&text)),
    })
}

/// An endpoint has one in each zone, and no Region has more zones.
const MOST_INTERFACES: usize = 6;

/// What to call the ids that stand for planned resources.
struct Names {
    /// Id, and what people call it; the longest id first.
    said: Vec<(String, String)>,
    referred: Vec<Reference>,
    snippets: Snippets,
    /// The provider of each resource that needs an alias.
    providers: BTreeMap<String, String>,
}

impl Names {
    fn of(plan: &Plan) -> Self {
        let mut said = defaults(plan);
        for (id, address) in plan.made_ids() {
            for companion in COMPANIONS.iter().filter(|companion| companion.comes_with(id)) {
                said.push((companion.id(id), format!("{}{address}", companion.words)));
            }
            if id.starts_with("vpce-") {
                let words = format!("a network interface of {address}");
                let interfaces = (0..MOST_INTERFACES).map(|subnet| endpoint_interface(id, subnet));
                said.extend(interfaces.map(|interface| (interface, words.clone())));
            }
            said.push((id.to_owned(), address.to_owned()));
        }
        // The first of two names for an id counts: a resource that manages a default one says more.
        said.sort_by_key(|(id, _)| core::cmp::Reverse(id.len()));
        let referred = references(plan);
        let snippets = Snippets::of(plan, &referred);
        Self { said, snippets, referred, providers: aliases(plan) }
    }

    fn in_text(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (id, name) in &self.said {
            if text.contains(id.as_str()) {
                text = replaced(&text, id, name, is_part_of_id);
            }
        }
        text
    }

    /// As [`in_text`](Self::in_text), with an address before the id of each resource that exists.
    fn for_people(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for reference in self.referred.iter().filter(|reference| reference.exists) {
            if text.contains(reference.id.as_str()) {
                let name = format!("{} ({})", reference.address, reference.id);
                text = replaced(&text, &reference.id, &name, is_part_of_id);
            }
        }
        self.in_text(&text)
    }

    fn in_terraform(&self, text: &str) -> String {
        self.snippets.adapted(text, None)
    }

    fn rename(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.in_text(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.rename(item)),
            Value::Object(fields) => {
                for (name, field) in fields {
                    // A command cannot name what does not exist; Terraform can, and did already.
                    let unusable = name == "commands" && self.is_in(field);
                    if unusable {
                        *field = Value::Array(Vec::new());
                    } else if name == "prescription" {
                        // It is for people already.
                    } else if name != "terraform" {
                        self.rename(field);
                    } else if let Value::String(text) = field {
                        *text = self.in_terraform(text);
                    }
                }
            }
            _ => {}
        }
    }

    fn is_in(&self, value: &Value) -> bool {
        let text = value.to_string();
        self.said.iter().any(|(id, _)| text.contains(id.as_str()))
    }
}
