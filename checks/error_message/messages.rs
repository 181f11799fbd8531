//! Messages that people see, and what was behind them.
//!
//! The causes of a message are in the order of their likelihood: how often each was behind it in public
//! incident reports, and where that tells nothing, how common the fault is. `…` matches anything. A
//! message is matched without regard to case, quotation marks and line breaks.

use super::causes::*;

/// Texts that mean the same, and their causes, the likeliest first.
pub struct Message {
    pub texts: &'static [&'static str],
    pub causes: &'static [&'static Cause],
    pub weight: Weight,
}

/// How much a message says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Only the first of the causes prints it.
    Decides,
    /// It says why: which of the causes of the other messages it is. A known text that is a part of it says
    /// nothing beside it.
    Reason,
    /// It says what failed. Several causes print it.
    Usual,
    /// It is general: a more specific message in the same text matters more.
    Aside,
    /// It says that something failed and never why: ssh's last words.
    Wrapper,
    /// Healthy sessions and agents print it too.
    Benign,
}

impl Weight {
    /// What the length of a message counts.
    pub(super) fn factor(self) -> f64 {
        match self {
            Self::Decides | Self::Reason | Self::Usual | Self::Benign => 1.0,
            Self::Aside | Self::Wrapper => 0.05,
        }
    }
}

macro_rules! messages {
    ($([$($text:literal),+] => $($cause:ident)+ $(, $weight:ident)?;)*) => {
        pub const MESSAGES: &[Message] = &[$(Message {
            texts: &[$($text),+],
            causes: &[$(&$cause),+],
            weight: messages!(@$($weight)?),
        }),*];
    };
    (@) => { Weight::Usual };
    (@decides) => { Weight::Decides };
    (@reason) => { Weight::Reason };
    (@aside) => { Weight::Aside };
    (@wrapper) => { Weight::Wrapper };
    (@benign) => { Weight::Benign };
}

