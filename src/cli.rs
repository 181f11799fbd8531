//! The command line. What is said here is what `--help` shows; a test compares.

use std::{
    net::{IpAddr, SocketAddr},
    num::NonZero,
    path::PathBuf,
    time::Duration,
};

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use schemars::JsonSchema;
use serde::Deserialize;
use ssm_doctor_checks::engine::command::Shell as Quoting;
use ssm_doctor_facts::{
    ids::{Arn, DocumentName, Region},
    scope::Session,
    ssm::AgentVersion,
};

use crate::{
    fleet::{filter::Filter, render::Format as FleetFormat},
    render::Format,
    tag::Tag,
};

const EXITS: &str = "\
Exit status:
  0  a session can start
  1  something blocks it (see --fail-on)
  2  could not run: usage, credentials, or no such target
  3  nothing blocks, but something needed is unknown
Of several targets the worst counts: 2 before 1 before 3 before 0.

Configuration: ssm-doctor.toml in this folder or one above it, then $XDG_CONFIG_HOME/ssm-doctor/config.toml, else
~/.config/ssm-doctor/config.toml, with the keys runbook-base, profile, region, format, fail-on and [[suppress]]
(check, target, reason, owner, expires). Flags and environment variables come before them. `ssm-doctor config`
prints the settings in force.";

/// What was built, and how.
const LONG_VERSION: &str = concat!(
    env!("CARGO_PKG_VERSION"),
    "\ncommit: ",
    env!("SSM_DOCTOR_COMMIT"),
    "\ntarget: ",
    env!("SSM_DOCTOR_TARGET"),
    "\nbuilt with: ",
    env!("SSM_DOCTOR_RUSTC"),
    "\nlive collection: ",
    env!("SSM_DOCTOR_LIVE"),
);

const JUDGE_HELP: &str = "\
Each line of standard input is a document of facts, or a target's facts after a line of shared facts.
Standard output has a report (schemas/report-v1.json) for each, in the same order. A line that cannot be
judged has a record with its number instead, and the exit status is 2.

Exit status: the worst of all lines, 2 before 1 before 3 before 0.

A file for each account and Region, two at a time:
  parallel -j2 -k 'ssm-doctor judge --jobs 1 < {}' ::: *.ndjson
One large file, with its line of shared facts for each part:
  parallel --pipe -k --header : --block 10M ssm-doctor judge --jobs 1 < facts.ndjson
FLEET.md has more, and Apache Spark.";

const FLEET_HELP: &str = "\
Exit status:
  0  a session can start on every node that runs
  1  something blocks it on one of them (see --fail-on)
  2  could not run, or some facts could not be judged
  3  nothing blocks, but something needed is unknown";

const LOG_EXITS: &str = "\
Exit status:
  0  nothing is wrong at the end of the log
  1  the log shows a fault
  2  could not run, or this is not a log of the agent
  3  the log does not show whether a session can start";

const PLAN_EXITS: &str = "\
Exit status:
  0  sessions can start after the plan as before it
  1  a session that could start no longer can, or an instance that the plan creates cannot be reached
  2  could not run, or this is not a plan
  3  nothing blocks, but something needed is unknown

Only the node's side is judged: a plan does not show who starts sessions. Without --facts, a VPC that the
configuration manages is taken to have nothing but what the configuration gives it. The report lists
everything that was assumed.";

const CONFIG_KEYS: &str = r#"Files, the first one decides: ssm-doctor.toml in this folder or one above it up to the repository's root;
$XDG_CONFIG_HOME/ssm-doctor/config.toml, else ~/.config/ssm-doctor/config.toml. Flags and environment
variables come before them. schemas/config-v1.json is their JSON Schema.

  runbook-base = "https://wiki.example/ssm"
  profile = "audit"
  region = "eu-west-1"
  format = "table"
  fail-on = ["blocks", "unknown"]

  [[suppress]]
  check = "network/endpoint-accepts-https"
  target = "i-0abc*"        # an id or a Name tag; * and ? are wildcards
  reason = "moves to the new VPC in March"
  owner = "network team"
  expires = "2027-03-31"    # the last day, UTC"#;

