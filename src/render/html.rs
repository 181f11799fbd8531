//! One file for a browser: no script, no request, readable by keyboard, by ear and on paper.
//!
//! `templates/report.html` is its shape; askama escapes what is put in.

use askama::Template;

use super::{
    View,
    safe::{clean, clean_lines},
};
use crate::report::{
    Repair, Report,
    drawing::Drawing,
    mark::Mark,
    several,
    steps::{Step, steps},
    summary::{Problem, Severity, statement},
};

#[derive(Template)]
#[template(path = "report.html")]
struct Page {
    title: String,
    /// Of several reports: what they say in all.
    summary: String,
    rows: Vec<Target>,
    articles: Vec<String>,
    version: &'static str,
}

/// One of several reports, in a line.
struct Target {
    mark: Mark,
    place: String,
    says: String,
    why: String,
}

#[derive(Template)]
#[template(path = "article.html")]
struct Article {
    /// Of the ids in the article, so that those of several differ.
    prefix: String,
    place: String,
    mark: Mark,
    says: String,
    counts: String,
    at: String,
    session: &'static str,
    problems: Vec<Section>,
    consequences: Vec<(String, String)>,
    procedure: Vec<Instruction>,
    unseen: Vec<Gap>,
    expired: Vec<String>,
    paths: Vec<Path>,
    checks: Vec<Row>,
    closing: String,
}

/// A failure that does not follow from another.
struct Section {
    title: &'static str,
    minor: bool,
    statement: String,
    check: String,
    evidence: Vec<String>,
    notes: Vec<String>,
    fixes: Vec<Fix>,
    then: &'static str,
    runbook: String,
}

/// One of several options.
struct Fix {
    steps: Vec<Step>,
    risks: String,
    manual: Vec<String>,
    commands: Vec<String>,
    terraform: String,
    console: Vec<String>,
    trial: String,
}

/// A step from here to a session.
struct Instruction {
    title: String,
    commands: Vec<String>,
}

struct Gap {
    what: String,
    why: String,
    decisive: bool,
    next: String,
}

struct Path {
    services: String,
    says: String,
    /// In pixels.
    height: usize,
    hops: Vec<HopLine>,
}

struct HopLine {
    mark: Mark,
    /// In pixels.
    y: usize,
    text: String,
}

struct Row {
    mark: Mark,
    name: String,
    runbook: String,
    says: String,
}

/// # Errors
/// If the template cannot be filled in, which is a defect.
pub fn render(reports: &[Report], _: View) -> askama::Result<String> {
    let several = several::headline(reports);
    let title = |report: &Report| format!("{}: {}", clean(&report.place()), report.conclusion().1);
    let page = Page {
        title: several.clone().or_else(|| reports.first().map(title)).unwrap_or_default(),
        rows: several.iter().flat_map(|_| several::rows(reports)).map(target).collect(),
        summary: several.unwrap_or_default(),
        articles: reports
            .iter()
            .enumerate()
            .map(|(at, report)| {
                article(
                    report,
                    if reports.len() > 1 { format!("r{}-", at + 1) } else { String::new() },
                )
            })
            .collect::<askama::Result<_>>()?,
        version: env!("CARGO_PKG_VERSION"),
    };
    page.render()
}

fn target(row: several::Row) -> Target {
    Target { mark: row.mark, place: clean(&row.place), says: row.says, why: clean(&row.why) }
}

