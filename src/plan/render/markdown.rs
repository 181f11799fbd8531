//! A judged plan as Markdown, for a pull request.

use super::{
    super::report::{Document, Target},
    words::{headline, mark, name, notes, verdict},
};
use crate::render::markdown::{code, escaped, say};

#[must_use]
pub fn markdown(document: &Document) -> String {
    let mut text = String::new();
    say(
        &mut text,
        &format!(
            "## {} Session Manager: {}\n",
            mark(document).symbol(),
            escaped(&headline(document))
        ),
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
        if !target.problems.is_empty() {
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
        let (label, runbook) = (problem.label, &problem.runbook);
        say(text, &format!("- {label}: {statements} ([`{checks}`]({runbook}))"));
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
