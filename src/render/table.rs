//! The report for people: what a tired person understands in five seconds.
//!
//! The root cause comes first and alone has everything beside it: evidence, the path drawn hop by
//! hop, the fix, and how long the fix takes to be felt. Whatever only follows from it is a line.
//! Commands stand on lines of their own, unbroken, to be copied.

use std::collections::BTreeMap;

use anstyle::{AnsiColor, Style};
use ssm_doctor_analysis::{
    answer::{Answer, Evidence, Verdict},
    network::{hop::Hop, hop::Path},
};
use ssm_doctor_checks::engine::{
    check::{Check, Impact},
    diagnosis::{Finding, Overall, Standing},
    fix,
    verification::Verified,
    words,
};
use ssm_doctor_checks::path::row;
use ssm_doctor_facts::{
    change::Risk,
    lookup::{Gap, Why},
    scope::Session,
};

use super::{BOLD, PLAIN, Page, Screen, Span};
use crate::report::{self, RepairOption, Report};

const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default();
const ALERT: Style = AnsiColor::Red.on_default().bold();
const DOUBT: Style = AnsiColor::Yellow.on_default();
const NAME: Style = Style::new().bold();
const FAINT: Style = Style::new().dimmed();
const LABEL: Style = AnsiColor::Cyan.on_default();

const INDENT: usize = 2;
/// Where text begins beside a label.
const COLUMN: usize = 10;

/// More evidence than this is for machines.
const EVIDENCE: usize = 5;
/// More unseen calls than this are for machines.
const UNSEEN: usize = 5;

#[must_use]
pub fn render(report: &Report, screen: Screen) -> String {
    let mut page = Page::new(screen);
    headline(&mut page, report);
    let root = report.diagnosis.causes.first().and_then(|it| report.finding(it));
    if let Some(root) = root {
        page.blank();
        cause(&mut page, report, root);
    }
    others(&mut page, report, root);
    if let Some(says) = report.nothing_in_sight().filter(|_| root.is_none()) {
        page.blank();
        page.paragraph(INDENT, &[(FAINT, &says)]);
    }
    if !report.target_is_missing() {
        // Of a target that is not there, nothing else can be seen or said.
        consequences(&mut page, report);
        unseen(&mut page, report);
    }
    page.blank();
    closing(&mut page, report);
    page.finish()
}

fn headline(page: &mut Page, report: &Report) {
    let session = report.scope.session.phrase();
    let (mark, says, style) = match report.diagnosis.overall {
        Overall::Blocked if report.target_is_missing() => {
            ("✗", "there is no such target in this account and Region".into(), ALERT)
        }
        Overall::Blocked if report.blocked_here_only() => {
            ("✗", format!("{session} cannot start from this machine"), ALERT)
        }
        Overall::Blocked => ("✗", format!("{session} cannot start"), ALERT),
        Overall::Degraded => (
            "!",
            format!(
                "{session} can start, but something that belongs to it is missing or unreliable"
            ),
            DOUBT,
        ),
        Overall::Inconclusive if report.target_is_out_of_reach() => (
            "?",
            format!(
                "EC2 and Systems Manager cannot be reached in {}: check the Region's name, this machine's network and proxy, and AWS_ENDPOINT_URL",
                report.scope.region
            ),
            DOUBT,
        ),
        Overall::Inconclusive => ("?", format!("cannot tell whether {session} can start"), DOUBT),
        Overall::Healthy => ("✓", format!("{session} can start"), GOOD),
    };
    let scope = &report.scope;
    let place = match &report.name {
        Some(name) => format!("{} ({name}, {}):", scope.target, scope.region),
        None => format!("{} ({}):", scope.target, scope.region),
    };
    page.hanging(0, (style, mark), 2, &[(NAME, &place), (PLAIN, " "), (style, &says)]);
}

/// Everything about the one thing to fix first.
fn cause(page: &mut Page, report: &Report, finding: &Finding) {
    let doubt = report.doubt(finding);
    let label = if doubt.is_some() { "suspect" } else { "cause" };
    let name = finding.check.name();
    field(page, label, &[(NAME, &name)]);
    if let Ok(Verdict::Fail(evidence, fix)) = &finding.answer {
        shown(page, report, evidence);
        if let Some(doubt) = doubt {
            field(page, "not sure", &[(DOUBT, &doubt)]);
        }
        if let Some(says) = report.nothing_in_sight() {
            field(page, "note", &[(PLAIN, &says)]);
        }
        repairs(page, report, finding.check);
        if !report.target_is_missing() {
            field(page, "then", &[(PLAIN, fix.recovery.as_str())]);
        }
    }
    page.hanging(INDENT, (LABEL, "more"), COLUMN, &[(FAINT, &report.runbook(finding.check))]);
}

