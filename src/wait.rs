//! `--wait`: whether waiting helps, what is asked again, and what is said meanwhile. Pure: the clock and the
//! calls are in `live`.
//!
//! Waiting helps with what changes without a person: an agent that retries, an instance that boots, an endpoint that
//! AWS still makes, a change of IAM that spreads. Everything else ends the wait at once, because a person has
//! to act first.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Map, Value};
use ssm_doctor_checks::engine::{
    check::{Check, Impact},
    diagnosis::{Diagnosis, Standing},
};
use ssm_doctor_facts::{
    ec2::{AttachmentState, CheckStatus, EndpointState, InstanceState, NatState, PeeringState},
    lookup::{Facts, Gap, Need, Row, Why},
};

/// Between two looks at the beginning, and after the first minutes.
const PAUSE: Duration = Duration::from_secs(15);
const LONG_PAUSE: Duration = Duration::from_secs(30);
const FIRST_MINUTES: Duration = Duration::from_mins(3);
/// After AWS asked to slow down.
const THROTTLED_PAUSE: Duration = Duration::from_mins(1);

/// A change of IAM, or a new resource, is not seen at once everywhere. Source: IAM User Guide, "Changes
/// that I make are not always immediately visible".
const SPREADS_WITHIN: Duration = Duration::from_mins(2);

/// A pipe gets a line this often while nothing changes.
const HEARTBEAT: Duration = Duration::from_mins(1);

/// These end by themselves.
const DELAYS: [&str; 2] = ["identity/host-management-not-delayed", "identity/profile-settled"];

