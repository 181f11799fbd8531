//! The table of everything that is recognized in a log.
//!
//! Each row has its source, and the agent versions that print the text as far as that is known. The text is a
//! part of the line that did not change between versions. "measured" is a run of the real agent under a known
//! fault: amazon-ssm-agent 3.3.1142.0, 3.3.987.0 and 3.1.1767.0, session-manager-plugin 1.2.677.0 (November 2026).
//! Paths are those of amazon-ssm-agent, and after "plugin:" those of session-manager-plugin.

use super::{cause::Cause, stage::Stage};

/// Text that is recognized.
pub struct Signature {
    pub text: &'static str,
    /// These have to be in the line as well.
    pub also: &'static [&'static str],
    pub stage: Stage,
    pub says: Says,
    /// The agent versions that print it.
    pub versions: &'static str,
    pub source: &'static str,
}

/// What a line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Says {
    /// The agent started, of this version.
    Start,
    /// The agent was stopped.
    Stop,
    /// The same, where the text begins so: a part of the agent writes it as well.
    OldStop,
    /// The agent's version, in other lines.
    Version,
    /// The operating system.
    System,
    /// The node.
    Node,
    /// The stage works.
    Works,
    /// A port session opened.
    PortOpens,
    /// The stage is tried. Two tries without an error between them mean that it works.
    Tried,
    /// The stage failed, and the rest of the line says why.
    Error,
    /// The same, of the operator's machine.
    ClientError,
    /// The same, if it is one of the network.
    ClientNetwork,
    /// The operator's plugin got no data key.
    ClientKey,
    /// The stage failed for this reason.
    Fault(Cause),
    /// The user of Run As does not exist; the line names it.
    RunAsUser,
    /// The connection to the forwarded port failed.
    Destination,
    /// The agent forbids the address that a port is to be forwarded to.
    Forbidden,
    /// The agent does not know a kind of session.
    Plugin,
    /// The control channel ended.
    ChannelEnded,
    /// The agent switched to the legacy channel, which follows from a refusal or a failed start.
    LegacyChannel,
    /// The agent tries to open the control channel again. It writes this at each try, also at failed ones.
    ChannelRetried,
    /// A shell could not be started: a limit of the machine if the line names one, and otherwise its user or itself.
    Shell,
    /// The worker with the control channel is started because it does not run.
    WorkerStarts,
    /// A session closed its data channel.
    SessionEnded,
    /// The session is over because its operator has left.
    OperatorLeft,
}

const fn row(
    text: &'static str,
    also: &'static [&'static str],
    stage: Stage,
    says: Says,
    versions: &'static str,
    source: &'static str,
) -> Signature {
    Signature { text, also, stage, says, versions, source }
}

const MEASURED: &str = "measured";

use Says::{
    ChannelEnded, ChannelRetried, ClientError, ClientKey, ClientNetwork, Destination, Error, Fault,
    Forbidden, LegacyChannel, Node, OldStop, OperatorLeft, Plugin, PortOpens, RunAsUser,
    SessionEnded, Shell, Start, Stop, System, Tried, Version, WorkerStarts, Works,
};
use Stage::{
    ControlChannel, Credentials, DataChannel, Health, Identity, Registration, SessionGates,
    SessionWorker,
};

