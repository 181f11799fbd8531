//! What is known of a node that does not respond: observations and where to look, as data.

use alloc::{string::String, vec::Vec};

use crate::node::{
    metrics::Shortage,
    serial_console::{Seen, Sign},
};
use ssm_doctor_facts::{
    ec2::Console,
    ids::{ImageId, InstanceId, NodeId, Target},
    limit::{Limit, ProfileProblem},
    ssm::AgentVersion,
    time::Timestamp,
};

/// What was observed. The subject of each is named in its comment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Statement {
    // Of the instance.
    /// Whether Default Host Management is on was not seen.
    LacksCredentials {
        problem: ProfileProblem,
    },
    Started {
        seconds_ago: i64,
    },
    ProfileAttached {
        seconds_ago: i64,
    },
    ImageWithoutAgent {
        image: ImageId,
        name: String,
    },
    /// Of the Region: the setting of Default Host Management.
    HostManagementChanged {
        seconds_ago: i64,
    },
    /// Of the console output. Of a line without a time it is known only when the output was read.
    OnConsole {
        sign: Sign,
        written_at: Option<Timestamp>,
        read_at: Option<Timestamp>,
        line: String,
    },
    /// By `CloudWatch`, when it was measured last.
    WasShort {
        of: Shortage,
        at: Timestamp,
    },
    /// Of the agent, on Windows.
    StaysInHibernation {
        version: AgentVersion,
        wakes_since: AgentVersion,
    },
    /// Of the agent: the instance's metadata service asks for tokens.
    PredatesTokens {
        version: AgentVersion,
        since: AgentVersion,
    },
    // Of a hybrid node.
    HasAddressOf {
        instance: InstanceId,
    },
    HasSameName {
        name: String,
        since: Option<Timestamp>,
    },
    /// Of the activation: it has expired, or else is used up.
    ActivationOver {
        expired: bool,
    },
}

impl Statement {
    /// What a line of the console output says.
    #[must_use]
    pub fn on_console(seen: &Seen, console: &Console) -> Self {
        Self::OnConsole {
            sign: seen.sign.clone(),
            written_at: seen.at,
            read_at: console.at,
            line: seen.line.into(),
        }
    }
}

/// What to do first about a node that does not respond.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    GiveCredentials {
        problem: ProfileProblem,
    },
    WaitAfterStart,
    /// The agent asks for credentials again after up to so many seconds.
    RestartOrWait {
        seconds: i64,
    },
    RestartAfterHostManagement,
    InstallAgent,
    UpdateForTokens {
        since: AgentVersion,
    },
    Repair(Sign),
    Relieve(Shortage),
    RestartAndUpdate,
    UseOrClearHybridNode {
        node: NodeId,
    },
    UseOtherNode {
        node: NodeId,
    },
}

/// How the node does not respond.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Symptom {
    #[default]
    NeverRegistered,
    NeverRegisteredOnWindows,
    /// It reported once.
    InstanceLost,
    HybridNodeLost,
    /// It reports, and holds no session channel.
    NotConnected,
}

/// How to get onto the machine without Session Manager.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WayIn {
    InstanceConnect { endpoint: String },
    SerialConsole,
}

/// Where to look, the likeliest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "each says whether one place is worth a look")]
pub struct Investigation {
    pub symptom: Symptom,
    /// In this order.
    pub steps: Vec<Step>,
    /// What could not be decided of the way to this service, hop by hop.
    pub undecided: Option<(&'static str, Vec<Vec<Limit>>)>,
    /// The machine itself says what ails it, so that is looked at before the way.
    pub explained: bool,
    /// The agent is there, and has been started.
    pub agent_started: bool,
    /// The metadata service asks for tokens, which an agent of this age may not use.
    pub may_not_use_tokens: bool,
    /// The agent has to register itself, for Default Host Management.
    pub registers: bool,
    pub ways_in: Vec<WayIn>,
    /// What a probe on the node would settle; none if one was given.
    pub probe: Option<ProbeAdvice>,
}

/// How to get and use a probe of the node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeAdvice {
    pub target: Target,
    /// The probe is for Linux. On Windows the agent's own diagnostics are a smaller one.
    pub windows: bool,
}
