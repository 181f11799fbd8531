//! What a message says of the reason comes before what it says of the place.

use ssm_doctor_checks::error_message::causes::{Cause, *};

use super::{Answer, Candidate, explain};

fn causes(text: &str) -> Vec<Candidate> {
    let Ok(Answer::Causes(found)) = explain(text) else { panic!("no answer to {text}") };
    found.candidates
}

/// Messages that name their cause. Sources: the log of an EC2 instance with an old hybrid registration, AWS's API
/// references for the words of errors, cmd.exe, Go, Python and Node.js for a program that is missing.
const NAMED: &[(&str, &Cause)] = &[
    (
        "ERROR [CredentialRefresher] Retrieve credentials produced error: InvalidInstanceId: Not existing InstanceId mi-0f1e2d3c4b5a69788",
        &HYBRID_LEFTOVER,
    ),
    ("Entering SSM Agent hibernate - ThrottlingException: Rate exceeded", &SERVICE_ERROR),
    (
        "An error occurred (ThrottlingException) when calling the StartSession operation: Rate exceeded",
        &THROTTLED,
    ),
    (
        "software.amazon.awssdk.services.ssm.model.TargetNotConnectedException: i-0 is not connected. (Service: Ssm, Status Code: 400)",
        &OTHER_PLACE,
    ),
    ("SessionId: x : Your session timed out due to inactivity.", &IDLE_LIMIT),
    (
        "ハンドシェイクの開始中にエラーが発生しました。ハンドシェイクがタイムアウトしました。",
        &CLIENT_KMS_CREDENTIALS,
    ),
    (
        "dial tcp 10.0.4.20:443: connectex: A connection attempt failed because the connected party did not properly respond after a period of time",
        &ENDPOINT_GROUP,
    ),
    (
        "dial tcp 52.94.1.2:443: connectex: A connection attempt failed because the connected party did not properly respond",
        &NO_EGRESS,
    ),
    (
        "dial tcp 10.0.3.4:443: connectex: No connection could be made because the target machine actively refused it.",
        &FIREWALL,
    ),
    ("mkdir C:\\ProgramData\\Amazon\\SSM: There is not enough space on the disk.", &DISK_FULL),
    (
        "failed to find the executable specified /usr/local/bin/session-manager-plugin.",
        &PLUGIN_MISSING,
    ),
    ("[Errno 2] No such file or directory: 'session-manager-plugin'", &PLUGIN_MISSING),
    ("Error: spawn session-manager-plugin ENOENT", &PLUGIN_MISSING),
    ("/usr/bin/env: ‘session-manager-plugin’: No such file or directory", &PLUGIN_MISSING),
    (
        "'session-manager-plugin' は、内部コマンドまたは外部コマンド、\n操作可能なプログラムまたはバッチ ファイルとして認識されていません。",
        &PLUGIN_MISSING,
    ),
    ("fork/exec /usr/local/bin/session-manager-plugin: exec format error", &PLUGIN_UNUSABLE),
    ("bad CPU type in executable: session-manager-plugin", &PLUGIN_UNUSABLE),
    ("listen tcp 127.0.0.1:5432: bind: address already in use", &LOCAL_PORT),
    (
        "listen tcp 127.0.0.1:5432: bind: Only one usage of each socket address (protocol/network address/port) is normally permitted.",
        &LOCAL_PORT,
    ),
    (
        "listen tcp 127.0.0.1:5432: bind: An attempt was made to access a socket in a way forbidden by its access permissions.",
        &LOCAL_PORT,
    ),
    ("The config profile (prod) could not be found", &CLIENT_PROFILE),
    ("You must specify a region. You can also configure your region", &CLIENT_REGION),
    ("Error parsing parameter '--parameters': Expected: '=', received: '\"'", &QUOTES),
    (
        "An error occurred (OptInRequired) when calling the StartSession operation: You are not subscribed to this service",
        &REGION_OFF,
    ),
    (
        "An error occurred (ValidationException) when calling the StartSession operation: Value 'web01' at 'target' failed to satisfy constraint",
        &BAD_TARGET,
    ),
    (
        "An error occurred (InvalidSignatureException) when calling the StartSession operation: Signature expired: 20261124T081203Z is now earlier than 20261124T103500Z",
        &CLIENT_CLOCK,
    ),
    ("SSM exec_command timeout on host: i-0", &SLOW_COMMAND),
    ("ssh: connect to host i-0c3f7a91be52d4e08 port 22: Connection timed out", &SSH_NAME),
    ("Timeout waiting for SSH.", &NO_PATH),
    (
        "Unable to dial connection to server: dial tcp :443: connect: connection refused",
        &NOTHING_LISTENS,
    ),
    ("Error in PutLogEvents: ResourceNotFoundException", &LOG_GROUP_NAME),
    (
        "Error in PutLogEvents: RequestError: dial tcp 10.0.1.2:443: i/o timeout",
        &LOGS_NOT_DELIVERED,
    ),
    (
        "An error occurred (InternalServerError) when calling the StartSession operation",
        &SERVICE_DEFECT,
    ),
    (
        "unable to validate encryption on CloudWatch Logs log group. Error: ResourceNotFoundException",
        &LOG_GROUP_NAME,
    ),
    ("unable to validate encryption on CloudWatch Logs log group. Error: x", &LOG_GROUP_RIGHTS),
    ("Encountered an error while executing shell profile: EOF", &SHELL_PROFILE),
    (
        "Encountered error while initiating handshake. KMSEncryption failed on client with status 2 error: Failed to process action KMSEncryption: Error calling KMS GenerateDataKey API: DisabledException: arn:aws:kms:us-east-1:111122223333:key/1 is disabled.",
        &KEY_DISABLED,
    ),
    (
        "KMSEncryption failed on client with status 2 error: Error calling KMS GenerateDataKey API: NotFoundException: Alias arn:aws:kms:us-east-1:111122223333:alias/ssm is not found.",
        &KEY_GONE,
    ),
    (
        "Fetching data key failed: Unable to retrieve data key, Error when decrypting data key DisabledException: x is disabled.",
        &KEY_DISABLED,
    ),
    (
        "KMSEncryption failed on client with status 2 error: Error calling KMS GenerateDataKey API: RequestError: dial tcp: lookup kms.eu-central-1.amazonaws.com: no such host",
        &CLIENT_NO_KMS,
    ),
    (
        "Error in PutLogEvents:AccessDeniedException: User: arn:aws:sts::1:assumed-role/web/i-0 is not authorized to perform: logs:PutLogEvents",
        &LOG_GROUP_WRITE,
    ),
    (
        "User: arn:aws:sts::1:assumed-role/Dev/jane is not authorized to perform: ssmmessages:OpenDataChannel",
        &OPEN_CHANNEL_RIGHTS,
    ),
    ("amazon-ssm-agent.service: Failed with result 'oom-kill'.", &MEMORY),
    (
        "Instance profile: no role attached. Default Host Management Configuration is not enabled",
        &NO_PROFILE,
    ),
    ("An error occurred (TargetNotConnec", &OTHER_PLACE),
];

