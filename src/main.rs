//! ssm-doctor: why a Session Manager session cannot start.
//!
//! argv → scope → facts → report → text. `checks/` decides what the facts mean; all input and output is here:
//! AWS, files, the terminal.

mod cli;
#[cfg(feature = "live")]
mod collect;
mod config;
mod explain;
mod failure;
mod fleet;
mod gate;
mod input;
mod judge;
#[cfg(feature = "live")]
mod live;
mod log;
mod node;
mod output;
#[cfg(feature = "live")]
mod picker;
mod plan;
mod policy;
mod publish;
mod render;
mod report;
mod report_options;
mod screen;
mod site;
mod snapshot;
mod tag;
mod targets;
mod usage;
#[cfg(any(feature = "live", test))]
mod wait;
mod word;

use std::{
    env,
    io::{self, Write as _},
    num::NonZero,
    path::Path,
    process::ExitCode,
    thread,
};

use anstream::ColorChoice;
use clap::{CommandFactory as _, Parser as _};
use mimalloc::MiMalloc;
use serde::Serialize;
use ssm_doctor_analysis::session;
use ssm_doctor_checks::{
    all,
    engine::{check::Check, diagnosis::settle},
};
use ssm_doctor_facts::{
    ids::{Region, Target},
    scope::{Client, Session},
};
use ssm_doctor_fixtures as fixtures;

use crate::{
    cli::{Cli, Color, Command, Demo, Diagnose, Judging, ListFormat, Runbooks, Settings},
    config::{
        Config,
        effective::{Flags, Setting, effective},
    },
    explain::ExplainError,
    failure::{COULD_NOT_RUN, Failure, INTERRUPTED, as_json},
    judge::line,
    node::FromNode,
    output::Outputs,
    publish::Sink,
    render::Page,
    report_options::{OUR_RUNBOOKS, error_text, load_gate, report_on, reported, runbook_base},
    screen::{say, screen},
    snapshot::Snapshot,
    targets::{Asked, Candidate},
    usage::UsageError,
};
#[cfg(feature = "live")]
use crate::{
    judge::shard::Shards,
    live::fleet::Collected,
    output::{Pending, Readers},
    screen::warn,
};

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            if failure.code() != INTERRUPTED {
                say("error: ", &failure.to_string());
                say("help: ", &failure.help());
            }
            ExitCode::from(failure.code())
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
        Some(Command::Judge(args)) => judge(&args, &config),
        Some(Command::Fleet(args)) => fleet(&args, &config),
        Some(Command::Policy { assume_role, organization, user_data, deep, format }) => {
            let on_request = policy::OnRequest { organization, user_data, deep };
            let policy = policy::Policy::new(assume_role, on_request);
            output::print(&policy.text(format)?)?;
            if let Some(note) = policy.note(format)? {
                say("note: ", &note);
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
        Some(Command::Plan(args)) => plan::run(&args, &config),
        Some(Command::Log { paths, format }) => judge_log(&paths, format),
        Some(Command::Probe(args)) => Ok(node::look(&args)?),
        Some(Command::Runbooks { out }) => {
            site::write(&out)?;
            output::print(&format!("{}\n", out.join("index.html").display()))?;
            Ok(0)
        }
        Some(Command::Config(args)) => settings(&args, &config),
        None if env::args_os().len() < 2 && !offers_list() => {
            // Without a standard error there is nobody to tell.
            let _ = write!(io::stderr(), "{}", Cli::command().render_help());
            Ok(COULD_NOT_RUN)
        }
        None => {
            let mut args = cli.diagnose;
            config.complete(&mut args.report);
            diagnose(&args, &config)
        }
    }
}

/// Can somebody choose a target from a list?
fn offers_list() -> bool {
    #[cfg(feature = "live")]
    return picker::is_possible();
    #[cfg(not(feature = "live"))]
    false
}

