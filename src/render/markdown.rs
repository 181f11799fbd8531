//! Markdown for tickets, pull requests and job summaries (GitHub flavour).
//!
//! Text from AWS is escaped, so that it can neither format nor link; commands stand in fences that are
//! longer than any run of backticks within.

use std::fmt::Write as _;

use ssm_doctor_checks::engine::command::Shell;

use super::{View, safe::shown};
use crate::report::{Repair, Report, mark::Mark, several, steps::steps, summary::Problem};

/// A section for each report, after a table of several.
#[must_use]
pub fn render(reports: &[Report], _: View) -> String {
    let mut text = String::new();
    if let Some(says) = several::headline(reports) {
        say(
            &mut text,
            &format!("# {}\n\n| | Target | Session | Why |\n|---|---|---|---|", escaped(&says)),
        );
        for row in several::rows(reports) {
            let cells = [&row.place, &row.says, &row.why].map(|cell| escaped(cell));
            say(&mut text, &format!("| {} | {} |", row.mark.symbol(), cells.join(" | ")));
        }
        say(&mut text, "");
    }
    let sections: Vec<String> = reports.iter().map(section).collect();
    text + &sections.join("\n")
}

fn section(report: &Report) -> String {
    let mut text = String::new();
    let (mark, says) = report.conclusion();
    say(
        &mut text,
        &format!("## {} {}: {}\n", mark.symbol(), escaped(&report.place()), escaped(&says)),
    );
    let counts = report.counts();
    if !counts.is_empty() {
        say(&mut text, &format!("{counts}\n"));
    }
    let problems = report.problems();
    let mut role = None;
    for problem in &problems {
        if role != Some(problem.role) {
            role = Some(problem.role);
            say(&mut text, &format!("### {}\n", problem.title()));
        }
        self::problem(&mut text, problem, report.shell);
    }
    let consequences = report.consequences();
    if !consequences.is_empty() {
        say(&mut text, "### Consequences\n");
        for (check, says) in consequences {
            say(&mut text, &format!("- {} (`{}`)", escaped(&says), check.name()));
        }
        say(&mut text, "");
    }
    procedure(&mut text, report);
    let unseen = report.unseen();
    if !unseen.is_empty() {
        say(&mut text, "### Not seen\n");
        for it in unseen {
            let decisive = if it.decisive { " **The verdict depends on it.**" } else { "" };
            let what = escaped(&format!("{} {}", it.what, it.why));
            let next = linked(&it.next, &it.runbook);
            say(&mut text, &format!("- {}.{decisive} Next: {next}", what.trim_end()));
        }
        say(&mut text, "");
    }
    let expired = report.excuses.expired_in_words();
    if !expired.is_empty() {
        say(&mut text, "### Expired suppressions\n");
        for says in expired {
            say(&mut text, &format!("- {}", escaped(&says)));
        }
        say(&mut text, "");
    }
    say(&mut text, &escaped(&report.closing().join(" · ")));
    text
}

/// Adds a line.
pub fn say(text: &mut String, line: &str) {
    // A `String` takes everything.
    let _ = writeln!(text, "{line}");
}

fn problem(text: &mut String, problem: &Problem, shell: Shell) {
    say(text, &format!("**{}** (`{}`)\n", escaped(problem.statement()), problem.check.name()));
    for says in problem.statements.iter().skip(1) {
        say(text, &format!("- {}", escaped(says)));
    }
    for drawing in &problem.drawings {
        let hops = drawing.hops.iter().map(|hop| format!("{} {}", hop.mark.symbol(), hop.text()));
        let hops = hops.collect::<Vec<_>>().join(" ");
        let end =
            if drawing.unfollowed { format!(" {}", Mark::Doubt.symbol()) } else { String::new() };
        let line = format!("{} {hops}{end} → {}", drawing.from, drawing.services.join(", "));
        say(text, &format!("- Path: {}", escaped(&line)));
    }
    for says in problem.notes() {
        say(text, &format!("- Note: {}", escaped(says)));
    }
    say(text, "");
    for (at, repair) in problem.repairs.iter().enumerate() {
        let label = if at == 0 { "Fix" } else { "Or" };
        fix(text, label, repair, shell);
    }
    let then = problem.repairs.first().map(|first| format!("Then: {}. ", first.recovery.as_str()));
    say(text, &format!("{}[Runbook]({})\n", then.unwrap_or_default(), problem.runbook));
}