/// The first row that fits a line decides what the line says.
#[rustfmt::skip]
pub static SIGNATURES: &[Signature] = &[
    // Start, and what the agent says of itself.
    row("amazon-ssm-agent - v", &[], Identity, Start, "all", MEASURED),
    row("Amazon SSM Agent v", &[" is running"], Identity, Version, "all", "agent/startup/startup_unix.go"),
    row("Amazon SSM Agent v", &[" is starting"], Identity, Version, "Windows", "agent/startup/startup_windows.go"),
    row(", Arch: ", &["OS: "], Identity, System, "all", MEASURED),
    row("OsProductName: ", &[], Identity, System, "all", "agent/startup/startup_unix.go"),
    row("Received stop/termination signal", &[], Identity, Stop, "3.2 and later", "core/app/agent.go; while it waits for credentials or a registration"),
    row("Stopping Core Agent", &[], Identity, Stop, "3.x", "core/app/agent.go"),
    row("] Bye.", &["[amazon-ssm-agent]"], Identity, Stop, "3.x", "core/app/agent.go"),
    row("Stopping agent", &[], Identity, OldStop, "before 3.0", "agent/agent/agent.go; https://github.com/aws/amazon-ssm-agent/issues/289"),
    // systemd says so of a restart after a failure, too, and then that it started.
    row("Started amazon-ssm-agent", &[], Identity, Start, "systemd", "messages of systemd"),
    row("Started snap.amazon-ssm-agent", &[], Identity, Start, "systemd", "messages of systemd"),
    row("Stopped amazon-ssm-agent", &[], Identity, Stop, "systemd", "https://github.com/aws/amazon-ssm-agent/issues/637; messages of systemd"),
    row("Stopped snap.amazon-ssm-agent", &[], Identity, Stop, "systemd", "messages of systemd"),
    row("amazon-ssm-agent.service: Failed with result 'oom-kill'", &[], Identity, Fault(Cause::OutOfMemory), "systemd", "systemd.service(5), results of a service"),

    // Installation, configuration and the machine, while the agent starts.
    row("app config could not be loaded", &[], Identity, Fault(Cause::ConfigurationBroken), "all", "measured; the line `Fall back to default.` on standard output is untrue"),
    row("failed to load agent config", &[], Identity, Fault(Cause::ConfigurationBroken), "3.x", "core/app/bootstrap/bootstrap.go"),
    row("sysprep hasn't completed", &[], Identity, Fault(Cause::SysprepPending), "Windows", "public reports"),
    row("Failed to save runtime config", &[], Identity, Error, "3.1 and later", MEASURED),
    row("seelog internal error", &["no space left on device"], Identity, Fault(Cause::DiskFull), "all", MEASURED),
    row("seelog internal error", &["read-only file system"], Identity, Fault(Cause::ReadOnly), "all", MEASURED),
    row("failed to start worker ssm-agent-worker", &[], Health, Error, "3.x", "measured; core/app/longrunningprovider"),
    row("failed to start ipc channel", &[], Health, Error, "3.x", "core/app/bootstrap/bootstrap.go"),

    // Identity.
    row("Agent will take identity from", &[], Identity, Works, "3.1 and later", "common/identity/identity_selector.go"),
    row("Failed to get instance info from IMDS. Err:", &[], Identity, Error, "3.2 and later", "common/identity/availableidentities/ec2/ec2_identity.go"),
    row("Failed to fetch region. Data from vault is empty", &[], Identity, Error, "before 3.1", "public reports"),
    row("Failed to fetch instance ID. Data from vault is empty", &[], Identity, Error, "before 3.1", "public reports"),
    row("failed to find agent identity", &[], Identity, Fault(Cause::NoIdentity), "3.1 and later", "common/identity/identity_selector.go; 3.1 logs no cause (measured)"),
    row("Agent failed to assume any identity", &[], Identity, Fault(Cause::NoIdentity), "3.1 and later", "common/identity/identity_selector.go"),
    row("rror occurred when starting amazon-ssm-agent", &[], Identity, Error, "all", MEASURED),

    // Registration.
    row("Successfully registered the instance with AWS SSM", &[], Registration, Works, "all", MEASURED),
    row("EC2 registration was successful", &[], Registration, Works, "3.2 and later", "common/identity/availableidentities/ec2/ec2_identity.go"),
    row("Registration info found for ec2 instance", &[], Registration, Works, "3.2 and later", MEASURED),
    row("Registration failed due to error registering the instance with AWS SSM", &[], Registration, Error, "all", MEASURED),
    row("failed to register identity: error calling RegisterManagedInstance API", &[], Registration, Error, "3.2 and later", "core/app/registrar/registrar.go"),
    row("The hardware ID (", &[], Registration, Fault(Cause::Fingerprint), "all", "agent/managedInstances/fingerprint/fingerprint.go"),
    row("has changed more than the allowed threshold", &[], Registration, Fault(Cause::Fingerprint), "all", "agent/managedInstances/fingerprint/fingerprint.go"),

    // Credentials.
    row("Successfully connected with instance profile role credentials", &[], Health, Works, "3.2 and later", "common/identity/availableidentities/ec2/ec2roleprovider/ec2_role_provider.go"),
    row("Successfully connected with Systems Manager role credentials", &[], Health, Works, "3.2 and later", "common/identity/availableidentities/ec2/ec2roleprovider/ec2_role_provider.go"),
    row("[CredentialRefresher] Credentials ready", &[], Credentials, Works, "3.2 and later", "core/app/credentialrefresher/credentialrefresher.go; stored credentials suffice (measured)"),
    row("Failed to connect to Systems Manager with instance profile role credentials", &[], Credentials, Error, "3.2 and later", "ec2roleprovider/ec2_role_provider.go; a warning, so never in errors.log (measured)"),
    row("Failed to connect to Systems Manager with SSM role credentials", &[], Credentials, Error, "3.2 and later", "ec2roleprovider/ec2_role_provider.go"),
    row("Retrieve credentials produced ", &["error: "], Credentials, Error, "3.1 and later", "core/app/credentialrefresher/credentialrefresher.go; `aws error`, `unrecoverable aws error` before 3.2, https://github.com/aws/amazon-ssm-agent/issues/468"),
    row("returned from AWS API. RequestId: ", &["[CredentialRefresher]"], Credentials, Error, "3.1 and later", "core/app/credentialrefresher/credentialrefresher.go; a warning, so never in errors.log"),
    row("Failed to write credentials to disk even with force", &[], Credentials, Error, "3.1 and later", "core/app/credentialrefresher/credentialrefresher.go; the agent does not get ready without"),
    row("failed to retrieve instance identity role", &[], Credentials, Error, "3.2 and later", "common/identity/availableidentities/ec2/ec2roleprovider/iirprovider; its text has the reason where that of the role has none"),
    row("SSM Agent unable to acquire credentials", &[], Credentials, Error, "3.3.2958.0 and later, on the serial console", "release notes of 3.3.2958.0"),

    // Health.
    row("Entering SSM Agent hibernate", &[], Health, Error, "all", "agent/agent.go; on INFO, so never in errors.log (measured)"),
    row("Health ping failed with error", &[], Health, Error, "all, in hibernate.log", "agent/hibernation/hibernation.go"),
    row("Agent is in hibernate mode", &[], Health, Fault(Cause::Hibernates), "all, in hibernate.log", "agent/hibernation/hibernation.go"),
    row("[HealthCheck] error when calling AWS APIs", &[], Health, Error, "all", "agent/sdkutil/awserr.go"),
    row("HealthCheck reporting agent health", &[], Health, Tried, "all", "agent/health/healthcheck.go"),

    // Control channel.
    row("Set up control channel successfully", &[], ControlChannel, Works, "3.1 and later", "agent/messageservice/interactor/mgsinteractor/mgsinteractor.go"),
    row("Successfully opened websocket connection to", &["%!(EXTRA", "/data-channel/"], DataChannel, Tried, "plugin", "measured; plugin: src/communicator/websocketutil.go; agents before 3.0 write the control channel so, agent/websocketutil/websocketutil.go"),
    row("Successfully opened websocket connection to", &["[pluginName="], DataChannel, Works, "all", "agent/websocketutil/websocketutil.go"),
    row("Successfully opened websocket connection to", &["[MGSInteractor]"], ControlChannel, Works, "3.1 and later", "agent/websocketutil/websocketutil.go"),
    row("Successfully opened websocket connection to", &["[MessageGatewayService]"], ControlChannel, Works, "before 3.1", "agent/websocketutil/websocketutil.go"),
    row("Failed to get controlchannel token", &[], ControlChannel, Error, "all", "agent/session/controlchannel/controlchannel.go"),
    row("Failed to dial websocket, status:", &["[pluginName="], DataChannel, Error, "3.3", MEASURED),
    row("Failed to dial websocket, status:", &[], ControlChannel, Error, "3.3", "measured; a warning, so never in errors.log"),
    row("Failed to dial websocket:", &["[pluginName="], DataChannel, Error, "all", "agent/websocketutil/websocketutil.go"),
    row("Failed to dial websocket:", &["[M"], ControlChannel, Error, "all", "agent/websocketutil/websocketutil.go"),
    row("Failed to dial websocket:", &[], DataChannel, ClientError, "plugin", "measured; plugin: src/communicator/websocketutil.go"),
    row("rror setting up control channel", &[], ControlChannel, Error, "all", "mgsinteractor.go; not seen at the default level"),
    row("for receive messages. Error: ", &["[MGSInteractor]"], ControlChannel, ChannelEnded, "3.1 and later", "measured; agent/session/communicator/websocketchannel.go writes any error of the connection"),
    row("Worker ssm-agent-worker is not running, starting", &[], ControlChannel, WorkerStarts, "3.0 and later", "core/workerprovider/longrunningprovider/provider/provider.go"),
    row("SSM Connection channel status is set to ec2messages", &[], ControlChannel, LegacyChannel, "3.3.40.0 and later", "agent/ssmconnectionchannel/ssmconnectionchannel.go"),
    row("SSM Connection channel status is set to ssmmessages", &[], ControlChannel, ChannelRetried, "3.3.40.0 and later", "ssmconnectionchannel.go; also written at failed reconnects (measured)"),

    // Session worker.
    row("Error adding directory to watcher", &[], SessionWorker, Error, "3.x", MEASURED),
    // The watcher of the configuration's folder. It says so of a folder that is missing, too, as a snap's is, and works.
    row("Error adding the directory", &["to watcher", "too many open files"], SessionWorker, Error, "3.x", "measured; https://github.com/aws/amazon-ssm-agent/issues/640"),
    row("Error adding the directory", &["to watcher", "no space left on device"], SessionWorker, Error, "3.x", "measured; https://github.com/aws/amazon-ssm-agent/issues/640"),
    row("filewatcher listener encountered error", &[], SessionWorker, Error, "all", MEASURED),
    row("failed to create ipc channel", &[], SessionWorker, Error, "3.x", MEASURED),
    row("failed to create channel", &[], SessionWorker, Error, "before 3.x", "Session Manager user guide, troubleshooting"),
    row("document process failed unexpectedly", &[], SessionWorker, Error, "all", "agent/framework/processor/executer/outofproc/messaging/messaging.go"),
    row("messaging worker encountered error", &[], SessionWorker, Error, "all", "agent/framework/processor/executer/outofproc/outofproc.go: what the log has of `document process failed unexpectedly`"),
    row("blocking control channel because of error code in session processor", &[], SessionWorker, Fault(Cause::Unrecognized), "3.1 and later", "agent/messageservice/interactor/mgsinteractor/mgsinteractor.go: too many sessions at once"),
    row("Failed to execute command : ", &["too many open files"], SessionWorker, Error, "all", "agent/plugins/inventory/gatherers/application/dataProvider_unix.go: the agent cannot start a program, and so no worker"),
    row("Cannot parse AgentTask message to documentState", &["schema version"], SessionGates, Fault(Cause::DocumentSchema), "all", "agent/framework/docparser/docparser.go; the agent sends no reply (measured)"),
    row("Cannot parse AgentTask message to documentState", &[], SessionGates, Fault(Cause::DocumentInvalid), "all", "agent/framework/docparser/docparser.go; the agent sends no reply (measured)"),
    row("Document with schema version", &["is not supported by this version"], SessionGates, Fault(Cause::DocumentSchema), "all", "agent/framework/docparser/docparser.go"),
    row("Plugin with name ", &["not found. Step name"], SessionWorker, Fault(Cause::WorkerNotStarted), "all", "agent/framework/runpluginutil/run.go: a plugin that this version knows, and that no worker offers; measured: inotify, file descriptors, or no ssm-session-worker"),
    row("Plugin with name ", &["is not supported by this version of ssm agent"], SessionGates, Plugin, "all", "agent/framework/runpluginutil/run.go"),
    row(" worker started", &["[ssm-session-worker]"], SessionWorker, Works, "3.x", MEASURED),

    // Data channel.
    row("Session is already terminated", &[], DataChannel, OperatorLeft, "all", "https://github.com/aws/session-manager-plugin/issues/135"),
    row("Closing datachannel with channel Id", &[], SessionGates, SessionEnded, "all", "measured; agent/session/datachannel/datachannel.go, last of a session: sessionplugin.go"),
    row("Setting up data channel with id", &["failed:"], DataChannel, Error, "all", "agent/session/plugins/sessionplugin/sessionplugin.go"),
    row("failed to create websocket for datachannel", &[], DataChannel, Error, "all", "agent/session/datachannel/datachannel.go"),
    row("CreateDataChannel failed", &[], DataChannel, Error, "all", "agent/session/service/service.go"),

    // Gates of a session.
    row("KMSEncryption failed on client", &[], SessionGates, ClientKey, "all", "plugin: src/datachannel/streaming.go"),
    row("Fetching data key failed", &[], SessionGates, Error, "all", "agent/session/crypto/kmsservice.go"),
    row("Handshake timed out", &[], SessionGates, Fault(Cause::HandshakeTimeout), "all", "sessionplugin.go; dropped packets to kms on either side give it too (measured)"),
    row("ncryption challenge", &["imed out"], SessionGates, Fault(Cause::HandshakeTimeout), "all", "agent/session/datachannel/datachannel.go"),
    row("Encountered error while initiating handshake", &[], SessionGates, Error, "all", "sessionplugin.go"),
    row("encryption is not set up on the selected CloudWatch Logs log group", &[], SessionGates, Fault(Cause::LogGroupNotEncrypted), "all", "agent/session/shell/shell.go; any failure to see the group gives it too"),
    row("unable to validate encryption on CloudWatch Logs log group", &[], SessionGates, Fault(Cause::LogGroupNotEncrypted), "all", "agent/session/shell/shell.go"),
    row("rror in calling DescribeLogGroups", &[], SessionGates, Error, "all", "agent/agentlogstocloudwatch/cloudwatchlogspublisher/cloudwatchlogsservice.go"),
    row("rror Calling DescribeLogGroups", &[], SessionGates, Error, "all", "cloudwatchlogsservice.go"),
    row("either does not exist or unable to validate its existence", &[], SessionGates, Fault(Cause::LogGroupUnverified), "all", "agent/session/shell/shell.go"),
    row("unable to validate encryption on Amazon S3 bucket", &[], SessionGates, Error, "all", "agent/session/shell/shell.go"),
    row("calling S3 API GetBucketEncryption", &[], SessionGates, Error, "all", "agent/s3util/s3util.go"),
    row("encryption is not set up on the selected Amazon S3 bucket", &[], SessionGates, Fault(Cause::BucketNotEncrypted), "all", "agent/session/shell/shell.go"),
    row("Failed to upload shell session logs to S3", &[], SessionGates, Error, "all", "agent/session/shell/shell.go"),
    row("Failed uploading", &["err:"], SessionGates, Error, "all", "agent/s3util/s3util.go"),
    row("rror in PutLogEvents", &[], SessionGates, Error, "all", "cloudwatchlogsservice.go"),
    row("rror Calling PutLogEvents", &[], SessionGates, Error, "all", "cloudwatchlogsservice.go"),
    row("rror Creating Log Stream", &[], SessionGates, Error, "all", "cloudwatchlogsservice.go"),
    row("rror in CreateLogStream", &[], SessionGates, Error, "all", "cloudwatchlogsservice.go"),
    row("please set the RunAs default user", &[], SessionGates, Fault(Cause::RunAsUserUnset), "all", "agent/session/shell/shell_unix.go"),
    row("since RunAs user ", &["does not exist"], SessionGates, RunAsUser, "all", "agent/session/shell/shell_unix.go"),
    row("the agent must run as root to use RunAs", &[], SessionGates, Fault(Cause::RunAsNeedsRoot), "all", "agent/session/shell/shell_unix.go"),
    row("invalid uid and gid", &[], SessionGates, Fault(Cause::RunAsRoot), "all", "agent/session/shell/shell_unix.go"),
    row("winpty.dll file", &[], SessionGates, Fault(Cause::ProgramMissing), "Windows", "agent/session/shell/shell_windows.go; shell.go puts `Unable to start command` before it"),
    row("Unable to start command", &[], SessionGates, Shell, "all", "agent/session/shell/shell.go"),
    row("Unable to start shell", &[], SessionGates, Shell, "all", "agent/session/shell/shell.go"),
    row("while executing shell profile", &[], SessionGates, Fault(Cause::ShellFails), "all", "agent/session/shell/shell.go; after `Plugin Standard_Stream started`"),
    row("encountered an error while creating file", &[], SessionGates, Error, "all", "agent/session/shell/shell.go: the file in which a session's log is collected"),
    row("SeparateOutputStream properties validation failed", &[], SessionGates, Fault(Cause::DocumentInvalid), "3.1 and later", "agent/session/shell/shell.go"),
    row("Validation failed, err: ", &["[ssm-session-worker]"], SessionGates, Error, "all", "agent/session/shell/shell.go"),
    row("Error occurred while executing plugin ", &["[ssm-session-worker]"], SessionGates, Error, "all", "agent/session/shell/shell.go, agent/session/plugins/port/port.go: the worker ends"),
    row("Unable to start local server", &[], SessionGates, Error, "3.x", "agent/session/plugins/port/port_mux.go"),
    row("Failed to create ssm-user", &[], SessionGates, Fault(Cause::ShellFails), "all", "agent/session/utility/utility_unix.go"),
    row("Failed to create user ssm-user", &[], SessionGates, Fault(Cause::ShellFails), "Windows", "agent/session/shell/shell_windows.go"),
    row("Failed to enable user ssm-user", &[], SessionGates, Fault(Cause::ShellFails), "Windows", "agent/session/shell/shell_windows.go"),
    row("NetUserSetInfo call failed", &[], SessionGates, Fault(Cause::ShellFails), "Windows", "public reports"),
    row("Unable to dial connection to server", &[], SessionGates, Destination, "3.x", "agent/session/plugins/port/port_mux.go"),
    row("Unable to connect to specified port", &[], SessionGates, Destination, "all", "agent/session/plugins/port/port_basic.go"),
    row("Forwarding to IP address ", &["is forbidden"], SessionGates, Forbidden, "3.1.1374.0 and later", "agent/session/plugins/port/port.go"),
    row("Commands cannot be empty for session type", &[], SessionGates, Fault(Cause::DocumentInvalid), "all", "agent/session/plugins/singlecommand_unix.go"),
    row("Port number is empty in session properties", &[], SessionGates, Fault(Cause::DocumentInvalid), "all", "agent/session/plugins/port/port.go"),
    row("] Plugin Port started", &[], SessionGates, PortOpens, "all", MEASURED),
    row("] Plugin ", &[" started", "[pluginName="], SessionGates, Works, "all", MEASURED),

    // The operator's terminal.
    row("Cannot perform start session: EOF", &[], DataChannel, Fault(Cause::NoTerminal), "plugin", "plugin: src/sessionmanagerplugin/session/session.go"),
    // The plugin puts it before every error of a session. These are those of Go's encoding/json.
    row("Cannot perform start session: ", &["invalid character"], DataChannel, Fault(Cause::PluginArguments), "plugin", "measured: JSON that is none"),
    row("Cannot perform start session: ", &["unexpected end of JSON input"], DataChannel, Fault(Cause::PluginArguments), "plugin", "plugin: src/sessionmanagerplugin/session/session.go"),
    row("Cannot perform start session: ", &["json: cannot unmarshal"], DataChannel, Fault(Cause::PluginArguments), "plugin", "plugin: src/sessionmanagerplugin/session/session.go"),
    row("Cannot perform start session: ", &[], DataChannel, ClientNetwork, "plugin", "plugin: src/sessionmanagerplugin/session/session.go"),

    // Last, because other rows say more of the same line.
    row("/v1/control-channel/", &[], ControlChannel, Node, "all", MEASURED),
    row("[instanceID=", &[], Identity, Node, "all", MEASURED),
];