/// Names what is asked, finds the facts, and reports.
fn diagnose(args: &Diagnose, config: &Config) -> Result<u8, Failure> {
    usage::files(&args.report, &args.facts)?;
    usage::inputs(args)?;
    let asked = targets::asked(args)?;
    if args.facts.is_empty() {
        #[cfg(feature = "live")]
        return live::diagnose(args, &asked, config);
        #[cfg(not(feature = "live"))]
        return Err(if asked.is_empty() && args.tag.is_empty() {
            UsageError::NothingAsked.into()
        } else {
            Failure::NotLive
        });
    }
    let sink = Sink::open(&args.report)?;
    let mut missing = Vec::new();
    let snapshots = saved(args, &asked, &mut missing)?;
    let targets: Vec<Target> =
        snapshots.iter().map(|snapshot| snapshot.scope.target.clone()).collect();
    let from_node = FromNode::of(args, &targets)?;
    let error = error_text(args)?;
    let gate = load_gate(&args.report, config)?;
    let (mut shown, mut reports) = (Vec::new(), Vec::new());
    for mut snapshot in snapshots {
        let Snapshot { scope, facts, .. } = &mut snapshot;
        from_node.add_to(scope, facts);
        // A document says by itself what kind of session is meant.
        let meant = args.document.as_ref().and_then(|name| session::opens(name, facts));
        scope.session = args.session.or(meant).unwrap_or(scope.session);
        scope.document = args.document.clone().or(scope.document.take());
        scope.operator = args.operator.clone().or(scope.operator.take());
        scope.error = error.clone().or(scope.error.take());
        if args.no_client {
            scope.client = Client::Declined;
        }
        let (snapshot, report) = reported(snapshot, &gate, &args.report, |snapshot| {
            // The saved facts stay as they are: what was not asked is unknown for this report only.
            let mut settled = snapshot.clone();
            settle(&mut settled.facts, &settled.scope);
            report_on(&settled, &args.report, args.session, config)
        })?;
        shown.push(snapshot);
        reports.push(report);
    }
    let code = sink.publish(&args.report, &reports, &shown)?;
    Ok(publish::beside(code, &missing))
}

/// The saved facts that are asked about: all, if nothing is asked. Adds to `missing` what they do not have, unless
/// they have nothing of it.
fn saved(
    args: &Diagnose,
    asked: &[Asked],
    missing: &mut Vec<UsageError>,
) -> Result<Vec<Snapshot>, Failure> {
    let mut all: Vec<(&Path, Snapshot)> = Vec::new();
    for file in &args.facts {
        all.extend(line::load(file)?.into_iter().map(|snapshot| (file.as_path(), snapshot)));
    }
    let named = |word: &Asked| match word {
        Asked::Id { region, .. } => region.clone(),
        _ => None,
    };
    let region = asked.iter().find_map(named).or_else(|| args.region.clone());
    for (file, snapshot) in &all {
        snapshot.expect(file, "region", region.as_ref().map(Region::as_str))?;
    }
    if asked.is_empty() && args.tag.is_empty() {
        return match all.len() {
            0 => Err(UsageError::NothingAsked.into()),
            _ => Ok(all.into_iter().map(|it| it.1).collect()),
        };
    }
    // Facts about one target can be about nothing else.
    if let ([Asked::Id { target, .. }], [(file, snapshot)]) = (asked, all.as_slice()) {
        snapshot.expect(file, "target", Some(target.to_string().as_str()))?;
    }
    let candidates: Vec<Candidate> = all
        .iter()
        .map(|(_, Snapshot { scope, facts, .. })| Candidate::of(&scope.target, facts))
        .collect();
    let chosen = targets::select(asked, &args.tag, &candidates, missing)?;
    let mut found = Vec::new();
    for target in chosen {
        let mine = all.iter().filter(|(_, snapshot)| snapshot.scope.target == target);
        let before = found.len();
        found.extend(mine.map(|(_, snapshot)| snapshot.clone()));
        if found.len() == before {
            missing.push(UsageError::NotFound { asked: target.to_string(), near: None });
        }
    }
    if found.is_empty() && !missing.is_empty() {
        return Err(missing.swap_remove(0).into());
    }
    Ok(found)
}

