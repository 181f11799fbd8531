//! A diagnosis of a real account: the one place that waits.

use std::io::{self, IsTerminal as _, Write as _};

use ssm_doctor_analysis::{case::Case, session};
use ssm_doctor_checks::engine::{diagnosis::Overall, procedure::start_session};
use ssm_doctor_facts::{
    ids::{AccountId, Arn, Region, Target},
    lookup::{Facts, Need, Ourselves, Row, Why},
    scope::{Client, Scope, Session},
    time::Timestamp,
};
use tokio::time::{Instant, sleep};

use crate::{
    COULD_NOT_RUN, Failure, INTERRUPTED,
    cli::Diagnose,
    collect::{
        ask,
        aws::{Account, ConnectError},
        gather,
        workstation::Setup,
    },
    config::Config,
    load_gate,
    node::FromNode,
    publish::Sink,
    render::safe::shown,
    report::Report,
    runbooks_of, shareable,
    snapshot::Snapshot,
    wait::{self, Heartbeat, Outlook},
};

#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error("AWS does not accept the credentials: {0}")]
    Rejected(String),
    #[error("`{0}` does not exist")]
    NoOperator(Arn),
    #[error("`{arn}` is of account {}, and the credentials are of {ours}", .arn.account())]
    OtherAccount { arn: Arn, ours: AccountId },
    #[error("cannot start: {0}")]
    Runtime(io::Error),
    #[error("this machine's clock shows no date that can be written")]
    Clock,
    #[error("interrupted")]
    Interrupted,
}

impl LiveError {
    pub fn help(&self) -> String {
        match self {
            Self::Connect(_) => "`ssm-doctor demo` needs no account".into(),
            Self::Rejected(_) => "renew them (`aws sso login`, or new keys), or check --profile; \
                `aws sts get-caller-identity` shows whether they work"
                .into(),
            Self::NoOperator(_) => "check the ARN given as --operator: `aws iam list-users` and \
                `aws iam list-roles` show who there is"
                .into(),
            Self::OtherAccount { .. } => {
                "use the target account's credentials (--profile), with which \
                the session has to be started too"
                    .into()
            }
            Self::Runtime(_) => "close some programs, and run again".into(),
            Self::Clock => "set the clock".into(),
            Self::Interrupted => "run it again".into(),
        }
    }

    pub fn code(&self) -> u8 {
        match self {
            Self::Interrupted => INTERRUPTED,
            _ => COULD_NOT_RUN,
        }
    }
}

/// Collects, judges and reports.
pub fn diagnose(
    args: &Diagnose,
    target: Target,
    region: Option<Region>,
    config: &Config,
) -> Result<u8, Failure> {
    let sink = Sink::open(&args.report)?;
    let gate = load_gate(&args.report, config)?;
    let from_node = FromNode::read(args, &target)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(LiveError::Runtime)?;
    let (snapshot, report) = runtime.block_on(async {
        tokio::select! {
            looked = look(args, target, region, from_node, config) => looked,
            _ = tokio::signal::ctrl_c() => Err(LiveError::Interrupted),
        }
    })?;
    // A resolver thread that still waits for DNS must not hold up the report.
    runtime.shutdown_background();
    let excuses = gate.excuses(&snapshot, args.report.redact);
    if args.report.redact {
        let snapshot = shareable(snapshot, &args.report)?;
        let report = report_on(&snapshot, args, config).excusing(excuses);
        return sink.publish(&args.report, &report, &snapshot);
    }
    let can_start = matches!(report.diagnosis.overall, Overall::Healthy | Overall::Degraded);
    let code = sink.publish(&args.report, &report.excusing(excuses), &snapshot)?;
    if args.wait.is_some() && can_start {
        let start = start_session(&Case::new(&snapshot.facts, &snapshot.scope));
        note(&format!("start the session: {}", start.line(args.report.shell.into())));
    }
    Ok(code)
}

fn report_on(snapshot: &Snapshot, args: &Diagnose, config: &Config) -> Report {
    let runbooks = runbooks_of(&args.report, config);
    Report::new(snapshot, &runbooks, args.session.is_none(), args.report.shell.into())
}

