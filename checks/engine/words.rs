//! Outcomes of the analysis, in words for people.

use alloc::{format, string::String, vec::Vec};

use ssm_doctor_analysis::{
    answer::{Evidence, Observation, Statement},
    workstation::NotJudged,
};
use ssm_doctor_facts::{
    lookup::{Gap, Unknown},
    scope::Session,
};

pub use super::limit_words::limit;
use crate::{agent_words, client_words, dns_words, network_statements, preferences_words};

/// What was observed, as a clause whose subject is the observation's.
#[must_use]
pub fn observed(observation: &Observation) -> String {
    let words = match &observation.statement {
        Statement::Words(words) => words.clone(),
        Statement::Network(says, None) => network_statements::statement(says),
        Statement::Network(says, Some(service)) => {
            format!("{} ({service})", network_statements::statement(says))
        }
        Statement::Dns(statement) => dns_words::statement(statement),
        Statement::Session(statement) => preferences_words::statement(statement),
        Statement::Node(statement) => agent_words::statement(statement),
    };
    match &observation.once_resolved_to {
        Some(endpoint) => format!("{words}, which blocks once names lead to {endpoint}"),
        None => words,
    }
}

/// Why evidence that contradicts itself does not decide. Its first observation is what says that something fails.
#[must_use]
pub fn dispute(evidence: &Evidence) -> String {
    let says = evidence.iter().next().map_or("one source", |first| first.subject.as_str());
    format!(
        "{says} says so, and what was seen contradicts it: something changed since, or it is of another machine"
    )
}

/// Subject and clause: a sentence.
#[must_use]
pub fn sentence(observation: &Observation) -> String {
    format!("{} {}", observation.subject, observed(observation))
}

/// What was not seen, in the order of a report: calls first, then limits by their words.
#[must_use]
pub fn gaps(unknown: &Unknown) -> Vec<&Gap> {
    let mut gaps: Vec<&Gap> = unknown.gaps().collect();
    gaps.sort_by_cached_key(|gap| match gap {
        Gap::Fact { .. } => None,
        Gap::Limit(reason) => Some(limit(reason)),
    });
    gaps
}

/// Why this machine is not taken for the one that starts the session.
#[must_use]
pub fn not_judged(reason: NotJudged) -> &'static str {
    client_words::not_judged(reason)
}

/// What ends a session that has started, on the node, the likeliest first.
#[must_use]
pub fn on_node(session: Session) -> &'static str {
    agent_words::on_node(session)
}

#[cfg(test)]
mod tests {
    use ssm_doctor_analysis::answer::observed;

    use super::dispute;

    #[test]
    fn a_dispute_names_who_says_so() {
        let log = observed("the agent's log", "says that the agent was stopped");
        let seen = observed("i-0", "reports");
        assert!(dispute(&log.and(seen).disputed()).starts_with("the agent's log says so"));
    }
}
