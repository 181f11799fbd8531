//! What the options of a report change: the operator's error message, the gate, redaction, and where runbooks are.

use ssm_doctor_facts::scope::{ErrorText, Session};

use crate::{
    cli::{Diagnose, ReportArgs, Runbooks},
    config::Config,
    explain::ExplainError,
    failure::Failure,
    gate::Gate,
    input,
    report::Report,
    screen::warn,
    snapshot::Snapshot,
};

/// The operator's error message, from the command line or from standard input.
///
/// # Errors
/// If standard input cannot be read.
pub fn error_text(args: &Diagnose) -> Result<Option<ErrorText>, Failure> {
    let Some(given) = args.error.as_deref() else { return Ok(None) };
    if given != "-" {
        return Ok(ErrorText::new(given));
    }
    let piped = input::piped_text().map_err(ExplainError::Unreadable)?;
    Ok(ErrorText::new(&piped))
}

/// The facts as others may see them, and the report on them.
///
/// # Errors
/// If the facts cannot be redacted.
pub fn reported(
    snapshot: Snapshot,
    gate: &Gate,
    args: &ReportArgs,
    report: impl FnOnce(&Snapshot) -> Report,
) -> Result<(Snapshot, Report), Failure> {
    // A suppression names targets that redaction hides.
    let excuses = gate.excuses(&snapshot, args.redact);
    let snapshot = shareable(snapshot, args)?;
    let report = report(&snapshot).excusing(excuses);
    Ok((snapshot, report))
}

/// `session`: the kind that the command line names. The other kinds are judged too if it names none.
#[must_use]
pub fn report_on(
    snapshot: &Snapshot,
    args: &ReportArgs,
    session: Option<Session>,
    config: &Config,
) -> Report {
    Report::new(snapshot, &runbooks_of(args, config), session.is_none(), args.shell.into())
}

/// What does not count for the exit code.
///
/// # Errors
/// If the baseline cannot be read.
pub fn load_gate(args: &ReportArgs, config: &Config) -> Result<Gate, Failure> {
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

/// Where the runbooks of this version are.
pub const OUR_RUNBOOKS: &str =
    concat!(env!("CARGO_PKG_REPOSITORY"), "/tree/v", env!("CARGO_PKG_VERSION"), "/checks");

/// As [`runbook_base`]; the address of a company's own runbooks has the company's name.
fn runbooks_of(args: &ReportArgs, config: &Config) -> String {
    if args.redact { OUR_RUNBOOKS.to_owned() } else { runbook_base(&args.runbooks, config) }
}

/// `<base>/<check name>` is a runbook's address.
#[must_use]
pub fn runbook_base(args: &Runbooks, config: &Config) -> String {
    let given = args.runbook_base.clone().filter(|it| !it.is_empty());
    given.unwrap_or_else(|| config.runbook_base().unwrap_or(OUR_RUNBOOKS).to_owned())
}
