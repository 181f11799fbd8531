//! What the documents quote is what the binary prints. `UPDATE_DOCS=1` rewrites the transcripts of GUIDE.md
//! and the pictures of README.md.

use std::{fs, path::Path};

use anstyle_svg::Term;

use super::{ROOT, Run, facts, folder, hide_acls, path};

/// Compares a committed file with what it must be, or writes it.
pub fn committed(file: &str, text: &str) {
    let path = Path::new(ROOT).join(file);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(found == text, "{file} is out of date: run `cargo xtask update`");
}

/// A transcript is between `<!-- $ ssm-doctor … -->` and `<!-- / -->`. Its command runs in a folder with the
/// files that the guide speaks of.
#[test]
fn the_transcripts_of_the_guide_are_what_the_binary_prints() {
    const OPEN: &str = "<!-- $ ssm-doctor ";
    const CLOSE: &str = "<!-- / -->";
    let folder = folder();
    facts(&folder, "private-endpoints", hide_acls);
    let log = Path::new(ROOT).join("fixtures/logs/denied-report/amazon-ssm-agent.log");
    fs::copy(log, path(&folder, "amazon-ssm-agent.log")).unwrap();
    let guide = fs::read_to_string(Path::new(ROOT).join("GUIDE.md")).unwrap();
    let mut parts = guide.split(OPEN);
    let mut text = parts.next().unwrap().to_owned();
    let mut count = 0;
    for part in parts {
        let (command, rest) = part.split_once(" -->\n").unwrap();
        let (_, after) = rest.split_once(CLOSE).unwrap();
        let args = shlex::split(command).unwrap();
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let ran = Run::new(&args).inside(&folder).go();
        let printed = format!("{}{}", ran.out, ran.err);
        text.extend([OPEN, command, " -->\n```console\n$ ssm-doctor ", command, "\n", &printed]);
        text.extend(["```\n", CLOSE, after]);
        count += 1;
    }
    assert!(count > 4, "{count}");
    committed("GUIDE.md", &text);
}

#[test]
fn the_pictures_of_the_readme_are_what_the_binary_prints() {
    let rows: [(&str, &[&str]); 2] =
        [("docs/blocked.svg", &["demo"]), ("docs/explain.svg", &["explain", "TargetNotConnected"])];
    for (file, args) in rows {
        let ran = Run::new(args).set("COLUMNS", "100").set("CLICOLOR_FORCE", "1").go();
        let text = format!("$ ssm-doctor {}\n{}", args.join(" "), ran.out);
        let picture = Term::new().render_svg(&text);
        assert!(picture.starts_with("<svg") && !picture.contains("<script"), "{picture}");
        committed(file, &format!("{}\n", picture.trim_end()));
    }
}
