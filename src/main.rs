//! ssm-doctor: why a Session Manager session cannot start.
//!
//! argv → scope → facts → report → text. `checks/` decides what the facts mean; all input and output is here:
//! AWS, files, the terminal.

mod cli;
#[cfg(feature = "live")]
mod collect;
mod config;
mod explain;
mod gate;
#[cfg(feature = "live")]
mod live;
mod log;
mod node;
mod output;
mod policy;
mod publish;
mod render;
mod report;
mod site;
mod snapshot;
#[cfg(any(feature = "live", test))]
mod wait;

use std::{
    env,
    io::{self, Read as _, Write as _},
    process::ExitCode,
};

use anstream::{AutoStream, ColorChoice};
use clap::{CommandFactory as _, Parser as _};
use serde::Serialize;
use ssm_doctor_analysis::session;
use ssm_doctor_checks::{
    all,
    engine::{check::Check, diagnosis::settle},
};
use ssm_doctor_facts::scope::Client;
use ssm_doctor_fixtures as fixtures;

use crate::{
    cli::{
        Cli, Color, Command, Demo, Diagnose, ListFormat, ReportArgs, Runbooks, Settings, UsageError,
    },
    config::{
        Config, ConfigError,
        effective::{Flags, Setting, effective},
    },
    explain::ExplainError,
    gate::{Gate, GateError},
    log::LogError,
    node::{FromNode, NodeError},
    output::OutputError,
    publish::Sink,
    render::{Page, RenderError, Screen},
    report::Report,
    snapshot::{Snapshot, SnapshotError},
};

/// The command line, the credentials or the target make no diagnosis possible.
const COULD_NOT_RUN: u8 = 2;

/// As shells report a program that SIGINT ended.
const INTERRUPTED: u8 = 130;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            if failure.code() != INTERRUPTED {
                let mut page = Page::new(screen(&io::stderr()));
                // Unwrapped, since errors are searched for.
                for (label, text) in [("error: ", failure.to_string()), ("help: ", failure.help())]
                {
                    page.line(0, &[(render::BOLD, label), (render::PLAIN, &text)]);
                }
                // Without a standard error there is nobody to tell.
                let _ = io::stderr().write_all(page.finish().as_bytes());
            }
            ExitCode::from(failure.code())
        }
    }
}

