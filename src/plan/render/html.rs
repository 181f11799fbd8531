//! A judged plan as one file for a browser. `templates/plan.html` is its shape; askama escapes what is put in.

use askama::Template;

use super::{
    super::report::{Document, Problem, Target},
    words::{headline, name, notes, verdict},
};
use crate::{
    render::{
        html::link,
        safe::{clean, clean_lines},
    },
    report::mark::Mark,
};

#[derive(Template)]
#[template(path = "plan.html")]
struct Page {
    headline: String,
    rows: Vec<Row>,
    sections: Vec<Section>,
    notes: Vec<(&'static str, Vec<String>)>,
    version: &'static str,
}

struct Row {
    mark: Mark,
    name: String,
    before: &'static str,
    after: &'static str,
    changed_by: Vec<String>,
}

/// An instance with problems.
struct Section {
    name: String,
    says: String,
    minor: bool,
    problems: Vec<Item>,
    fixes: Vec<String>,
    terraform: String,
    note: String,
    declared: String,
}

struct Item {
    label: &'static str,
    says: String,
    checks: String,
    runbook: String,
}

/// # Errors
/// If the template cannot be filled in, which is a defect.
pub fn render(document: &Document) -> askama::Result<String> {
    let with_problems = document.targets.iter().filter(|target| !target.problems.is_empty());
    let page = Page {
        headline: headline(document),
        rows: document.targets.iter().map(row).collect(),
        sections: with_problems.map(|target| section(document, target)).collect(),
        notes: notes(document)
            .into_iter()
            .map(|(title, lines)| (title, lines.iter().map(|line| clean(line)).collect()))
            .collect(),
        version: env!("CARGO_PKG_VERSION"),
    };
    page.render()
}

fn row(target: &Target) -> Row {
    Row {
        mark: target.result.mark(),
        name: clean(&name(target)),
        before: verdict(target.before),
        after: verdict(target.after),
        changed_by: target.changed_by.iter().map(|address| clean(address)).collect(),
    }
}

fn section(document: &Document, target: &Target) -> Section {
    let prescription = target.prescription.as_ref();
    let declared = target.declared.as_ref();
    Section {
        name: clean(&name(target)),
        says: target.result.says(&document.session),
        minor: target.result.mark() != Mark::Bad,
        problems: target.problems.iter().map(item).collect(),
        fixes: prescription
            .map(|found| found.options.iter().map(|option| clean(&option.title)).collect())
            .unwrap_or_default(),
        terraform: prescription
            .and_then(|found| found.terraform.as_deref())
            .map(clean_lines)
            .unwrap_or_default(),
        note: prescription.and_then(|found| found.why.as_deref()).map(clean).unwrap_or_default(),
        declared: declared
            .map(|place| clean(&format!("{}, line {}", place.file, place.line)))
            .unwrap_or_default(),
    }
}

fn item(problem: &Problem) -> Item {
    Item {
        label: problem.label,
        says: clean(&problem.statements.join("; ")),
        checks: problem.checks(),
        runbook: link(&problem.runbook),
    }
}
