//! The checks that hold while the agent has a role that it can use.

use crate::{engine::check::Check, hybrid, identity};

/// What every check of the role's permissions depends on.
pub(crate) const USABLE: &[&Check] = &[
    &identity::profile_attached::CHECK,
    &identity::profile_contains_role::CHECK,
    &identity::role_trusts_ec2::CHECK,
    &hybrid::role_trusts_ssm::CHECK,
];