/// Explain why a Session Manager session cannot start
///
/// Checks the operator's side and the instance's side through AWS's read-only APIs. Says whether a
/// session can start and, if not, what to fix first. Reports what it could not see as unknown.
#[derive(Parser)]
#[command(
    name = "ssm-doctor",
    version,
    long_version = LONG_VERSION,
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true,
    after_help = EXITS,
    override_usage = "ssm-doctor [OPTIONS] <TARGET>...\n       ssm-doctor <COMMAND>"
)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
    /// When to use colour
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t)]
    pub color: Color,
    #[command(flatten)]
    pub diagnose: Diagnose,
}

#[derive(Subcommand)]
pub enum Command {
    /// Show a report on a built-in scenario, without AWS
    #[command(after_help = EXITS)]
    Demo(Demo),
    /// Explain a check or an area, or find the checks behind an error message
    Explain {
        /// A check such as `network/endpoint-accepts-https`, an area such as `network`, an error message
        /// in quotes, or `-` to read a message or a log from standard input
        #[arg(value_name = "CHECK|AREA|ERROR TEXT|-", required = true, num_args = 1..)]
        asked: Vec<String>,
        /// The output format
        #[arg(long, value_enum, default_value_t)]
        format: ListFormat,
        #[command(flatten)]
        runbooks: Runbooks,
    },
    /// List all checks and the IAM actions that each needs
    Checks {
        /// Only the checks of this area, such as `network`
        #[arg(long)]
        area: Option<String>,
        /// The output format
        #[arg(long, value_enum, default_value_t)]
        format: ListFormat,
    },
    /// Say what a Terraform plan does to sessions, before it is applied
    #[command(after_help = PLAN_EXITS)]
    Plan(PlanArgs),
    /// Judge the log of SSM Agent, without AWS
    #[command(after_help = LOG_EXITS)]
    Log {
        /// Log files, rotated ones, gzip, tar, or their folder (`-`: standard input)
        #[arg(value_name = "PATH", required = true, num_args = 1..)]
        paths: Vec<PathBuf>,
        /// The output format
        #[arg(long, value_enum, default_value_t)]
        format: ListFormat,
    },
    /// Show what this node sees of the way to Session Manager, for --probe
    ///
    /// Run it on the node, as root if you can. It reads and tries, and changes nothing. It takes at most 15
    /// seconds. `ssm-doctor-probe` is the same as a small program of its own, for nodes that nothing else can be
    /// copied to.
    Probe(ProbeArgs),
    /// Write the runbooks as a static site that opens without a server
    Runbooks {
        /// The folder to write to; its `index.html` is the first page
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
    /// Judge facts from standard input, a line for each target, without AWS
    #[command(after_help = JUDGE_HELP)]
    Judge(Judge),
    /// Examine all instances and nodes of a Region, grouped by what to fix
    #[command(after_help = FLEET_HELP)]
    Fleet(Box<Fleet>),
    /// Print the minimal IAM policy for all checks
    Policy {
        /// Also allow to assume this role, for `fleet --assume-role`; repeatable, and may have wildcards
        #[arg(long, value_name = "ARN", value_parser = role_pattern)]
        assume_role: Vec<String>,
        /// Also allow to list the accounts of the organization, for `fleet --organization-role`
        #[arg(long)]
        organization: bool,
        /// Also allow to read user data, which may hold secrets, for --user-data
        #[arg(long)]
        user_data: bool,
        /// Also allow to read VPC Flow Logs and Resolver query logs, for --deep
        #[arg(long)]
        deep: bool,
        /// The output format
        #[arg(long, value_enum, default_value_t)]
        format: PolicyFormat,
    },
    /// Print the settings in force, and where each comes from
    #[command(after_help = CONFIG_KEYS)]
    Config(Settings),
    /// Print the completions of a shell
    Completions {
        #[arg(value_enum)]
        shell: Shell,
    },
    /// Print the manual page (roff)
    Man,
}

#[derive(Args)]
pub struct Diagnose {
    /// EC2 instances (`i-...`) and managed nodes (`mi-...`): by id, ARN, name (the Name tag, or the name
    /// that a node reports), address or DNS name of EC2; `-` reads a list from standard input
    #[arg(value_name = "TARGET")]
    pub targets: Vec<String>,
    /// All instances with this tag; repeatable, then with all of them
    #[arg(long, value_name = "KEY=VALUE")]
    pub tag: Vec<Tag>,
    /// The kind of session [default: shell; also summarizes the others]
    #[arg(long, value_name = "KIND", value_parser = session())]
    pub session: Option<Session>,
    /// The session document that the session starts with
    #[arg(long, value_name = "NAME")]
    pub document: Option<DocumentName>,
    /// The principal whose permissions to check [default: the caller]
    #[arg(long, value_name = "ARN")]
    pub operator: Option<Arn>,
    /// The target's Region [default: the profile's]
    #[arg(long)]
    pub region: Option<Region>,
    /// A profile of the AWS configuration files
    #[arg(long)]
    pub profile: Option<String>,
    /// Judge saved facts, without network or credentials (`-`: standard input); repeatable
    #[arg(long, value_name = "FILE")]
    pub facts: Vec<PathBuf>,
    /// Check again until a session can start or the time is up
    #[arg(long, value_name = "DURATION", num_args = 0..=1, require_equals = true,
        default_missing_value = "15m", value_parser = duration, conflicts_with = "facts")]
    pub wait: Option<Duration>,
    /// The agent's log file, or the folder of its logs, copied from the node (`-`: standard input).
    /// Repeatable
    #[arg(long, value_name = "PATH")]
    pub agent_log: Vec<PathBuf>,
    /// What the node itself sees: the output of `ssm-doctor probe`, run there, or of `ssm-cli
    /// get-diagnostics --output json` (`-`: standard input)
    #[arg(long, value_name = "FILE")]
    pub probe: Option<PathBuf>,
    /// Read the instance's user data too, for commands that stop or remove the agent. It may hold secrets; nothing of it
    /// is kept but the numbers of such lines
    #[arg(long, conflicts_with = "facts")]
    pub user_data: bool,
    /// Search the VPC Flow Logs and the Resolver query logs of the last hour too: which packets of the instance were
    /// rejected, and what names resolved to
    #[arg(long, conflicts_with = "facts")]
    pub deep: bool,
    /// The error message that the operator got, with the lines around it (`-`: standard input)
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub error: Option<String>,
    /// Do not check this machine as the one that starts the session (the default where `CI` is set)
    #[arg(long)]
    pub no_client: bool,
    /// The DNS server that resolves service names on this machine [default: the system's]
    #[arg(long, value_name = "IP[:PORT]", value_parser = resolver, conflicts_with_all = ["facts", "no_client"])]
    pub resolver: Option<SocketAddr>,
    /// When to stop calling AWS and report the rest as unknown
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = duration)]
    pub timeout: Duration,
    #[command(flatten)]
    pub report: ReportArgs,
}

