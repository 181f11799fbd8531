//! The report for people: what a tired person understands in five seconds.
//!
//! The root cause comes first and alone has everything beside it: evidence, the path drawn hop by
//! hop, the fix, and how long the fix takes to be felt. Whatever only follows from it is a line.
//! Commands stand on lines of their own, unbroken, to be copied.

use anstyle::{AnsiColor, Style};
use ssm_doctor_analysis::answer::Verdict;
use ssm_doctor_checks::engine::{check::Check, diagnosis::Overall};
use ssm_doctor_facts::change::Change;

use super::{BOLD, PLAIN, Page, View, safe::GLUE};
use crate::report::{
    Repair, Report,
    drawing::Drawing,
    mark::Mark,
    several,
    steps::steps,
    summary::{MOST, Problem, Role, counted, statement},
};

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

/// Each report, after a list of several.
#[must_use]
pub fn render(reports: &[Report], view: View) -> String {
    let mut page = Page::new(view.screen);
    let list = several::headline(reports);
    if let Some(says) = &list {
        page.paragraph(0, &[(NAME, says)]);
        for row in several::rows(reports) {
            let why = if row.why.is_empty() { String::new() } else { format!(": {}", row.why) };
            let place = format!("{}: ", row.place);
            let spans =
                [(NAME, place.as_str()), (style(row.mark), row.says.as_str()), (PLAIN, &why)];
            page.hanging(INDENT, (style(row.mark), row.mark.symbol()), 2, &spans);
        }
    }
    let mut text = page.finish();
    for (at, report) in reports.iter().enumerate() {
        if at > 0 || list.is_some() {
            text.push('\n');
        }
        text.push_str(&one(report, view));
    }
    text
}

fn one(report: &Report, view: View) -> String {
    let mut page = Page::new(view.screen);
    headline(&mut page, report);
    let most = if view.verbose { usize::MAX } else { MOST };
    let problems = report.problems();
    let (root, others): (Vec<_>, Vec<_>) =
        problems.into_iter().partition(|problem| problem.role == Role::Root);
    for root in &root {
        page.blank();
        cause(&mut page, report, root, most);
    }
    self::others(&mut page, &others, most);
    consequences(&mut page, report, most);
    prescription(&mut page, report);
    unseen(&mut page, report, most);
    page.blank();
    if view.verbose {
        checks(&mut page, report);
    }
    closing(&mut page, report, view.verbose);
    page.finish()
}

/// The report in a line.
#[must_use]
pub fn line(report: &Report, view: View) -> String {
    let mut page = Page::new(view.screen);
    let (mark, says) = report.conclusion();
    let place = format!("{}: ", report.place());
    let mut spans = vec![
        (style(mark), mark.symbol()),
        (PLAIN, " "),
        (NAME, place.as_str()),
        (style(mark), says.as_str()),
    ];
    let why = report.why_in_a_line().map(|why| format!(": {why}"));
    spans.extend(why.as_deref().map(|why| (PLAIN, why)));
    let diagnosis = &report.diagnosis;
    let accepted = report.excuses.acceptance(diagnosis.overall, &diagnosis.findings);
    let accepted = accepted.map(|accepted| format!(" ({accepted})"));
    spans.extend(accepted.as_deref().map(|accepted| (FAINT, accepted)));
    page.line(0, &spans);
    page.finish()
}

fn style(mark: Mark) -> Style {
    match mark {
        Mark::Good => GOOD,
        Mark::Bad => ALERT,
        Mark::Doubt | Mark::Warning => DOUBT,
        Mark::None => FAINT,
    }
}

fn headline(page: &mut Page, report: &Report) {
    let (mark, says) = report.conclusion();
    let place = format!("{}:", report.place());
    let counts = match report.counts() {
        counts if counts.is_empty() => counts,
        // No line ends between a number and what it counts.
        counts => {
            let glue = GLUE.to_string();
            let glued = counts.split(", ").map(|count| count.replace(' ', &glue));
            format!(" ({})", glued.collect::<Vec<_>>().join(", "))
        }
    };
    let spans =
        [(NAME, place.as_str()), (PLAIN, " "), (style(mark), says.as_str()), (PLAIN, &counts)];
    page.hanging(0, (style(mark), mark.symbol()), 2, &spans);
}