fn article(report: &Report, prefix: String) -> askama::Result<String> {
    let (mark, says) = report.conclusion();
    let consequences = report.consequences().into_iter();
    let unseen = report.unseen().into_iter();
    let checks = report.diagnosis.findings.iter().map(|finding| Row {
        mark: Mark::of(&finding.answer),
        name: finding.check.name(),
        runbook: link(&report.runbook(finding.check)),
        says: clean(&statement(finding)),
    });
    let article = Article {
        prefix,
        place: clean(&report.place()),
        mark,
        says,
        counts: report.counts(),
        at: report.scope.at.to_string(),
        session: report.scope.session.as_str(),
        problems: report.problems().iter().map(section).collect(),
        consequences: consequences.map(|it| (it.0.name(), clean(&it.1))).collect(),
        procedure: report
            .procedure()
            .map(|(step, _)| Instruction {
                title: clean(&step.title),
                commands: report.commands_of(step).iter().map(|line| clean(line)).collect(),
            })
            .collect(),
        unseen: unseen
            .map(|it| Gap {
                what: clean(&it.what),
                why: clean(&it.why),
                decisive: it.decisive,
                next: clean(&it.next),
            })
            .collect(),
        expired: report.excuses.expired_in_words().iter().map(|it| clean(it)).collect(),
        paths: report.drawings().iter().map(path).collect(),
        checks: checks.collect(),
        closing: clean(&report.closing().join(" · ")),
    };
    article.render()
}

fn section(problem: &Problem) -> Section {
    Section {
        title: problem.title(),
        minor: problem.severity() != Severity::Error,
        statement: clean(problem.statement()),
        check: problem.check.name(),
        evidence: problem.statements.iter().skip(1).map(|it| clean(it)).collect(),
        notes: problem.notes().map(|it| clean(it)).collect(),
        fixes: problem.repairs.iter().map(fix).collect(),
        then: problem.repairs.first().map_or("", |first| first.recovery.as_str()),
        runbook: link(&problem.runbook),
    }
}

fn fix(fix: &Repair) -> Fix {
    let clean_step = |step: Step| Step {
        text: clean(&step.text),
        places: step.places.iter().map(|it| clean(it)).collect(),
    };
    Fix {
        steps: steps(&fix.title).into_iter().map(clean_step).collect(),
        risks: fix.risks_in_words().unwrap_or_default(),
        manual: fix.manual.iter().map(|step| clean(step)).collect(),
        commands: fix.commands.iter().map(|line| clean(line)).collect(),
        terraform: fix.terraform.as_deref().map(clean_lines).unwrap_or_default(),
        console: fix.console.iter().map(|place| clean(place)).collect(),
        trial: fix.trial().map(|says| clean(&says)).unwrap_or_default(),
    }
}

fn path(drawing: &Drawing) -> Path {
    const STEP: usize = 32;
    /// What fits the width of the drawing.
    const LETTERS: usize = 80;
    let short = |text: String| {
        let text = clean(&text);
        if text.chars().count() <= LETTERS {
            return text;
        }
        text.chars().take(LETTERS - 1).chain(['…']).collect()
    };
    let services = drawing.services.join(", ");
    let end = if drawing.unfollowed { Mark::Doubt } else { Mark::None };
    let lines = std::iter::once((Mark::None, drawing.from.clone()))
        .chain(drawing.hops.iter().map(|hop| (hop.mark, hop.text())))
        .chain([(end, services.clone())]);
    let hops: Vec<_> = lines
        .enumerate()
        .map(|(at, (mark, text))| HopLine { mark, y: at * STEP + STEP / 2, text: short(text) })
        .collect();
    let says = drawing.hops.iter().map(|hop| format!("{}: {}", hop.text(), hop.mark.word()));
    Path {
        says: clean(&format!("From {}. {}.", drawing.from, says.collect::<Vec<_>>().join(". "))),
        services,
        height: hops.len() * STEP,
        hops,
    }
}

/// A runbook's base may be anybody's; only the web's schemes become links.
#[must_use]
pub fn link(url: &str) -> String {
    let web = ["https://", "http://"].iter().any(|scheme| url.starts_with(scheme));
    if web { clean(url) } else { format!("#{}", clean(url)) }
}

impl Mark {
    /// In the templates' style sheet.
    #[must_use]
    pub fn class(self) -> &'static str {
        match self {
            Self::Good => "Good",
            Self::Bad => "Bad",
            Self::Doubt | Self::Warning => "Doubt",
            Self::None => "None",
        }
    }
}