/// The flags whose settings the configuration has too.
#[derive(Args)]
pub struct Settings {
    /// A profile of the AWS configuration files
    #[arg(long)]
    pub profile: Option<String>,
    /// The target's Region
    #[arg(long)]
    pub region: Option<Region>,
    /// The outcomes that exit with 1
    #[arg(long, value_enum, value_name = "WHAT", value_delimiter = ',')]
    pub fail_on: Vec<FailOn>,
    /// The output format
    #[arg(long, value_enum, default_value_t)]
    pub format: ListFormat,
    #[command(flatten)]
    pub runbooks: Runbooks,
}

#[derive(Args)]
pub struct ProbeArgs {
    /// The Region whose services to ask [default: the node's own]
    #[arg(long)]
    pub region: Option<Region>,
    /// Also look for this user, such as that of `RunAs`. Repeatable
    #[arg(long, value_name = "NAME")]
    pub user: Vec<String>,
    /// Print the document on one line, for consoles
    #[arg(long)]
    pub one_line: bool,
}

#[derive(Args)]
pub struct PlanArgs {
    /// What `terraform show -json PLANFILE` or `tofu show -json PLANFILE` prints (`-`: standard input)
    #[arg(value_name = "PLAN.json")]
    pub plan: PathBuf,
    /// Only these instances, by address or id [default: all of the plan]
    #[arg(value_name = "TARGET")]
    pub targets: Vec<String>,
    /// Facts of an instance as it is, which `--save-facts` wrote; the plan is judged as a change to them
    #[arg(long, value_name = "FILE")]
    pub facts: Option<PathBuf>,
    /// The kind of session [default: the facts' own, else shell]
    #[arg(long, value_name = "KIND", value_parser = session())]
    pub session: Option<Session>,
    /// The Region of providers that take theirs from the environment
    #[arg(long)]
    pub region: Option<Region>,
    /// The version of SSM Agent on new instances, or `none` if that is not known
    #[arg(long, value_name = "VERSION|none", default_value = "3.3.987.0", value_parser = agent)]
    pub assume_agent: AssumedAgent,
    /// The folder of the configuration: GitHub's annotations and SARIF name the lines that declare the changes
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub source: PathBuf,
    /// The report's format [default: table]
    #[arg(long, value_enum)]
    pub format: Option<Format>,
    /// Write the report to a file, atomically; the name's ending chooses the format, as for a report.
    /// Repeatable. Unless a file has the format of --format, the report is printed too
    #[arg(long, value_name = "FILE")]
    pub output: Vec<PathBuf>,
    #[command(flatten)]
    pub runbooks: Runbooks,
}

