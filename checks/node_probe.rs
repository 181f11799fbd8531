//! What a probe on the node shows of a check's subject.
//!
//! The probe is one instant on the node, and the user gives its output. AWS's side is newer where the node has
//! reported since, or holds its session channel now; the agent's log where its last line is later. Where AWS shows what
//! the fault prevents, and the probe is new or has no time, the two dispute each other.

use alloc::{
    format,
    string::{String, ToString as _},
    vec::Vec,
};

use ssm_doctor_analysis::{
    answer::{Answer, Evidence, Fix, Verdict, observed},
    case::Case,
    node::probe::{Fault, OF_SERVICES, Sight, What, Works, judge, other_region},
};
use ssm_doctor_facts::{
    lookup::{Unknown, Unknowns},
    probe::{Probe, Source},
    ssm::{Connection, Ping},
    time::{Timestamp, span},
};

use crate::probe_words as words;

/// What the probe shows of one check.
pub(crate) struct Seen {
    /// By a clock that is right; None where the probe has no time.
    pub at: Option<Timestamp>,
    pub answer: Answer,
    /// Does what works now refute a fault that the log showed before?
    pub refutes: bool,
}

/// The probe's answer for a check; None if no probe was given, or it shows nothing of the check's subject.
///
/// # Errors
/// [`Unknown`] if the probe was given and cannot be read, or something of AWS's side was not asked yet.
pub(crate) fn seen(case: &Case, check: &str, fix: &Fix) -> Result<Option<Seen>, Unknown> {
    let Some(probe) = given(case)? else { return Ok(None) };
    // Whom a session runs as matters to one check only.
    let run_as = match check {
        "agent/session-user-usable" => crate::preferences::runas_user_set::user(case),
        _ => Ok(None),
    };
    let run_as = match run_as {
        Ok(run_as) => run_as,
        Err(unknown) => {
            return Ok(Some(Seen { at: time(probe), answer: Err(unknown), refutes: false }));
        }
    };
    let target = case.scope.target.to_string();
    let sights = judge(probe, &target, run_as.as_deref(), case.scope.session);
    let of_check: Vec<&Sight> = sights.iter().filter(|sight| sight.check == check).collect();
    if of_check.is_empty() {
        return Ok(None);
    }
    if OF_SERVICES.contains(&check)
        && let Some(other) = other_region(probe, case.scope.region.as_str())
    {
        let here = &case.scope.region;
        let text = format!(
            "{} asked the services of {other} (run it with --region {here})",
            subject(probe)
        );
        let answer = Err(Unknown::limit(text));
        return Ok(Some(Seen { at: time(probe), answer, refutes: false }));
    }
    let refutes =
        of_check.iter().any(|sight| matches!(&sight.what, What::Works(works) if refutes(works)));
    let answer = answer(case, probe, &of_check, fix);
    Ok(Some(Seen { at: time(probe), answer, refutes }))
}

/// The probe that was given, if any.
///
/// # Errors
/// [`Unknown`] if it was given, and is not in the facts.
pub(crate) fn given<'f>(case: &Case<'f>) -> Result<Option<&'f Probe>, Unknown> {
    if !case.scope.probe {
        return Ok(None);
    }
    case.facts.probe(&case.scope.target).required().map(Some)
}

/// What evidence of a probe is about.
pub(crate) fn subject(probe: &Probe) -> &'static str {
    match probe.source {
        Source::Doctor => "the probe on the node",
        Source::SsmCli => "ssm-cli on the node",
    }
}

/// When the probe ran. Where the node's clock is known to be wrong, the time is corrected.
pub(crate) fn time(probe: &Probe) -> Option<Timestamp> {
    // Where no server told the time, the clock is taken to be right.
    let ahead = probe.contacts.iter().find_map(|contact| contact.clock_ahead).unwrap_or(0);
    probe.at.and_then(|at| Timestamp::from_second(at.as_second() - ahead))
}