fn field(page: &mut Page, label: &str, spans: &[super::Span]) {
    page.hanging(INDENT, (LABEL, label), COLUMN, spans);
}

/// Everything about the one thing to fix first.
fn cause(page: &mut Page, report: &Report, problem: &Problem, most: usize) {
    let label = problem.title().to_lowercase();
    let name = format!(" [{}]", problem.check.name());
    field(page, &label, &[(NAME, problem.statement()), (FAINT, &name)]);
    for says in problem.statements.iter().skip(1).take(most.saturating_sub(1)) {
        field(page, "", &[(PLAIN, says)]);
    }
    let more = problem.statements.len().saturating_sub(most);
    if more > 0 {
        field(page, "", &[(FAINT, &format!("and {more} more, see -v"))]);
    }
    for drawing in &problem.drawings {
        path(page, drawing);
    }
    if let Some(doubt) = &problem.doubt {
        field(page, "not sure", &[(DOUBT, doubt)]);
    }
    if let Some(says) = report.nothing_in_sight() {
        field(page, "note", &[(PLAIN, &says)]);
    }
    for says in problem.explanation.iter().chain(&problem.excuse) {
        field(page, "note", &[(PLAIN, says)]);
    }
    fix(page, problem.repairs, most, Place::Root);
    if !report.target_is_missing()
        && let Some(first) = problem.repairs.first()
    {
        field(page, "then", &[(PLAIN, first.recovery.as_str())]);
    }
    page.hanging(INDENT, (LABEL, "more"), COLUMN, &[(FAINT, &problem.runbook)]);
}

/// Which of the two layouts a fix is in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Beside labels.
    Root,
    /// Below its statement.
    Other,
}

/// Prints a fix; nothing else in this format does. Every option, the best first. Of a failure that is not the root
/// cause, the lesser options have a title only.
fn fix(page: &mut Page, options: &[Repair], most: usize, place: Place) {
    let (indent, column) = match place {
        Place::Root => (INDENT, COLUMN),
        Place::Other => (INDENT + 4, 4),
    };
    for (at, option) in options.iter().enumerate() {
        let label = if at == 0 { "fix" } else { "or" };
        title(page, &option.title, (indent, label, column), most);
        let detail = |page: &mut Page, label: &str, says: &str| {
            page.hanging(indent, (LABEL, ""), column, &[(FAINT, label), (DOUBT, says)]);
        };
        if let Some(risks) = option.risks_in_words() {
            detail(page, "risk: ", &risks);
        }
        if at > 0 && place == Place::Other {
            continue;
        }
        let numbered = option.manual.len() > 1;
        for (at, step) in option.manual.iter().take(most).enumerate() {
            let label = if numbered { format!("{}.{GLUE}", at + 1) } else { "first: ".into() };
            detail(page, &label, step);
        }
        let more = option.manual.len().saturating_sub(most);
        if more > 0 {
            let says = format!("and {}: -v shows them", counted(more, "more step", "more steps"));
            page.hanging(indent, (LABEL, ""), column, &[(FAINT, &says)]);
        }
        for command in &option.commands {
            page.line(page.text_column(indent, column), &[(BOLD, command)]);
        }
        if let Some(says) = option.trial().filter(|_| place == Place::Root) {
            detail(page, "tried on the model: ", &says);
        }
    }
}

