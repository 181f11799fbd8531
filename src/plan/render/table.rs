//! A judged plan for a terminal.

use super::{
    super::report::{Document, Outcome},
    words::{headline, name, notes, verdict},
};
use crate::render::{BOLD, PLAIN, Page};

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
