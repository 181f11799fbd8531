//! A diagnosis of a real account: the one place that waits.

use std::{
    io::{self, IsTerminal as _, Write as _},
    time::Duration,
};

use ssm_doctor_analysis::session;
use ssm_doctor_checks::engine::diagnosis::Overall;
use ssm_doctor_facts::{
    agent_log::AgentLog,
    ids::{AccountId, Arn, Region, Target},
    lookup::{Facts, Need, Ourselves, Row, Why},
    scope::{Client, Scope, Session, Sides},
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
    publish::Sink,
    render::safe::shown,
    report::Report,
    runbook_base,
    snapshot::Snapshot,
};

/// How long `--wait` leaves AWS alone between looks.
const PAUSE: Duration = Duration::from_secs(15);

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
    let log = crate::log::given(&args.agent_log)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(LiveError::Runtime)?;
    let (snapshot, report) = runtime.block_on(async {
        tokio::select! {
            looked = look(args, target, region, log, config) => looked,
            _ = tokio::signal::ctrl_c() => Err(LiveError::Interrupted),
        }
    })?;
    // A resolver thread that still waits for DNS must not hold up the report.
    runtime.shutdown_background();
    sink.publish(&args.report, &report, &snapshot)
}

/// Looks once; with `--wait`, until a session can start or the time is up.
async fn look(
    args: &Diagnose,
    target: Target,
    region: Option<Region>,
    log: Option<AgentLog>,
    config: &Config,
) -> Result<(Snapshot, Report), LiveError> {
    let mut progress = Progress::new();
    progress.say("finding credentials");
    let profile = args.profile.as_deref().or(config.profile.as_deref());
    let region = region.as_ref().map(Region::as_str).or(config.region.as_deref());
    let here = Setup {
        profile_flag: args.profile.clone(),
        profile: profile.map(str::to_owned),
        resolver: args.resolver,
        ..Setup::default()
    };
    let account = Account::connect(region, here).await?;
    let until = args.wait.map(|it| Instant::now() + it);
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
            sides: Sides::Both,
            agent_log: log.is_some(),
        };
        let mut facts = Facts::default();
        // A document says by itself what kind of session is meant.
        if let (None, Some(name)) = (args.session, &args.document) {
            if !session::is_owned_by_aws(name) {
                facts = ask(Need::document(name.clone()), &account, &asked, args.timeout).await;
            }
            asked.session = session::opens(name, &facts).unwrap_or_default();
        }
        if let Some(log) = &log {
            facts.agent_logs.insert(target.clone(), Row::Present(log.clone()));
        }
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
        let runbooks = runbook_base(&args.report.runbooks, config);
        let report =
            Report::new(&snapshot, &runbooks, args.session.is_none(), args.report.shell.into());
        let wanted = matches!(report.diagnosis.overall, Overall::Healthy | Overall::Degraded);
        let left = until.map(|it| it.saturating_duration_since(Instant::now()));
        match left.filter(|it| !wanted && !it.is_zero()) {
            None => return Ok((snapshot, report)),
            Some(left) => {
                let cause = report.diagnosis.causes.first().map(|it| it.name());
                progress.say(&format!(
                    "{} ({}); looking again in {} s",
                    report.diagnosis.overall.as_str(),
                    cause.as_deref().unwrap_or("nothing found at fault"),
                    PAUSE.min(left).as_secs()
                ));
                sleep(PAUSE.min(left)).await;
            }
        }
    }
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

/// One line on standard error that is written over and, at the end, wiped; nothing in a pipe.
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
