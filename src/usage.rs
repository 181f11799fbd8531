//! What may be wrong with a command line that parses, and what to do about it.

use std::path::PathBuf;

use clap::{CommandFactory as _, ValueEnum};
use ssm_doctor_facts::ids::{Arn, Region, Target};

use crate::{
    cli::{Cli, Diagnose, ReportArgs},
    input,
    render::Format,
};

#[derive(Debug, thiserror::Error)]
pub enum UsageError {
    #[error(
        "`{asked}` is neither an instance id (`i-…`), a managed node id (`mi-…`) nor a command"
    )]
    NoTarget { asked: String },
    #[error("`{asked}` is not a complete id: {what}")]
    BadId { asked: String, what: &'static str },
    #[error("`{asked}` names the Region `{arn}`, and --region says `{region}`")]
    TwoRegions { asked: String, arn: String, region: String },
    #[error("`{asked}` is a container, and only EC2 instances and managed nodes are judged")]
    Container { asked: String },
    #[error("no target was given")]
    NothingAsked,
    #[error("there is no built-in scenario `{asked}`")]
    NoScenario { asked: String, near: Option<String> },
    #[error("there is no area `{asked}`")]
    NoArea { asked: String, areas: String },
    #[error("no instance or node answers to `{asked}`")]
    NotFound { asked: String, near: Option<String> },
    #[error("{first} and {second} both read standard input")]
    OneInput { first: &'static str, second: &'static str },
    #[error("`{asked}` is a duration without its flag")]
    LooseDuration { asked: String },
    #[error("`--output {asked}` names a file, not a format")]
    FormatAsFile { asked: String },
    #[error("only one of --error, --facts, --agent-log and --probe can read standard input")]
    SharedInput,
    #[error("`{}` is named twice: {first} and {second} would overwrite each other", file.display())]
    SameFile { file: PathBuf, first: &'static str, second: &'static str },
}

impl UsageError {
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::NoTarget { asked } => match near_command(asked) {
                Some(command) => format!("did you mean `ssm-doctor {command}`?"),
                None => "`aws ec2 describe-instances` lists instances; `ssm-doctor --help` lists commands".into(),
            },
            Self::BadId { .. } => {
                "`aws ec2 describe-instances` and `aws ssm describe-instance-information` list ids"
                    .into()
            }
            Self::TwoRegions { .. } => "leave --region out".into(),
            Self::Container { .. } => {
                "for a container, see `aws ecs execute-command` and the ECS Exec checker".into()
            }
            Self::NothingAsked => {
                "name an instance (`i-…`), a managed node (`mi-…`), or a file with --facts; `ssm-doctor fleet` examines all".into()
            }
            Self::NoScenario { near: Some(near), .. } => {
                format!("did you mean `{near}`? `ssm-doctor demo --list` lists them")
            }
            Self::NoScenario { .. } => "`ssm-doctor demo --list` lists them".into(),
            Self::NoArea { areas, .. } => format!("the areas are {areas}"),
            Self::NotFound { near: Some(near), .. } => format!("did you mean `{near}`?"),
            Self::NotFound { near: None, .. } => {
                "`aws ec2 describe-instances` and `aws ssm describe-instance-information` list what there is; check the Region and the profile too".into()
            }
            Self::OneInput { .. } => "give one of them a file".into(),
            Self::LooseDuration { asked } => {
                format!("write `--wait={asked}`, or `--timeout {asked}`")
            }
            Self::FormatAsFile { asked } => {
                let advice = match Format::from_str(asked, true) {
                    Ok(_) => format!("use `--format {asked}`"),
                    Err(_) => format!("`--format` takes {}", formats().join(", ")),
                };
                format!("{advice}; for a file of that name, write `--output ./{asked}`")
            }
            Self::SharedInput => "give all but one of them as a text or a file".into(),
            Self::SameFile { .. } => "give each its own file".into(),
        }
    }
}

/// The formats of a report, as `--format` takes them.
fn formats() -> Vec<String> {
    let values = Format::value_variants().iter().filter_map(ValueEnum::to_possible_value);
    values.map(|value| value.get_name().to_owned()).collect()
}

/// The name that was probably meant.
pub fn nearest<'a>(asked: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let likeness = |name: &str| match strsim::damerau_levenshtein(name, asked) {
        // Two letters that changed places make short names look different.
        1 => 0.9,
        _ => strsim::jaro_winkler(name, asked),
    };
    names
        .map(|name| (likeness(name), name))
        .filter(|near| near.0 > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|near| near.1)
}

/// Is it a command, or nearly one?
#[must_use]
pub fn is_like_command(word: &str) -> bool {
    near_command(word).is_some()
}

/// The command that was probably meant.
fn near_command(word: &str) -> Option<String> {
    let command = Cli::command();
    nearest(word, command.get_subcommands().map(clap::Command::get_name)).map(str::to_owned)
}

/// Is standard input read once at most?
///
/// # Errors
/// [`UsageError::SharedInput`] otherwise.
pub fn inputs(args: &Diagnose) -> Result<(), UsageError> {
    let is_standard = |path: &PathBuf| input::is_standard(path);
    let readers = [
        args.error.as_deref() == Some("-"),
        args.facts.iter().any(is_standard),
        args.probe.iter().any(is_standard),
        args.agent_log.iter().any(is_standard),
    ];
    match readers.into_iter().filter(|reads| *reads).count() {
        0 | 1 => Ok(()),
        _ => Err(UsageError::SharedInput),
    }
}

