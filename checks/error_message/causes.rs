//! What can be behind a message: in words, how to tell it from the others, and the checks that look at it.

use ssm_doctor_analysis::node::serial_console::PolicyKind;
use ssm_doctor_facts::scope::Session;

/// Something that makes people see a message.
#[derive(Debug)]
pub struct Cause {
    pub what: &'static str,
    /// What is seen only if this is the cause.
    pub sign: &'static str,
    /// The checks that look at it, the likeliest first; none where AWS does not show it.
    pub checks: &'static [&'static str],
    /// The types of policy that it can be; none if the cause is no policy.
    policies: &'static [PolicyKind],
    /// The kinds of session that it concerns; none if it concerns all.
    sessions: &'static [Session],
}

impl Cause {
    /// Can the cause be behind a session of this kind?
    pub(super) fn concerns(&self, session: Session) -> bool {
        self.sessions.is_empty() || self.sessions.contains(&session)
    }

    /// Does a refusal that names these types of policy exclude the cause? One that names no type excludes
    /// nothing.
    pub(super) fn is_excluded_by(&self, named: &[PolicyKind]) -> bool {
        let (names_one, is_policy) = (!named.is_empty(), !self.policies.is_empty());
        names_one && is_policy && !self.policies.iter().any(|kind| named.contains(kind))
    }
}

macro_rules! causes {
    ($($name:ident: $what:literal, $sign:literal, [$($check:literal),*] $(, a policy of [$($kind:ident),*])?
        $(, in sessions [$($session:ident),*])?;)*) => {
        $(pub const $name: Cause = Cause {
            what: $what,
            sign: $sign,
            checks: &[$($check),*],
            policies: &[$($(PolicyKind::$kind),*)?],
            sessions: &[$($(Session::$session),*)?],
        };)*
        /// Every cause.
        pub const ALL: &[&Cause] = &[$(&$name),*];
    };
}

