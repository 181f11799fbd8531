//! Changes to identities, policies and keys.

use ssm_doctor_facts::{
    change::{EndpointPolicyChange, IamChange, InstanceProfileChange, KmsChange, S3Change},
    lookup::Facts,
};

pub(super) fn endpoint_policy(_facts: &mut Facts, _change: &EndpointPolicyChange) -> Option<()> {
    None
}

pub(super) fn iam(_facts: &mut Facts, _change: &IamChange) -> Option<()> {
    None
}

pub(super) fn instance_profile(_facts: &mut Facts, _change: &InstanceProfileChange) -> Option<()> {
    None
}

pub(super) fn kms(_facts: &mut Facts, _change: &KmsChange) -> Option<()> {
    None
}

pub(super) fn s3(_facts: &mut Facts, _change: &S3Change) -> Option<()> {
    None
}
