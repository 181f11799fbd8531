//! `fleet`: all nodes of Regions, grouped by what to fix.
//!
//! Collection ends in lines of facts, the same as `judge` reads. So a saved fleet is judged again by the same code.

pub mod filter;
pub mod group;
pub mod node;
pub mod render;

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Cursor, Read as _, Write as _},
    path::PathBuf,
};

use ssm_doctor_facts::ids::Region;

use self::{
    filter::Filter,
    group::{Counts, Grouping},
    node::{Node, Status},
    render::{Document, Format, Line, closing},
};
use crate::{
    cli::{self, FailOn},
    failure::Failure,
    input,
    judge::{
        BUFFER, Lines,
        alike::Names,
        error::JudgeError,
        record::ErrorRecord,
        stream::{self, Asked, Work},
    },
    output::{self, Outputs},
    publish::{exit_code, worst},
    render::{Screen, json_line},
    report::{Depth, Report},
    screen::screen,
    snapshot::Snapshot,
};

/// Makes a node of each target, and its exit code.
struct Nodes {
    filter: Filter,
    /// All, if none is named.
    regions: Vec<Region>,
    fail_on: Vec<FailOn>,
}

impl Work for Nodes {
    const DEPTH: Depth = Depth::Causes;
    type Made = (Node, u8);
    type Common = (Node, Names, u8);

    fn wants(&self, snapshot: &Snapshot) -> bool {
        let region = &snapshot.scope.region;
        (self.regions.is_empty() || self.regions.contains(region))
            && self.filter.admits(&snapshot.scope.target, &snapshot.facts)
    }

    fn make(&self, snapshot: &Snapshot, report: &Report) -> Result<Self::Made, String> {
        let node = Node::new(snapshot, report);
        // An instance that somebody stopped is no fault.
        let stopped = node.status == Status::Stopped;
        let code = if stopped { 0 } else { exit_code(report, &self.fail_on) };
        Ok((node, code))
    }

    fn common(
        (node, code): &Self::Made,
        names: Names,
        snapshot: &Snapshot,
    ) -> Option<Self::Common> {
        node.is_common(&names, snapshot).then(|| (node.clone(), names, *code))
    }

    fn of_common((node, from, code): &Self::Common, to: &Names, snapshot: &Snapshot) -> Self::Made {
        (node.adapted(from, to, snapshot), *code)
    }
}

/// Lines of facts, one file after the other. `-` is standard input.
///
/// # Errors
/// If a file cannot be opened.
pub fn files(names: &[PathBuf]) -> Result<Box<dyn BufRead + Send>, JudgeError> {
    let mut all: Box<dyn BufRead + Send> = Box::new(io::empty());
    for name in names {
        // A file may end without a line end.
        let end = Cursor::new(b"\n");
        all = if input::is_standard(name) {
            Box::new(all.chain(BufReader::with_capacity(BUFFER, io::stdin())).chain(end))
        } else {
            let file = File::open(name)
                .map_err(|error| JudgeError::NoFile { file: name.clone(), error })?;
            Box::new(all.chain(BufReader::with_capacity(BUFFER, file)).chain(end))
        };
    }
    Ok(all)
}

/// Judges the lines of `input`, groups the nodes, and writes them.
///
/// # Errors
/// If there is nothing to judge, or a line could not be judged. Everything else is written.
pub fn run(
    input: impl BufRead + Send + 'static,
    asked: Asked,
    args: &cli::Fleet,
    outputs: Outputs<Format>,
) -> Result<u8, Failure> {
    let work = Nodes {
        filter: args.filter.clone(),
        regions: args.regions().unwrap_or_default(),
        fail_on: args.judging.threshold.fail_on.clone(),
    };
    let mut results = stream::start(input, asked, work);
    let streams = outputs.printed == Some(Format::Ndjson);
    // Nobody needs all nodes at the end, if each is printed at once.
    let keeps = !streams || !outputs.files.is_empty();
    let (mut lines, mut code, mut found) = (Lines::default(), 0, 0_usize);
    let (mut counts, mut grouping) = (Counts::default(), Grouping::default());
    let (mut nodes, mut errors) = (Vec::new(), Vec::new());
    let mut out = io::BufWriter::new(io::stdout().lock());
    while let Some((line, made)) = results.next(|| drop(out.flush())) {
        lines.count(line, made.as_ref().err().map(String::as_str));
        let text = match made {
            Ok(None) => continue,
            Ok(Some((node, this))) => {
                found += 1;
                code = worst(code, this);
                counts.add(&node);
                grouping.add(&node);
                let text = if streams { written(&Line::Node(&node))? } else { String::new() };
                if keeps {
                    nodes.push(node);
                }
                text
            }
            Err(what) => {
                let error = ErrorRecord::new(line, what);
                let text = if streams { written(&Line::Error(&error))? } else { String::new() };
                errors.push(error);
                text
            }
        };
        if !output::is_taken(out.write_all(text.as_bytes()))? {
            return Ok(0);
        }
    }
    drop(out);
    let read = results.end();
    let fleet = Document::new(counts, grouping.finish(), nodes, errors);
    let view = screen(&io::stdout());
    for (format, file) in outputs.files {
        file.write(&format.render(&fleet, Screen { colour: false, ..view })?)?;
    }
    if streams {
        let rest: Result<String, Failure> = closing(&fleet).map(|line| written(&line)).collect();
        output::print(&rest?)?;
    } else if let Some(format) = outputs.printed {
        output::print(&format.render(&fleet, view)?)?;
    }
    read.map_err(JudgeError::Unreadable)?;
    lines.check()?;
    if found == 0 {
        return Err(JudgeError::NothingFits.into());
    }
    Ok(code)
}

fn written(line: &Line) -> Result<String, Failure> {
    json_line(line).map_err(|error| Failure::Defect(error.to_string()))
}