fn field(page: &mut Page, label: &str, spans: &[Span]) {
    page.hanging(INDENT, (LABEL, label), COLUMN, spans);
}

/// Evidence, and the paths that it blocks.
fn shown(page: &mut Page, report: &Report, evidence: &Evidence) {
    for it in evidence.iter().take(EVIDENCE) {
        field(page, "", &[(PLAIN, &words::sentence(it))]);
    }
    let more = evidence.iter().count().saturating_sub(EVIDENCE);
    if more > 0 {
        field(page, "", &[(FAINT, &format!("and {more} more, see --format json"))]);
    }
    for path in report.paths_blocked_by(evidence) {
        drawing(page, report, path);
    }
}

/// `i-0abc ✓ DNS ✓ sg-0app ✓ route ✗ sg-0end → ssmmessages`
fn drawing(page: &mut Page, report: &Report, path: &Path) {
    let target = report.scope.target.to_string();
    let mut spans = vec![(PLAIN, target.as_str())];
    let mut draw = |(style, mark), name| {
        spans.extend([(PLAIN, " "), (style, mark), (PLAIN, GLUED), (PLAIN, name)]);
    };
    let (names, packets): (Vec<&Hop>, Vec<&Hop>) =
        path.hops.iter().partition(|it| row(it.kind).of_names);
    // That a name leads where it should takes many steps and is told in one.
    if !names.is_empty() && names.iter().all(|it| is_in_order(it)) {
        draw((GOOD, "✓"), "DNS");
    } else {
        names.iter().filter(|it| !is_in_order(it)).for_each(|it| draw(mark(&it.answer), named(it)));
    }
    packets.iter().filter(|it| !is_tacit(it)).for_each(|it| draw(mark(&it.answer), named(it)));
    if path.unfollowed.is_some() {
        spans.extend([(PLAIN, " "), (DOUBT, "?")]);
    }
    spans.extend([(PLAIN, " →"), (PLAIN, GLUED), (PLAIN, path.service)]);
    field(page, "", &spans);
}

fn is_in_order(hop: &Hop) -> bool {
    matches!(hop.answer, Ok(Verdict::Pass(_) | Verdict::NotApplicable(_)))
}

/// What is not worth a word as long as it is in order.
fn is_tacit(hop: &Hop) -> bool {
    row(hop.kind).hidden_in_order && is_in_order(hop)
        || matches!(hop.answer, Ok(Verdict::NotApplicable(_)))
}

fn named(hop: &Hop) -> &str {
    let row = row(hop.kind);
    let name = if is_in_order(hop) { row.drawn_in_order_as } else { row.drawn_as };
    name.unwrap_or(hop.id.as_str())
}

/// A mark stays beside what it marks.
const GLUED: &str = "\u{a0}";

fn mark(answer: &Answer) -> (Style, &'static str) {
    match answer {
        Ok(Verdict::Pass(_)) => (GOOD, "✓"),
        Ok(Verdict::Fail(..)) => (ALERT, "✗"),
        Ok(Verdict::NotApplicable(_)) => (FAINT, "-"),
        Err(_) => (DOUBT, "?"),
    }
}

/// Every way to repair a failure, the best first.
fn repairs(page: &mut Page, report: &Report, check: &Check) {
    for (at, RepairOption { option, verified, .. }) in report.repairs(check).iter().enumerate() {
        let label = if at == 0 { "fix" } else { "or" };
        field(page, label, &[(PLAIN, &option.title)]);
        let risks: Vec<&str> = fix::risks(option).into_iter().map(Risk::phrase).collect();
        if !risks.is_empty() {
            field(page, "risk", &[(DOUBT, &risks.join("; "))]);
        }
        for line in report.lines(&option.changes) {
            page.line(page.text_column(INDENT, COLUMN), &[(BOLD, &line)]);
        }
        for step in &option.manual {
            field(page, "first", &[(PLAIN, step)]);
        }
        let tried = match verified {
            Verified::Yes => {
                Some("the doctor tried it on its model: a session can start after it".into())
            }
            Verified::No(_) | Verified::Unknown(_) => report::why(verified),
            Verified::NotModelled(_) => None,
        };
        if let Some(tried) = tried {
            field(page, "tried", &[(PLAIN, &tried)]);
        }
    }
}

