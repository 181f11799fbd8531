//! Where a report and its facts go, and how the run ends.

use ssm_doctor_checks::engine::diagnosis::Overall;

use crate::{
    cli::{FailOn, ReportArgs},
    failure::{COULD_NOT_RUN, Failure},
    output::{self, Outputs, Pending, Readers},
    render::{Format, Screen, View, table},
    report::Report,
    screen::{say, screen, warn},
    snapshot::Snapshot,
    usage::UsageError,
};

/// Where the reports and the facts go, opened before the work begins.
pub struct Sink {
    reports: Outputs<Format>,
    facts: Option<Pending>,
}

impl Sink {
    pub fn open(args: &ReportArgs) -> Result<Self, Failure> {
        let reports =
            Outputs::open(&args.output, args.format.unwrap_or_default(), Format::of_file)?;
        let facts = args.save_facts.as_deref();
        let facts = facts.map(|file| Pending::open(file, Readers::Owner)).transpose()?;
        Ok(Self { reports, facts })
    }

    /// Writes everything and says how the run ends: the same for every format.
    pub fn publish(
        self,
        args: &ReportArgs,
        reports: &[Report],
        snapshots: &[Snapshot],
    ) -> Result<u8, Failure> {
        if let Some(file) = self.facts {
            let text = match snapshots {
                [snapshot] => snapshot.to_json(),
                several => several.iter().map(Snapshot::to_line).collect(),
            };
            file.write(&text?)?;
        }
        let view = View { screen: screen(&std::io::stdout()), verbose: args.verbose };
        let in_file = View { screen: Screen { colour: false, ..view.screen }, ..view };
        for (format, file) in self.reports.files {
            file.write(&format.render(reports, in_file)?)?;
        }
        if args.quiet {
            let lines: String = reports.iter().map(|report| table::line(report, view)).collect();
            output::print(&lines)?;
        } else if let Some(format) = self.reports.printed {
            output::print(&format.render(reports, view)?)?;
        }
        if reports.iter().any(Report::checked_nothing) {
            warn("nothing was checked: the facts have nothing that a check needs");
        }
        let codes = reports.iter().map(|report| exit_code(report, &args.threshold.fail_on));
        Ok(codes.fold(0, worst))
    }
}

/// Something that may block a session was not seen.
pub const INCONCLUSIVE: u8 = 3;

/// `blocks`, `degrades` and `advises` are thresholds, and `unknown` is independent of them. `never` leaves only
/// exit code 2.
#[must_use]
pub fn exit_code(report: &Report, fail_on: &[FailOn]) -> u8 {
    let advises = fail_on.contains(&FailOn::Advises);
    let degrades = advises || fail_on.contains(&FailOn::Degrades);
    let overall = report.diagnosis.overall;
    let nothing_was_reached = report.target_is_out_of_reach() && overall != Overall::Blocked;
    let counted = report.excuses.counted(overall, &report.diagnosis.findings);
    if report.target_is_missing() || nothing_was_reached || report.checked_nothing() {
        COULD_NOT_RUN
    } else if fail_on.contains(&FailOn::Never) {
        0
    } else if counted.blocked
        || degrades && counted.degrades
        || advises && counted.advises
        || fail_on.contains(&FailOn::Unknown) && counted.inconclusive
    {
        1
    } else if counted.inconclusive {
        INCONCLUSIVE
    } else {
        0
    }
}

/// How a run ends that reports on some of its targets: says which it could not find.
#[must_use]
pub fn beside(code: u8, missing: &[UsageError]) -> u8 {
    for error in missing {
        say("error: ", &error.to_string());
        say("help: ", &error.help());
    }
    if missing.is_empty() { code } else { worst(code, COULD_NOT_RUN) }
}

/// How a run about several targets ends: 2 before 1 before 3 before 0.
#[must_use]
pub fn worst(one: u8, other: u8) -> u8 {
    let rank = |code: u8| match code {
        0 => 0,
        INCONCLUSIVE => 1,
        1 => 2,
        _ => 3,
    };
    if rank(other) > rank(one) { other } else { one }
}