/// What the next moments can bring.
#[derive(Clone, Debug, PartialEq)]
pub enum Outlook {
    /// A session can start.
    Ready,
    /// These hold soon, or what could not be seen can be seen soon.
    WaitFor(Vec<&'static Check>),
    /// This has to be repaired first.
    InVain(&'static Check),
    /// What decides cannot be seen, and asking again does not show it.
    Hidden,
}

/// What waiting can bring, so long after the first look.
#[must_use]
pub fn outlook(diagnosis: &Diagnosis, facts: &Facts, since: Duration) -> Outlook {
    if diagnosis.overall.can_start() {
        return Outlook::Ready;
    }
    let in_transition = in_transition(facts);
    let heals = |check: &Check| {
        let spreads = matches!(check.area(), "identity" | "operator" | "endpoint" | "hybrid")
            || check.name() == "target/found-in-region";
        let is_made = matches!(check.area(), "target" | "network" | "dns" | "endpoint");
        check.observes_agent()
            || DELAYS.contains(&check.name().as_str())
            || is_made && in_transition
            || spreads && since < SPREADS_WITHIN
    };
    let mut awaited: Vec<&'static Check> = Vec::new();
    for check in &diagnosis.causes {
        let finding = diagnosis.findings.iter().find(|it| it.check == *check);
        let certain = finding.is_some_and(|it| it.standing == Some(Standing::Cause) && !it.open);
        if heals(check) {
            awaited.push(check);
        } else if certain && check.impact == Impact::Blocks {
            return Outlook::InVain(check);
        }
    }
    // What decides and was not seen.
    for finding in diagnosis.findings.iter().filter(|it| it.open) {
        let Err(unknown) = &finding.answer else {
            awaited.push(finding.check);
            continue;
        };
        if unknown.gaps().any(is_seen_later) {
            awaited.push(finding.check);
        }
    }
    if awaited.is_empty() { Outlook::Hidden } else { Outlook::WaitFor(awaited) }
}

/// Can the same call bring an answer next time?
fn is_seen_later(gap: &Gap) -> bool {
    matches!(gap, Gap::Fact { why, .. } if may_pass(*why))
}

fn may_pass(why: Why) -> bool {
    match why {
        Why::Throttled
        | Why::Unreachable
        | Why::TimedOut
        | Why::Vanished
        | Why::Unreadable
        | Why::Unasked
        | Why::NotCollected
        | Why::LeftOut => true,
        Why::Denied
        | Why::HiddenByOwner
        | Why::Refused
        | Why::AfterApply
        | Why::Sensitive
        | Why::NotInPlan => false,
    }
}

/// Is AWS still making or starting something?
fn in_transition(facts: &Facts) -> bool {
    fn any<K, T>(rows: &BTreeMap<K, Row<T>>, is: impl Fn(&T) -> bool) -> bool {
        rows.values().filter_map(Row::present).any(is)
    }
    let starts = any(&facts.instances, |instance| instance.state == InstanceState::Pending);
    let checked = any(&facts.instance_statuses, |status| {
        [&status.instance, &status.system].contains(&&CheckStatus::Initializing)
    });
    let endpoints = any(&facts.endpoints, |list| {
        list.iter().any(|endpoint| endpoint.state == EndpointState::Pending)
    });
    let nat = any(&facts.nat_gateways, |gateway| gateway.state == NatState::Pending);
    let peerings = any(&facts.peerings, |peering| {
        matches!(peering.state, PeeringState::Provisioning | PeeringState::Initiating)
    });
    let attachments = any(&facts.transit_gateway_attachments, |list| {
        list.iter().any(|attachment| {
            matches!(
                attachment.state,
                AttachmentState::Pending | AttachmentState::Initiating | AttachmentState::Modifying
            )
        })
    });
    starts || checked || endpoints || nat || peerings || attachments
}

/// The facts that stay as they are while the doctor waits. The others are asked for again: what the agent does,
/// the state of the instance and of what AWS makes, permissions while a change spreads, and what was not seen for a
/// reason that passes.
#[must_use]
pub fn lasting(facts: &Facts, since: Duration) -> Facts {
    let mut lasting = facts.clone();
    let nothing = Facts::default();
    let in_transition = in_transition(facts);
    let mut forget: Vec<Need> = facts
        .answered()
        .into_iter()
        .filter(|need| changes(need, in_transition, since < SPREADS_WITHIN))
        .collect();
    forget.extend(
        facts.unseen().into_iter().filter(|need| reason(facts, need).is_some_and(may_pass)),
    );
    for need in forget {
        lasting.copy_from(&nothing, &need);
    }
    lasting
}

/// Why a fact was not seen. The JSON of a row has the reason, whatever kind of row it is.
fn reason(facts: &Facts, need: &Need) -> Option<Why> {
    let mut row = Facts::default();
    row.copy_from(facts, need);
    let tables = serde_json::to_value(row).ok()?;
    let mut rows = tables.as_object()?.values().filter_map(Value::as_object).flat_map(Map::values);
    rows.find_map(|row| serde_json::from_value(row.get("unknown")?.clone()).ok())
}

fn changes(need: &Need, in_transition: bool, spreads: bool) -> bool {
    match need {
        Need::instance(_)
        | Need::instance_status(_)
        | Need::node(_)
        | Need::connection(_)
        | Need::past_sessions(_)
        | Need::console(_)
        | Need::profile_association(_) => true,
        Need::endpoints(_)
        | Need::nat_gateway(_)
        | Need::peering(_)
        | Need::transit_gateway_attachments(_) => in_transition,
        Need::elsewhere(_)
        | Need::simulation(_)
        | Need::instance_profile(_)
        | Need::role(_)
        | Need::role_policies(_)
        | Need::user_policies(_)
        | Need::group_policies(_)
        | Need::managed_policy(_)
        | Need::service_setting(_) => spreads,
        _ => false,
    }
}

/// How long to leave AWS alone before the next look.
#[must_use]
pub fn pause(since: Duration, facts: &Facts) -> Duration {
    let throttled = facts.unseen().iter().any(|need| reason(facts, need) == Some(Why::Throttled));
    match throttled {
        true => THROTTLED_PAUSE,
        false if since < FIRST_MINUTES => PAUSE,
        false => LONG_PAUSE,
    }
}

/// The lines on standard error while the doctor waits.
#[derive(Debug, Default)]
pub struct Heartbeat {
    /// What was awaited when the last line was written, and when that was.
    last: Option<(Vec<String>, Duration)>,
}

impl Heartbeat {
    /// The next line; None in a pipe that got the same a moment ago. `most` is the whole time of the wait.
    pub fn line(
        &mut self,
        awaited: &[&'static Check],
        since: Duration,
        most: Duration,
        is_terminal: bool,
    ) -> Option<String> {
        let names: Vec<String> = awaited.iter().map(|check| check.name()).collect();
        let is_news = self
            .last
            .as_ref()
            .is_none_or(|(before, at)| *before != names || since.saturating_sub(*at) >= HEARTBEAT);
        if !is_terminal && !is_news {
            return None;
        }
        let first = awaited.first().map(|check| format!("{} [{}]", check.title(), check.name()));
        let more = match names.len().saturating_sub(1) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        self.last = Some((names, since));
        Some(format!(
            "waiting for: {}{more}; {} of {}",
            first.unwrap_or_default(),
            span(since),
            span(most)
        ))
    }
}

/// What ends a wait before its time, in words; None if nothing does.
#[must_use]
pub fn ending(outlook: &Outlook) -> Option<String> {
    match outlook {
        Outlook::InVain(check) => {
            Some(format!("waiting does not help: somebody has to repair {} first", check.name()))
        }
        Outlook::Hidden => Some(
            "waiting does not help: what decides cannot be seen, and asking again does not show it"
                .into(),
        ),
        Outlook::Ready | Outlook::WaitFor(_) => None,
    }
}

fn span(time: Duration) -> String {
    ssm_doctor_facts::time::span(i64::try_from(time.as_secs()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use ssm_doctor_analysis::case::Case;
    use ssm_doctor_checks::engine::diagnosis::{diagnose, examine, settle};
    use ssm_doctor_facts::scope::Scope;
    use ssm_doctor_fixtures as fixtures;

    use super::*;

    const TARGET: &str = "i-0abc123def4567890";
    const SECOND: Duration = Duration::from_secs(1);

    /// A healthy scenario with this patch.
    fn scenario(edit: impl FnOnce(&mut Value)) -> (Facts, Scope) {
        let scenario = fixtures::named("private-endpoints").unwrap();
        let mut facts = serde_json::to_value(scenario.facts).unwrap();
        edit(&mut facts);
        let mut facts: Facts = serde_json::from_value(facts).unwrap();
        settle(&mut facts, &scenario.scope);
        (facts, scenario.scope)
    }

    fn after(since: Duration, edit: impl FnOnce(&mut Value)) -> Outlook {
        let (facts, scope) = scenario(edit);
        outlook(&diagnose(&examine(&Case::new(&facts, &scope))), &facts, since)
    }

    fn silent(facts: &mut Value) {
        facts["nodes"][TARGET] = json!("absent");
        facts["connections"][TARGET] = json!("notconnected");
    }

    #[test]
    fn only_what_changes_by_itself_is_awaited() {
        assert_eq!(after(SECOND, |_| {}), Outlook::Ready);
        let Outlook::WaitFor(awaited) = after(SECOND, silent) else {
            panic!("an agent may come back")
        };
        assert!(awaited.iter().all(|check| check.observes_agent()), "{awaited:?}");
        let stopped = after(SECOND, |facts| {
            silent(facts);
            facts["instances"][TARGET]["state"] = json!("stopped");
        });
        assert!(
            matches!(&stopped, Outlook::InVain(check) if check.name() == "target/instance-running"),
            "{stopped:?}"
        );
        assert!(ending(&stopped).unwrap().contains("target/instance-running"));
        let pending = after(SECOND, |facts| {
            silent(facts);
            facts["instances"][TARGET]["state"] = json!("pending");
        });
        assert!(matches!(pending, Outlook::WaitFor(_)), "{pending:?}");
        assert!(ending(&pending).is_none());
    }

    #[test]
    fn a_change_of_permissions_gets_time_to_spread() {
        let denied = |facts: &mut Value| {
            silent(facts);
            for (question, row) in facts["simulations"].as_object_mut().unwrap() {
                if question.contains("ssm:UpdateInstanceInformation") {
                    *row = json!({ "decision": "implicitDeny" });
                }
            }
        };
        assert!(matches!(after(SECOND, denied), Outlook::WaitFor(_)));
        assert!(matches!(after(SPREADS_WITHIN, denied), Outlook::InVain(_)));
    }

    #[test]
    fn only_what_can_change_is_asked_again() {
        let (mut facts, _) = scenario(|_| {});
        let vpc: Need = facts.answered().into_iter().find(|it| matches!(it, Need::vpc(_))).unwrap();
        let acls =
            facts.answered().into_iter().find(|it| matches!(it, Need::network_acls(_))).unwrap();
        let subnet = facts.answered().into_iter().find(|it| matches!(it, Need::subnet(_))).unwrap();
        facts.give_up(&acls, Why::Throttled, "");
        facts.give_up(&subnet, Why::Denied, "");
        let kept = lasting(&facts, Duration::from_mins(5));
        let target = TARGET.parse::<ssm_doctor_facts::ids::InstanceId>().unwrap();
        assert!(kept.has(&vpc) && kept.has(&subnet) && !kept.has(&acls));
        assert!(
            !kept.has(&Need::instance(target.clone())) && !kept.has(&Need::instance_status(target))
        );
        assert!(!kept.simulations.is_empty() && lasting(&facts, SECOND).simulations.is_empty());
        let asked = facts.answered().len() - kept.answered().len();
        let all = facts.answered().len();
        assert!(asked * 3 < all, "{asked} facts of {all} are asked for again");
    }

    #[test]
    fn quotas_are_respected() {
        let (mut facts, _) = scenario(|_| {});
        assert_eq!(pause(SECOND, &facts), PAUSE);
        assert_eq!(pause(Duration::from_mins(4), &facts), LONG_PAUSE);
        let need = facts.answered().into_iter().next().unwrap();
        facts.give_up(&need, Why::Throttled, "");
        assert_eq!(pause(SECOND, &facts), THROTTLED_PAUSE);
    }

    #[test]
    fn a_pipe_gets_a_line_a_minute_and_one_for_news() {
        let check = |name: &str| ssm_doctor_checks::all().find(|it| it.name() == name).unwrap();
        let (ping, channel) =
            (check("agent/ping-online"), check("agent/session-channel-connected"));
        let mut heartbeat = Heartbeat::default();
        let most = Duration::from_mins(15);
        let mut line = |checks: &[&'static Check], seconds| {
            heartbeat.line(checks, Duration::from_secs(seconds), most, false)
        };
        let first = line(&[ping], 0).unwrap();
        assert!(
            first.contains("[agent/ping-online]") && first.ends_with("0 seconds of 15 minutes"),
            "{first}"
        );
        assert_eq!(line(&[ping], 15), None);
        assert!(line(&[channel, ping], 30).unwrap().contains("and 1 more"));
        assert_eq!(line(&[channel, ping], 45), None);
        assert!(line(&[channel, ping], 90).is_some());
        assert!(heartbeat.line(&[channel, ping], Duration::from_secs(91), most, true).is_some());
    }
}
