//! From a line to what it says.

use alloc::string::String;

use super::{
    cause::{Cause, Side},
    error_text::{self, short},
    signatures::{SIGNATURES, Says, Signature},
    stage::Stage,
};

/// What a line says of a stage.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Event {
    pub stage: Stage,
    pub what: What,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// The agent started.
    Started,
    /// The agent was stopped.
    Stopped,
    Works,
    /// A port session opened. It needs neither encryption, logs nor a user of the node.
    PortOpens,
    Tried,
    Failed(Cause),
    ChannelEnded,
    LegacyChannel,
    ChannelRetried,
    /// The process that holds the control channel is not there, and is started.
    WorkerStarts,
    /// A session closed its data channel. What it had to deliver is delivered, or its error was written before.
    SessionEnded,
    /// The operator left before the session was open. Nothing is wrong with the node.
    OperatorLeft,
}

/// The first signature that fits.
pub(super) fn signature(text: &str) -> Option<&'static Signature> {
    let own = own_words(text);
    SIGNATURES.iter().find(|signature| own.contains(signature.text) && has_all(signature, text))
}

/// The text before a document or a reply that the agent quotes as JSON: commands and their outputs contain the words
/// of any log. What does not begin with the name of one of the agent's parts is no line of its log.
pub(super) fn own_words(text: &str) -> &str {
    let quoted = |at: &usize| {
        let rest = text.get(at + 1..).unwrap_or_default();
        rest.is_empty() || ["\"", " \"", "\\\""].iter().any(|it| rest.starts_with(it))
    };
    let mut braces = memchr::memchr_iter(b'{', text.as_bytes());
    let begin = braces.find(quoted).filter(|_| !parts(text).is_empty());
    begin.and_then(|begin| text.get(..begin)).unwrap_or(text)
}

/// The names of the agent's parts at the beginning of a line: `[ssm-session-worker] [alice-0123] [DataBackend] `.
fn parts(text: &str) -> &str {
    let mut end = 0;
    while let Some(rest) = text.get(end..).and_then(|rest| rest.strip_prefix('['))
        && let Some((name, after)) = rest.split_once("] ")
        && !name.contains(['[', '"'])
    {
        end = text.len() - after.len();
    }
    let parts = text.get(..end).unwrap_or_default();
    if parts.bytes().any(|byte| byte.is_ascii_lowercase()) { parts } else { "" }
}

/// Has the text what a signature asks for besides its own text?
pub(super) fn has_all(signature: &Signature, text: &str) -> bool {
    signature.also.iter().all(|also| text.contains(also))
}

/// What a line says, if it is in the [table](SIGNATURES).
#[must_use]
pub fn read(text: &str) -> Option<Event> {
    event(signature(text)?, text)
}

/// What a line says that has this signature.
pub(super) fn event(signature: &Signature, text: &str) -> Option<Event> {
    let stage = signature.stage;
    let event = Event { stage, what: what(signature, text)? };
    is_of_sessions(&event, text).then_some(event)
}

fn what(signature: &Signature, text: &str) -> Option<What> {
    let stage = signature.stage;
    let failed = |cause| Some(What::Failed(cause));
    match &signature.says {
        Says::Version | Says::System | Says::Node => None,
        Says::Start => Some(What::Started),
        Says::Stop => Some(What::Stopped),
        Says::OldStop => text.starts_with(signature.text).then_some(What::Stopped),
        Says::PortOpens => Some(What::PortOpens),
        Says::Works => Some(What::Works),
        Says::Tried => Some(What::Tried),
        Says::Error => failed(error_text::cause(text, stage, Side::Node)),
        Says::ClientError => failed(error_text::cause(text, stage, Side::Operator)),
        Says::ClientNetwork => error_text::network(text, Side::Operator).map(What::Failed),
        Says::ClientKey => failed(error_text::client_key(text)),
        Says::Fault(cause) => failed(cause.clone()),
        Says::RunAsUser => failed(Cause::RunAsUserMissing(word_after(text, "RunAs user "))),
        Says::Destination => failed(destination(text)),
        Says::Forbidden => failed(Cause::DestinationForbidden(word_after(text, "IP address "))),
        Says::Plugin => failed(Cause::PluginUnsupported(word_after(text, "Plugin with name "))),
        Says::ChannelEnded => Some(What::ChannelEnded),
        Says::LegacyChannel => Some(What::LegacyChannel),
        Says::ChannelRetried => Some(What::ChannelRetried),
        Says::Shell => failed(error_text::limit(text).unwrap_or(Cause::ShellFails)),
        Says::WorkerStarts => Some(What::WorkerStarts),
        Says::SessionEnded => Some(What::SessionEnded),
        Says::OperatorLeft => Some(What::OperatorLeft),
    }
}

/// Run Command and associations use the same programs and words as sessions. Source: amazon-ssm-agent
/// `agent/framework`, `agent/s3util` and `agent/agentlogstocloudwatch`, which serve all of them.
fn is_of_sessions(event: &Event, text: &str) -> bool {
    if !matches!(event.stage, Stage::DataChannel | Stage::SessionWorker | Stage::SessionGates) {
        return true;
    }
    // A limit of the machine stops every worker.
    if let What::Failed(cause) = &event.what
        && cause.is_limit()
    {
        return true;
    }
    if text.contains("Plugin with name aws:") {
        return false;
    }
    let parts = parts(text);
    let has = |name: &str| parts.contains(name);
    let is_other = has("[ssm-document-worker]")
        || has("[Association]")
        || has("[MessagingDeliveryService]")
        || has("[MDSInteractor]")
        || has("[pluginName=aws:")
        || parts.split(['[', ']']).any(is_command_id);
    // The agent sends its own log to CloudWatch Logs, too.
    let is_of_the_agents_log = event.stage == Stage::SessionGates
        && !parts.is_empty()
        && !has("[ssm-session-worker]")
        && !has("[pluginName=")
        && ["LogEvents", "LogStream", "LogGroups", "Log Stream"].iter().any(|it| text.contains(it));
    !is_other && !is_of_the_agents_log
}

/// Commands have a UUID. A session has the operator's name and 17 digits.
fn is_command_id(word: &str) -> bool {
    word.len() == 36
        && word.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

fn word_after(text: &str, words: &str) -> String {
    let rest = text.split_once(words).map_or("", |it| it.1);
    short(rest.split([' ', ',']).next().unwrap_or_default())
}

/// `dial tcp 10.0.7.55:5432: connect: connection timed out`
fn destination(text: &str) -> Cause {
    let rest = text.split_once("dial tcp ").map_or("", |it| it.1);
    let rest = rest.strip_prefix("lookup ").unwrap_or(rest);
    let address = short(rest.split(' ').next().unwrap_or_default().trim_end_matches(':'));
    if text.contains("too many open files") {
        Cause::FileDescriptors
    } else if text.contains("refused") {
        Cause::DestinationRefuses(address)
    } else {
        Cause::DestinationSilent(address)
    }
}