causes! {
    OTHER_PLACE: "The call went to another Region or account than the node's", "`aws ssm describe-instance-information` does not list the node with the same profile and Region",
        ["operator/in-account-and-region", "target/found-in-region", "client/credentials-last"];
    NO_PATH: "The agent cannot reach ssm and ssmmessages", "the agent's log has `i/o timeout`; the node is not Online",
        ["network/service-path-exists", "network/instance-sends-https", "network/endpoint-accepts-https", "network/acls-pass-https", "network/nat-gateway-works", "agent/ping-online", "agent/services-answer"];
    NO_CHANNEL_RIGHTS: "The agent's role may not open its channels (ssmmessages)", "the node is Online and Run Command works, but sessions do not start",
        ["identity/role-may-open-channels", "identity/role-may-open-data-channel"], a policy of [Identity, Session, Resource];
    HALF_OPEN: "The agent's channel is half open after a change of the network", "the node is Online, its connection status is `notconnected`, and a restart of the agent cures it",
        ["agent/session-channel-connected"];
    STALE_ID: "The id is of a node that no longer exists, or was registered again", "another node reports under the same computer name",
        ["agent/ping-online", "agent/registered"];
    CONTAINER: "The target is an ECS task: ECS Exec is off, or the `ecs:` target is misspelled", "the target begins with `ecs:`", [];
    CONTAINER_CREDENTIALS: "Credentials in the container's environment override the task's role", "the task's environment has `AWS_ACCESS_KEY_ID`", [];
    AGENT_VERSION: "This version of the agent has a defect", "it began with an update of the agent; another version works", ["agent/version-supports-session"];
    AGENT_TOO_OLD: "The agent is too old for this kind of session", "the node's AgentVersion is below the one that the kind of session needs", ["agent/version-supports-session"];
    ROLE_LACKS_SSM: "The agent's role may not call Systems Manager", "the message names the instance's role",
        ["identity/role-may-register", "identity/policy-current"], a policy of [Identity, Session, Resource];
    ENDPOINT_POLICY: "A policy of the VPC endpoint does not allow the agent", "the role's own policies allow the call",
        ["endpoint/policy-allows-agent", "endpoint/policy-allows-data-channel", "endpoint/policy-allows-gates", "endpoint/policy-allows-logs", "endpoint/policy-allows-role-token"], a policy of [Endpoint];
    ENDPOINT_POLICY_OPERATOR: "A policy of the VPC endpoint does not allow the operator", "the same call works from outside of the VPC", ["endpoint/policy-allows-operator"], a policy of [Endpoint];
    PROFILE_SHADOWS_DHMC: "Default Host Management is on, but an instance profile with too few rights is tried first", "the instance has a profile, and the account has Default Host Management on",
        ["identity/host-management-not-shadowed", "identity/host-management-not-delayed"], a policy of [Identity, Session, Resource];
    NO_PROFILE: "The instance has no profile, and Default Host Management is off", "the metadata service answers 404 for the role",
        ["identity/profile-attached", "identity/profile-contains-role"];
    PROFILE_FRESH: "The profile or its policy was attached a moment ago; the agent asks again at growing intervals", "the agent's log has a refusal from before the change; a restart of the agent cures it",
        ["identity/profile-settled", "agent/registered"];
    NO_METADATA: "The system cannot reach the metadata service (169.254.169.254)", "the agent's log names 169.254.169.254; check routes, proxy and metadata options",
        ["agent/metadata-reachable", "target/metadata-service-enabled"];
    TRUST: "The role does not trust the service that has to assume it", "the role's trust policy does not name `ec2.amazonaws.com` (or `ssm.amazonaws.com` for hybrid nodes)",
        ["identity/role-trusts-ec2", "hybrid/role-trusts-ssm"];
    GUARDRAIL: "A service control policy or a permissions boundary denies it", "the message says `service control policy` or `permissions boundary`",
        ["identity/role-may-open-data-channel", "identity/role-may-register", "operator/may-start-session-on-target"], a policy of [Scp, Rcp, Boundary];
    STALE_CREDENTIALS: "The agent keeps credentials that have expired, or uses others than its role's", "root's `~/.aws/credentials` or the agent's environment has keys; a restart of the agent cures it",
        ["agent/credentials-current", "agent/session-channel-connected", "agent/ping-online"];
    SERVICE_DEFECT: "A defect of the service", "another session id works", ["agent/service-works", "agent/last-session-started"];
    ENDPOINT_GROUP: "The endpoint's security group does not admit the instance", "the message has a private address",
        ["network/endpoint-accepts-https", "agent/services-answer"];
    FIREWALL: "A firewall or an appliance on the path drops or refuses the packets", "the message has a public address, and the path has a firewall",
        ["network/firewall-passes-agent", "network/no-appliance-in-path", "agent/services-answer"];
    NO_EGRESS: "The instance has no way out: its security group, network ACL, route or NAT gateway", "the message has a public address",
        ["network/service-path-exists", "network/instance-sends-https", "network/nat-gateway-works", "agent/services-answer"];
    OTHER_RESOLVER: "The name resolves to public addresses: another DNS server than the VPC's, or private DNS is off", "`getent hosts ssm.<region>.amazonaws.com` on the node gives a public address although there is an endpoint",
        ["dns/vpc-resolver-in-use", "dns/endpoint-private-dns-on", "agent/node-and-aws-agree"];
    DNS_UNREACHABLE: "The DNS server does not answer, or does not know the name", "the message has `lookup` or `no such host`",
        ["agent/names-resolve", "network/instance-asks-dns", "dns/vpc-dns-enabled", "dns/no-rule-diverts-names", "dns/no-zone-shadows-endpoints"];
    LOGS_UNREACHABLE: "The agent cannot reach CloudWatch Logs or S3, which the preferences ask for", "the session takes minutes or stays blank; turning logging off cures it",
        ["preferences/log-services-reachable", "preferences/gate-services-reachable"];
    LOG_GROUP_RIGHTS: "The role may not look at the log group, which may well be encrypted", "the log group has a key, and the role lacks `logs:DescribeLogGroups` on `*`",
        ["preferences/role-may-check-log-group"], a policy of [Identity, Session, Resource];
    LOG_GROUP_NAME: "The preferences name a log group that does not exist in this Region", "`aws logs describe-log-groups` does not list it", ["preferences/session-log-group-exists"];
    LOG_GROUP_PLAIN: "The log group has no key, and the preferences demand encryption", "the log group has no `kmsKeyId`", ["preferences/session-log-group-encrypted"];
    LOG_GROUP_WRITE: "The role may not write to the log group", "the session works, and its log stays empty; the role lacks `logs:PutLogEvents` or `logs:CreateLogStream`",
        ["preferences/role-may-write-log-group"], a policy of [Identity, Session, Resource];
    LOG_ENDPOINT_POLICY: "A policy of the VPC endpoint does not allow the agent to write the session's log", "the role's own policies allow the call",
        ["endpoint/policy-allows-logs"], a policy of [Endpoint];
    LOGS_NOT_DELIVERED: "The agent has no path to CloudWatch Logs or S3 when it delivers the session's log", "the message has `i/o timeout` or `no such host`; the session works", ["preferences/log-services-reachable"];
    BUCKET_RIGHTS: "The role may not look at the bucket's encryption, which may well be on", "the role lacks `s3:GetEncryptionConfiguration`",
        ["preferences/role-may-check-bucket"], a policy of [Identity, Session, Resource];
    BUCKET_PLAIN: "The bucket does not exist, or is not encrypted", "`aws s3api get-bucket-encryption` says so", ["preferences/session-bucket-encrypted", "preferences/session-bucket-exists"];
    BUCKET_KEY: "The role may not use the key of the bucket", "the bucket is encrypted with a key of your own", ["preferences/role-may-use-bucket-key"], a policy of [Identity, Session, Resource];
    BUCKET_POLICY: "The bucket's policy demands a header that the agent does not send, or the role may not write", "the bucket's policy has conditions on ACL or encryption", ["preferences/role-may-write-bucket"], a policy of [Identity, Session, Resource];
    NODE_KMS: "The agent cannot reach KMS", "sessions are encrypted with a key, and the node has no path to kms", ["preferences/gate-services-reachable"];
    NODE_DECRYPT: "The agent's role may not use the session key (`kms:Decrypt`)", "the message speaks of decrypting the data key", ["preferences/role-may-decrypt-session-key", "preferences/session-key-usable"], a policy of [Identity, Session, Resource];
    KEY_GONE: "The session key does not exist any more, or its alias leads nowhere", "`aws kms describe-key` does not find it in the node's Region", ["preferences/session-key-usable"];
    KEY_ELSEWHERE: "The session key is of another Region than the node", "the Region in the key's ARN is not the node's", ["preferences/session-key-usable", "operator/in-account-and-region"];
    KEY_DISABLED: "The session key is disabled, or it will be deleted", "`aws kms describe-key` shows another state than `Enabled`", ["preferences/session-key-usable"];
    THROTTLED: "AWS limits how many such calls an account makes in a second", "the same call works a minute later", [];
    SERVICE_ERROR: "Systems Manager answers the agent with an error: throttling, or an internal error", "it stops without a change; many nodes that start at the same time make it likelier", ["agent/service-works"];
    CLIENT_KMS_CREDENTIALS: "The plugin on your machine finds no usable credentials for KMS (MFA, SSO, credential_process)", "a profile with static keys, or exported credentials, works",
        ["client/plugin-can-get-credentials", "client/reaches-kms"];
    CLIENT_KMS_RIGHTS: "The operator may not call `kms:GenerateDataKey`", "the message says `GenerateDataKey` and `AccessDenied`", ["operator/may-generate-session-key"], a policy of [Identity, Session, Resource];
    CLIENT_NO_KMS: "Your machine cannot reach KMS", "`aws kms list-aliases` on your machine fails in the same way", ["client/reaches-kms"];
    OPEN_CHANNEL_RIGHTS: "The operator may not open the session's data channel", "the message says `ssmmessages:OpenDataChannel`", ["operator/may-open-data-channel"], a policy of [Identity, Session, Resource];
    WRAPPER: "A tool around the CLI starts the plugin with wrong arguments", "plain `aws ssm start-session` works", [];
    CLIENT_NO_WEBSOCKET: "Your machine cannot open a WebSocket to ssmmessages", "a proxy or TLS inspection blocks it; another network works",
        ["client/reaches-services", "client/service-names-resolve"];
    NODE_NO_WEBSOCKET: "A proxy or firewall passes the node's HTTPS, and refuses its WebSocket to ssmmessages", "the node is Online, and the agent's log has the message", ["agent/websocket-opens", "network/firewall-passes-agent"];
    CLIENT_CERTIFICATE: "A proxy on the way replaces the certificate", "the certificate's issuer is your company's", ["client/reaches-services", "agent/tls-trusted", "network/no-appliance-in-path"];
    PLUGIN_OLD: "The Session Manager plugin is too old", "`session-manager-plugin --version` is below the needed one", ["client/plugin-supports-session", "client/plugin-version-supported"];
    PLUGIN_MISSING: "The Session Manager plugin is not installed, or not on the PATH; the CLI's clean-up call then hides that", "`session-manager-plugin` does not print its greeting", ["client/plugin-installed", "client/machine-starts-sessions"];
    PLUGIN_UNUSABLE: "This machine cannot run the Session Manager plugin: it is for another processor or system, or it is not executable", "`file` and `ls -l` on the program; `uname -m` on your machine", ["client/plugin-installed"];
    PLUGIN_DEFECT: "A limit or defect of the plugin or the service closed the session", "it recurs at a fixed interval, about hourly", ["client/plugin-version-supported"];
    IDLE_TIMER: "A VPN, NAT or firewall between you and AWS closed the idle connection", "it happens after the same time without typing", ["client/reaches-services", "preferences/timeouts-in-range"];
    IDLE_LIMIT: "Nothing was typed for as long as the preferences allow", "the message comes after the same idle time; it is 20 minutes unless the preferences say otherwise", ["preferences/timeouts-in-range"];
    DISK_FULL: "The node's disk is full or read-only", "`df -h` on the node, or `No space left on device` on its serial console", ["agent/disk-writable", "target/console-shows-no-fault", "agent/session-channel-connected", "target/status-checks-pass"];
    INOTIFY: "The node's limits on inotify or open files are used up", "`sysctl fs.inotify`; the disk has room", ["agent/limits-suffice", "agent/session-channel-connected"];
    OPEN_FILES: "The agent or the service on the node is out of file descriptors", "`too many open files` in the agent's log", ["agent/limits-suffice", "agent/session-channel-connected"];
    MEMORY: "The node ran out of memory and ended the session's worker", "`Out of memory: Killed process` on the serial console", ["agent/limits-suffice", "target/console-shows-no-fault", "target/status-checks-pass", "agent/session-channel-connected"];
    RUN_AS: "The preferences or a tag name a user that the node does not have", "`id <user>` on the node fails", ["agent/session-user-usable", "preferences/runas-user-set"];
    RUN_AS_SSM_USER: "Run As is on and names ssm-user, which the agent then never creates", "old nodes work, new ones do not", ["preferences/runas-user-set", "agent/session-user-usable"];
    RUN_AS_ROOT: "Run As names root, or an id that the agent does not accept", "the preferences or the tag say root", ["preferences/runas-user-set", "agent/session-user-usable"];
    RUN_AS_EMPTY: "The session document has `runAsEnabled` as an empty string", "the document's JSON shows it", ["preferences/runas-user-set", "preferences/document-readable", "agent/document-supported"];
    WINDOWS_USER: "Windows could not create ssm-user: its password policy, or a domain controller", "`NetUserSetInfo` in the agent's log", ["agent/session-user-usable", "agent/last-session-started"];
    WINDOWS_SYSPREP: "Windows has not completed Sysprep", "`ImageState` in the registry is not IMAGE_STATE_COMPLETE", ["agent/registered"];
    WINDOWS_ROUTES: "Windows has static routes of another subnet, so the metadata service is out of reach", "`route print` on the node shows another gateway", ["agent/metadata-reachable", "target/metadata-service-enabled"];
    SESSION_DOCUMENT: "The session document does not exist in this Region, or is not a session document", "`aws ssm get-document` fails, or shows another type or schema version", ["preferences/document-readable", "agent/document-supported"];
    DOCUMENT_RIGHTS: "The operator may not use the session document", "the message's resource is a document", ["operator/may-use-document"], a policy of [Identity, Session, Resource];
    TARGET_RIGHTS: "The operator may not start sessions on this target: no permission, tags or MFA", "the message's resource is an instance; a condition on tags or MFA does not hold", ["operator/may-start-session-on-target"], a policy of [Identity, Session, Resource];
    TERMINATE_RIGHTS: "The operator may not resume or end sessions", "the plugin is installed, and the message says TerminateSession or ResumeSession", ["operator/may-resume-and-terminate"], a policy of [Identity, Session, Resource];
    HYBRID_LEFTOVER: "An EC2 instance, or a clone, carries an old hybrid registration", "the agent's log names an `mi-` id", ["agent/registration-valid", "agent/registered", "agent/ping-online"];
    FINGERPRINT: "The machine's fingerprint changed: hardware, machine id, or a clone with the same registration", "`MachineFingerprintDoesNotMatch` in the agent's log", ["agent/registration-valid", "agent/ping-online"];
    ACTIVATION: "The activation has expired or is used up", "`aws ssm describe-activations` shows it; a registered node needs none", ["agent/registration-valid", "agent/registered"];
    TIER: "Hybrid nodes are in the standard tier", "the target begins with `mi-`", ["hybrid/advanced-tier-on"];
    AGENT_MISSING: "The agent is not installed, is damaged, or does not start", "`systemctl status amazon-ssm-agent` (or the snap's service) on the node", ["agent/registered", "agent/installation-complete", "agent/runs"];
    AGENT_CONFIGURATION: "The agent's configuration file is not valid, so the agent stops", "the agent's log ends with it; `amazon-ssm-agent.json` on the node", ["agent/configuration-valid"];
    AGENT_PROGRAMS: "A program of the agent is missing, so its installation is incomplete", "the agent's log says so at each start", ["agent/installation-complete"];
    SNAP: "The agent is installed as a snap, so package and service have other names", "`snap list amazon-ssm-agent` on the node", ["agent/registered", "agent/runs"];
    HARDENED: "The image was hardened: the agent was removed, or may not run or reach the network", "the agent runs on an unhardened image", ["agent/registered", "target/status-checks-pass", "agent/user-data-keeps-agent"];
    PROXY: "The agent does not use the proxy, or sends 169.254.169.254 through it", "the agent's log prints its proxy variables at the start", ["agent/registered", "agent/ping-online", "agent/proxy-passes", "network/service-path-exists"];
    PROXY_REFUSES: "The proxy does not pass the connection: its name does not resolve, it wants a password, or it refuses CONNECT", "the message has `proxyconnect` or a status of the proxy, such as 407", ["agent/proxy-passes", "client/reaches-services"];
    CLOCK: "A clock is wrong", "`chronyc tracking` or `w32tm /query /status`; the message speaks of a signature", ["agent/clock-right", "agent/ping-online"];
    CLIENT_CLOCK: "The clock of your machine is wrong", "the two times in the message differ by minutes; compare `date -u` with another machine", [];
    CLIENT_DUAL_STACK: "`AWS_USE_DUALSTACK_ENDPOINT` is on, and your network has no way to that endpoint", "the URL ends in `.api.aws`", ["client/dual-stack-endpoint-off"];
    CLIENT_DNS: "Your machine cannot resolve or reach the service's name", "`getent hosts ssm.<region>.amazonaws.com` fails on your machine", ["client/service-names-resolve", "client/reaches-services"];
    CLIENT_CREDENTIALS: "Your credentials have expired, or are of another account", "`aws sts get-caller-identity` fails or shows another account", ["client/credentials-last", "operator/in-account-and-region"];
    CLIENT_PROFILE: "The AWS CLI does not know the profile", "`aws configure list-profiles` does not list it; `AWS_PROFILE` may name it", [];
    CLIENT_REGION: "The AWS CLI has no Region", "`aws configure get region` prints nothing; give `--region` or set `AWS_REGION`", [];
    REGION_OFF: "The Region is not enabled for the account, or the account is not activated", "`aws account get-region-opt-status` does not say `ENABLED`", [];
    QUOTES: "The shell changed the quotation marks of `--parameters`", "the same with `--parameters file://<file>` works; Windows needs other marks than Linux", [];
    BAD_TARGET: "The target is no id of an instance or node: a name, an address, or an id with a typing error", "an id begins with `i-`, `mi-` or `ecs:`", [];
    LOCAL_PORT: "The local port is not free: another session or program has it, or Windows reserves it", "another local port works; `ss -ltnp`, or `netsh interface ipv4 show excludedportrange tcp` on Windows", [], in sessions [Ssh, Port, RemotePort];
    NO_TERMINAL: "There is no terminal or standard input, as in CI", "the same command works in a terminal", ["client/has-terminal"];
    TOO_MANY: "Too many connections to the same target", "fewer parallel sessions work", [];
    SOCKET_PATH: "The path of the plugin's socket is too long", "a shorter TMPDIR works", ["client/socket-path-fits"];
    CLI_OLD: "The AWS CLI is too old", "`aws --version`", ["client/cli-supports-session"];
    SSH_OUTPUT: "The ProxyCommand prints something else than the session, or ends early: read the line above", "run the ProxyCommand by hand", ["client/ssh-config-fits"], in sessions [Ssh];
    SSH_NAME: "ssh does not send this host through Session Manager", "`ssh -G <host>` shows no ProxyCommand", ["client/ssh-config-covers-target"], in sessions [Ssh];
    SSH_KEY: "sshd refuses the key or the user; the session itself works", "the message comes from sshd: check user and authorized_keys", [], in sessions [Ssh];
    SSH_NOT_READY: "sshd on the node is not there yet, or does not listen", "the wait ends later in the start of the node; `systemctl status sshd` on the node", ["agent/destination-answers"];
    SLOW_COMMAND: "A command took longer than Ansible waits (`ansible_aws_ssm_timeout`, 60 seconds)", "the same task works with a longer timeout", [];
    OUTPUT_NOT_READ: "Ansible waits for an end of the output that it does not recognize: another shell, or texts between", "with `-vvvv`, the output of the command is complete", [];
    NOTHING_LISTENS: "Nothing listens on the port of the node, or the remote host refuses it", "`ss -ltn` on the node", ["agent/destination-answers", "agent/session-channel-connected"];
    LOOPBACK: "The remote-host document does not forward to the node itself", "the host is 127.0.0.1 or localhost: use AWS-StartPortForwardingSession", ["agent/destination-answers"];
    FORWARD_WAITS: "The forwarding is up and waits for a client on the local port", "connect to the printed local port; it is no error", [];
    ENDED: "Somebody or a time limit ended the session", "`aws ssm describe-sessions --state History`", ["agent/last-session-started", "preferences/timeouts-in-range"];
    BLANK: "The session's shell could not start", "the agent's log on the node names the reason", ["agent/session-user-usable", "preferences/runas-user-set", "agent/session-channel-connected"];
    SHELL_PROFILE: "A command of the shell profile in the preferences ends the shell", "sessions start without the shell profile", ["agent/last-session-started"];
    NOT_RUNNING: "The instance is stopped, starting or fails its status checks", "`aws ec2 describe-instance-status --include-all-instances`", ["target/instance-running", "target/status-checks-pass"];
    NO_SUCH_TARGET: "There is no such instance or node here", "the id is not listed in this account and Region", ["target/found-in-region", "operator/in-account-and-region"];
    OLD_POLICY: "AmazonEC2RoleforSSM is deprecated and can no longer be attached", "use AmazonSSMManagedInstanceCore", ["identity/policy-current"];
    BENIGN: "This line is benign: healthy logs contain it too", "look at the lines beside it", [];
    LEFTOVER_STATE: "The agent's state on the disk is of another installation or image", "the line comes again after every start; remove the agent's state directory and start it", ["agent/registered"];
    GUI_CONNECT: "The operator may not use Fleet Manager's Remote Desktop (ssm-guiconnect)", "sessions by the CLI work", ["operator/may-start-session-on-target"], a policy of [Identity, Session, Resource];
}