/// Prints a fix; nothing else in this format does.
fn fix(text: &mut String, label: &str, fix: &Repair, shell: Shell) {
    let steps = steps(&fix.title);
    let risks = fix.risks_in_words().map(|risks| format!(" ({risks})"));
    say(text, &format!("{label}{}:\n", risks.unwrap_or_default()));
    for (at, step) in steps.iter().enumerate() {
        say(text, &format!("{}. {}", at + 1, escaped(&step.text)));
        for place in &step.places {
            say(text, &format!("   - {}", escaped(place)));
        }
    }
    match fix.manual.as_slice() {
        [] => {}
        [step] => say(text, &format!("- First: {}", escaped(step))),
        steps => {
            say(text, "\nStep by step:\n");
            for (at, step) in steps.iter().enumerate() {
                say(text, &format!("{}. {}", at + 1, escaped(step)));
            }
        }
    }
    if !fix.commands.is_empty() {
        say(text, &format!("\n{}", commands(&fix.commands, shell)));
    }
    if let Some(says) = fix.trial() {
        say(text, &format!("\nTried on the model: {}.", escaped(&says)));
    }
    say(text, "");
}

/// The steps from here to a session.
fn procedure(text: &mut String, report: &Report) {
    for (at, (step, option)) in report.procedure().enumerate() {
        if at == 0 {
            say(text, "### From here to a session\n");
        }
        let check = option.map(|(check, _)| format!(" (`{}`)", check.name())).unwrap_or_default();
        say(text, &format!("{}. {}{check}\n", at + 1, escaped(&step.title)));
        let lines = report.commands_of(step);
        if !lines.is_empty() {
            // A block that belongs to an item of a list is indented as its text is.
            for line in commands(&lines, report.shell).lines() {
                say(text, &format!("   {line}"));
            }
            say(text, "");
        }
    }
}

/// A block of commands.
fn commands(lines: &[String], shell: Shell) -> String {
    let lines: Vec<_> = lines.iter().map(|line| shown(line, true).into_owned()).collect();
    let language = match shell {
        Shell::Posix => "sh",
        Shell::PowerShell => "powershell",
    };
    code(language, &lines.join("\n"))
}

/// A block of code. `text` is clean.
#[must_use]
pub fn code(language: &str, text: &str) -> String {
    let fence = fence(text);
    format!("{fence}{language}\n{text}\n{fence}")
}

/// Backticks, more of them than anywhere in `text`.
fn fence(text: &str) -> String {
    let longest = text.split(|it| it != '`').map(str::len).max().unwrap_or_default();
    "`".repeat(longest.max(2) + 1)
}

/// `text`, in which the runbook's address stays a link.
fn linked(text: &str, runbook: &str) -> String {
    match text.split_once(runbook) {
        Some((before, after)) => format!("{}<{runbook}>{}", escaped(before), escaped(after)),
        None => escaped(text),
    }
}

/// `text` as it is, whatever Markdown and GitHub would make of it.
#[must_use]
pub fn escaped(text: &str) -> String {
    let text = shown(text, true);
    let mut safe = String::with_capacity(text.len() + 8);
    for letter in text.chars() {
        match letter {
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            // GitHub looks for mentions and issue numbers after it has decoded entities.
            '@' => safe.push_str("@&#8203;"),
            '#' => safe.push_str("\\#&#8203;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '!' | '$' => {
                safe.extend(['\\', letter]);
            }
            letter => safe.push(letter),
        }
    }
    // Nor does an address become a link.
    safe.replace("://", ":&#8203;//").replace("www.", "www&#8203;.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_formatted_that_is_not_meant() {
        assert_eq!(escaped("<b>*x*</b> [a](b)"), "&lt;b&gt;\\*x\\*&lt;/b&gt; \\[a\\](b)");
        let text = escaped("@a #1 https://e.x www.e.x");
        for part in ["@a", "#1", "://", "www."] {
            assert!(!text.contains(part), "{part}: {text}");
        }
        let link = "https://r.x/checks/a/b";
        assert_eq!(
            linked("@a: see https://r.x/checks/a/b", link),
            format!("@&#8203;a: see <{link}>")
        );
        assert_eq!(fence("a ``` b"), "````");
        assert_eq!(fence("a"), "```");
    }
}
