//! Messages that people saw, and what was behind each: of at least 95 % of them it is among the first
//! three candidates.

use ssm_doctor_checks::error_message::causes::{ALL, Cause, *};

use super::*;

/// Of public incident reports, with the cause that was found.
const INCIDENTS: &[(&str, &[&Cause])] = &[
    (
        "AccessDeniedException: The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access.",
        &[&KEY_GONE, &NODE_DECRYPT, &KEY_ELSEWHERE],
    ),
    (
        "An error occurred (ThrottlingException) when calling the StartSession operation (reached max retries: 2): Rate exceeded",
        &[&THROTTLED],
    ),
    (
        "Error Calling DescribeLogGroups:RequestError: send request failed ... logs.us-east-1.amazonaws.com ... i/o timeout",
        &[&LOGS_UNREACHABLE],
    ),
    (
        "AccessDeniedException: ... is not authorized to perform: ssm:UpdateInstanceInformation on resource: arn:aws:ec2:...:instance/i-...",
        &[&ENDPOINT_POLICY],
    ),
    (
        "SSM Agent unable to acquire credentials ... Post \"https://ssm.us-east-1.amazonaws.com/\": dial tcp 13.217.78.180:443: i/o timeout",
        &[&FIREWALL],
    ),
    ("Failed to load instance info from vault. RegistrationKey does not exist.", &[&BENIGN]),
    (
        "An error occurred (TargetNotConnected) when calling the StartSession operation: i-... is not connected.",
        &[&NO_PATH],
    ),
    (
        "Failed to fetch region. Data from vault is empty. Get http://169.254.169.254/latest/dynamic/instance-identity/document: ... Client.Timeout exceeded while awaiting headers",
        &[&NO_METADATA],
    ),
    ("Agent enters hibernate mode. Reducing logging...", &[&NO_PROFILE]),
    ("(hibernate.log shows retries at 0m, 30m, 1h, 2h, 3h)", &[&PROFILE_FRESH]),
    (
        "An error occurred (TargetNotConnected) when calling the StartSession operation ... kex_exchange_identification: Connection closed by remote host",
        &[&NO_CHANNEL_RIGHTS],
    ),
    (
        "retrieved credentials failed to report to ssm ... AccessDeniedException ... no identity-based policy allows the ssm:UpdateInstanceInformation action",
        &[&PROFILE_SHADOWS_DHMC],
    ),
    (
        "createDataChannel request failed: failed to sign the request: shared credentials are already expired",
        &[&STALE_CREDENTIALS],
    ),
    (
        "Setting up data channel with id ... failed: ... CreateDataChannel failed ... <BadRequest><message>...: Request is not authenticated.</message>",
        &[&NO_CHANNEL_RIGHTS],
    ),
    ("(ssm.ap-northeast-1.amazonaws.com resolved to a global IP)", &[&OTHER_RESOLVER]),
    (
        "We couldn't start the session because encryption is not set up on the selected Amazon S3 bucket.",
        &[&BUCKET_RIGHTS],
    ),
    (
        "We couldn't start the session because encryption is not set up on the selected CloudWatch Logs log group.",
        &[&LOG_GROUP_RIGHTS],
    ),
    (
        "We couldn't start the session because encryption is not set up on the selected CloudWatch Logs log group.",
        &[&LOG_GROUP_NAME],
    ),
    (
        "KMSEncryption failed on client with status 2 error: ... Error calling KMS GenerateDataKey API: AccessDeniedException: ... not authorized to perform: kms:GenerateDataKey",
        &[&CLIENT_KMS_RIGHTS],
    ),
    (
        "KMSEncryption failed on client with status 2 error: ... AssumeRoleTokenProviderNotSetError: assume role with MFA enabled, but AssumeRoleTokenProvider session option not set.",
        &[&CLIENT_KMS_CREDENTIALS],
    ),
    (
        "KMSEncryption failed on client with status 2 ... ProcessProvider ExecutionError: error in credential_process caused by: exit status 1",
        &[&CLIENT_KMS_CREDENTIALS],
    ),
    (
        "KMSEncryption failed on client with status 2 ... refresh cached SSO token failed, unable to refresh SSO token, InvalidGrantException",
        &[&CLIENT_KMS_CREDENTIALS],
    ),
    (
        "Error calling KMS GenerateDataKey API: ValidationException: Invalid EncryptionContext",
        &[&WRAPPER],
    ),
    ("ValidationException: Invalid EncryptionContext", &[&WRAPPER]),
    (
        "Encountered error while initiating handshake. Handshake timed out. Please ensure that you have the latest version of the session manager plugin.",
        &[&CLIENT_KMS_CREDENTIALS],
    ),
    (
        "Encountered error while initiating handshake. Handshake timed out. Please ensure that you have the latest version of the session manager plugin.",
        &[&WRAPPER],
    ),
    ("(aws_ssm connection timeout / handshake)", &[&CLIENT_KMS_CREDENTIALS]),
    ("(output parsing fails after 'This session is encrypted using AWS KMS.')", &[&WRAPPER]),
    (
        "Plugin with name aws:runShellScript not found. Step name: aws:runShellScript",
        &[&DISK_FULL, &INOTIFY],
    ),
    (
        "failed to create channel: no space left on device ... document worker timed out",
        &[&INOTIFY],
    ),
    ("No space left on device", &[&INOTIFY]),
    ("Plugin with name Standard_Stream not found. Step name: Standard_Stream", &[&DISK_FULL]),
    (
        "Unable to start shell: failed to start pty since RunAs user ubuntu does not exist",
        &[&RUN_AS],
    ),
    (
        "Unable to start command: failed to start pty since RunAs user ssm-user does not exist",
        &[&RUN_AS_SSM_USER],
    ),
    (
        "Unable to start shell: failed to start pty since RunAs user ssm-user does not exist",
        &[&RUN_AS_SSM_USER],
    ),
    ("Unable to start shell: invalid uid and gid", &[&RUN_AS_ROOT]),
    (
        "UnrecognizedPropertyException: Unrecognized field \"Message\" (class ...BadRequest)",
        &[&RUN_AS_EMPTY],
    ),
    (
        "error occurred in RequestManagedInstanceRoleToken: InvalidInstanceId: Not existing InstanceId mi-0c17d31c2af36e0e6",
        &[&HYBRID_LEFTOVER],
    ),
    ("Stopping SSM agent because sysprep hasn't completed", &[&WINDOWS_SYSPREP]),
    ("RequestManagedInstanceRoleToken: MachineFingerprintDoesNotMatch", &[&FINGERPRINT]),
    ("pause_publication", &[&TIER]),
    (
        "failed to read runtime config 'identity_config.json': open /var/lib/amazon/ssm/runtimeconfig/identity_config.json: no such file or directory",
        &[&AGENT_MISSING],
    ),
    ("SSM Agent isn't installed on the instance.", &[&HARDENED]),
    (
        "Could not connect to the endpoint URL: \"https://ssm.eu-west-1.api.aws/\" ... kex_exchange_identification: Connection closed by remote host",
        &[&CLIENT_DUAL_STACK],
    ),
    (
        "An error occurred (TargetNotConnectedException) when calling the ExecuteCommand operation: The execute command failed due to an internal error. Try again later.",
        &[&CONTAINER_CREDENTIALS],
    ),
    ("TargetNotConnectedException ... internal error", &[&AGENT_VERSION]),
    (
        "Health ping failed with error - EC2RoleRequestError: no EC2 instance role found ... status code: 404",
        &[&NO_PROFILE],
    ),
    (
        "dial tcp 169.254.169.254:80: connect: network is unreachable ... No Authorization header in request",
        &[&NO_METADATA],
    ),
    ("(agent log up to identity selection)", &[&AGENT_VERSION]),
    ("failed to register identity: error calling RegisterManagedInstance API", &[&NO_PROFILE]),
    ("Agent enters hibernate mode", &[&AGENT_VERSION]),
    ("websocket: close 1006 (abnormal closure): unexpected EOF", &[&IDLE_TIMER]),
    ("websocket: close 1000 (normal): Bye", &[&PLUGIN_DEFECT]),
    ("Broken pipe", &[&OTHER_PLACE]),
    (
        "Cannot perform start session: listen unix /var/folders/.../session_manager_plugin_mux.sock: bind: invalid argument",
        &[&SOCKET_PATH],
    ),
    ("Cannot perform start session: EOF", &[&NO_TERMINAL]),
    ("AccessDeniedException ... TerminateSession", &[&PLUGIN_MISSING]),
    (
        "An error occurred (TargetNotConnected) when calling the StartSession operation: i-123456 is not connected.",
        &[&OTHER_PLACE],
    ),
    ("Encountered error while initiating handshake. Handshake timed out.", &[&CLIENT_NO_WEBSOCKET]),
    ("websocket: control frame length > 125", &[&PLUGIN_DEFECT]),
    ("amazon-ssm-agent: command not found", &[&SNAP]),
    ("Failed uploading ... err:AccessDenied", &[&BUCKET_KEY]),
    ("Failed uploading ... err:AccessDenied: Access Denied", &[&BUCKET_POLICY]),
    ("AccessDeniedException on StartSession", &[&DOCUMENT_RIGHTS, &TARGET_RIGHTS]),
    ("AccessDeniedException on StartSession", &[&DOCUMENT_RIGHTS]),
    ("AccessDenied ssm-guiconnect:*", &[&GUARDRAIL]),
    ("explicitDeny", &[&TARGET_RIGHTS]),
    (
        "An error occurred (TargetNotConnected) when calling the StartSession operation: ecs:... is not connected.",
        &[&CONTAINER],
    ),
    ("(SSH handshake timeouts via SSM tunnel)", &[&AGENT_VERSION]),
    ("(ssh hang)", &[&AGENT_TOO_OLD]),
    ("TargetNotConnected / AccessDenied", &[&OTHER_PLACE]),
    (
        "Amazon-ssm-agent is installed in this instance by snap, please use snap to update or uninstall.",
        &[&SNAP],
    ),
    ("Timed out", &[&NO_EGRESS]),
    (
        "An error occurred (TargetNotConnected) when calling the StartSession operation: mi-01064afae0734b12b is not connected. kex_exchange_identification: Connection closed by remote host",
        &[&STALE_ID],
    ),
    (
        "BadRequest ... Enable advanced-instances tier ... / Connection closed by UNKNOWN port 65535",
        &[&TIER],
    ),
    ("SSH Helper not yet started? Retrying.", &[&PROXY]),
    ("failed to create channel: too many open files", &[&INOTIFY]),
    (
        "filewatcher listener encountered error when start watcher: too many open file(s)",
        &[&INOTIFY],
    ),
    ("failed to create channel: too many open files ... document worker timed out", &[&INOTIFY]),
    (
        "Connection to destination port failed, check SSM Agent logs. / dial tcp :3001: socket: too many open files",
        &[&OPEN_FILES],
    ),
    ("open /dev/null: too many open files / New logger creation failed", &[&AGENT_VERSION]),
    ("document process failed unexpectedly: document worker timed out", &[&MEMORY]),
    (
        "Failed to create ssm-user: exit status 1 / NetUserSetInfo call failed. 2221",
        &[&WINDOWS_USER],
    ),
    (
        "An error occurred (BadRequest) when calling the StartSession operation: Currently, port forwarding sessions to remote hosts are not supported.",
        &[&AGENT_TOO_OLD],
    ),
    (
        "Connection to destination port failed, check SSM Agent logs. / dial tcp :23760: connect: connection refused",
        &[&NOTHING_LISTENS],
    ),
    ("Connection to destination port failed, check SSM Agent logs.", &[&NOTHING_LISTENS]),
    ("Waiting for connections...", &[&NOTHING_LISTENS]),
    ("ssh_exchange_identification: Generating public/private ed25519 key pair.", &[&SSH_OUTPUT]),
    ("ssh_protocol_version_exchange: Starting session with SessionId: ...", &[&SSH_OUTPUT]),
    (
        "kex_exchange_identification: Connection closed by remote host ... The process tried to write to a nonexistent pipe.",
        &[&SSH_OUTPUT],
    ),
    ("Permission denied (publickey)", &[&SSH_KEY]),
    (
        "AccessDeniedException (StartSession on document AWS-StartPortForwardingSessionToRemoteHost)",
        &[&DOCUMENT_RIGHTS],
    ),
    (
        "Invoke-WebRequest : Unable to connect to the remote server (169.254.169.254)",
        &[&WINDOWS_ROUTES],
    ),
    ("ERROR [Stop @ agent.go.99] Agent's core manager can't be nil", &[&LEFTOVER_STATE]),
    (
        "Unable to attach policy arn:aws:iam::aws:policy/service-role/AmazonEC2RoleforSSM to role",
        &[&OLD_POLICY],
    ),
    ("hibinit-agent[1747]: OSError: [Errno 101] Network is unreachable", &[&HARDENED]),
];

