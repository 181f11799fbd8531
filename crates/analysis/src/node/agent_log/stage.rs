//! The stages that an agent passes until a session is open.

use core::fmt;

/// In the order in which a session needs them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Who the agent is: an EC2 instance, by the metadata service, or a hybrid node, by its registration.
    Identity,
    /// Credentials from the instance profile, Default Host Management or the hybrid registration.
    Credentials,
    /// The key pair of a hybrid node or of Default Host Management.
    Registration,
    /// The reports to the `ssm` endpoint.
    Health,
    /// The connection to `ssmmessages` through which sessions are announced.
    ControlChannel,
    /// The connection to `ssmmessages` of one session.
    DataChannel,
    /// The process of one session.
    SessionWorker,
    /// What a session waits for before its shell or port opens: encryption, log targets, user, port.
    SessionGates,
}

impl Stage {
    pub const ALL: [Self; 8] = [
        Self::Identity,
        Self::Credentials,
        Self::Registration,
        Self::Health,
        Self::ControlChannel,
        Self::DataChannel,
        Self::SessionWorker,
        Self::SessionGates,
    ];

    /// For machines.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Credentials => "credentials",
            Self::Registration => "registration",
            Self::Health => "health",
            Self::ControlChannel => "control-channel",
            Self::DataChannel => "data-channel",
            Self::SessionWorker => "session-worker",
            Self::SessionGates => "session-gates",
        }
    }

    /// The stages that worked when this one worked, itself included.
    ///
    /// A registration is not among them: an agent needs none while its instance profile works.
    #[must_use]
    pub fn proves(self) -> &'static [Self] {
        use Stage::{
            ControlChannel, Credentials, DataChannel, Health, Identity, Registration, SessionGates,
            SessionWorker,
        };
        match self {
            Identity => &[Identity],
            Credentials => &[Identity, Credentials],
            Registration => &[Registration],
            Health => &[Identity, Credentials, Health],
            ControlChannel => &[Identity, Credentials, Health, ControlChannel],
            // A session that is announced came through the control channel.
            SessionWorker => &[Identity, Credentials, ControlChannel, SessionWorker],
            DataChannel => &[Identity, Credentials, ControlChannel, SessionWorker, DataChannel],
            SessionGates => {
                &[Identity, Credentials, ControlChannel, SessionWorker, DataChannel, SessionGates]
            }
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
