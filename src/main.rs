//! ssm-doctor: why a Session Manager session cannot start.
//!
//! argv → scope → facts → report → text. What can be known is decided in `checks/`; here are the
//! scenario's edges: AWS, files, the terminal.

mod cli;
#[cfg(feature = "live")]
mod collect;
mod config;
mod explain;
#[cfg(feature = "live")]
mod live;
mod log;
mod output;
mod render;
mod report;
mod snapshot;

use std::{
    collections::BTreeSet,
    env,
    io::{self, Write as _},
    process::ExitCode,
};

use anstream::{AutoStream, ColorChoice};
use clap::Parser as _;
use serde::Serialize;
use ssm_doctor_checks::{
    all,
    engine::{
        check::{Check, Impact},
        diagnosis::{Finding, Overall, settle},
    },
};
use ssm_doctor_facts::{
    lookup::{ACTIONS, Row},
    scope::Client,
};
use ssm_doctor_fixtures as fixtures;

use crate::{
    cli::{Cli, Command, Demo, Diagnose, FailOn, Format, ReportArgs, Runbooks, UsageError},
    config::{Config, ConfigError},
    explain::ExplainError,
    log::LogError,
    output::{OutputError, Pending, Readers},
    render::{Page, Screen, json_v1, table},
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
    Snapshot(#[from] SnapshotError),
    #[error(transparent)]
    Output(#[from] OutputError),
    #[error(transparent)]
    Explain(#[from] ExplainError),
    #[error(transparent)]
    Log(#[from] LogError),
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
            Self::Config(_) => ConfigError::help(),
            Self::Snapshot(it) => it.help(),
            Self::Output(it) => it.help(),
            Self::Explain(it) => it.help(),
            Self::Log(it) => it.help(),
            #[cfg(feature = "live")]
            Self::Live(it) => it.help(),
            #[cfg(not(feature = "live"))]
            Self::NotLive => {
                "judge saved facts with `--facts FILE`, see `ssm-doctor demo`, or build with the feature `live`".into()
            }
            Self::Defect(_) => format!("please report it: {}/issues", env!("CARGO_PKG_REPOSITORY")),
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
    let config = Config::load()?;
    match cli.command {
        Some(Command::Demo(args)) => demo(args, &config),
        Some(Command::Explain { asked, runbooks }) => explain(&asked.join(" "), &runbooks, &config),
        Some(Command::Checks { format }) => checks(format),
        Some(Command::Policy { .. }) => policy(),
        Some(Command::Log { paths, format }) => judge_log(&paths, format),
        None => diagnose(cli.diagnose, &config),
    }
}

/// Names what is asked, finds the facts, and reports.
fn diagnose(args: Diagnose, config: &Config) -> Result<u8, Failure> {
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
    let mut snapshot = Snapshot::load(file)?;
    let target = asked.as_ref().map(|it| it.0.to_string());
    let region = asked.as_ref().and_then(|it| it.1.as_ref()).or(args.region.as_ref());
    snapshot.expect(file, "target", target.as_deref())?;
    snapshot.expect(file, "region", region.map(ssm_doctor_facts::ids::Region::as_str))?;
    let scope = &mut snapshot.scope;
    scope.session = args.session.unwrap_or(scope.session);
    scope.document = args.document.or(scope.document.take());
    scope.operator = args.operator.or(scope.operator.take());
    if let Some(log) = log::given(&args.agent_log)? {
        scope.agent_log = true;
        snapshot.facts.agent_logs.insert(scope.target.clone(), Row::Present(log));
    }
    if args.no_client {
        scope.client = Client::Declined;
    }
    let mut judged = snapshot.clone();
    settle(&mut judged.facts, &judged.scope);
    let report =
        Report::new(&judged, &runbook_base(&args.report.runbooks, config), args.session.is_none());
    sink.publish(&args.report, &report, &snapshot)
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
    let asked = args.scenario.unwrap_or_else(|| fixtures::DEFAULT.to_owned());
    let sink = Sink::open(&args.report)?;
    let scenario = scenarios
        .into_iter()
        .find(|it| it.name == asked)
        .ok_or(UsageError::NoScenario { asked })?;
    let mut scope = scenario.scope;
    scope.session = args.session.unwrap_or(scope.session);
    let snapshot = Snapshot { scope, facts: scenario.facts, calls: 0, rounds: 0 };
    let report = Report::new(
        &snapshot,
        &runbook_base(&args.report.runbooks, config),
        args.session.is_none(),
    );
    sink.publish(&args.report, &report, &snapshot)
}

fn explain(asked: &str, runbooks: &Runbooks, config: &Config) -> Result<u8, Failure> {
    let mut page = Page::new(screen(&io::stdout()));
    match explain::explain(asked)? {
        explain::Answer::Runbook(check) => {
            let url = format!(
                "{}/{}",
                runbook_base(runbooks, config).trim_end_matches('/'),
                check.name()
            );
            explain::runbook(&mut page, check, &url);
        }
        explain::Answer::SeenAs(found) => {
            let rows: Vec<_> = found
                .into_iter()
                .map(|(check, quote)| {
                    vec![check.name(), check.title().to_owned(), format!("seen as: {quote}")]
                })
                .collect();
            page.rows(&["check", "holds when all is well", "the text it is known by"], &rows);
            page.blank();
            page.paragraph(0, &[(render::PLAIN, "`ssm-doctor explain <check>` shows a runbook; `ssm-doctor <target>` finds out which it is")]);
        }
    }
    output::print(&page.finish())?;
    Ok(0)
}

fn judge_log(paths: &[std::path::PathBuf], format: Format) -> Result<u8, Failure> {
    let report = log::Report::new(log::read(paths)?);
    let text = match format {
        Format::Json => as_json(&report.document())?,
        Format::Table => {
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

fn checks(format: Format) -> Result<u8, Failure> {
    let listed = |check: &'static Check| Listed {
        name: check.name(),
        title: check.title(),
        area: check.area(),
        layer: check.layer.as_str(),
        impact: check.impact.as_str(),
        actions: check.actions(),
    };
    let checks: Vec<_> = all().map(listed).collect();
    let text = match format {
        Format::Json => as_json(&checks)?,
        Format::Table => {
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

/// An IAM policy document, in the order in which AWS writes them.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Policy {
    version: &'static str,
    statement: [Statement; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Statement {
    sid: &'static str,
    effect: &'static str,
    action: BTreeSet<&'static str>,
    resource: &'static str,
}

/// Every action of every fact. Resources stay open: most of these actions know none, and the rest
/// are asked about things that are not known beforehand.
fn policy() -> Result<u8, Failure> {
    let policy = Policy {
        version: "2012-10-17",
        statement: [Statement {
            sid: "SsmDoctorReadOnly",
            effect: "Allow",
            action: ACTIONS.iter().copied().flatten().copied().collect(),
            resource: "*",
        }],
    };
    output::print(&as_json(&policy)?)?;
    Ok(0)
}

fn as_json<T: Serialize>(value: &T) -> Result<String, Failure> {
    render::json(value).map_err(|error| Failure::Defect(error.to_string()))
}

/// Where a report and its facts go, opened before the work begins.
pub struct Sink {
    output: Option<Pending>,
    facts: Option<Pending>,
}

impl Sink {
    fn open(args: &ReportArgs) -> Result<Self, Failure> {
        let open = |file: &Option<std::path::PathBuf>, readers| {
            file.as_deref().map(|it| Pending::open(it, readers)).transpose()
        };
        Ok(Self {
            output: open(&args.output, Readers::Usual)?,
            facts: open(&args.save_facts, Readers::Owner)?,
        })
    }

    /// Writes everything and says how the run ends: the same for every format.
    fn publish(
        self,
        args: &ReportArgs,
        report: &Report,
        snapshot: &Snapshot,
    ) -> Result<u8, Failure> {
        if let Some(file) = self.facts {
            file.write(&snapshot.to_json()?)?;
        }
        let mut screen = screen(&io::stdout());
        screen.colour &= self.output.is_none();
        let text = match args.format {
            Format::Table => table::render(report, screen),
            Format::Json => as_json(&json_v1::Document::new(report))?,
        };
        match self.output {
            Some(file) => file.write(&text)?,
            None => output::print(&text)?,
        }
        Ok(exit_code(report, &args.fail_on))
    }
}

/// `blocks`, `degrades` and `advises` are thresholds; `unknown` stands beside them.
fn exit_code(report: &Report, fail_on: &[FailOn]) -> u8 {
    let failed = |impact| {
        let fails = |it: &Finding| it.standing.is_some() && !it.open && it.check.impact == impact;
        report.diagnosis.findings.iter().any(fails)
    };
    let advises = fail_on.contains(&FailOn::Advises);
    let degrades = advises || fail_on.contains(&FailOn::Degrades);
    let overall = report.diagnosis.overall;
    let in_vain = report.target_is_out_of_reach() && overall != Overall::Blocked;
    if report.target_is_missing() || in_vain {
        COULD_NOT_RUN
    } else if overall == Overall::Blocked
        || degrades && failed(Impact::Degrades)
        || advises && failed(Impact::Advises)
        || fail_on.contains(&FailOn::Unknown) && overall == Overall::Inconclusive
    {
        1
    } else if overall == Overall::Inconclusive {
        3
    } else {
        0
    }
}

/// `<base>/<check name>` is a runbook's address.
fn runbook_base(args: &Runbooks, config: &Config) -> String {
    const OURS: &str =
        concat!(env!("CARGO_PKG_REPOSITORY"), "/tree/v", env!("CARGO_PKG_VERSION"), "/checks");
    let given = args.runbook_base.clone().filter(|it| !it.is_empty());
    given.or_else(|| config.runbook_base.clone()).unwrap_or_else(|| OURS.to_owned())
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