/// What to do, as a list if it takes several steps.
fn title(page: &mut Page, title: &str, at: (usize, &str, usize), most: usize) {
    let (indent, label, column) = at;
    let steps = steps(title);
    let numbered = steps.len() > 1;
    for (at, step) in steps.iter().take(most).enumerate() {
        let label = (LABEL, if at == 0 { label } else { "" });
        let number = if numbered { format!("{}.{GLUE}", at + 1) } else { String::new() };
        page.hanging(indent, label, column, &[(PLAIN, &number), (PLAIN, &step.text)]);
        let inner = page.text_column(indent, column) + number.chars().count();
        for place in step.places.iter().take(most) {
            page.hanging(inner, (PLAIN, "-"), 2, &[(PLAIN, place)]);
        }
        let more = step.places.len().saturating_sub(most);
        if more > 0 {
            let says = format!("{more} more: -v shows them");
            page.hanging(inner, (PLAIN, "-"), 2, &[(FAINT, &says)]);
        }
    }
    let more = steps.len().saturating_sub(most);
    if more > 0 {
        let says = format!("and {}: -v shows them", counted(more, "more step", "more steps"));
        page.hanging(indent, (LABEL, ""), column, &[(FAINT, &says)]);
    }
}

/// Everything from here to an open session, in order. Without commands that stand above: those of a fix that shows only
/// after others, or that differs after them, do not.
fn prescription(page: &mut Page, report: &Report) {
    for (at, (step, option)) in report.procedure().enumerate() {
        if at == 0 {
            page.blank();
            page.line(INDENT, &[(LABEL, "from here to a session")]);
        }
        let number = format!("{}.", at + 1);
        let check = option.map(|(check, _)| format!(" [{}]", check.name())).unwrap_or_default();
        page.hanging(INDENT + 2, (PLAIN, &number), 3, &[(PLAIN, &step.title), (FAINT, &check)]);
        if option.is_some_and(|(check, option)| stands_above(report, check, &option.changes)) {
            continue;
        }
        for line in report.commands_of(step) {
            page.line(INDENT + 5, &[(BOLD, &line)]);
        }
    }
}

/// Does [`fix`] print the commands of these changes? Of the root cause it prints those of every option, of what only
/// follows none.
fn stands_above(report: &Report, check: &Check, changes: &[Change]) -> bool {
    report.problems().iter().filter(|problem| problem.check == check).any(|problem| {
        let most = if problem.role == Role::Root { usize::MAX } else { 1 };
        problem.repairs.iter().take(most).any(|repair| repair.changes == changes)
    })
}

/// `i-0abc ✓ DNS ✓ security group sg-0app ✗ route table rtb-0 → ssm, ssmmessages`
fn path(page: &mut Page, drawing: &Drawing) {
    /// A hop that is this short stays on a line.
    const WHOLE: usize = 22;
    let glue = GLUE.to_string();
    let whole = |text: String| if text.len() <= WHOLE { text.replace(' ', &glue) } else { text };
    let texts: Vec<_> = drawing.hops.iter().map(|hop| whole(hop.text())).collect();
    let mut spans = vec![(PLAIN, drawing.from.as_str())];
    for (hop, text) in drawing.hops.iter().zip(&texts) {
        spans.extend([
            (PLAIN, " "),
            (style(hop.mark), hop.mark.symbol()),
            (PLAIN, glue.as_str()),
            (PLAIN, text.as_str()),
        ]);
    }
    if drawing.unfollowed {
        spans.extend([(PLAIN, " "), (DOUBT, "?")]);
    }
    let services = drawing.services.join(", ");
    spans.extend([(PLAIN, " →"), (PLAIN, glue.as_str()), (PLAIN, services.as_str())]);
    field(page, "", &spans);
}

/// Failures beside the root cause that do not follow from another.
fn others(page: &mut Page, problems: &[Problem], most: usize) {
    let mut role = None;
    for problem in problems {
        if role != Some(problem.role) {
            role = Some(problem.role);
            page.blank();
            let style = match problem.role {
                Role::Root | Role::AlsoBlocking => BAD,
                Role::AlsoWrong => DOUBT,
                Role::Advice => LABEL,
            };
            page.line(INDENT, &[(style, &problem.title().to_lowercase())]);
        }
        let name = format!(" [{}]", problem.check.name());
        let note = if problem.is_suspect() { " (perhaps)" } else { "" };
        let spans = [(NAME, problem.statement()), (FAINT, &name), (DOUBT, note)];
        page.paragraph(INDENT + 2, &spans);
        for says in problem.statements.iter().skip(1).take(most.saturating_sub(1)) {
            page.paragraph(INDENT + 4, &[(PLAIN, says)]);
        }
        if let Some(doubt) = &problem.doubt {
            page.paragraph(INDENT + 4, &[(DOUBT, doubt)]);
        }
        for says in problem.explanation.iter().chain(&problem.excuse) {
            page.paragraph(INDENT + 4, &[(FAINT, says)]);
        }
        fix(page, problem.repairs, most, Place::Other);
        if let Some(first) = problem.repairs.first() {
            let spans = [(LABEL, "then "), (PLAIN, first.recovery.as_str())];
            page.paragraph(INDENT + 4, &spans);
        }
        page.paragraph(INDENT + 4, &[(LABEL, "more "), (FAINT, &problem.runbook)]);
    }
}