/// How old the probe is. A change after it does not show in it.
pub(crate) fn age(case: &Case, probe: &Probe) -> Evidence {
    let text = match time(probe) {
        Some(at) => format!(
            "looked {} before this report, at {at}; what was changed since does not show in it",
            span(at.until(case.scope.at).max(0))
        ),
        None => "printed no time, so what it saw may be old".into(),
    };
    observed(subject(probe), text)
}

fn answer(case: &Case, probe: &Probe, sights: &[&Sight], fix: &Fix) -> Answer {
    let subject = subject(probe);
    let (mut failed, mut over, mut works) = (None, None, None);
    let (mut unclear, mut disputed) = (Unknowns::default(), false);
    for sight in sights {
        match &sight.what {
            What::Fault(fault) => {
                let text = words::fault(fault);
                match standing(case, probe, fault)? {
                    Standing::Over(seen) => {
                        let text = format!("saw that {text}, and {seen}: it is over");
                        add(&mut over, observed(subject, text));
                    }
                    Standing::Disputed(seen) => {
                        disputed = true;
                        let text = format!("saw that {text}, although {seen}");
                        add(&mut failed, observed(subject, text));
                    }
                    Standing::Old(seen) => {
                        let text = format!("{subject} saw that {text}, long ago, and {seen}");
                        unclear.add(Unknown::limit(text));
                    }
                    Standing::Holds => {
                        add(&mut failed, observed(subject, format!("saw that {text}")));
                    }
                }
            }
            What::Works(works_so) => {
                add(&mut works, observed(subject, format!("saw that {}", words::works(works_so))));
            }
            What::Unclear(what) => {
                let text = format!("{subject} saw that {}", words::unclear(what));
                unclear.add(Unknown::limit(text));
            }
        }
    }
    if let Some(evidence) = failed {
        let evidence = evidence.and(age(case, probe));
        let evidence = if disputed { evidence.disputed() } else { evidence.telling() };
        return Ok(Verdict::Fail(evidence, fix.clone()));
    }
    unclear.none()?;
    // One of both is there: `sights` is not empty.
    let evidence = over.or(works).unwrap_or_else(|| observed(subject, "saw no such fault"));
    Ok(Verdict::Pass(evidence.and(age(case, probe))))
}

fn add(all: &mut Option<Evidence>, more: Evidence) {
    *all = Some(match all.take() {
        Some(so_far) => so_far.and(more),
        None => more,
    });
}

/// Whether a fault that was seen on the node still stands, by what AWS shows of the node. The texts say what that is.
pub(crate) enum Standing {
    /// AWS shows nothing that the fault would prevent.
    Holds,
    /// AWS has since seen what the fault would have prevented.
    Over(String),
    /// AWS shows what the fault prevents, and it is not known which of the two is newer.
    Disputed(String),
    /// The node works by all that AWS shows, but this fault does not prevent that. It was seen long ago.
    Old(String),
}

/// In seconds. A session channel that is open stays open when a name or a route is gone, so it refutes only what a
/// probe saw longer ago than this.
const KEPT_OPEN: i64 = 60 * 60;

/// In seconds. Whoever looked at the node longer ago than this may have repaired since what AWS cannot show.
const LONG_AGO: i64 = 24 * 60 * 60;

/// In seconds. Clocks differ by so much. A time that is further ahead is one of another time zone, or of a clock that
/// is wrong.
const AHEAD: i64 = 5 * 60;

fn standing(case: &Case, probe: &Probe, fault: &Fault) -> Result<Standing, Unknown> {
    let at = known_time(case, time(probe));
    if stops_agent(fault) {
        let at = at.filter(|at| at.until(case.scope.at) >= KEPT_OPEN);
        return standing_at(case, at, concerns_channel(fault), 0);
    }
    let Some(long_ago) = at.filter(|at| at.until(case.scope.at) > LONG_AGO) else {
        return Ok(Standing::Holds);
    };
    Ok(seen_by_aws(case, Some(long_ago), false, 0)?.map_or(Standing::Holds, Standing::Old))
}

