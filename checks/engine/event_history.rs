//! What `CloudTrail`'s event history adds to failures: who refused a call, and who changed what.
//!
//! INVARIANT: it adds observations to failures and nothing else, so no verdict and no cause depends on it. Whoever may
//! not read the event history loses a hint.

use alloc::{format, string::String, vec::Vec};

use ssm_doctor_analysis::{
    answer::{Evidence, Verdict, observed},
    case::Case,
    error_message::{self, Claim},
    event_history::{changes, latest_assumption, latest_start, refused, search_for},
    session,
};
use ssm_doctor_facts::{
    cloudtrail::TrailEvent,
    ids::EventSearch,
    lookup::{Need, Ourselves},
    ssm::Ping,
    time::span,
};

use super::{
    check::Check,
    diagnosis::{Diagnosis, Finding},
};
use crate::{agent, error_message::refusal_in_words, operator, target};

/// Failures of these are explained by the agent's own calls.
static BY_AGENT: [&Check; 4] = [
    &agent::registered::CHECK,
    &agent::ping_online::CHECK,
    &agent::session_channel_connected::CHECK,
    &agent::last_session_started::CHECK,
];

/// Failures of these are explained by the operator's own attempts.
static BY_OPERATOR: [&Check; 2] =
    [&operator::may_start_session_on_target::CHECK, &operator::may_use_document::CHECK];

/// No more changes than these of one resource are shown.
const MOST_CHANGES: usize = 2;

/// No more searches than these: event history is slow to answer, and twice a second is the limit.
const MOST_SEARCHES: usize = 3;

/// The searches that would say more of the failures. `complete`: is every other question answered? Until then the first
/// cause may change.
#[must_use]
pub fn wanted(diagnosis: &Diagnosis, case: &Case, complete: bool) -> Vec<Need> {
    let by_agent = failing(diagnosis, &BY_AGENT).is_some();
    let agent = by_agent.then(|| search_of_agent(diagnosis, case)).flatten();
    let operator = failing(diagnosis, &BY_OPERATOR).and_then(|_| search_of_starts());
    let changed = if complete { first_cause(diagnosis) } else { None };
    let changed = changed.and_then(|finding| search_of_changes(finding, case));
    // The search for changes may be the same.
    let node = (by_agent && complete).then(|| search_of_node(diagnosis, case)).flatten();
    let node = node.filter(|search| changed.as_ref() != Some(search));
    let searches = [agent, operator, changed, node].into_iter().flatten().take(MOST_SEARCHES);
    searches.map(Need::events).filter(|need| !case.facts.has(need)).collect()
}

/// Adds what the event history shows to the failures that it explains.
pub fn add(diagnosis: &mut Diagnosis, case: &Case) {
    let first = first_cause(diagnosis).map(|finding| finding.check);
    let refused = search_of_agent(diagnosis, case).and_then(|search| refusals(&search, case));
    let assumed = search_of_node(diagnosis, case).and_then(|search| assumption(&search, case));
    let agent = refused.into_iter().chain(assumed).reduce(Evidence::and);
    let start = search_of_starts().and_then(|search| start(&search, case));
    for (checks, more) in [(BY_AGENT.as_slice(), agent), (BY_OPERATOR.as_slice(), start)] {
        let failing = failing(diagnosis, checks).map(|finding| finding.check);
        if let (Some(check), Some(more)) = (failing, more) {
            extend(diagnosis, check, more);
        }
    }
    let changed = first_cause(diagnosis).and_then(|finding| changed(finding, case));
    if let (Some(check), Some(more)) = (first, changed) {
        extend(diagnosis, check, more);
    }
}

fn extend(diagnosis: &mut Diagnosis, check: &Check, more: Evidence) {
    let mut findings = diagnosis.findings.iter_mut();
    let found = findings.find(|finding| finding.check == check);
    if let Some(Finding { answer: Ok(Verdict::Fail(evidence, _)), .. }) = found {
        *evidence = evidence.clone().and(more);
    }
}

/// The first failure of one of these checks.
fn failing<'d>(diagnosis: &'d Diagnosis, checks: &[&Check]) -> Option<&'d Finding> {
    let is_one = |finding: &&Finding| finding.standing.is_some() && checks.contains(&finding.check);
    diagnosis.findings.iter().find(is_one)
}

fn first_cause(diagnosis: &Diagnosis) -> Option<&Finding> {
    diagnosis.causes.first().and_then(|check| diagnosis.finding(check))
}

/// The agent's calls: the name of its role's session is the id of the node.
fn search_of_agent(diagnosis: &Diagnosis, case: &Case) -> Option<EventSearch> {
    search_of_target("Username", diagnosis, case)
}

/// What names the node as its resource. So does the `AssumeRole` of its role's session.
fn search_of_node(diagnosis: &Diagnosis, case: &Case) -> Option<EventSearch> {
    search_of_target("ResourceName", diagnosis, case)
}