/// Messages with their likeliest cause, as gathered from many reports.
pub(super) const USUAL: &[(&str, &[&Cause])] = &[
    (
        "An error occurred (TargetNotConnected) when calling the StartSession operation: i-0 is not connected.",
        &[&OTHER_PLACE],
    ),
    (
        "TargetNotConnectedException: The execute command failed due to an internal error. Try again later.",
        &[&CONTAINER_CREDENTIALS],
    ),
    (
        "AccessDeniedException: not authorized to perform: ssm:UpdateInstanceInformation",
        &[&ROLE_LACKS_SSM],
    ),
    ("EC2RoleRequestError: no EC2 instance role found", &[&NO_PROFILE]),
    ("failed to register identity: error calling RegisterManagedInstance API", &[&NO_PROFILE]),
    (
        "CreateControlChannel failed with error: createControlChannel request failed: Unauthorized request",
        &[&NO_CHANNEL_RIGHTS],
    ),
    ("CreateDataChannel failed: Request is not authenticated.", &[&NO_CHANNEL_RIGHTS]),
    (
        "not authorized to perform: ssmmessages:CreateDataChannel on resource: x with an explicit deny in a service control policy",
        &[&GUARDRAIL],
    ),
    (
        "createDataChannel request failed: failed to sign the request: shared credentials are already expired",
        &[&STALE_CREDENTIALS],
    ),
    ("CreateDataChannel failed: UnknownOperationException", &[&SERVICE_DEFECT]),
    (
        "Entering SSM Agent hibernate - RequestError: send request failed caused by: dial tcp 10.0.1.23:443: i/o timeout",
        &[&ENDPOINT_GROUP],
    ),
    (
        "Post \"https://ssm.eu-west-1.amazonaws.com/\": dial tcp 52.94.1.2:443: i/o timeout",
        &[&NO_EGRESS, &FIREWALL],
    ),
    (
        "dial tcp: lookup ssm.eu-west-1.amazonaws.com on 10.0.0.2:53: read udp: i/o timeout",
        &[&DNS_UNREACHABLE],
    ),
    (
        "Error Calling DescribeLogGroups: RequestError: logs.eu-west-1.amazonaws.com: i/o timeout",
        &[&LOGS_UNREACHABLE],
    ),
    ("session takes minutes", &[&LOGS_UNREACHABLE]),
    ("Blank screen displays after starting a session", &[&LOGS_UNREACHABLE]),
    (
        "We couldn't start the session because encryption is not set up on the selected CloudWatch Logs log group.",
        &[&LOG_GROUP_RIGHTS],
    ),
    (
        "We couldn't start the session because encryption is not set up on the selected Amazon S3 bucket.",
        &[&BUCKET_RIGHTS],
    ),
    ("Failed uploading log to s3 err:AccessDenied", &[&BUCKET_KEY]),
    (
        "Encountered error while initiating handshake. Handshake timed out. Please ensure that you have the latest version of the session manager plugin.",
        &[&NODE_KMS],
    ),
    (
        "KMSEncryption failed on client with status 2 error: Error calling KMS GenerateDataKey API: AccessDeniedException",
        &[&CLIENT_KMS_RIGHTS],
    ),
    (
        "KMSEncryption failed on client with status 2 error: AssumeRoleTokenProviderNotSetError",
        &[&CLIENT_KMS_CREDENTIALS],
    ),
    ("ProcessProvider ExecutionError: error in credential_process", &[&CLIENT_KMS_CREDENTIALS]),
    ("refresh cached SSO token failed, InvalidGrantException", &[&CLIENT_KMS_CREDENTIALS]),
    (
        "Error calling KMS GenerateDataKey API: ValidationException: Invalid EncryptionContext",
        &[&WRAPPER],
    ),
    (
        "Fetching data key failed: Unable to retrieve data key, Error when decrypting data key AccessDeniedException",
        &[&NODE_DECRYPT],
    ),
    ("Plugin with name Standard_Stream is not found. Step name: Standard_Stream", &[&DISK_FULL]),
    ("Plugin with name Standard_Stream not found", &[&DISK_FULL]),
    ("Plugin with name aws:runShellScript not found", &[&DISK_FULL]),
    ("Plugin with name Port is not supported by this version of ssm agent", &[&AGENT_TOO_OLD]),
    ("Currently, port forwarding sessions to remote hosts are not supported.", &[&AGENT_TOO_OLD]),
    ("Forwarding to IP address 127.0.0.1 is forbidden.", &[&LOOPBACK]),
    ("Connection to destination port failed, check SSM Agent logs.", &[&NOTHING_LISTENS]),
    ("failed to create channel: no space left on device", &[&INOTIFY]),
    ("document worker timed out", &[&INOTIFY]),
    ("failed to start pty since RunAs user alice does not exist", &[&RUN_AS]),
    ("Unable to start shell: invalid uid and gid", &[&RUN_AS_ROOT]),
    ("Failed to create ssm-user", &[&WINDOWS_USER]),
    ("NetUserSetInfo call failed. 2221", &[&WINDOWS_USER]),
    ("Stopping SSM agent because sysprep hasn't completed", &[&WINDOWS_SYSPREP]),
    (
        "Failed to fetch region. Data from vault is empty: Get http://169.254.169.254: Client.Timeout",
        &[&NO_METADATA],
    ),
    (
        "RequestManagedInstanceRoleToken: InvalidInstanceId: Not existing InstanceId mi-0123",
        &[&HYBRID_LEFTOVER],
    ),
    ("MachineFingerprintDoesNotMatch", &[&FINGERPRINT]),
    ("'bios-hash' value has changed", &[&FINGERPRINT]),
    ("ActivationExpired", &[&ACTIVATION]),
    (
        "(BadRequest) Enable advanced-instances tier to use Session Manager with your on-premises instances",
        &[&TIER],
    ),
    (
        "AccessDeniedException: ssm:StartSession on resource: arn:aws:ssm:eu-west-1:1:document/SSM-SessionManagerRunShell",
        &[&DOCUMENT_RIGHTS],
    ),
    (
        "An error occurred (AccessDeniedException) when calling the TerminateSession operation",
        &[&PLUGIN_MISSING],
    ),
    (
        "An error occurred (InvalidDocument): Document with name Custom does not exist.",
        &[&SESSION_DOCUMENT],
    ),
    (
        "InvalidDocumentSchemaVersion: 2.0 is not a valid schema version for Session document type",
        &[&SESSION_DOCUMENT],
    ),
    ("kex_exchange_identification: Connection closed by remote host", &[&SSH_OUTPUT, &OTHER_PLACE]),
    ("Connection closed by UNKNOWN port 65535", &[&SSH_OUTPUT, &OTHER_PLACE]),
    (
        "Could not connect to the endpoint URL: \"https://ssm.eu-west-1.api.aws/\"",
        &[&CLIENT_DUAL_STACK],
    ),
    ("Cannot perform start session: EOF", &[&NO_TERMINAL]),
    (
        "listen unix /var/folders/x/session_manager_plugin_mux.sock: bind: invalid argument",
        &[&SOCKET_PATH],
    ),
    ("websocket: close 1006 (abnormal closure)", &[&IDLE_TIMER]),
    ("websocket: close 1000 (normal): Bye", &[&PLUGIN_DEFECT]),
    ("RegistrationKey does not exist", &[&BENIGN]),
    ("seelog.xml: no such file", &[&BENIGN]),
    ("Agent's core manager can't be nil", &[&BENIGN]),
];

