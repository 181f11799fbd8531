//! `--error`: the operator's message, as a text, from standard input, and in saved facts.

use super::{Run, facts, folder, json, path, run};

const NOT_CONNECTED: &str = "An error occurred (TargetNotConnected) when calling the StartSession operation: i-0abc123def4567890 is not connected.";

#[test]
fn a_message_that_nothing_explains_is_never_healthy() {
    let folder = folder();
    let file = facts(&folder, "private-endpoints", |_| {});
    let rows = [
        ("", 0),
        (NOT_CONNECTED, 3),
        ("ターゲットが接続されていません。", 3),
        ("SessionManagerPlugin is not found. Please refer to SessionManager Documentation", 1),
        // A shell session knows no sshd, and a session that delivers its log has started.
        ("ec2-user@i-0abc123def4567890: Permission denied (publickey).", 0),
        ("Error in PutLogEvents: AccessDeniedException: not authorized", 0),
        ("SessionId: x : Your session timed out due to inactivity.", 0),
        ("Connection closed by UNKNOWN port 65535", 0),
        ("something that nobody knows", 3),
    ];
    for (message, code) in rows {
        let ran = run(&["--facts", &file, "--no-client", "--error", message]);
        assert_eq!(ran.code, code, "{message}: {}{}", ran.out, ran.err);
    }
    let refused = "ec2-user@i-0abc123def4567890: Permission denied (publickey).";
    let ssh = run(&["--facts", &file, "--no-client", "--session", "ssh", "--error", refused]);
    assert_eq!(ssh.code, 1, "{}", ssh.out);
    let shell = run(&["--facts", &file, "--no-client", "--error", refused]);
    assert!(shell.out.contains("name that kind with --session"), "{}", shell.out);
    let wrapper = run(&["--facts", &file, "--error", "Connection closed by UNKNOWN port 65535"]);
    assert!(wrapper.out.contains("the line above it says why"), "{}", wrapper.out);
}

#[test]
fn a_message_is_saved_with_the_facts() {
    let folder = folder();
    let file = facts(&folder, "private-endpoints", |_| {});
    let saved = path(&folder, "with-message.json");
    let args = ["--facts", &file, "--error", "-", "--format", "json", "--save-facts", &saved];
    let piped = Run::new(&args).fed(&format!("\x1b[31m{NOT_CONNECTED}\nlost\n"));
    assert_eq!(piped.code, 3, "{}", piped.err);
    let again = run(&["--facts", &saved, "--format", "json"]);
    assert_eq!(json(&again.out), json(&piped.out));
}

#[test]
fn powershell_pipes_utf_16() {
    let folder = folder();
    let file = facts(&folder, "private-endpoints", |_| {});
    // ASCII letters in UTF-16, without a mark.
    let utf16: String = NOT_CONNECTED.chars().flat_map(|letter| [letter, '\0']).collect();
    for args in [
        &["explain", "-", "--format", "json"][..],
        &["--facts", file.as_str(), "--no-client", "--format", "json", "--error", "-"],
    ] {
        let (plain, wide) = (Run::new(args).fed(NOT_CONNECTED), Run::new(args).fed(&utf16));
        assert_eq!(wide.code, plain.code, "{args:?}: {}", wide.err);
        assert_eq!(json(&wide.out), json(&plain.out), "{args:?}");
    }
}

#[test]
fn standard_input_is_read_once() {
    let ran = run(&["--facts", "-", "--error", "-"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("can read standard input"), "{}", ran.err);
}