/// An instance that does not run has no role's session.
fn search_of_target(attribute: &str, diagnosis: &Diagnosis, case: &Case) -> Option<EventSearch> {
    if failing(diagnosis, &[&target::instance_running::CHECK, &target::found_in_region::CHECK])
        .is_some()
    {
        return None;
    }
    format!("{attribute}/{}", case.scope.target).parse().ok()
}

fn search_of_starts() -> Option<EventSearch> {
    "EventName/StartSession".parse().ok()
}

/// The changes of the resource that a failure names.
fn search_of_changes(finding: &Finding, case: &Case) -> Option<EventSearch> {
    let Ok(Verdict::Fail(evidence, _)) = &finding.answer else { return None };
    let document = session::document_name(case.scope).ok();
    let found = evidence.iter().filter_map(|observation| {
        let subject = &observation.subject;
        search_for(subject, document.as_ref()).or_else(|| Some((0, of_principal(subject, case)?)))
    });
    found.min_by_key(|(rank, _)| *rank).map(|(_, search)| search)
}

/// A role or user, which evidence calls by its name.
fn of_principal(name: &str, case: &Case) -> Option<EventSearch> {
    let is_role = case.facts.roles.keys().any(|role| role.as_str() == name);
    let is_user = case.facts.users.keys().any(|user| user.as_str() == name);
    (is_role || is_user).then(|| format!("GlobalResourceName/{name}").parse().ok())?
}

fn events<'a>(search: &EventSearch, case: &Case<'a>) -> Option<&'a [TrailEvent]> {
    case.facts.events(search).hint().ok().flatten().map(Vec::as_slice)
}

fn refusals(search: &EventSearch, case: &Case) -> Option<Evidence> {
    let refused = refused(events(search, case)?);
    let said = refused.iter().map(|event| observed("the event history", refusal(event, case)));
    said.reduce(Evidence::and)
}

/// When AWS last assumed the role for the node, or was refused. Where it succeeded, credentials are not the fault.
fn assumption(search: &EventSearch, case: &Case) -> Option<Evidence> {
    let event = latest_assumption(events(search, case)?)?;
    let (by, role) = (event.by.as_deref()?, event.role.as_deref()?);
    let what = match &event.error {
        Some(error) => format!("AWS refused {by} to assume {role} for this node ({error})"),
        None => format!("{by} assumed {role} for this node"),
    };
    Some(observed("the event history", format!("{what} {}", when(event, case))))
}

fn start(search: &EventSearch, case: &Case) -> Option<Evidence> {
    let caller = case.facts.caller(&Ourselves::Us).hint().ok().flatten()?;
    let event = latest_start(events(search, case)?, &case.scope.target, caller.arn.as_str())?;
    let what = match &event.error {
        Some(_) => refusal(event, case),
        None => format!("AWS accepted StartSession {}", when(event, case)),
    };
    Some(observed("the event history", what))
}

/// What AWS refused and when, by which type of policy if it says so. `event` is one with an error.
fn refusal(event: &TrailEvent, case: &Case) -> String {
    let claims = error_message::read(event.message.as_deref().unwrap_or_default());
    let refused = claims.into_iter().find_map(|claim| match claim {
        Claim::Refused(refusal) => Some(refusal_in_words(&refusal)),
        _ => None,
    });
    let what = refused.unwrap_or_else(|| {
        let error = event.error.as_deref().unwrap_or_default();
        format!("AWS answered {} with {error}", event.name)
    });
    format!("{what} {}", when(event, case))
}

fn when(event: &TrailEvent, case: &Case) -> String {
    format!("{} (at {})", event.at.ago(case.scope.at), event.at)
}

/// The changes of what a failure is about, around the time when trouble began.
fn changed(finding: &Finding, case: &Case) -> Option<Evidence> {
    let search = search_of_changes(finding, case)?;
    let node = case.facts.node(&case.scope.target).hint().ok().flatten();
    let silent = node.filter(|node| node.ping != Ping::Online);
    let last_ping = silent.and_then(|node| node.last_ping);
    let found = changes(events(&search, case)?, last_ping.unwrap_or(case.scope.at));
    let (_, resource) = search.as_str().split_once('/')?;
    let said = found.into_iter().take(MOST_CHANGES).map(|event| {
        let by = event.by.as_deref().unwrap_or("an unknown caller");
        let when = match last_ping.map(|ping| event.at.until(ping)) {
            Some(before @ 0..) => format!("{} before the last ping", span(before)),
            Some(after) => format!("{} after the last ping", span(-after)),
            None => event.at.ago(case.scope.at),
        };
        let what = format!("was changed {when} by {by}: {} at {}", event.name, event.at);
        observed(resource, what)
    });
    said.reduce(Evidence::and)
}
