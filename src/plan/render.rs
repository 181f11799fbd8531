//! A judged plan as text for a terminal, and as Markdown for a pull request.

use super::report::{Document, Outcome, Target};
use crate::{
    render::{
        BOLD, PLAIN, Page,
        json_v1::Conclusion,
        markdown::{code, escaped, say},
    },
    report::mark::Mark,
};

impl Outcome {
    fn mark(self) -> Mark {
        match self {
            Self::Breaks | Self::StartsBroken => Mark::Bad,
            Self::StaysBroken => Mark::Warning,
            Self::Unknown => Mark::Doubt,
            Self::Works | Self::Removed => Mark::Good,
        }
    }

    fn says(self, session: &str) -> String {
        match self {
            Self::Breaks => format!("{session} can start now, and cannot after the plan"),
            Self::StartsBroken => format!("new, and {session} cannot start"),
            Self::Unknown => format!("cannot tell whether {session} can start"),
            Self::StaysBroken => format!("{session} cannot start, before the plan and after it"),
            Self::Works => format!("{session} can start"),
            Self::Removed => "the plan removes it".into(),
        }
    }
}

/// `2 instances: 1 works, 1 breaks`.
fn headline(document: &Document) -> String {
    let counts = [
        (Outcome::Breaks, "can no longer be reached"),
        (Outcome::StartsBroken, "will start unreachable"),
        (Outcome::Unknown, "cannot be judged"),
        (Outcome::StaysBroken, "unreachable as before"),
        (Outcome::Works, "can be reached"),
        (Outcome::Removed, "removed"),
    ];
    let parts = counts.into_iter().filter_map(|(outcome, words)| {
        let count = document.count(outcome);
        (count > 0).then(|| format!("{count} {words}"))
    });
    let parts = parts.collect::<Vec<_>>().join(", ");
    match document.targets.len() {
        0 => "the plan contains no instance".into(),
        1 => format!("1 instance: {parts}"),
        all => format!("{all} instances: {parts}"),
    }
}

fn name(target: &Target) -> String {
    let (address, id) = (target.address.as_deref(), target.id.as_deref());
    match (address, id) {
        (Some(address), Some(id)) => format!("{address} ({id})"),
        (Some(name), None) | (None, Some(name)) => name.to_owned(),
        (None, None) => String::new(),
    }
}

fn verdict(conclusion: Option<Conclusion>) -> &'static str {
    conclusion.map_or("–", Conclusion::as_str)
}

pub fn table(page: &mut Page, document: &Document) {
    page.line(0, &[(BOLD, &headline(document))]);
    for target in &document.targets {
        page.blank();
        let says = target.result.says(&document.session);
        let mark = format!("{} ", target.result.mark().symbol());
        page.paragraph(0, &[(BOLD, &mark), (BOLD, &name(target)), (PLAIN, &format!(": {says}"))]);
        let states =
            format!("before: {}, after: {}", verdict(target.before), verdict(target.after));
        page.paragraph(2, &[(PLAIN, &states)]);
        if target.result == Outcome::Removed {
            continue;
        }
        for problem in &target.problems {
            let text = format!("{} [{}]", problem.statements.join("; "), problem.checks());
            page.paragraph(2, &[(BOLD, problem.label), (PLAIN, " "), (PLAIN, &text)]);
        }
        if !target.changed_by.is_empty() {
            let text = target.changed_by.join(", ");
            page.paragraph(2, &[(BOLD, "changed by "), (PLAIN, &text)]);
        }
        let Some(prescription) = &target.prescription else { continue };
        for option in &prescription.options {
            page.paragraph(2, &[(BOLD, "fix "), (PLAIN, &option.title)]);
        }
        for line in prescription.terraform.iter().flat_map(|text| text.lines()) {
            page.line(4, &[(PLAIN, line)]);
        }
        if let Some(why) = &prescription.why {
            page.paragraph(2, &[(BOLD, "note "), (PLAIN, why)]);
        }
    }
    for (title, lines) in notes(document) {
        page.blank();
        page.line(0, &[(BOLD, title)]);
        for line in lines {
            page.paragraph(2, &[(PLAIN, &line)]);
        }
    }
}

/// What the reader has to know about the answer.
fn notes(document: &Document) -> Vec<(&'static str, Vec<String>)> {
    let ignored = document.ignored.iter().map(|it| format!("{}: {}", it.address, it.why));
    let notes = [("assumed", document.assumptions.clone()), ("not judged", ignored.collect())];
    notes.into_iter().filter(|(_, lines)| !lines.is_empty()).collect()
}

#[must_use]
pub fn markdown(document: &Document) -> String {
    let mut text = String::new();
    let worst = document.targets.iter().map(|target| target.result).min();
    let mark = worst.map_or(Mark::Good, Outcome::mark);
    say(
        &mut text,
        &format!("## {} Session Manager: {}\n", mark.symbol(), escaped(&headline(document))),
    );
    if !document.targets.is_empty() {
        say(&mut text, "| Instance | Before | After | Changed by |\n| --- | --- | --- | --- |");
    }
    for target in &document.targets {
        let changes: Vec<String> =
            target.changed_by.iter().map(|address| escaped(address)).collect();
        say(
            &mut text,
            &format!(
                "| {} {} | {} | {} | {} |",
                target.result.mark().symbol(),
                escaped(&name(target)),
                verdict(target.before),
                verdict(target.after),
                changes.join("<br>")
            ),
        );
    }
    for target in &document.targets {
        if target.result != Outcome::Removed && !target.problems.is_empty() {
            details(&mut text, document, target);
        }
    }
    for (title, lines) in notes(document) {
        let title = if title == "assumed" { "Assumed" } else { "Not judged" };
        say(&mut text, &format!("\n<details><summary>{title}</summary>\n"));
        for line in lines {
            say(&mut text, &format!("- {}", escaped(&line)));
        }
        say(&mut text, "\n</details>");
    }
    text
}

fn details(text: &mut String, document: &Document, target: &Target) {
    let says = target.result.says(&document.session);
    say(text, &format!("\n### {}: {}\n", escaped(&name(target)), escaped(&says)));
    for problem in &target.problems {
        let statements = escaped(&problem.statements.join("; "));
        let checks = problem.checks();
        let link = match &problem.runbook {
            Some(url) => format!("[`{checks}`]({url})"),
            None => format!("`{checks}`"),
        };
        let label = problem.label;
        say(text, &format!("- {label}: {statements} ({link})"));
    }
    let Some(prescription) = &target.prescription else { return };
    say(text, "");
    for option in &prescription.options {
        say(text, &format!("Fix: {}\n", escaped(&option.title)));
    }
    if let Some(terraform) = &prescription.terraform {
        say(text, &code("hcl", terraform));
    }
    if let Some(why) = &prescription.why {
        say(text, &format!("\nNote: {}", escaped(why)));
    }
}