/// As people paste them: consoles, shells, logs, Japanese, and typing errors.
const PASTED: &[(&str, &[&Cause])] = &[
    ("Couldn't retrieve document contents", &[&SESSION_DOCUMENT]),
    ("ConnectionLost", &[&NO_PATH]),
    (
        "EC2RoleProvider Failed to connect to Systems Manager with instance profile role credentials",
        &[&ROLE_LACKS_SSM],
    ),
    ("zsh: command not found: session-manager-plugin", &[&PLUGIN_MISSING]),
    ("InvalidDocument", &[&SESSION_DOCUMENT]),
    ("Connection to destination port failed, check SSH Server", &[&NOTHING_LISTENS]),
    ("alice@i-0: Permission denied (publickey).", &[&SSH_KEY]),
    ("Signature expired: 20261130T000000Z is now earlier than", &[&CLOCK]),
    ("access denied", &[&TARGET_RIGHTS]),
    ("TargetNotConected", &[&OTHER_PLACE]),
    ("ターゲットが接続されていません。", &[&OTHER_PLACE]),
    ("SSM Agent がオンラインではありません", &[&NO_PATH]),
    (
        "選択した CloudWatch Logs ロググループで暗号化が設定されていないため、セッションを開始できませんでした。",
        &[&LOG_GROUP_RIGHTS],
    ),
    (
        "選択した Amazon S3 バケットで暗号化が設定されていないため、セッションを開始できませんでした。",
        &[&BUCKET_RIGHTS],
    ),
    ("アクセスが拒否されました", &[&TARGET_RIGHTS]),
    (
        "2026-11-30 01:02:03 ERROR [ssm-agent-worker] [MessageService] [MGSInteractor] [ControlChannel] CreateControlChannel failed with error: createControlChannel request failed: unexpected response from the service Unauthorized request",
        &[&NO_CHANNEL_RIGHTS],
    ),
];

