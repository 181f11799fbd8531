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
}

/// The first signature that fits.
pub(super) fn signature(text: &str) -> Option<&'static Signature> {
    SIGNATURES.iter().find(|signature| fits(signature, text))
}

pub(super) fn fits(signature: &Signature, text: &str) -> bool {
    text.contains(signature.text) && signature.also.iter().all(|also| text.contains(also))
}

/// What a line says, if it is in the [table](SIGNATURES).
#[must_use]
pub fn read(text: &str) -> Option<Event> {
    event(signature(text)?, text)
}

/// What a line says that has this signature.
pub(super) fn event(signature: &Signature, text: &str) -> Option<Event> {
    let stage = signature.stage;
    let failed = |cause| Some(What::Failed(cause));
    let what = match &signature.says {
        Says::Version | Says::System | Says::Node => None,
        Says::Start => Some(What::Started),
        Says::Stop => Some(What::Stopped),
        Says::PortOpens => Some(What::PortOpens),
        Says::Works => Some(What::Works),
        Says::Tried => Some(What::Tried),
        Says::Error => failed(error_text::cause(text, stage, Side::Node)),
        Says::ClientError => failed(error_text::cause(text, stage, Side::Operator)),
        Says::ClientKey => failed(error_text::client_key(text)),
        Says::Fault(cause) => failed(cause.clone()),
        Says::RunAsUser => failed(Cause::RunAsUserMissing(word_after(text, "RunAs user "))),
        Says::Destination => failed(destination(text)),
        Says::Forbidden => failed(Cause::DestinationForbidden(word_after(text, "IP address "))),
        Says::Plugin => failed(Cause::PluginUnsupported(word_after(text, "Plugin with name "))),
        Says::ChannelEnded => Some(What::ChannelEnded),
        Says::LegacyChannel => Some(What::LegacyChannel),
        Says::ChannelRetried => Some(What::ChannelRetried),
    };
    Some(Event { stage, what: what? })
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
