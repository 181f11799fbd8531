//! `judge`: facts in, reports out, a line each, so that any engine can distribute the work.

pub mod alike;
pub mod error;
pub mod line;
pub mod record;
#[cfg(feature = "live")]
pub mod shard;
pub mod stream;

use std::io::{self, BufReader, BufWriter, IsTerminal as _, Write as _};

use self::error::JudgeError;
use self::{
    alike::{Names, Pattern},
    record::ErrorRecord,
    stream::{Asked, Work},
};
use crate::{
    cli::FailOn,
    failure::Failure,
    output,
    publish::{exit_code, worst},
    render::{json_line, json_v1::Document},
    report::{Depth, Report},
    snapshot::Snapshot,
};

/// Of bytes that are read at a time. Lines have about 10 kB, and some of them are given to a thread together.
pub const BUFFER: usize = 256 * 1024;

/// Lines that were read, and those that could not be judged.
#[derive(Default)]
pub struct Lines {
    all: usize,
    bad: usize,
    first: Option<(usize, String)>,
}

impl Lines {
    pub fn count(&mut self, line: usize, wrong: Option<&str>) {
        self.all += 1;
        if let Some(what) = wrong {
            self.bad += 1;
            self.first.get_or_insert_with(|| (line, what.to_owned()));
        }
    }

    /// # Errors
    /// If there was no line, or one that could not be judged.
    pub fn check(self) -> Result<(), JudgeError> {
        match self.first {
            Some((line, what)) => {
                Err(JudgeError::Lines { bad: self.bad, all: self.all, line, what })
            }
            None if self.all == 0 => Err(JudgeError::Nothing),
            None => Ok(()),
        }
    }
}

/// Makes the JSON report and the exit code.
struct Reports {
    fail_on: Vec<FailOn>,
}

impl Work for Reports {
    const DEPTH: Depth = Depth::Whole;
    type Made = (String, u8);
    type Common = (Pattern, u8);

    fn make(&self, _: &Snapshot, report: &Report) -> Result<Self::Made, String> {
        let text = json_line(&Document::new(report)).map_err(|error| error.to_string())?;
        Ok((text, exit_code(report, &self.fail_on)))
    }

    fn common(
        (text, code): &Self::Made,
        names: Names,
        snapshot: &Snapshot,
    ) -> Option<Self::Common> {
        Some((Pattern::of(text, &names, snapshot)?, *code))
    }

    fn of_common((pattern, code): &Self::Common, names: &Names, _: &Snapshot) -> Self::Made {
        (pattern.with(names), *code)
    }
}

/// Judges standard input to its end.
///
/// # Errors
/// If there is nothing to judge, or a line could not be judged. The reports of the others are written.
pub fn run(asked: Asked, fail_on: Vec<FailOn>) -> Result<u8, Failure> {
    if io::stdin().is_terminal() {
        return Err(JudgeError::Terminal.into());
    }
    let mut results =
        stream::start(BufReader::with_capacity(BUFFER, io::stdin()), asked, Reports { fail_on });
    let mut out = BufWriter::new(io::stdout().lock());
    let (mut lines, mut code) = (Lines::default(), 0);
    // Before a wait, the reports that are ready are flushed. If that fails, the next write fails too.
    while let Some((line, made)) = results.next(|| drop(out.flush())) {
        lines.count(line, made.as_ref().err().map(String::as_str));
        let text = match made {
            Ok(None) => continue,
            Ok(Some((text, this))) => {
                code = worst(code, this);
                text
            }
            Err(what) => json_line(&ErrorRecord::new(line, what))
                .map_err(|error| Failure::Defect(error.to_string()))?,
        };
        if !output::is_taken(out.write_all(text.as_bytes()))? {
            return Ok(0);
        }
    }
    if !output::is_taken(out.flush())? {
        return Ok(0);
    }
    results.end().map_err(JudgeError::Unreadable)?;
    lines.check()?;
    Ok(code)
}