/// Is one of the causes among the first three?
fn leads_to(text: &str, causes: &[&Cause]) -> bool {
    let Ok(Answer::Causes(found)) = explain(text) else { return false };
    let first = found.candidates.iter().take(3);
    causes.iter().any(|cause| first.clone().any(|candidate| candidate.cause == cause.what))
}

#[test]
fn messages_lead_to_their_cause() {
    for (what, rows) in [("incidents", INCIDENTS), ("usual", USUAL), ("pasted", PASTED)] {
        let missed: Vec<_> = rows.iter().filter(|row| !leads_to(row.0, row.1)).collect();
        let texts: Vec<_> = missed.iter().map(|row| row.0).collect();
        println!("{what}: {} of {} explained", rows.len() - missed.len(), rows.len());
        assert!(missed.len() * 20 <= rows.len(), "{what}: {texts:#?}");
    }
}

fn causes(text: &str) -> Vec<Candidate> {
    let Ok(Answer::Causes(found)) = explain(text) else { panic!("no answer to {text}") };
    found.candidates
}

#[test]
fn a_candidate_names_the_check_that_looks_at_exactly_that() {
    for (text, check) in [
        ("Signature expired: 20261130T000000Z is now earlier than", "agent/clock-right"),
        ("No space left on device", "agent/disk-writable"),
        ("Plugin with name Standard_Stream not found", "agent/disk-writable"),
        ("too many open files", "agent/limits-suffice"),
        ("Out of memory: Killed process 1", "agent/limits-suffice"),
        ("proxyconnect tcp: dial tcp: lookup proxy: no such host", "agent/proxy-passes"),
        ("dial tcp: lookup ssm.eu-west-1.amazonaws.com: no such host", "agent/names-resolve"),
        ("failed to get IMDSv2 token", "agent/metadata-reachable"),
        ("MachineFingerprintDoesNotMatch", "agent/registration-valid"),
        ("app config could not be loaded", "agent/configuration-valid"),
        ("failed to start worker ssm-agent-worker", "agent/installation-complete"),
    ] {
        let found = causes(text);
        assert_eq!(found[0].checks[0], check, "{text}");
        for candidate in &found {
            let same = |other: &&Candidate| other.cause == candidate.cause;
            assert_eq!(found.iter().filter(same).count(), 1, "{text}: {}", candidate.cause);
        }
    }
    let by_runbook = causes("ThrottlingException: Rate exceeded");
    assert!(by_runbook[0].cause.starts_with("Systems Manager answers the agent with an error"));
    for found in causes("alice@i-0: Permission denied (publickey).") {
        assert!(!found.checks.iter().any(|name| name == "operator/error-message-explained"));
    }
}