/// Whatever ends a run without a report.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error(transparent)]
    Usage(#[from] UsageError),
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Gate(#[from] GateError),
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    #[error(transparent)]
    Output(#[from] OutputError),
    #[error(transparent)]
    Render(#[from] RenderError),
    #[error(transparent)]
    Explain(#[from] ExplainError),
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Node(#[from] NodeError),
    #[cfg(feature = "live")]
    #[error(transparent)]
    Live(#[from] live::LiveError),
    #[cfg(not(feature = "live"))]
    #[error("this ssm-doctor was built without live collection")]
    NotLive,
    /// A defect of ours; tests see to it that there is none.
    #[error("ssm-doctor is broken: {0}")]
    Defect(String),
}

impl Failure {
    fn help(&self) -> String {
        match self {
            Self::Usage(it) => it.help(),
            Self::Config(it) => it.help(),
            Self::Gate(_) => GateError::help(),
            Self::Snapshot(it) => it.help(),
            Self::Output(it) => it.help(),
            Self::Explain(it) => it.help(),
            Self::Log(it) => it.help(),
            Self::Node(it) => it.help(),
            #[cfg(feature = "live")]
            Self::Live(it) => it.help(),
            #[cfg(not(feature = "live"))]
            Self::NotLive => {
                "judge saved facts with `--facts FILE`, see `ssm-doctor demo`, or build with the feature `live`".into()
            }
            Self::Defect(_) | Self::Render(_) => format!("please report it: {}/issues", env!("CARGO_PKG_REPOSITORY")),
        }
    }

    fn code(&self) -> u8 {
        match self {
            #[cfg(feature = "live")]
            Self::Live(it) => it.code(),
            _ => COULD_NOT_RUN,
        }
    }
}

fn run(cli: Cli) -> Result<u8, Failure> {
    match cli.color {
        Color::Auto => {}
        Color::Always => ColorChoice::Always.write_global(),
        Color::Never => ColorChoice::Never.write_global(),
    }
    let config = Config::load()?;
    match cli.command {
        Some(Command::Demo(mut args)) => {
            config.complete(&mut args.report);
            demo(args, &config)
        }
        Some(Command::Explain { asked, format, runbooks }) => {
            explain(&asked.join(" "), format, &runbooks, &config)
        }
        Some(Command::Checks { area, format }) => checks(area.as_deref(), format),
        Some(Command::Policy { format }) => {
            output::print(&policy::text(format)?)?;
            if let Some(note) = policy::note()? {
                let mut page = Page::new(screen(&io::stderr()));
                page.line(0, &[(render::BOLD, "note: "), (render::PLAIN, &note)]);
                // Without a standard error there is nobody to tell.
                let _ = io::stderr().write_all(page.finish().as_bytes());
            }
            Ok(0)
        }
        Some(Command::Completions { shell }) => {
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "ssm-doctor", &mut text);
            output::print(&String::from_utf8_lossy(&text))?;
            Ok(0)
        }
        Some(Command::Man) => man(),
        Some(Command::Log { paths, format }) => judge_log(&paths, format),
        Some(Command::Probe(args)) => Ok(node::look(&args)?),
        Some(Command::Runbooks { out }) => {
            site::write(&out)?;
            output::print(&format!("{}\n", out.join("index.html").display()))?;
            Ok(0)
        }
        Some(Command::Config(args)) => settings(&args, &config),
        None => {
            let mut args = cli.diagnose;
            config.complete(&mut args.report);
            diagnose(args, &config)
        }
    }
}

/// Names what is asked, finds the facts, and reports.
fn diagnose(args: Diagnose, config: &Config) -> Result<u8, Failure> {
    cli::only_target(&args)?;
    cli::files(&args.report, args.facts.as_ref())?;
    let asked = args.target.as_deref();
    let asked = asked.map(|it| cli::target(it, args.region.as_ref())).transpose()?;
    let Some(file) = &args.facts else {
        let (target, region) = asked.ok_or(UsageError::NothingAsked)?;
        #[cfg(feature = "live")]
        return live::diagnose(&args, target, region, config);
        #[cfg(not(feature = "live"))]
        {
            let _ = (target, region);
            return Err(Failure::NotLive);
        }
    };
    let sink = Sink::open(&args.report)?;
    let gate = load_gate(&args.report, config)?;
    let mut snapshot = Snapshot::load(file)?;
    let target = asked.as_ref().map(|it| it.0.to_string());
    let region = asked.as_ref().and_then(|it| it.1.as_ref()).or(args.region.as_ref());
    snapshot.expect(file, "target", target.as_deref())?;
    snapshot.expect(file, "region", region.map(ssm_doctor_facts::ids::Region::as_str))?;
    let from_node = FromNode::read(&args, &snapshot.scope.target)?;
    from_node.add_to(&mut snapshot.scope, &mut snapshot.facts);
    let scope = &mut snapshot.scope;
    // A document says by itself what kind of session is meant.
    let meant = args.document.as_ref().and_then(|name| session::opens(name, &snapshot.facts));
    scope.session = args.session.or(meant).unwrap_or(scope.session);
    scope.document = args.document.or(scope.document.take());
    scope.operator = args.operator.or(scope.operator.take());
    if args.no_client {
        scope.client = Client::Declined;
    }
    let excuses = gate.excuses(&snapshot, args.report.redact);
    let snapshot = shareable(snapshot, &args.report)?;
    let mut judged = snapshot.clone();
    settle(&mut judged.facts, &judged.scope);
    let report = Report::new(
        &judged,
        &runbooks_of(&args.report, config),
        args.session.is_none(),
        args.report.shell.into(),
    );
    sink.publish(&args.report, &report.excusing(excuses), &snapshot)
}

/// What does not count for the exit code.
fn load_gate(args: &ReportArgs, config: &Config) -> Result<Gate, Failure> {
    Ok(Gate::new(config.suppressions().cloned().collect(), args.baseline.as_ref())?)
}

/// The facts as the report and the saved file show them.
fn shareable(snapshot: Snapshot, args: &ReportArgs) -> Result<Snapshot, Failure> {
    if !args.redact {
        return Ok(snapshot);
    }
    let redacted = snapshot.redacted()?;
    let differing = snapshot.differing_checks(&redacted);
    if !differing.is_empty() {
        warn(&format!("redaction changes the answers of {}", differing.join(", ")));
    }
    Ok(redacted)
}

/// Says on standard error what does not end the run.
fn warn(text: &str) {
    let mut page = Page::new(screen(&io::stderr()));
    page.line(0, &[(render::BOLD, "warning: "), (render::PLAIN, text)]);
    // Without a standard error there is nobody to tell.
    let _ = io::stderr().write_all(page.finish().as_bytes());
}

fn demo(args: Demo, config: &Config) -> Result<u8, Failure> {
    let scenarios = fixtures::all().map_err(Failure::Defect)?;
    if args.list {
        let mut page = Page::new(screen(&io::stdout()));
        let rows: Vec<_> = scenarios.into_iter().map(|it| vec![it.name, it.summary]).collect();
        page.rows(&["scenario", "what it shows"], &rows);
        output::print(&page.finish())?;
        return Ok(0);
    }
    cli::files(&args.report, None)?;
    let asked = args.scenario.unwrap_or_else(|| fixtures::DEFAULT.to_owned());
    let sink = Sink::open(&args.report)?;
    let names = scenarios.iter().map(|it| it.name.as_str());
    let near = cli::nearest(&asked, names).map(str::to_owned);
    let scenario = scenarios
        .into_iter()
        .find(|it| it.name == asked)
        .ok_or(UsageError::NoScenario { asked, near })?;
    let mut scope = scenario.scope;
    scope.session = args.session.unwrap_or(scope.session);
    let snapshot = Snapshot { scope, facts: scenario.facts, calls: 0, rounds: 0 };
    let excuses = load_gate(&args.report, config)?.excuses(&snapshot, args.report.redact);
    let snapshot = shareable(snapshot, &args.report)?;
    let report = Report::new(
        &snapshot,
        &runbooks_of(&args.report, config),
        args.session.is_none(),
        args.report.shell.into(),
    );
    sink.publish(&args.report, &report.excusing(excuses), &snapshot)
}

fn explain(
    asked: &str,
    format: ListFormat,
    runbooks: &Runbooks,
    config: &Config,
) -> Result<u8, Failure> {
    let mut piped = String::new();
    let asked = if asked == "-" {
        io::stdin().read_to_string(&mut piped).map_err(ExplainError::Unreadable)?;
        piped.as_str()
    } else {
        asked
    };
    let base = runbook_base(runbooks, config);
    let url = |check: &str| format!("{}/{check}", base.trim_end_matches('/'));
    let answer = explain::explain(asked)?;
    let text = match format {
        ListFormat::Json => as_json(&explain::json(&answer, url))?,
        ListFormat::Table => {
            let mut page = Page::new(screen(&io::stdout()));
            explain::print(&mut page, &answer, url);
            page.finish()
        }
    };
    output::print(&text)?;
    Ok(0)
}

/// The settings in force.
fn settings(args: &Settings, config: &Config) -> Result<u8, Failure> {
    let flags = Flags {
        runbook_base: args.runbooks.runbook_base.as_deref().filter(|it| !it.is_empty()),
        profile: args.profile.as_deref(),
        region: args.region.as_ref().map(ssm_doctor_facts::ids::Region::as_str),
        fail_on: &args.fail_on,
    };
    let settings = effective(&flags, config, OUR_RUNBOOKS);
    let text = match args.format {
        ListFormat::Json => as_json(&settings)?,
        ListFormat::Table => {
            let row = |setting: Setting| {
                let value = setting.value.unwrap_or_else(|| "none".into());
                vec![setting.name.to_owned(), value, setting.from]
            };
            let rows: Vec<_> = settings.into_iter().map(row).collect();
            let mut page = Page::new(screen(&io::stdout()));
            page.rows(&["setting", "value", "from"], &rows);
            page.finish()
        }
    };
    output::print(&text)?;
    Ok(0)
}

/// The manual page: every command in one, as `--help` says it.
fn man() -> Result<u8, Failure> {
    let defect = |error: io::Error| Failure::Defect(error.to_string());
    let command = Cli::command();
    let mut text = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut text).map_err(defect)?;
    for sub in command.get_subcommands() {
        text.extend(format!(".SH SSM-DOCTOR {}\n", sub.get_name().to_uppercase()).bytes());
        let man = clap_mangen::Man::new(sub.clone());
        man.render_description_section(&mut text).map_err(defect)?;
        man.render_options_section(&mut text).map_err(defect)?;
    }
    output::print(&String::from_utf8_lossy(&text))?;
    Ok(0)
}

fn judge_log(paths: &[std::path::PathBuf], format: ListFormat) -> Result<u8, Failure> {
    let log = log::read(paths)?;
    let report = log::Report::new(&log);
    let text = match format {
        ListFormat::Json => as_json(&report.document())?,
        ListFormat::Table => {
            let mut page = Page::new(screen(&io::stdout()));
            report.print(&mut page);
            page.finish()
        }
    };
    output::print(&text)?;
    Ok(report.exit_code())
}

/// A check, as `checks --format json` lists it.
#[derive(Serialize)]
struct Listed {
    name: String,
    title: &'static str,
    area: &'static str,
    layer: &'static str,
    impact: &'static str,
    /// The IAM actions behind what it reads.
    actions: &'static [&'static str],
}

fn checks(area: Option<&str>, format: ListFormat) -> Result<u8, Failure> {
    let listed = |check: &'static Check| Listed {
        name: check.name(),
        title: check.title(),
        area: check.area(),
        layer: check.layer.as_str(),
        impact: check.impact.as_str(),
        actions: check.actions(),
    };
    let mut areas: Vec<_> = all().map(Check::area).collect();
    areas.dedup();
    if let Some(asked) = area.filter(|asked| !areas.contains(asked)) {
        return Err(UsageError::NoArea { asked: asked.into(), areas: areas.join(", ") }.into());
    }
    let wanted = |check: &&Check| area.is_none_or(|area| check.area() == area);
    let checks: Vec<_> = all().filter(wanted).map(listed).collect();
    let text = match format {
        ListFormat::Json => as_json(&checks)?,
        ListFormat::Table => {
            let rows: Vec<_> = checks
                .into_iter()
                .map(|it| {
                    let mut actions: Vec<_> = it.actions.to_vec();
                    if actions.is_empty() {
                        actions.push("nothing of AWS");
                    }
                    vec![
                        it.name,
                        it.title.to_owned(),
                        format!("{}, {}", it.layer, it.impact),
                        actions.join(", "),
                    ]
                })
                .collect();
            let mut page = Page::new(screen(&io::stdout()));
            page.rows(&["check", "holds when all is well", "layer, impact", "needs"], &rows);
            page.finish()
        }
    };
    output::print(&text)?;
    Ok(0)
}

fn as_json<T: Serialize>(value: &T) -> Result<String, Failure> {
    render::json(value).map_err(|error| Failure::Defect(error.to_string()))
}

/// Where the runbooks of this version are.
const OUR_RUNBOOKS: &str =
    concat!(env!("CARGO_PKG_REPOSITORY"), "/tree/v", env!("CARGO_PKG_VERSION"), "/checks");

/// As [`runbook_base`]; the address of a company's own runbooks has the company's name.
fn runbooks_of(args: &ReportArgs, config: &Config) -> String {
    if args.redact { OUR_RUNBOOKS.to_owned() } else { runbook_base(&args.runbooks, config) }
}

/// `<base>/<check name>` is a runbook's address.
fn runbook_base(args: &Runbooks, config: &Config) -> String {
    let given = args.runbook_base.clone().filter(|it| !it.is_empty());
    given.unwrap_or_else(|| config.runbook_base().unwrap_or(OUR_RUNBOOKS).to_owned())
}

/// What a stream's reader can show. `COLUMNS` counts even in a pipe, where there is no terminal to ask.
fn screen<S: anstream::stream::RawStream>(stream: &S) -> Screen {
    const USUAL: usize = 80;
    let set = |name: &str| env::var(name).ok().filter(|it| !it.is_empty());
    let columns = set("COLUMNS").and_then(|it| it.parse().ok()).filter(|it| *it > 0);
    let terminal = || {
        let found = stream.is_terminal().then(terminal_size::terminal_size).flatten();
        found.map(|it| usize::from(it.0.0))
    };
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set).unwrap_or_default();
    let locale = locale.to_ascii_lowercase().replace('-', "");
    Screen {
        width: columns.or_else(terminal).unwrap_or(USUAL),
        colour: AutoStream::choice(stream) != ColorChoice::Never,
        unicode: cfg!(windows) || locale.contains("utf8"),
    }
}
