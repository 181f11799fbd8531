//! `ssm-doctor-probe`: what this node sees, as JSON on standard output.

use std::{io::Write as _, process::ExitCode};

use lexopt::{Arg, Parser, ValueExt as _};
use ssm_doctor_probe::collect::{Options, Override, look};

const HELP: &str = "\
Show what this node sees of the way to Session Manager, as JSON on standard output

Usage: ssm-doctor-probe [OPTIONS]

It reads and tries, and changes nothing. It takes at most 15 seconds and needs no root; its output says what root
would add. Judge the output where your AWS credentials are: ssm-doctor <TARGET> --probe FILE

Options:
      --region <REGION>           The Region whose services to ask [default: the node's own]
      --user <NAME>               Also look for this user, such as that of RunAs. Repeatable
      --one-line                  Print the document on one line, for consoles
      --service <NAME=HOST:PORT>  Ask for a service there, for tests. Repeatable
      --metadata <HOST:PORT>      Ask for the instance metadata there, for tests
  -h, --help                      Print help
  -V, --version                   Print version
";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            // Without a standard error there is nobody to tell.
            let _ = writeln!(std::io::stderr(), "error: {message}");
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<(), String> {
    let Some((options, on_one_line)) = arguments().map_err(|error| error.to_string())? else {
        return Ok(());
    };
    let text = ssm_doctor_probe::write(look(&options), on_one_line)
        .map_err(|error| format!("cannot write the document: {error}"))?;
    print(&text)
}

/// None if help or version was printed instead.
fn arguments() -> Result<Option<(Options, bool)>, lexopt::Error> {
    let mut options = Options::default();
    let mut on_one_line = false;
    let mut arguments = Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Arg::Long("region") => options.region = Some(arguments.value()?.string()?),
            Arg::Long("user") => options.users.push(arguments.value()?.string()?),
            Arg::Long("one-line") => on_one_line = true,
            Arg::Long("service") => options.services.push(arguments.value()?.parse::<Override>()?),
            Arg::Long("metadata") => options.metadata = Some(arguments.value()?.string()?),
            Arg::Short('h') | Arg::Long("help") => {
                print(HELP)?;
                return Ok(None);
            }
            Arg::Short('V') | Arg::Long("version") => {
                print(concat!("ssm-doctor-probe ", env!("CARGO_PKG_VERSION"), "\n"))?;
                return Ok(None);
            }
            other => return Err(other.unexpected()),
        }
    }
    Ok(Some((options, on_one_line)))
}

fn print(text: &str) -> Result<(), String> {
    let mut out = std::io::stdout();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|error| format!("cannot write to standard output: {error}"))
}