/// Looks once; with `--wait`, until a session can start or the time is up.
async fn look(
    args: &Diagnose,
    target: Target,
    region: Option<Region>,
    from_node: FromNode,
    config: &Config,
) -> Result<(Snapshot, Report), LiveError> {
    let mut progress = Progress::new();
    progress.say("finding credentials");
    let profile = args.profile.as_deref().or(config.profile());
    let region = region.as_ref().map(Region::as_str).or(config.region());
    let here = Setup {
        profile_flag: args.profile.clone(),
        profile: profile.map(str::to_owned),
        resolver: args.resolver,
        ..Setup::default()
    };
    let account = Account::connect(region, here).await?;
    let started = Instant::now();
    let mut heartbeat = Heartbeat::default();
    // What an earlier look knows and does not ask again. A wait ends with a look that asks for everything.
    let mut kept: Option<Facts> = None;
    let mut spent = 0;
    let named: Option<Arn> = args.target.as_deref().and_then(|it| it.parse().ok());
    loop {
        let mut asked = Scope {
            target: target.clone(),
            region: account.region().clone(),
            at: now()?,
            session: args.session.unwrap_or_default(),
            document: args.document.clone(),
            operator: args.operator.clone(),
            client: client(args),
            agent_log: false,
            probe: false,
        };
        let is_partial = kept.is_some();
        let mut facts = kept.take().unwrap_or_default();
        // A document says by itself what kind of session is meant.
        if let (None, Some(name)) = (args.session, &args.document) {
            let need = Need::document(name.clone());
            if !session::is_owned_by_aws(name) && !facts.has(&need) {
                facts.absorb(ask(need, &account, &asked, args.timeout).await);
            }
            asked.session = session::opens(name, &facts).unwrap_or_default();
        }
        from_node.add_to(&mut asked, &mut facts);
        let mut scopes = vec![asked.clone()];
        if args.session.is_none() {
            let others = Session::ALL.into_iter().filter(|it| *it != asked.session);
            scopes.extend(others.map(|session| Scope { session, document: None, ..asked.clone() }));
        }
        let gathered = gather(facts, &scopes, &account, args.timeout, &mut |calls| {
            progress.say(&format!("asking {calls}"));
        })
        .await;
        let caller = gathered.facts.caller.get(&Ourselves::Us);
        if let (Some(words), Some(Row::Unknown { unknown: Why::Denied | Why::Refused, .. })) =
            (account.rejected(), caller)
        {
            return Err(LiveError::Rejected(words.to_owned()));
        }
        if let Some(operator) = args.operator.as_ref().filter(|it| is_absent(&gathered.facts, it)) {
            return Err(LiveError::NoOperator(operator.clone()));
        }
        if let (Some(arn), Some(Row::Present(caller))) = (&named, caller)
            && arn.account() != caller.account.as_str()
        {
            let ours = caller.account.clone();
            return Err(LiveError::OtherAccount { arn: arn.clone(), ours });
        }
        let snapshot = Snapshot {
            scope: asked,
            facts: gathered.facts,
            calls: gathered.calls.saturating_sub(spent),
            rounds: gathered.rounds,
        };
        spent = gathered.calls;
        let report = report_on(&snapshot, args, config);
        let Some(most) = args.wait else { return Ok((snapshot, report)) };
        let since = started.elapsed();
        let outlook = wait::outlook(&report.diagnosis, &snapshot.facts, since);
        let left = most.saturating_sub(since);
        match &outlook {
            Outlook::WaitFor(awaited) if !left.is_zero() => {
                if let Some(line) = heartbeat.line(awaited, since, most, progress.on) {
                    progress.beat(&line);
                }
                sleep(wait::pause(since, &snapshot.facts).min(left)).await;
                kept = Some(wait::lasting(&snapshot.facts, since));
            }
            // Facts of an earlier look decide nothing.
            _ if is_partial => {}
            _ => {
                drop(progress);
                if let Some(says) = wait::ending(&outlook) {
                    note(&says);
                }
                return Ok((snapshot, report));
            }
        }
    }
}

/// A line on standard error.
fn note(text: &str) {
    // Without a standard error there is nobody to tell.
    let _ = writeln!(io::stderr(), "{}", shown(text, true));
}

/// Has IAM said that it knows no such user or role of this account?
fn is_absent(facts: &Facts, operator: &Arn) -> bool {
    let ours = match facts.caller.get(&Ourselves::Us) {
        Some(Row::Present(caller)) => caller.account.as_str() == operator.account(),
        _ => false,
    };
    let kind = operator.resource().split('/').next().unwrap_or_default();
    let name = match kind {
        "assumed-role" => operator.resource().split('/').nth(1).unwrap_or_default(),
        _ => operator.name(),
    };
    let absent = match kind {
        "user" => name.parse().is_ok_and(|it| matches!(facts.users.get(&it), Some(Row::Absent(_)))),
        _ => name.parse().is_ok_and(|it| matches!(facts.roles.get(&it), Some(Row::Absent(_)))),
    };
    ours && absent
}

/// Pipelines set `CI`, most of them to `true`.
fn client(args: &Diagnose) -> Client {
    let ci =
        std::env::var_os("CI").is_some_and(|it| !matches!(it.to_str(), Some("" | "0" | "false")));
    match (args.no_client, ci) {
        (true, _) => Client::Declined,
        (false, true) => Client::Ci,
        (false, false) => Client::Here,
    }
}

fn now() -> Result<Timestamp, LiveError> {
    Timestamp::from_second(jiff::Timestamp::now().as_second()).ok_or(LiveError::Clock)
}

/// One line on standard error that is written over and, at the end, wiped. A pipe gets only the lines of a wait.
struct Progress {
    on: bool,
    width: usize,
}

impl Progress {
    fn new() -> Self {
        let width =
            terminal_size::terminal_size_of(io::stderr()).map_or(80, |it| usize::from(it.0.0));
        Self {
            on: io::stderr().is_terminal() && std::env::var("TERM").is_ok_and(|it| it != "dumb"),
            width,
        }
    }

    /// A sign of life: in a pipe a line of its own.
    fn beat(&mut self, text: &str) {
        if self.on { self.say(text) } else { note(text) }
    }

    fn say(&mut self, text: &str) {
        if self.on {
            let text: String =
                shown(text, false).chars().take(self.width.saturating_sub(1)).collect();
            // Progress that cannot be shown is no reason to stop.
            let _ = write!(io::stderr(), "\r\x1b[2K{text}");
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.on {
            let _ = write!(io::stderr(), "\r\x1b[2K");
        }
    }
}
