//! A fleet as text: what to change first, and the state of every node.

use anstyle::{AnsiColor, Style};
use askama::Template;
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    group::{Counts, Group},
    node::{Cause, Node, Status},
};
use crate::{
    judge::record::ErrorRecord,
    render::{
        BOLD, PLAIN, Page, RenderError, Screen,
        html::link,
        json, json_line,
        json_v1::{Conclusion, Tool},
        markdown::{self, code, escaped},
        safe::{clean, shown},
    },
    report::{mark::Mark, steps::steps, summary::counted},
};

const LABEL: Style = AnsiColor::Cyan.on_default();
const FAINT: Style = Style::new().dimmed();

/// Longer lists are for machines.
const MOST: usize = 5;

/// Everything that was found.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "ssm-doctor/fleet/v1")]
pub struct Document {
    schema: Schema,
    tool: Tool,
    pub summary: Counts,
    /// What to change: first what lets most nodes start a session per change.
    pub groups: Vec<Group>,
    pub nodes: Vec<Node>,
    /// Facts that could not be judged.
    pub errors: Vec<ErrorRecord>,
}

#[derive(Serialize, JsonSchema)]
enum Schema {
    #[serde(rename = "ssm-doctor/fleet/v1")]
    FleetV1,
}

impl Document {
    #[must_use]
    pub fn new(
        summary: Counts,
        groups: Vec<Group>,
        nodes: Vec<Node>,
        errors: Vec<ErrorRecord>,
    ) -> Self {
        Self { schema: Schema::FleetV1, tool: Tool::current(), summary, groups, nodes, errors }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Text for a terminal: what to change, and for how many nodes
    #[default]
    Table,
    /// Everything as one document; schemas/fleet-v1.json describes it
    Json,
    /// A line of JSON for each node, as soon as it is judged; then one for each group, and the counts
    Ndjson,
    /// A line for each node, for a spreadsheet
    Csv,
    /// For tickets and job summaries
    Markdown,
    /// One file for a browser
    Html,
}

impl Format {
    /// The format that a file's name asks for.
    #[must_use]
    pub fn of_file(file: &std::path::Path) -> Option<Self> {
        let ending = file.extension()?.to_str()?.to_ascii_lowercase();
        Some(match ending.as_str() {
            "json" => Self::Json,
            "ndjson" | "jsonl" => Self::Ndjson,
            "csv" => Self::Csv,
            "md" | "markdown" => Self::Markdown,
            "html" | "htm" => Self::Html,
            _ => return None,
        })
    }