#[test]
fn a_whole_block_ranks_as_its_decisive_line() {
    const BEGIN: &str = "Starting session with SessionId: alice-0123456789abcdef0\n\nSessionId: alice-0123456789abcdef0 :\n----------ERROR-------\n";
    for (line, cause) in [
        (
            "Encountered error while initiating handshake. Fetching data key failed: Unable to retrieve data key, Error when decrypting data key AccessDeniedException: User: arn:aws:sts::111122223333:assumed-role/App/i-0abc123def4567890 is not authorized to perform: kms:Decrypt on resource: arn:aws:kms:eu-west-1:111122223333:key/1",
            &NODE_DECRYPT,
        ),
        (
            "Unable to start shell: failed to start pty since RunAs user ubuntu does not exist",
            &RUN_AS,
        ),
        ("Plugin with name Port is not supported by this version of ssm agent", &AGENT_TOO_OLD),
        (
            "Encountered error while initiating handshake. Handshake timed out.",
            &CLIENT_KMS_CREDENTIALS,
        ),
    ] {
        let (alone, block) =
            (causes(line), causes(&format!("{BEGIN}{line}\nRegistrationKey does not exist")));
        assert_eq!(block[0].cause, cause.what, "{line}");
        let names = |found: &[Candidate]| -> Vec<String> {
            found.iter().take(3).map(|candidate| candidate.cause.clone()).collect()
        };
        assert_eq!(names(&block), names(&alone));
    }
    assert_eq!(causes(BEGIN)[0].cause, BENIGN.what);
}