/// The agent that new instances are assumed to have.
#[derive(Clone)]
pub struct AssumedAgent(Option<String>);

impl AssumedAgent {
    #[must_use]
    pub fn version(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

fn agent(raw: &str) -> Result<AssumedAgent, String> {
    if raw == "none" {
        return Ok(AssumedAgent(None));
    }
    AgentVersion::parse(raw)
        .map(|_| AssumedAgent(Some(raw.into())))
        .ok_or_else(|| "expected a version such as `3.3.987.0`, or `none`".into())
}

#[derive(Args)]
pub struct Demo {
    /// The name of a scenario; see --list
    pub scenario: Option<String>,
    /// List the built-in scenarios
    #[arg(long)]
    pub list: bool,
    /// The kind of session [default: the scenario's own; also summarizes the others]
    #[arg(long, value_name = "KIND", value_parser = session())]
    pub session: Option<Session>,
    #[command(flatten)]
    pub report: ReportArgs,
}

#[derive(Args)]
pub struct Judge {
    /// The kind of session [default: each line's own; also summarizes the others]
    #[arg(long, value_name = "KIND", value_parser = session())]
    pub session: Option<Session>,
    /// How many lines to judge at a time [default: one for each processor]
    #[arg(long, value_name = "NUMBER")]
    pub jobs: Option<NonZero<usize>>,
    #[command(flatten)]
    pub judging: Judging,
}

/// How saved facts of many targets are judged.
#[derive(Args)]
pub struct Judging {
    /// The shell that the commands are quoted for; `powershell` is 7.3 or newer
    #[arg(long, value_enum, default_value_t)]
    pub shell: CommandShell,
    #[command(flatten)]
    pub threshold: Threshold,
    #[command(flatten)]
    pub runbooks: Runbooks,
}

/// What may be given instead of a Region.
const ALL_REGIONS: &str = "all";

#[derive(Args)]
pub struct Fleet {
    /// A Region, repeatable, or `all` that are switched on [default: the profile's]
    #[arg(long, value_name = "REGION", value_parser = region_or_all)]
    pub region: Vec<String>,
    /// A profile of the AWS configuration files
    #[arg(long)]
    pub profile: Option<String>,
    /// Group saved facts, as --save-facts writes them (`-`: standard input); repeatable
    #[arg(long, value_name = "FILE", conflicts_with_all = ["profile", "save_facts"])]
    pub facts: Vec<PathBuf>,
    /// Examine the account of this role, with credentials for it, instead of the account of the credentials at hand;
    /// repeatable
    #[arg(long, value_name = "ARN", conflicts_with = "facts")]
    pub assume_role: Vec<Arn>,
    /// Examine every account of the organization, by the role of this name in each
    #[arg(long, value_name = "NAME", conflicts_with = "facts")]
    pub organization_role: Option<String>,
    #[command(flatten)]
    pub filter: Filter,
    /// The kind of session
    #[arg(long, value_name = "KIND", value_parser = session(), default_value = "shell")]
    pub session: Session,
    /// The principal whose permissions to check [default: the caller]
    #[arg(long, value_name = "ARN", conflicts_with = "facts")]
    pub operator: Option<Arn>,
    /// When to stop calling AWS and report the rest as unknown, for each Region
    #[arg(long, value_name = "DURATION", default_value = "15m", value_parser = duration)]
    pub timeout: Duration,
    /// The output format [default: table]
    #[arg(long, value_enum)]
    pub format: Option<FleetFormat>,
    /// Write to a file, atomically; the name's ending chooses the format (.json, .ndjson, .csv, .md, .html).
    /// Repeatable
    #[arg(long, value_name = "FILE")]
    pub output: Vec<PathBuf>,
    /// Save the facts to a file, for --facts and for `ssm-doctor judge`
    #[arg(long, value_name = "FILE")]
    pub save_facts: Option<PathBuf>,
    /// Continue an interrupted run: keep what this file of --save-facts has, ask for the rest, and save all of it there
    #[arg(long, value_name = "FILE", conflicts_with_all = ["facts", "save_facts"])]
    pub resume: Option<PathBuf>,
    /// How many nodes to judge at a time [default: one for each processor]
    #[arg(long, value_name = "NUMBER")]
    pub jobs: Option<NonZero<usize>>,
    #[command(flatten)]
    pub judging: Judging,
}

impl Fleet {
    /// The Regions that are named; None if all are meant.
    #[must_use]
    pub fn regions(&self) -> Option<Vec<Region>> {
        let all = self.region.iter().any(|word| word == ALL_REGIONS);
        // `region_or_all` has checked every word.
        (!all).then(|| self.region.iter().filter_map(|word| word.parse().ok()).collect())
    }
}

/// The ARN of a role, or a pattern of such ARNs.
fn role_pattern(raw: &str) -> Result<String, String> {
    let parts: Vec<&str> = raw.splitn(6, ':').collect();
    match parts.as_slice() {
        ["arn", _, "iam", "", _, role] if role.starts_with("role/") => Ok(raw.to_owned()),
        _ => Err("expected the ARN of a role, such as `arn:aws:iam::*:role/ssm-doctor`".into()),
    }
}

fn region_or_all(raw: &str) -> Result<String, String> {
    if raw != ALL_REGIONS {
        raw.parse::<Region>()?;
    }
    Ok(raw.to_owned())
}

#[derive(Args)]
pub struct Threshold {
    /// Also exit with 1 on these outcomes; `unknown` turns 3 into 1, `never` turns 1 and 3 into 0
    /// [default: blocks]
    #[arg(long, value_enum, value_name = "WHAT", value_delimiter = ',')]
    pub fail_on: Vec<FailOn>,
}

#[derive(Args)]
pub struct ReportArgs {
    /// The report's format [default: table]
    #[arg(long, value_enum)]
    pub format: Option<Format>,
    /// Write the report to a file, atomically; the name's ending chooses the format (.json, .md, .html,
    /// .sarif, .xml for JUnit). Repeatable. Unless a file has the format of --format, the report is
    /// printed too
    #[arg(long, value_name = "FILE")]
    pub output: Vec<PathBuf>,
    /// Show all checks and all evidence
    #[arg(long, short, conflicts_with = "quiet")]
    pub verbose: bool,
    /// Print one line
    #[arg(long, short, conflicts_with = "format")]
    pub quiet: bool,
    /// The shell that the commands are quoted for; `powershell` is 7.3 or newer
    #[arg(long, value_enum, default_value_t)]
    pub shell: CommandShell,
    /// Save the facts to a file, for --facts
    #[arg(long, value_name = "FILE")]
    pub save_facts: Option<PathBuf>,
    /// Replace accounts, ids, ARNs, names, tags, addresses, principals and free text by pseudonyms, in the
    /// report and in saved facts, so that others may read them
    #[arg(long)]
    pub redact: bool,
    #[command(flatten)]
    pub threshold: Threshold,
    /// Exit with 1 only on findings that this report of an earlier run (JSON or SARIF) does not have
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
    #[command(flatten)]
    pub runbooks: Runbooks,
}

#[derive(Args)]
pub struct Runbooks {
    /// The base URL of your runbooks; a check's name is appended
    #[arg(long, value_name = "URL", env = "SSM_DOCTOR_RUNBOOK_BASE", hide_env_values = true)]
    pub runbook_base: Option<String>,
}

/// A shell that commands are quoted for.
#[derive(Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum CommandShell {
    #[default]
    Posix,
    Powershell,
}

impl From<CommandShell> for Quoting {
    fn from(shell: CommandShell) -> Self {
        match shell {
            CommandShell::Posix => Self::Posix,
            CommandShell::Powershell => Self::PowerShell,
        }
    }
}

/// For lists that are no reports.
#[derive(Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum ListFormat {
    #[default]
    Table,
    Json,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    #[default]
    Auto,
    Always,
    Never,
}