#[test]
fn a_cause_that_a_message_names_comes_first() {
    let wrong: Vec<_> = NAMED
        .iter()
        .map(|(text, cause)| (*text, causes(text)[0].cause.clone(), cause.what))
        .filter(|(_, first, cause)| first != cause)
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_part_of_a_reason_says_nothing_beside_it() {
    for (text, excluded) in [
        (
            "Error in PutLogEvents:AccessDeniedException: User: x is not authorized to perform: logs:PutLogEvents",
            &TARGET_RIGHTS,
        ),
        ("Error in PutLogEvents: AccessDeniedException", &LOGS_NOT_DELIVERED),
        ("InvalidInstanceId: Not existing InstanceId mi-0", &NOT_RUNNING),
        ("Your session timed out due to inactivity", &NO_EGRESS),
        (
            "(InvalidSignatureException) when calling the StartSession operation: Signature expired: x",
            &CLOCK,
        ),
        (
            "GenerateDataKey API: RequestError: dial tcp: lookup kms.x.amazonaws.com: no such host",
            &DNS_UNREACHABLE,
        ),
        ("There is not enough space on the disk", &INOTIFY),
    ] {
        let found = causes(text);
        assert!(!found.iter().any(|it| it.cause == excluded.what), "{text}: {}", excluded.what);
    }
}

#[test]
fn only_a_word_that_is_cut_is_completed() {
    let read_as = |text| match explain(text) {
        Ok(Answer::Causes(found)) => found.read_as,
        _ => None,
    };
    assert!(read_as("An error occurred (TargetNotConnec").is_some());
    assert_eq!(read_as("An error occurred (TargetNotConnected"), None);
    assert_eq!(read_as("the target is not connected. An error occu"), None);
}