    /// # Errors
    /// If the fleet does not fit the format, which is a defect.
    pub fn render(self, fleet: &Document, screen: Screen) -> Result<String, RenderError> {
        let failed = |format, what: String| RenderError { format, what };
        match self {
            Self::Table => Ok(table(fleet, screen)),
            Self::Json => json(fleet).map_err(|error| failed("json", error.to_string())),
            Self::Ndjson => ndjson(fleet).map_err(|error| failed("ndjson", error.to_string())),
            Self::Csv => Ok(csv(fleet)),
            Self::Markdown => Ok(markdown(fleet)),
            Self::Html => html(fleet).map_err(|error| failed("html", error.to_string())),
        }
    }
}

/// `12 nodes: 8 managed, 3 unmanaged, 1 stopped`.
#[must_use]
fn headline(counts: &Counts) -> [String; 2] {
    let list = |numbers: &[(usize, &str)]| {
        let some = numbers.iter().filter(|it| it.0 > 0);
        some.map(|(number, what)| format!("{number} {what}")).collect::<Vec<_>>().join(", ")
    };
    let Counts { nodes, managed, unmanaged, stopped, unknown, .. } = *counts;
    let kinds = list(&[
        (managed, "managed"),
        (unmanaged, "unmanaged"),
        (stopped, "stopped"),
        (unknown, "unknown"),
    ]);
    let sessions = list(&[
        (counts.session_can_start, "can start"),
        (counts.session_blocked, "cannot"),
        (counts.session_unknown, "unknown"),
    ]);
    let nodes = counted(nodes, "node", "nodes");
    [
        format!("{nodes}: {}", if kinds.is_empty() { "none" } else { &kinds }),
        format!("sessions: {}", if sessions.is_empty() { "none" } else { &sessions }),
    ]
}

/// `blocks 30 nodes; 1 change lets a session start on 28 of them`.
fn effect(group: &Group) -> String {
    let nodes = counted(group.nodes.len(), "node", "nodes");
    let changes = counted(group.changes, "change", "changes");
    let lets = if group.changes == 1 { "lets" } else { "let" };
    match group.heals {
        0 => format!("{nodes}; {changes}, and more is needed before a session can start"),
        heals if heals == group.nodes.len() => format!("{nodes}; {changes} {lets} a session start"),
        heals => format!("{nodes}; {changes} {lets} a session start on {heals} of them"),
    }
}

/// The first few, and how many more there are.
fn listed(names: &[String]) -> String {
    let first = names.iter().take(MOST).cloned().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(MOST) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

/// What a node that is unknown lacks: each reason, and how many nodes have it.
fn unseen(nodes: &[Node]) -> Vec<(String, usize)> {
    let mut reasons: Vec<(String, usize)> = Vec::new();
    for what in nodes.iter().flat_map(|node| &node.unseen) {
        match reasons.iter_mut().find(|known| known.0 == *what) {
            Some(known) => known.1 += 1,
            None => reasons.push((what.clone(), 1)),
        }
    }
    reasons.sort_by_key(|it| std::cmp::Reverse(it.1));
    reasons
}

fn table(fleet: &Document, screen: Screen) -> String {
    let mut page = Page::new(screen);
    for line in headline(&fleet.summary) {
        page.paragraph(0, &[(BOLD, &line)]);
    }
    for (at, group) in fleet.groups.iter().enumerate() {
        page.blank();
        let number = format!("{}.", at + 1);
        let name = format!(" [{}]", group.check);
        page.hanging(0, (BOLD, &number), 4, &[(BOLD, &group.statement), (FAINT, &name)]);
        let field = |page: &mut Page, label: &str, says: &str| {
            page.hanging(4, (LABEL, label), 7, &[(PLAIN, says)]);
        };
        field(&mut page, "blocks", &effect(group));
        for (at, step) in steps(&group.fix).iter().take(MOST).enumerate() {
            field(&mut page, if at == 0 { "fix" } else { "" }, &step.text);
        }
        for command in &group.commands {
            page.line(11, &[(BOLD, command)]);
        }
        if group.changes > 1 {
            field(&mut page, "", "(for the first of them; JSON and HTML have all)");
        }
        field(&mut page, "nodes", &listed(&group.nodes));
        field(&mut page, "more", &group.runbook);
    }
    let unseen = unseen(&fleet.nodes);
    if !unseen.is_empty() {
        page.blank();
        page.paragraph(0, &[(BOLD, "could not see")]);
        for (what, nodes) in unseen.iter().take(MOST) {
            let nodes = counted(*nodes, "node", "nodes");
            page.paragraph(4, &[(PLAIN, &format!("{what} ({nodes})"))]);
        }
    }
    page.finish()
}

/// A line of NDJSON: an object with one key, which says what it is about.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(title = "ssm-doctor/fleet-line/v1")]
pub enum Line<'f> {
    Node(&'f Node),
    Error(&'f ErrorRecord),
    Group(&'f Group),
    Summary(&'f Counts),
}

fn ndjson(fleet: &Document) -> serde_json::Result<String> {
    let nodes = fleet.nodes.iter().map(Line::Node);
    let errors = fleet.errors.iter().map(Line::Error);
    nodes.chain(errors).chain(closing(fleet)).map(|line| json_line(&line)).collect()
}

/// What is known after the last node.
pub fn closing(fleet: &Document) -> impl Iterator<Item = Line<'_>> {
    fleet.groups.iter().map(Line::Group).chain([Line::Summary(&fleet.summary)])
}

const COLUMNS: [&str; 15] = [
    "target",
    "name",
    "account",
    "region",
    "vpc",
    "subnet",
    "auto_scaling_group",
    "platform",
    "state",
    "status",
    "session",
    "check",
    "statement",
    "fix",
    "runbook",
];

fn csv(fleet: &Document) -> String {
    let header = COLUMNS.join(",") + "\r\n";
    let line = |node: &Node| {
        let some = |text: &Option<String>| text.clone().unwrap_or_default();
        let root = |of: fn(&Cause) -> &str| node.root().map_or("", of).to_owned();
        let cells: [String; COLUMNS.len()] = [
            node.target.clone(),
            some(&node.name),
            some(&node.account),
            node.region.clone(),
            some(&node.vpc),
            some(&node.subnet),
            some(&node.auto_scaling_group),
            some(&node.platform),
            some(&node.state),
            node.status.as_str().to_owned(),
            node.session.as_str().to_owned(),
            root(|cause| &cause.check),
            root(|cause| &cause.statement),
            root(|cause| &cause.fix),
            root(|cause| &cause.runbook),
        ];
        // Source of the quotes and line ends: RFC 4180.
        let quoted = cells.map(|text| format!("\"{}\"", cell(&text).replace('"', "\"\"")));
        quoted.join(",") + "\r\n"
    };
    std::iter::once(header).chain(fleet.nodes.iter().map(line)).collect()
}

/// A spreadsheet runs what begins with one of these as a formula. An apostrophe makes it text. Source: OWASP, "CSV
/// Injection".
fn cell(text: &str) -> String {
    let text = shown(text, true);
    if text.trim_start().starts_with(['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠']) {
        format!("'{text}")
    } else {
        text.into_owned()
    }
}

fn markdown(fleet: &Document) -> String {
    let mut text = String::new();
    let mut say = |line: &str| markdown::say(&mut text, line);
    let [nodes, sessions] = headline(&fleet.summary);
    say(&format!("## {nodes}\n\n{sessions}\n"));
    for (at, group) in fleet.groups.iter().enumerate() {
        say(&format!("### {}. {} (`{}`)\n", at + 1, escaped(&group.statement), group.check));
        say(&format!("Blocks {}.\n", effect(group)));
        say(&format!("Fix: {}\n", escaped(&group.fix)));
        if !group.commands.is_empty() {
            let commands: Vec<_> = group.commands.iter().map(|command| clean(command)).collect();
            say(&format!("{}\n", code("sh", &commands.join("\n"))));
        }
        say(&format!("Nodes: {}\n", escaped(&group.nodes.join(", "))));
        say(&format!("[Runbook]({})\n", group.runbook));
    }
    let unseen = unseen(&fleet.nodes);
    if !unseen.is_empty() {
        say("### Not seen\n");
        for (what, nodes) in unseen {
            let nodes = counted(nodes, "node", "nodes");
            say(&format!("- {} ({nodes})", escaped(&what)));
        }
    }
    text
}

#[derive(Template)]
#[template(path = "fleet.html")]
struct Overview {
    nodes: String,
    sessions: String,
    groups: Vec<Section>,
    unseen: Vec<(String, usize)>,
    rows: Vec<Row>,
    version: &'static str,
}

struct Section {
    check: String,
    statement: String,
    effect: String,
    fix: String,
    commands: Vec<String>,
    nodes: Vec<String>,
    runbook: String,
}

struct Row {
    target: String,
    name: String,
    place: String,
    status: Status,
    session: Conclusion,
    mark: Mark,
    causes: Vec<Cause>,
    unseen: Vec<String>,
}

fn html(fleet: &Document) -> askama::Result<String> {
    let all = |texts: &[String]| texts.iter().map(|text| clean(text)).collect::<Vec<_>>();
    let [nodes, sessions] = headline(&fleet.summary);
    let groups = fleet.groups.iter().map(|group| Section {
        check: group.check.clone(),
        statement: clean(&group.statement),
        effect: effect(group),
        fix: clean(&group.fix),
        commands: all(&group.commands),
        nodes: group.nodes.clone(),
        runbook: link(&group.runbook),
    });
    let rows = fleet.nodes.iter().map(|node| {
        let place = [&node.account, &Some(node.region.clone()), &node.vpc, &node.subnet];
        let causes = node.causes.iter().map(|cause| Cause {
            statement: clean(&cause.statement),
            fix: clean(&cause.fix),
            commands: all(&cause.commands),
            runbook: link(&cause.runbook),
            ..cause.clone()
        });
        Row {
            target: node.target.clone(),
            name: clean(node.name.as_deref().unwrap_or_default()),
            place: place.into_iter().flatten().map(|it| clean(it)).collect::<Vec<_>>().join(", "),
            status: node.status,
            session: node.session,
            mark: mark(node.session),
            causes: causes.collect(),
            unseen: all(&node.unseen),
        }
    });
    Overview {
        nodes,
        sessions,
        groups: groups.collect(),
        unseen: unseen(&fleet.nodes).into_iter().map(|it| (clean(&it.0), it.1)).collect(),
        rows: rows.collect(),
        version: env!("CARGO_PKG_VERSION"),
    }
    .render()
}

/// Of a fleet it matters to which nodes a session can start, degraded or not.
fn mark(session: Conclusion) -> Mark {
    match session {
        Conclusion::Healthy | Conclusion::Degraded => Mark::Good,
        Conclusion::Blocked => Mark::Bad,
        Conclusion::Inconclusive => Mark::Doubt,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        for text in ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "\t=1"] {
            assert!(!cell(text).starts_with(['=', '+', '-', '@', ' ', '\t']), "{text}");
        }
        assert_eq!(cell("web-1"), "web-1");
    }
}