/// Failures beside the root cause that do not follow from another.
fn others(page: &mut Page, report: &Report, root: Option<&Finding>) {
    for (impact, title, style) in [
        (Impact::Blocks, "also blocking", BAD),
        (Impact::Degrades, "also wrong", DOUBT),
        (Impact::Advises, "advice", LABEL),
    ] {
        let findings = report.diagnosis.findings.iter().filter(|it| {
            it.check.impact == impact
                && matches!(it.standing, Some(Standing::Cause | Standing::Perhaps))
                && root.is_none_or(|root| !std::ptr::eq(root.check, it.check))
        });
        for (at, finding) in findings.enumerate() {
            let Ok(Verdict::Fail(evidence, _)) = &finding.answer else { continue };
            if at == 0 {
                page.blank();
                page.line(INDENT, &[(style, title)]);
            }
            let doubt = report.doubt(finding);
            let name = finding.check.name();
            let note = if doubt.is_some() { " (perhaps)" } else { "" };
            page.paragraph(INDENT + 2, &[(NAME, &name), (DOUBT, note)]);
            let first = evidence.iter().take(2).map(words::sentence).collect::<Vec<_>>().join("; ");
            page.paragraph(INDENT + 4, &[(PLAIN, &first)]);
            if let Some(doubt) = doubt {
                page.paragraph(INDENT + 4, &[(DOUBT, &doubt)]);
            }
            let options = report.repairs(finding.check);
            for (at, RepairOption { option, .. }) in options.iter().enumerate() {
                let label = if at == 0 { "fix " } else { "or " };
                page.paragraph(INDENT + 4, &[(LABEL, label), (PLAIN, &option.title)]);
                for line in report.lines(&option.changes) {
                    page.line(INDENT + 6, &[(BOLD, &line)]);
                }
            }
        }
    }
}

fn consequences(page: &mut Page, report: &Report) {
    let names: Vec<String> = report
        .diagnosis
        .findings
        .iter()
        .filter(|it| it.standing == Some(Standing::Consequence))
        .map(|it| it.check.name())
        .collect();
    if !names.is_empty() {
        page.blank();
        field(page, "follows", &[(FAINT, &names.join(", "))]);
    }
}

/// A call that did not answer, or something no call can tell.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Blind {
    Call {
        action: &'static str,
        why: Why,
    },
    /// At something from this machine.
    Look {
        at: String,
        why: Why,
    },
    Limit(String),
}

/// What was not seen, by call, because a person can grant a call. What the verdict depends on comes first.
fn unseen(page: &mut Page, report: &Report) {
    let mut blind: BTreeMap<Blind, (bool, String, Vec<String>)> = BTreeMap::new();
    for finding in &report.diagnosis.findings {
        let Err(unknown) = &finding.answer else { continue };
        for gap in words::gaps(unknown) {
            let (key, detail) = match gap {
                Gap::Limit(limit) => (Blind::Limit(words::limit(limit)), ""),
                Gap::Fact { need, why, detail } => {
                    let why = *why;
                    let key = match report::missing(gap).action {
                        Some(action) => Blind::Call { action, why },
                        None => Blind::Look { at: report::look_at(&need.subject()), why },
                    };
                    (key, detail.as_str())
                }
            };
            let (open, said, checks) = blind.entry(key).or_default();
            *open |= finding.open;
            if said.is_empty() {
                detail.clone_into(said);
            }
            let name = finding.check.name();
            if !checks.contains(&name) {
                checks.push(name);
            }
        }
    }
    if blind.is_empty() {
        return;
    }
    let inconclusive = report.diagnosis.overall == Overall::Inconclusive;
    let mut blind: Vec<_> = blind.into_iter().collect();
    blind.sort_by_key(|(_, (open, ..))| !open);
    page.blank();
    let decisive = inconclusive && blind.first().is_some_and(|it| it.1.0);
    let title =
        if decisive { "could not see, and the verdict depends on it" } else { "could not see" };
    page.paragraph(INDENT, &[(DOUBT, title)]);
    for (at, (key, (open, detail, checks))) in blind.iter().take(UNSEEN).enumerate() {
        if decisive && !open && at > 0 && blind.get(at - 1).is_some_and(|it| it.1.0) {
            page.line(INDENT, &[(FAINT, "could not see either")]);
        }
        let names = listed(checks);
        let (subject, why) = match key {
            Blind::Call { action, why } => ((NAME, *action), Some(why)),
            Blind::Look { at, why } => ((PLAIN, at.as_str()), Some(why)),
            Blind::Limit(text) => ((PLAIN, text.as_str()), None),
        };
        let colon = if detail.is_empty() { "" } else { ": " };
        let says = why.map(|it| format!(" {}{colon}{detail}", it.phrase())).unwrap_or_default();
        page.paragraph(INDENT + 2, &[subject, (PLAIN, &says)]);
        page.paragraph(INDENT + 4, &[(FAINT, "for "), (FAINT, &names)]);
    }
    let more = blind.len().saturating_sub(UNSEEN);
    if more > 0 {
        page.paragraph(INDENT + 2, &[(FAINT, &format!("and {more} more, see --format json"))]);
    }
    let worth = blind.iter().filter(|it| !decisive || it.1.0).map(|it| &it.0);
    for (at, step) in steps(worth).iter().enumerate() {
        field(page, if at == 0 { "do" } else { "" }, &[(PLAIN, step)]);
    }
}