fn consequences(page: &mut Page, report: &Report, most: usize) {
    let consequences = report.consequences();
    if consequences.is_empty() {
        return;
    }
    page.blank();
    for (at, (check, says)) in consequences.iter().take(most).enumerate() {
        let label = if at == 0 { "follows" } else { "" };
        let name = format!(" [{}]", check.name());
        field(page, label, &[(FAINT, says), (FAINT, &name)]);
    }
    let more = consequences.get(most..).unwrap_or_default();
    if !more.is_empty() {
        let names: Vec<_> = more.iter().map(|it| it.0.name()).collect();
        field(page, "", &[(FAINT, "and "), (FAINT, &names.join(", "))]);
    }
}

/// What was not seen, each with what to do about it.
fn unseen(page: &mut Page, report: &Report, most: usize) {
    let unseen = report.unseen();
    let decisive = unseen.iter().any(|it| it.decisive);
    let mut under = None;
    for it in unseen.iter().take(most) {
        if under != Some(it.decisive) {
            let title = match (it.decisive, decisive) {
                (true, _) => "could not see, and the verdict depends on it",
                (false, true) => "could not see either",
                (false, false) => "could not see",
            };
            page.blank();
            page.paragraph(INDENT, &[(DOUBT, title)]);
            under = Some(it.decisive);
        }
        let why = if it.why.is_empty() { String::new() } else { format!(" {}", it.why) };
        page.paragraph(INDENT + 2, &[(NAME, &it.what), (PLAIN, &why)]);
        let names = listed(&it.checks);
        page.paragraph(INDENT + 4, &[(FAINT, "for "), (FAINT, &names)]);
        page.hanging(INDENT + 4, (LABEL, "do"), 3, &[(PLAIN, &it.next)]);
    }
    let more = unseen.len().saturating_sub(most);
    if more > 0 {
        page.paragraph(INDENT + 2, &[(FAINT, &format!("and {more} more: -v shows them"))]);
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

/// Every check, with what it says; and every path.
fn checks(page: &mut Page, report: &Report) {
    for drawing in report.drawings() {
        path(page, &drawing);
    }
    page.blank();
    for finding in &report.diagnosis.findings {
        let mark = Mark::of(&finding.answer);
        let name = format!(" [{}]", finding.check.name());
        let says = statement(finding);
        page.hanging(INDENT, (style(mark), mark.symbol()), 2, &[(PLAIN, &says), (FAINT, &name)]);
        if let Ok(Verdict::Pass(evidence)) = &finding.answer {
            let count = evidence.iter().count();
            if count > 1 {
                let more = format!("and {} more, see --format json", count - 1);
                page.paragraph(INDENT + 2, &[(FAINT, &more)]);
            }
        }
    }
    page.blank();
}

fn closing(page: &mut Page, report: &Report, verbose: bool) {
    if report.diagnosis.overall == Overall::Healthy {
        let brief = "if it fails all the same: `ssm-doctor explain` knows the messages that people see, and -v shows every check";
        let says = report.nothing_in_sight().filter(|_| verbose).unwrap_or_else(|| brief.into());
        page.paragraph(INDENT, &[(FAINT, &says)]);
    }
    for says in report.excuses.expired_in_words() {
        page.paragraph(INDENT, &[(DOUBT, &says)]);
    }
    page.paragraph(INDENT, &[(FAINT, &report.closing().join(" · "))]);
}