messages! {
    // The service, by CLI and console.
    ["targetnotconnected", "is not connected"] => OTHER_PLACE NO_PATH NO_CHANNEL_RIGHTS HALF_OPEN NOT_RUNNING STALE_ID;
    ["startsession operation: ecs:", "ecs:… is not connected", "execute-command…targetnotconnected"] => CONTAINER OTHER_PLACE NO_CHANNEL_RIGHTS;
    ["startsession operation: mi-", "mi-… is not connected"] => STALE_ID NO_PATH OTHER_PLACE HALF_OPEN;
    ["execute command failed due to an internal error", "targetnotconnectedexception…internal error"] => CONTAINER_CREDENTIALS AGENT_VERSION NO_CHANNEL_RIGHTS;
    ["ssm agent is not online", "ssm agent isnt online", "unable to connect to a systems manager endpoint to register itself", "ping status…offline", "connection lost", "connectionlost"] => NO_PATH AGENT_MISSING NO_PROFILE CLOCK;
    ["default host management configuration is not enabled", "no role attached"] => NO_PROFILE ROLE_LACKS_SSM PROFILE_FRESH;
    ["ssm agent isnt installed", "agent is not installed"] => AGENT_MISSING HARDENED NO_PROFILE;
    ["we werent able to connect to your instance"] => NO_PATH NO_PROFILE AGENT_MISSING;
    ["not configured for use with aws systems manager"] => NO_PROFILE ROLE_LACKS_SSM PROFILE_FRESH;
    ["invalidinstanceid.notfound", "instance…does not exist in this region"] => NO_SUCH_TARGET OTHER_PLACE;
    ["invalidinstanceid"] => OTHER_PLACE NOT_RUNNING NO_PATH;
    // The agent's own id is not known any more. Source: the log of an EC2 instance with an old registration.
    ["invalidinstanceid: not existing instanceid", "not existing instanceid mi-"] => HYBRID_LEFTOVER STALE_ID, reason;
    ["at target failed to satisfy constraint"] => BAD_TARGET, decides;
    ["accessdenied", "access denied", "is not authorized to perform", "not authorized"] => TARGET_RIGHTS DOCUMENT_RIGHTS ROLE_LACKS_SSM, aside;
    ["accessdenied…startsession", "startsession…accessdenied", "not authorized to perform: ssm:startsession"] => TARGET_RIGHTS DOCUMENT_RIGHTS ENDPOINT_POLICY_OPERATOR;
    ["ssm:startsession on resource: arn:…:document/", "accessdenied…document aws-start", "accessdenied…document/"] => DOCUMENT_RIGHTS ENDPOINT_POLICY_OPERATOR;
    ["ssm:startsession on resource: arn:…:instance/"] => TARGET_RIGHTS ENDPOINT_POLICY_OPERATOR GUARDRAIL;
    ["terminatesession"] => PLUGIN_MISSING TERMINATE_RIGHTS;
    ["resumesession"] => TERMINATE_RIGHTS;
    ["explicit deny", "explicitdeny"] => TARGET_RIGHTS GUARDRAIL ENDPOINT_POLICY_OPERATOR;
    ["service control policy", "no service control policy allows", "deny in a service control policy", "no resource control policy allows", "deny in a resource control policy", "no permissions boundary allows", "deny in a permissions boundary"] => GUARDRAIL;
    ["no vpc endpoint policy allows", "deny in a vpc endpoint policy"] => ENDPOINT_POLICY ENDPOINT_POLICY_OPERATOR;
    ["ssm:startsession…vpc endpoint policy", "kms:generatedatakey…vpc endpoint policy", "ssm:terminatesession…vpc endpoint policy", "ssm:resumesession…vpc endpoint policy"] => ENDPOINT_POLICY_OPERATOR;
    ["ssm-guiconnect"] => GUARDRAIL GUI_CONNECT;
    ["throttlingexception…when calling", "throttlingexception…when calling…rate exceeded", "toomanyrequestsexception…when calling", "toomanyrequestsexception…when calling…rate exceeded"] => THROTTLED, reason;
    ["internalservererror…when calling"] => SERVICE_DEFECT, reason;
    ["throttlingexception", "throttlingexception: rate exceeded", "rate exceeded", "internalservererror"] => SERVICE_ERROR THROTTLED, reason;
    ["invalid choice"] => CLI_OLD;
    ["you must specify a region", "noregionerror"] => CLIENT_REGION, decides;
    ["the config profile…could not be found", "profilenotfound"] => CLIENT_PROFILE, decides;
    ["optinrequired", "not subscribed to this service"] => REGION_OFF, reason;
    ["error parsing parameter --parameters"] => QUOTES, decides;
    ["installed version of cli does not support"] => CLI_OLD, decides;
    ["enable advanced-instances tier"] => TIER, decides;
    ["document with name…does not exist", "only type: session is supported"] => SESSION_DOCUMENT, decides;
    ["invaliddocument", "couldnt retrieve document contents", "could not retrieve document"] => SESSION_DOCUMENT DOCUMENT_RIGHTS;
    ["invaliddocumentschemaversion", "not a valid schema version"] => SESSION_DOCUMENT;
    ["port forwarding sessions to remote hosts are not supported", "not supported by this version of ssm agent"] => AGENT_TOO_OLD, decides;
    ["forwarding to ip address…is forbidden"] => LOOPBACK;
    ["expiredtoken", "security token included in the request is expired", "token…expired", "unable to locate credentials", "invalidclienttokenid", "unrecognizedclientexception", "error loading sso token", "error when retrieving token from sso", "sso session associated with this profile has expired"] => CLIENT_CREDENTIALS;
    // Only the AWS CLI and SDKs say which operation was called.
    ["when calling the…signature expired", "invalidsignatureexception…when calling the…signature expired", "invalidsignatureexception…when calling the…signature not yet current", "when calling the…signature not yet current", "requesttimetooskewed) when calling"] => CLIENT_CLOCK CLIENT_CREDENTIALS, reason;
    ["signature expired", "signature not yet current", "invalidsignatureexception", "requesttimetooskewed"] => CLOCK CLIENT_CREDENTIALS;
    ["session timed out due to inactivity", "timed out due to inactivity", "セッション…アイドル…タイムアウト"] => IDLE_LIMIT, reason;
    ["session was terminated", "session failed"] => ENDED BLANK;
    ["session has been terminated for the following reasons"] => ENDED BLANK, wrapper;
    ["starting session with sessionid"] => BENIGN, benign;

    // The session's preferences.
    ["encryption is not set up on the selected cloudwatch logs log group"] => LOG_GROUP_RIGHTS LOG_GROUP_NAME LOG_GROUP_PLAIN ENDPOINT_POLICY;
    ["unable to validate encryption on cloudwatch logs log group"] => LOG_GROUP_RIGHTS LOG_GROUP_NAME LOGS_UNREACHABLE;
    ["cloudwatch logs log group…resourcenotfoundexception"] => LOG_GROUP_NAME, reason;
    ["log group specified in session preferences either does not exist"] => LOG_GROUP_NAME LOG_GROUP_RIGHTS;
    ["encryption is not set up on the selected amazon s3 bucket", "unable to validate encryption on amazon s3 bucket"] => BUCKET_RIGHTS BUCKET_PLAIN LOGS_UNREACHABLE;
    ["describeloggroups"] => LOGS_UNREACHABLE LOG_GROUP_RIGHTS;
    ["signed headbucket request failed", "http head request failed"] => LOGS_UNREACHABLE BUCKET_RIGHTS;
    ["failed uploading", "failed to upload shell session logs"] => BUCKET_KEY BUCKET_POLICY LOGS_NOT_DELIVERED;
    ["error in putlogevents", "error creating log stream"] => LOG_GROUP_WRITE LOGS_NOT_DELIVERED LOG_GROUP_NAME;
    ["putlogevents…resourcenotfoundexception", "creating log stream…resourcenotfoundexception"] => LOG_GROUP_NAME, reason;
    ["putlogevents…dial tcp", "creating log stream…dial tcp", "upload…logs to s3…dial tcp"] => LOGS_NOT_DELIVERED, reason;
    ["error in putlogevents…accessdenied", "error creating log stream…accessdenied", "perform: logs:putlogevents", "perform: logs:createlogstream", "error in putlogevents…accessdenied…is not authorized to perform", "error creating log stream…accessdenied…is not authorized to perform"] => LOG_GROUP_WRITE LOG_ENDPOINT_POLICY, reason;
    ["blank screen", "black screen", "dead cursor", "session takes minutes"] => LOGS_UNREACHABLE DISK_FULL RUN_AS BLANK;
    ["runas user", "invalid runas username", "runas default user"] => RUN_AS RUN_AS_SSM_USER;
    ["runas user ssm-user does not exist"] => RUN_AS_SSM_USER RUN_AS;
    ["invalid uid and gid"] => RUN_AS_ROOT RUN_AS;
    ["unrecognizedpropertyexception", "unrecognized field…badrequest", "runasenabled"] => RUN_AS_EMPTY SESSION_DOCUMENT;
    ["failed to create ssm-user", "netusersetinfo"] => WINDOWS_USER;
    ["error while executing shell profile"] => SHELL_PROFILE BLANK;

    // KMS, on both sides.
    ["handshake timed out", "ハンドシェイク…タイムアウト"] => CLIENT_KMS_CREDENTIALS NODE_KMS CLIENT_NO_WEBSOCKET CLIENT_KMS_RIGHTS WRAPPER;
    ["error while initiating handshake", "ハンドシェイクの開始中にエラー"] => CLIENT_KMS_CREDENTIALS NODE_KMS CLIENT_NO_WEBSOCKET CLIENT_KMS_RIGHTS WRAPPER, aside;
    ["aws_ssm connection timeout"] => CLIENT_KMS_CREDENTIALS CLIENT_NO_WEBSOCKET NODE_KMS;
    ["latest version of the session manager plugin"] => CLIENT_KMS_CREDENTIALS WRAPPER NODE_KMS CLIENT_NO_WEBSOCKET PLUGIN_OLD;
    ["kmsencryption failed on client"] => CLIENT_KMS_CREDENTIALS CLIENT_KMS_RIGHTS;
    // The state of a key, in KMS's words. Source: KMS API Reference, errors of GenerateDataKey and Decrypt.
    ["disabledexception", "kmsinvalidstateexception", "is pending deletion"] => KEY_DISABLED, reason;
    ["generatedatakey…notfoundexception", "data key…notfoundexception", "alias…is not found"] => KEY_GONE KEY_ELSEWHERE, reason;
    ["kmsencryption failed on client…dial tcp", "generatedatakey…dial tcp", "kmsencryption failed on client…dial tcp: lookup", "generatedatakey…dial tcp: lookup…no such host", "generatedatakey…dial tcp…i/o timeout", "generatedatakey…dial tcp…connection refused"] => CLIENT_NO_KMS, reason;
    ["perform: ssmmessages:opendatachannel", "is not authorized to perform: ssmmessages:opendatachannel"] => OPEN_CHANNEL_RIGHTS, reason;
    ["generatedatakey…accessdenied", "not authorized to perform: kms:generatedatakey"] => CLIENT_KMS_RIGHTS CLIENT_KMS_CREDENTIALS;
    ["assumeroletokenprovidernotseterror"] => CLIENT_KMS_CREDENTIALS, decides;
    ["error in credential_process", "processproviderexecutionerror"] => CLIENT_KMS_CREDENTIALS;
    ["refresh cached sso token failed", "invalidgrantexception"] => CLIENT_KMS_CREDENTIALS CLIENT_CREDENTIALS;
    ["invalid encryptioncontext", "session is encrypted using aws kms"] => WRAPPER PLUGIN_OLD;
    ["unable to retrieve data key", "decrypting data key", "kms:decrypt"] => NODE_DECRYPT ENDPOINT_POLICY;
    // KMS says one thing for a key that is not there and for one that it does not show. Source: KMS API Reference,
    // "AccessDeniedException".
    ["the ciphertext refers to a"] => KEY_GONE NODE_DECRYPT KEY_ELSEWHERE;

    // The machine of the operator.
    ["sessionmanagerplugin is not found", "session-manager-plugin: command not found", "command not found: session-manager-plugin", "session-manager-plugin is not recognized", "exec: session-manager-plugin: executable file not found", "session-manager-plugin: no such file or directory", "no such file or directory: session-manager-plugin", "spawn session-manager-plugin enoent", "failed to find the executable specified…session-manager-plugin", "session-manager-plugin は、内部コマンド"] => PLUGIN_MISSING, decides;
    ["session-manager-plugin: exec format error", "session-manager-plugin: cannot execute binary file", "bad cpu type in executable: session-manager-plugin", "session-manager-plugin: bad cpu type in executable", "session-manager-plugin: permission denied"] => PLUGIN_UNUSABLE, decides;
    ["listen tcp…bind: address already in use", "listen tcp…forbidden by its access permissions", "channel_setup_fwd_listener_tcpip: cannot listen to port"] => LOCAL_PORT, decides;
    ["cannot perform start session: eof"] => NO_TERMINAL TOO_MANY;
    ["session_manager_plugin_mux.sock…bind: invalid argument"] => SOCKET_PATH, decides;
    ["session_manager_plugin_mux.sock", "bind: invalid argument"] => SOCKET_PATH;
    ["cannot perform start session"] => CLIENT_NO_WEBSOCKET PLUGIN_OLD, aside;
    ["could not connect to the endpoint url"] => CLIENT_DNS CLIENT_DUAL_STACK CLIENT_NO_WEBSOCKET;
    [".api.aws"] => CLIENT_DUAL_STACK CLIENT_DNS;
    ["connect timeout on endpoint url", "read timeout on endpoint url"] => CLIENT_DNS CLIENT_NO_WEBSOCKET;
    ["websocket: bad handshake"] => CLIENT_NO_WEBSOCKET NODE_NO_WEBSOCKET PLUGIN_OLD;
    ["unable to determine sessiontype"] => CLIENT_NO_WEBSOCKET PLUGIN_OLD;
    ["websocket: close 1006", "unexpected eof"] => IDLE_TIMER PLUGIN_DEFECT CLIENT_NO_WEBSOCKET;
    ["websocket: close 1000", "close 1000 (normal)"] => PLUGIN_DEFECT IDLE_TIMER;
    ["control frame length"] => PLUGIN_DEFECT CLIENT_NO_WEBSOCKET;
    ["ssl validation failed", "certificate signed by unknown authority", "certificate verify failed"] => CLIENT_CERTIFICATE;
    ["kex_exchange_identification", "ssh_exchange_identification", "closed by unknown port"] => OTHER_PLACE SSH_OUTPUT NO_CHANNEL_RIGHTS PLUGIN_MISSING, wrapper;
    ["broken pipe"] => OTHER_PLACE SSH_OUTPUT IDLE_TIMER;
    ["ssh_protocol_version_exchange", "protocol mismatch", "ssh_exchange_identification: generating", "ssh_exchange_identification: starting session", "invalid ssh identification string", "banner line contains invalid characters"] => SSH_OUTPUT;
    ["nonexistent pipe"] => SSH_OUTPUT;
    ["ssh handshake timeout", "ssh hang"] => AGENT_TOO_OLD AGENT_VERSION NOTHING_LISTENS;
    ["could not resolve hostname i-", "could not resolve hostname mi-", "connect to host i-", "connect to host mi-"] => SSH_NAME, decides;
    // Packer and Ansible.
    ["timeout waiting for ssh"] => NO_PATH SSH_NOT_READY NO_PROFILE AGENT_MISSING;
    ["ssm exec_command timeout on host"] => SLOW_COMMAND OUTPUT_NOT_READ WRAPPER;
    ["permission denied (publickey"] => SSH_KEY, decides;
    ["host key verification failed"] => SSH_KEY SSH_NAME;
    ["ssh helper not yet started"] => PROXY NO_PATH;
    ["connection to destination port failed"] => NOTHING_LISTENS OPEN_FILES;
    ["connection refused", "unable to dial connection to server"] => NOTHING_LISTENS;
    ["unable to dial connection to server: dial tcp"] => NOTHING_LISTENS OPEN_FILES;
    ["dial tcp…:443: connect: connection refused", "dial tcp…:443: connectex: connection refused"] => FIREWALL OTHER_RESOLVER;
    ["waiting for connections"] => FORWARD_WAITS NOTHING_LISTENS, benign;

    // The agent's log.
    ["ssm:updateinstanceinformation"] => ROLE_LACKS_SSM ENDPOINT_POLICY PROFILE_SHADOWS_DHMC;
    ["retrieved credentials failed to report to ssm"] => PROFILE_SHADOWS_DHMC ROLE_LACKS_SSM ENDPOINT_POLICY;
    ["failed to connect to systems manager"] => ROLE_LACKS_SSM NO_PATH PROFILE_SHADOWS_DHMC;
    ["no ec2 instance role found", "emptyec2rolelist"] => NO_PROFILE NO_METADATA PROFILE_FRESH;
    ["failed to register identity", "registermanagedinstance"] => NO_PROFILE ROLE_LACKS_SSM NO_PATH;
    ["instance management role is not configured"] => NO_PROFILE;
    ["hibernate"] => NO_PROFILE PROFILE_FRESH AGENT_VERSION NO_PATH;
    ["unable to acquire credentials"] => NO_PROFILE NO_EGRESS FIREWALL;
    ["agent log up to identity selection", "identity selection"] => AGENT_VERSION NO_PROFILE;
    ["createcontrolchannel", "unauthorized request", "setting up control channel"] => NO_CHANNEL_RIGHTS ENDPOINT_POLICY GUARDRAIL;
    ["createdatachannel", "setting up data channel", "request is not authenticated"] => NO_CHANNEL_RIGHTS STALE_CREDENTIALS GUARDRAIL;
    ["unknownoperationexception"] => SERVICE_DEFECT, reason;
    ["credentials are already expired"] => STALE_CREDENTIALS CLOCK, reason;
    ["dial tcp 10.…i/o timeout", "dial tcp 172.…i/o timeout", "dial tcp 192.168.…i/o timeout", "private ip…i/o timeout"] => ENDPOINT_GROUP NO_PATH;
    ["i/o timeout", "dial tcp…i/o timeout"] => NO_EGRESS FIREWALL OTHER_RESOLVER ENDPOINT_GROUP;
    ["resolved to a global ip", "resolves to a public", "resolves to public"] => OTHER_RESOLVER;
    ["no such host", "temporary failure in name resolution", "dial tcp: lookup"] => DNS_UNREACHABLE OTHER_RESOLVER;
    ["lookup…i/o timeout"] => DNS_UNREACHABLE OTHER_RESOLVER;
    ["tls handshake timeout", "connection reset by peer"] => FIREWALL NO_PATH;
    ["timed out"] => NO_EGRESS FIREWALL CLIENT_NO_WEBSOCKET, aside;
    ["failed to dial websocket"] => NO_PATH PROXY NODE_NO_WEBSOCKET FIREWALL;
    ["proxyconnect tcp", "proxyconnect tcp: dial tcp…no such host", "proxyconnect tcp: dial tcp…i/o timeout", "proxyconnect tcp: dial tcp…connection refused", "proxy authentication required"] => PROXY_REFUSES PROXY;
    ["app config could not be loaded"] => AGENT_CONFIGURATION;
    ["failed to start worker ssm-agent-worker"] => AGENT_PROGRAMS;
    ["failed to fetch region", "169.254.169.254", "no authorization header in request", "failed to get imdsv2 token", "failed to get instance info from imds", "failed to find agent identity"] => NO_METADATA WINDOWS_ROUTES PROXY;
    ["invoke-webrequest"] => WINDOWS_ROUTES NO_METADATA;
    ["network is unreachable"] => HARDENED NO_METADATA NO_PATH;
    ["requestmanagedinstanceroletoken"] => HYBRID_LEFTOVER TRUST ENDPOINT_POLICY;
    ["machinefingerprintdoesnotmatch", "bios-hash"] => FINGERPRINT, reason;
    ["activationexpired", "invalidactivation"] => ACTIVATION NO_METADATA, reason;
    ["pause_publication"] => TIER HALF_OPEN NO_CHANNEL_RIGHTS;
    ["sysprep hasnt completed"] => WINDOWS_SYSPREP NO_PROFILE;
    ["identity_config.json"] => AGENT_MISSING LEFTOVER_STATE BENIGN;
    ["registrationkey does not exist", "seelog.xml: no such file"] => BENIGN NO_PROFILE, benign;
    ["core manager cant be nil"] => LEFTOVER_STATE BENIGN;
    ["plugin with name…not found", "plugin with name standard_stream"] => DISK_FULL INOTIFY HALF_OPEN;
    ["no space left on device"] => DISK_FULL INOTIFY;
    // Windows, which has no inotify.
    ["there is not enough space on the disk"] => DISK_FULL, reason;
    ["failed to create channel", "filewatcher listener encountered error"] => INOTIFY OPEN_FILES DISK_FULL;
    ["too many open file"] => INOTIFY OPEN_FILES AGENT_VERSION;
    ["document worker timed out", "document process failed unexpectedly"] => INOTIFY MEMORY DISK_FULL;
    ["out of memory", "result oom-kill", "killed by the oom killer"] => MEMORY, reason;
    ["installed in this instance by snap", "amazon-ssm-agent: command not found", "unit amazon-ssm-agent.service could not be found"] => SNAP AGENT_MISSING;
    ["amazonec2roleforssm"] => OLD_POLICY;
    ["assumeroleunauthorizedaccess", "cannot assume the role"] => TRUST;

    // The console in Japanese, and what people write of it.
    ["ターゲットが接続され", "ターゲットに接続でき", "接続されていません", "インスタンスに接続でき"] => OTHER_PLACE NO_PATH NO_CHANNEL_RIGHTS HALF_OPEN NOT_RUNNING;
    ["オンラインではありません", "オンラインになっていません", "エンドポイントに接続して…登録でき", "接続が失われ", "接続が切れ", "接続が切断"] => NO_PATH AGENT_MISSING NO_PROFILE CLOCK;
    ["ロググループで暗号化", "ロググループ…暗号化", "ログ…暗号化が設定され"] => LOG_GROUP_RIGHTS LOG_GROUP_NAME LOG_GROUP_PLAIN;
    ["バケットで暗号化", "バケット…暗号化"] => BUCKET_RIGHTS BUCKET_PLAIN LOGS_UNREACHABLE;
    ["アクセスが拒否", "アクセス拒否", "実行する権限がありません", "許可されていません", "権限がありません"] => TARGET_RIGHTS DOCUMENT_RIGHTS ROLE_LACKS_SSM;
    ["セッションを開始できません", "セッションを開始できなかった"] => LOG_GROUP_RIGHTS BUCKET_RIGHTS TARGET_RIGHTS NO_PATH;
    ["セッションが終了", "セッションは終了"] => ENDED BLANK, wrapper;
    ["画面が真っ", "真っ黒", "真っ白", "空白の画面"] => LOGS_UNREACHABLE DISK_FULL RUN_AS BLANK;
    ["プラグインが見つかりません", "プラグイン…インストールされていません"] => PLUGIN_MISSING;
    ["名前解決", "グローバルip"] => OTHER_RESOLVER DNS_UNREACHABLE;
    ["タイムアウト"] => NO_EGRESS FIREWALL CLIENT_NO_WEBSOCKET, aside;
    ["アドバンストインスタンス", "アドバンスドインスタンス"] => TIER;
    ["ドキュメント…存在しません"] => SESSION_DOCUMENT DOCUMENT_RIGHTS;
    ["ロールがアタッチされていません", "インスタンスプロファイル"] => NO_PROFILE ROLE_LACKS_SSM PROFILE_FRESH;
}