/// The time if AWS's side can be compared with it.
pub(crate) fn known_time(case: &Case, at: Option<Timestamp>) -> Option<Timestamp> {
    at.filter(|at| case.scope.at.until(*at) <= AHEAD)
}

/// What AWS shows of a fault that keeps an agent away, and was seen at this time; None where its time is not known.
/// `reports_anyway`: the fault is one with which an agent reports all the same, so that a report shows nothing.
/// `doubt`: how far the time may be from UTC, in seconds.
///
/// # Errors
/// [`Unknown`] if AWS's side was not seen.
pub(crate) fn standing_at(
    case: &Case,
    at: Option<Timestamp>,
    reports_anyway: bool,
    doubt: i64,
) -> Result<Standing, Unknown> {
    Ok(match seen_by_aws(case, at, reports_anyway, doubt)? {
        Some(seen) if at.is_some() => Standing::Over(seen),
        Some(seen) => Standing::Disputed(seen),
        None => Standing::Holds,
    })
}

/// What AWS has seen of the node after `since`, or at all: its session channel, or a report.
fn seen_by_aws(
    case: &Case,
    since: Option<Timestamp>,
    reports_anyway: bool,
    doubt: i64,
) -> Result<Option<String>, Unknown> {
    let target = &case.scope.target;
    let when = if since.is_some() { "since" } else { "now" };
    let connected = case.facts.connection(target).optional()? == Some(&Connection::Connected);
    if connected && since.is_none_or(|since| case.scope.at > since) {
        return Ok(Some(format!("{target} holds its session channel open {when}")));
    }
    let node = case.facts.node(target).optional()?;
    let Some((node, last)) = node.and_then(|node| Some((node, node.last_ping?))) else {
        return Ok(None);
    };
    if reports_anyway {
        return Ok(None);
    }
    Ok(if node.ping == Ping::Online {
        let later = since.is_none_or(|since| last > since);
        later.then(|| format!("{target} has reported {when}"))
    } else {
        // A node that is silent now was well when it last reported.
        let later = since.is_some_and(|since| since.until(last) > doubt);
        later.then(|| format!("{target} has reported after that, at {last}"))
    })
}

/// Can no agent report, or hold its channel, with this fault?
fn stops_agent(fault: &Fault) -> bool {
    !matches!(
        fault,
        Fault::DiskFull { .. }
            | Fault::NoInodes { .. }
            | Fault::ReadOnly { .. }
            | Fault::LimitReached { .. }
            | Fault::ConfigurationBroken { .. }
            | Fault::ProgramMissing { .. }
            | Fault::UserMissing { .. }
            | Fault::UserIsRoot { .. }
            | Fault::ShellMissing { .. }
            | Fault::CredentialsExpired { .. }
            | Fault::OtherRegistration { .. }
    )
}

/// Is the fault about `ssmmessages`, without which an agent reports all the same?
fn concerns_channel(fault: &Fault) -> bool {
    match fault {
        Fault::UpgradeFails { .. } => true,
        Fault::ServiceSilent { host, .. }
        | Fault::ServiceRefused { host, .. }
        | Fault::NoRoute { host }
        | Fault::Cut { host, .. }
        | Fault::Untrusted { host, .. }
        | Fault::TlsFails { host, .. }
        | Fault::NotAws { host, .. }
        | Fault::ProxyRefuses { host, .. }
        | Fault::NameFails { name: host, .. } => host.starts_with("ssmmessages"),
        _ => false,
    }
}

/// What the agent logged before may still hold where the probe sees the outside of it only.
fn refutes(works: &Works) -> bool {
    !matches!(
        works,
        Works::CredentialsCurrent { .. }
            | Works::UserUsable { .. }
            | Works::LimitsSuffice { .. }
            | Works::ProgramsThere { .. }
    )
}