#[derive(Clone, Copy, Default, ValueEnum)]
pub enum PolicyFormat {
    /// The policy document
    #[default]
    Json,
    /// A managed policy in HCL
    Terraform,
    /// A stack template with a managed policy
    Cloudformation,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FailOn {
    Blocks,
    Degrades,
    Advises,
    Unknown,
    Never,
}

fn session() -> impl clap::builder::TypedValueParser<Value = Session> {
    use clap::builder::{PossibleValuesParser, TypedValueParser as _};
    PossibleValuesParser::new(Session::ALL.map(Session::as_str)).try_map(|it| it.parse::<Session>())
}

/// `90s`, `10m`, `1h30m`.
pub fn duration(raw: &str) -> Result<Duration, String> {
    let wrong = || "expected a duration such as `90s`, `10m` or `1h30m`".to_owned();
    let span: jiff::SignedDuration = raw.parse().map_err(|_| wrong())?;
    Duration::try_from(span).ok().filter(|it| !it.is_zero()).ok_or_else(wrong)
}

/// `10.0.0.2`, `10.0.0.2:5353`, `fd00:ec2::253`, `[fd00:ec2::253]:53`.
fn resolver(raw: &str) -> Result<SocketAddr, String> {
    const DNS: u16 = 53;
    let bare = raw.strip_prefix('[').and_then(|it| it.strip_suffix(']')).unwrap_or(raw);
    let ip = bare.parse::<IpAddr>().map(|it| SocketAddr::new(it, DNS));
    ip.or_else(|_| raw.parse()).map_err(|_| {
        "expected the IP address of a DNS server, such as `10.0.0.2` or `10.0.0.2:5353`".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn resolvers_as_people_type_them() {
        let rows = [
            ("10.0.0.2", Some("10.0.0.2:53")),
            ("10.0.0.2:5353", Some("10.0.0.2:5353")),
            ("fd00:ec2::253", Some("[fd00:ec2::253]:53")),
            ("[fd00:ec2::253]", Some("[fd00:ec2::253]:53")),
            ("[fd00:ec2::253]:5353", Some("[fd00:ec2::253]:5353")),
            ("nonsense", None),
            ("dns.corp", None),
            ("10.0.0.2:", None),
            ("10.0.0.2:99999", None),
            ("", None),
        ];
        for (asked, expected) in rows {
            let found = resolver(asked).ok().map(|it| it.to_string());
            assert_eq!(found.as_deref(), expected, "{asked}");
        }
    }
}