#[test]
fn a_refusal_that_names_its_policy_excludes_policies_of_other_types() {
    let identity =
        [&ROLE_LACKS_SSM, &TARGET_RIGHTS, &DOCUMENT_RIGHTS, &NO_CHANNEL_RIGHTS, &CLIENT_KMS_RIGHTS];
    let endpoint = [&ENDPOINT_POLICY, &ENDPOINT_POLICY_OPERATOR];
    for action in [
        "ssm:StartSession",
        "ssm:UpdateInstanceInformation",
        "kms:GenerateDataKey",
        "ssmmessages:CreateDataChannel",
    ] {
        for (named, kind) in [
            (format!("because no identity-based policy allows the {action} action"), 0),
            ("with an explicit deny in an identity-based policy".into(), 0),
            (format!("because no session policy allows the {action} action"), 0),
            (format!("because no VPC endpoint policy allows the {action} action"), 1),
            ("with an explicit deny in a VPC endpoint policy".into(), 1),
            (format!("because no service control policy allows the {action} action"), 2),
            ("with an explicit deny in a resource control policy".into(), 2),
            (format!("because no permissions boundary allows the {action} action"), 2),
        ] {
            let text = format!(
                "AccessDeniedException: User: arn:aws:sts::1:assumed-role/App/x is not authorized to perform: {action} on resource: * {named}"
            );
            let found = causes(&text);
            let is_of = |causes: &[&Cause], candidate: &Candidate| {
                causes.iter().any(|cause| cause.what == candidate.cause)
            };
            let groups: [&[&Cause]; 3] = [&identity, &endpoint, &[&GUARDRAIL]];
            for (at, group) in groups.iter().enumerate().filter(|(at, _)| *at != kind) {
                assert!(!found.iter().any(|candidate| is_of(group, candidate)), "{at}: {text}");
            }
            assert!(is_of(groups[kind], &found[0]), "{text}: {}", found[0].cause);
        }
    }
}