fn listed(names: &[String]) -> String {
    const MOST: usize = 3;
    let shown = names.iter().take(MOST).cloned().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(MOST) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// What to do to see it next time.
fn steps<'a>(blind: impl Iterator<Item = &'a Blind>) -> Vec<String> {
    let mut denied: Vec<&str> = Vec::new();
    let mut steps: Vec<String> = Vec::new();
    for it in blind {
        let (Blind::Call { why, .. } | Blind::Look { why, .. }) = it else { continue };
        let step = match why {
            Why::Denied => {
                if let Blind::Call { action, .. } = it {
                    denied.push(action);
                }
                continue;
            }
            Why::Throttled | Why::TimedOut | Why::Vanished => {
                "run it again (more time: --timeout 3m)"
            }
            Why::Unreachable => "check this machine's DNS, proxy and way to the API endpoints",
            Why::Unasked | Why::NotCollected => {
                "collect the facts again: they were not collected for this question"
            }
            Why::HiddenByOwner => "run it in the account that owns the subnet too",
            Why::Unreadable | Why::Refused => continue,
        };
        if !steps.iter().any(|it| it == step) {
            steps.push(step.into());
        }
    }
    denied.dedup();
    if !denied.is_empty() {
        let grant = format!(
            "grant {} to the identity in use; `ssm-doctor policy` prints all that the checks need",
            denied.join(", ")
        );
        steps.insert(0, grant);
    }
    steps
}

fn closing(page: &mut Page, report: &Report) {
    let count = |wanted: fn(&Answer) -> bool| {
        report.diagnosis.findings.iter().filter(|it| wanted(&it.answer)).count()
    };
    let passed = count(|it| matches!(it, Ok(Verdict::Pass(_))));
    let unknown = count(Result::is_err);
    let idle = count(|it| matches!(it, Ok(Verdict::NotApplicable(_))));
    let mut parts =
        vec![format!("{passed} {} passed", if passed == 1 { "check" } else { "checks" })];
    if unknown > 0 {
        parts.push(format!("{unknown} unknown"));
    }
    if idle > 0 {
        parts.push(format!("{idle} not applicable"));
    }
    parts.extend(sessions(report));
    parts.extend(report.client_left_out.clone());
    page.paragraph(INDENT, &[(FAINT, &parts.join(" · "))]);
}

/// How the kinds of session fare where they fare differently: `shell blocked; SSH and port forwarding
/// work`.
fn sessions(report: &Report) -> Option<String> {
    let own = (report.scope.session, report.diagnosis.overall);
    let (_, first) = report.others.first()?;
    if report.others.len() > 1 && report.others.iter().all(|it| it.1 == *first) {
        let says = outcome(*first, true);
        return Some(if *first == own.1 {
            format!("every other kind of session {}", outcome(*first, false))
        } else {
            format!("{} {}; all other kinds {says}", kind(own.0), outcome(own.1, false))
        });
    }
    let mut groups: Vec<(Overall, Vec<&str>)> = Vec::new();
    for (session, overall) in std::iter::once(&own).chain(&report.others) {
        match groups.iter_mut().find(|it| it.0 == *overall) {
            Some((_, kinds)) => kinds.push(kind(*session)),
            None => groups.push((*overall, vec![kind(*session)])),
        }
    }
    let phrases = groups.iter().map(|(overall, kinds)| {
        let listed = match kinds.as_slice() {
            [rest @ .., last] if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
            kinds => kinds.concat(),
        };
        format!("{listed} {}", outcome(*overall, kinds.len() > 1))
    });
    Some(phrases.collect::<Vec<_>>().join("; "))
}

fn kind(session: Session) -> &'static str {
    match session {
        Session::Shell => "shell",
        Session::Ssh => "SSH",
        Session::Port => "port forwarding",
        Session::RemotePort => "remote-host forwarding",
        Session::Command => "commands",
    }
}

fn outcome(overall: Overall, many: bool) -> &'static str {
    match (overall, many) {
        (Overall::Healthy, true) => "work",
        (Overall::Healthy, false) => "works",
        (Overall::Blocked, _) => "blocked",
        (Overall::Degraded, true) => "work, with losses",
        (Overall::Degraded, false) => "works, with losses",
        (Overall::Inconclusive, _) => "unclear",
    }
}
