//! What follows from a message for the checks.

use alloc::{string::String, vec::Vec};

use ssm_doctor_analysis::{
    answer::{Answer, Evidence, Fix, Recovery, Verdict, observed},
    case::Case,
    node::agent_log::Stage,
};
use ssm_doctor_facts::{ids::Target, lookup::Unknown, ssm::Connection};

use crate::{agent_log::BY_LOG, engine::check::Check};

pub(crate) const SUBJECT: &str = "the error message";

/// What a message says, for the target at hand.
#[derive(Default)]
pub(crate) struct Reading {
    /// The checks that it fails.
    pub decided: Vec<Decided>,
    /// What may be behind it, the likeliest first.
    pub candidates: Vec<Candidate>,
    /// Another target, Region or identity that it is about.
    pub about: Option<String>,
    /// Why nothing follows from it.
    pub silent: Option<Silence>,
}

/// Why nothing follows from a message.
#[derive(Clone, Copy)]
pub(crate) enum Silence {
    /// The doctor does not know it.
    Unknown,
    /// Healthy sessions print it too.
    Benign,
    /// It says that a session ended, and not why.
    Wrapper,
    /// Sessions of another kind than the report's print it.
    OtherKind,
}

/// A check that a message fails.
pub(crate) struct Decided {
    /// None if no check looks at the fault.
    pub check: Option<&'static str>,
    /// A clause about the message: `says that …`.
    pub says: String,
    /// What to do, in the imperative.
    pub fix: String,
    pub recovery: Recovery,
    /// How far the agent came; an agent that is connected now has come further.
    pub stage: Option<Stage>,
}

/// Something that may be behind a message.
pub(crate) struct Candidate {
    pub what: String,
    pub checks: &'static [&'static str],
}

impl Reading {
    /// The names of all checks that the message is about, some of them several times.
    pub fn checks(&self) -> impl Iterator<Item = &'static str> {
        let decided = self.decided.iter().filter_map(|decided| decided.check);
        decided.chain(self.candidates.iter().flat_map(|candidate| candidate.checks).copied())
    }

    /// A check's answer, with what the message says of it.
    pub fn add_to(&self, answer: Answer, check: &Check, case: &Case) -> Answer {
        if self.decided.is_empty() || self.about.is_some() {
            return answer;
        }
        let name = check.name();
        let own = |decided: &&Decided| decided.check == Some(name.as_str());
        let Some(decided) = self.decided.iter().find(own) else { return answer };
        let says = decided.evidence();
        match answer {
            Err(unknown) if unknown.is_unasked() => Err(unknown),
            Ok(Verdict::Fail(evidence, fix)) => Ok(Verdict::Fail(evidence.and(says), fix)),
            Ok(Verdict::Pass(evidence)) => {
                Ok(Verdict::Fail(says.and(evidence).disputed(), decided.fix()))
            }
            // Nobody looked: the log was not given, or this machine is not the operator's.
            Ok(Verdict::NotApplicable(_))
                if !BY_LOG.contains(&name.as_str()) && check.area() != "client" =>
            {
                Ok(Verdict::Fail(says.disputed(), decided.fix()))
            }
            Ok(Verdict::NotApplicable(_)) | Err(_) => {
                let says = match decided.outlived(case)? {
                    Some(now) => says.and(now).disputed(),
                    None => says,
                };
                Ok(Verdict::Fail(says, decided.fix()))
            }
        }
    }
}

impl Decided {
    pub fn evidence(&self) -> Evidence {
        observed(SUBJECT, self.says.clone()).telling()
    }

    pub fn fix(&self) -> Fix {
        Fix::new(self.fix.clone(), self.recovery)
    }

    /// The agent is connected now, and the message says that it does not come that far.
    fn outlived(&self, case: &Case) -> Result<Option<Evidence>, Unknown> {
        if self.stage.is_none_or(|stage| stage >= Stage::DataChannel) {
            return Ok(None);
        }
        let target: &Target = &case.scope.target;
        let connected = case.facts.connection(target).hint()? == Some(&Connection::Connected);
        Ok(connected.then(|| observed(target, "holds its session channel open now")))
    }
}