#[test]
fn the_causes_checks_exist_and_every_cause_has_a_message() {
    for cause in ALL {
        for name in cause.checks {
            assert!(all().any(|check| check.name() == *name), "{name}");
        }
        let mut causes = MESSAGES.iter().flat_map(|message| message.causes);
        assert!(causes.any(|known| known.what == cause.what), "{}", cause.what);
    }
}

#[test]
fn known_messages_are_written_as_they_are_compared() {
    for text in MESSAGES.iter().flat_map(|message| message.texts) {
        assert_eq!(normal(text), *text);
    }
}

#[test]
fn several_lines_and_typing_errors_are_read() {
    let block = "An error occurred (TargetNotConnected) when calling the\n  StartSession operation: i-1 is not\nconnected.\nConnection closed by UNKNOWN port 65535\n";
    assert!(leads_to(block, &[&OTHER_PLACE]));
    let Ok(Answer::Causes(found)) = explain("TargetNotConected") else { panic!("nothing found") };
    assert_eq!(found.read_as.as_deref(), Some("targetnotconnected"));
    assert!(matches!(explain("network"), Ok(Answer::Area(checks)) if checks.len() > 10));
    assert!(
        matches!(explain("netwrok"), Err(ExplainError::NoCheck { near, .. }) if near == ["`network`"])
    );
}
