//! What no call can tell of identities and their permissions.

use alloc::{string::String, vec::Vec};

use crate::ids::*;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PermissionLimit {
    /// The operator is of another account, whose policies cannot be read.
    OtherAccount {
        operator: Arn,
    },
    /// The operator is a federated user, whose policies AWS does not show.
    FederatedUser {
        operator: Arn,
    },
    /// The operator is no session of a user or role.
    NotTraceable {
        operator: Arn,
    },
    NotUserOrRole {
        arn: Arn,
    },
    NotProfile {
        arn: Arn,
    },
    NotRole {
        name: String,
    },
    /// Which role a hybrid node was activated with.
    ActivationRole {
        target: Target,
    },
    /// Whether an agent uses Default Host Management while its profile contains no role.
    ProfileWithoutRole {
        instance: InstanceId,
    },
    /// Whether Default Host Management gives the agent credentials, which its profile does not.
    HostManagementNotSeen {
        instance: InstanceId,
        profile: ProfileProblem,
    },
    /// Default Host Management was changed a moment ago. `age` in seconds, if AWS shows it.
    HostManagementSpreads {
        instance: InstanceId,
        region: Region,
        role: String,
        age: Option<i64>,
        /// Seconds that the change may take to reach the nodes.
        takes: i64,
    },
    /// The simulator does not answer for a role that does not exist yet.
    RoleNotCreated {
        name: String,
    },
    /// The simulator does not answer for the root user.
    RootNotSimulated,
    SimulatorAnswer {
        answer: String,
        action: String,
    },
    /// The permission depends on condition keys without a known value.
    DependsOnKeys {
        name: String,
        action: String,
        keys: Vec<String>,
    },
    /// The identity's policies allow it, by statements of policies. The organization's are not visible.
    OrganizationNotVisible {
        name: String,
        action: String,
        statements: Vec<(String, String)>,
    },
    /// A condition key that only some services set.
    KeyOfSomeServices {
        key: String,
    },
    /// Whether a request for just-in-time node access was approved.
    AccessRequest,
    /// What newer plugins and agents add to a session key's encryption context.
    EncryptionContext,
    GrantDependsOnConstraints {
        grant: String,
        key: String,
        name: String,
        operation: String,
    },
    /// An id of AWS's that does not have its form: the parser's message.
    InvalidId(String),
}

/// Why an instance's profile does not give the agent credentials.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProfileProblem {
    NoProfile,
    NoRole,
    /// The role does not have the permission, or EC2 may not assume it.
    CannotRegister {
        role: RoleName,
    },
}