/// Is no file to write named like a format by mistake?
///
/// # Errors
/// [`UsageError::FormatAsFile`] otherwise.
pub fn outputs(files: &[PathBuf]) -> Result<(), UsageError> {
    /// What other programs call their formats.
    const OTHERS: [&str; 5] = ["text", "yaml", "yaml-stream", "csv", "md"];
    for file in files {
        let asked = file.to_str().unwrap_or_default();
        if Format::from_str(asked, true).is_ok() || OTHERS.contains(&asked) {
            return Err(UsageError::FormatAsFile { asked: asked.into() });
        }
    }
    Ok(())
}

/// Is each file named once? `named`: each with its option.
///
/// # Errors
/// [`UsageError::SameFile`] otherwise.
pub fn once(named: &[(&'static str, &PathBuf)]) -> Result<(), UsageError> {
    for (at, (second, file)) in named.iter().enumerate() {
        let before = named.iter().take(at);
        // Facts may be read twice, and saved over the file that they were read from: they are the same.
        let same = before.into_iter().find(|(first, other)| {
            other == file && !(*first == "--facts" && matches!(*second, "--facts" | "--save-facts"))
        });
        if let Some((first, _)) = same {
            return Err(UsageError::SameFile { file: (*file).clone(), first, second });
        }
    }
    Ok(())
}

/// [`outputs`] and [`once`], for a report.
///
/// # Errors
/// [`UsageError`], by the mistake.
pub fn files(report: &ReportArgs, facts: &[PathBuf]) -> Result<(), UsageError> {
    outputs(&report.output)?;
    let facts = facts.iter().map(|file| ("--facts", file));
    let written = report.output.iter().map(|file| ("--output", file));
    let saved = report.save_facts.iter().map(|file| ("--save-facts", file));
    once(&facts.chain(written).chain(saved).collect::<Vec<_>>())
}

/// A target as a person types it: its id, or the ARN of an instance, which names the Region too.
///
/// Stricter than the ids in facts, which AWS has spelled: here an id that is cut off while copying
/// would otherwise end as "not found".
///
/// # Errors
/// [`UsageError`], by what is wrong with it.
pub fn target(
    asked: &str,
    region: Option<&Region>,
) -> Result<(Target, Option<Region>), UsageError> {
    if asked.starts_with("ecs:") {
        return Err(UsageError::Container { asked: asked.into() });
    }
    if let Ok(arn) = asked.parse::<Arn>() {
        let no_target = || UsageError::NoTarget { asked: asked.into() };
        let (kind, id) = arn.resource().split_once('/').ok_or_else(no_target)?;
        if !matches!(
            (arn.service(), kind),
            ("ec2" | "ssm", "instance") | ("ssm", "managed-instance")
        ) {
            return Err(no_target());
        }
        let from_arn = asked.split(':').nth(3).unwrap_or_default();
        if let Some(region) = region.filter(|it| it.as_str() != from_arn) {
            return Err(UsageError::TwoRegions {
                asked: asked.into(),
                arn: from_arn.into(),
                region: region.to_string(),
            });
        }
        let (target, _) = self::target(id, None)?;
        return Ok((target, from_arn.parse().ok()));
    }
    let (digits, lengths, what): (_, &[usize], _) = if let Some(digits) = asked.strip_prefix("mi-")
    {
        (digits, &[17], "`mi-` is followed by 17 hexadecimal digits")
    } else if let Some(digits) = asked.strip_prefix("i-") {
        (digits, &[8, 17], "`i-` is followed by 17 hexadecimal digits, or 8 in old ids")
    } else {
        return Err(UsageError::NoTarget { asked: asked.into() });
    };
    let hex = |it: u8| it.is_ascii_digit() || (b'a'..=b'f').contains(&it);
    if !(lengths.contains(&digits.len()) && digits.bytes().all(hex)) {
        return Err(UsageError::BadId { asked: asked.into(), what });
    }
    let target = Target::try_from(asked.to_owned())
        .map_err(|_| UsageError::BadId { asked: asked.into(), what })?;
    Ok((target, region.cloned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_as_people_type_them() {
        let here = "eu-west-1".parse::<Region>().unwrap();
        let rows = [
            ("i-0abc123def4567890", Ok("i-0abc123def4567890 eu-west-1")),
            ("i-1234abcd", Ok("i-1234abcd eu-west-1")),
            ("mi-0123456789abcdef0", Ok("mi-0123456789abcdef0 eu-west-1")),
            ("arn:aws:ec2:eu-west-1:111122223333:instance/i-1234abcd", Ok("i-1234abcd eu-west-1")),
            (
                "arn:aws:ssm:eu-west-1:111122223333:managed-instance/mi-0123456789abcdef0",
                Ok("mi-0123456789abcdef0 eu-west-1"),
            ),
            (
                "arn:aws:ec2:us-east-1:111122223333:instance/i-1234abcd",
                Err("names the Region `us-east-1`"),
            ),
            ("arn:aws:ec2:eu-west-1:111122223333:subnet/subnet-1", Err("neither")),
            ("i-0abc123def456789", Err("not a complete id")),
            ("i-0ABC123DEF4567890", Err("not a complete id")),
            ("mi-1234abcd", Err("not a complete id")),
            ("ecs:cluster_task_runtime", Err("container")),
            ("web-1", Err("neither")),
            ("", Err("neither")),
        ];
        for (asked, expected) in rows {
            match (target(asked, Some(&here)), expected) {
                (Ok((target, region)), Ok(expected)) => {
                    assert_eq!(format!("{target} {}", region.unwrap()), expected);
                }
                (Err(error), Err(expected)) => {
                    assert!(error.to_string().contains(expected), "{error}");
                }
                (got, _) => panic!("{asked}: {:?}", got.map(|it| it.0)),
            }
        }
    }
}