fn fleet(args: &cli::Fleet, config: &Config) -> Result<u8, Failure> {
    let asked_format = args.format.unwrap_or_default();
    let outputs = Outputs::open(&args.output, asked_format, fleet::render::Format::of_file)?;
    let asked = how_to_judge(Some(args.session), args.jobs, &args.judging, config);
    if !args.facts.is_empty() {
        return fleet::run(fleet::files(&args.facts)?, asked, args, outputs);
    }
    #[cfg(feature = "live")]
    {
        let known = args.resume.as_deref().map(Shards::load).transpose()?.unwrap_or_default();
        let saved = args.save_facts.as_ref().or(args.resume.as_ref());
        let pending = saved.map(|file| Pending::open(file, Readers::Owner)).transpose()?;
        let Collected { lines, missing, is_interrupted } =
            live::fleet::collect(args, config, known)?;
        if let Some(file) = pending {
            file.write(&lines)?;
        }
        for what in &missing {
            warn(&format!("not examined: {what}"));
        }
        let code = fleet::run(io::Cursor::new(lines), asked, args, outputs)?;
        if is_interrupted {
            if let Some(file) = saved {
                warn(&format!("`--resume {}` continues the run", file.display()));
            }
            return Ok(INTERRUPTED);
        }
        Ok(if missing.is_empty() { code } else { publish::worst(code, publish::INCONCLUSIVE) })
    }
    #[cfg(not(feature = "live"))]
    Err(Failure::NotLive)
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
    usage::files(&args.report, &[])?;
    let asked = args.scenario.unwrap_or_else(|| fixtures::DEFAULT.to_owned());
    let sink = Sink::open(&args.report)?;
    let names = scenarios.iter().map(|it| it.name.as_str());
    let near = usage::nearest(&asked, names).map(str::to_owned);
    let scenario = scenarios
        .into_iter()
        .find(|it| it.name == asked)
        .ok_or(UsageError::NoScenario { asked, near })?;
    let mut scope = scenario.scope;
    scope.session = args.session.unwrap_or(scope.session);
    let snapshot = Snapshot { scope, facts: scenario.facts, calls: 0, rounds: 0 };
    let gate = load_gate(&args.report, config)?;
    let (snapshot, report) = reported(snapshot, &gate, &args.report, |snapshot| {
        report_on(snapshot, &args.report, args.session, config)
    })?;
    sink.publish(&args.report, &[report], &[snapshot])
}

fn explain(
    asked: &str,
    format: ListFormat,
    runbooks: &Runbooks,
    config: &Config,
) -> Result<u8, Failure> {
    let piped = (asked == "-").then(input::piped_text).transpose();
    let piped = piped.map_err(ExplainError::Unreadable)?;
    let asked = piped.as_deref().unwrap_or(asked);
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

fn judge(args: &cli::Judge, config: &Config) -> Result<u8, Failure> {
    let asked = how_to_judge(args.session, args.jobs, &args.judging, config);
    judge::run(asked, args.judging.threshold.fail_on.clone())
}

/// The same for every target of `judge` and `fleet`.
fn how_to_judge(
    session: Option<Session>,
    jobs: Option<NonZero<usize>>,
    args: &Judging,
    config: &Config,
) -> judge::stream::Asked {
    let processors = || thread::available_parallelism().ok();
    judge::stream::Asked {
        session,
        runbooks: runbook_base(&args.runbooks, config),
        shell: args.shell.into(),
        jobs: jobs.or_else(processors).unwrap_or(NonZero::<usize>::MIN),
    }
}

/// The settings in force.
fn settings(args: &Settings, config: &Config) -> Result<u8, Failure> {
    let flags = Flags {
        runbook_base: args.runbooks.runbook_base.as_deref().filter(|it| !it.is_empty()),
        profile: args.profile.as_deref(),
        region: args.region.as_ref().map(Region::as_str),
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
