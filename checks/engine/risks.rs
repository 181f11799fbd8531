//! What each kind of change costs or endangers.

use ssm_doctor_facts::{
    change::{
        Change, Ec2Change, EndpointPolicyChange, InstanceProfileChange, KmsChange, Risk, S3Change,
        ServiceSettingChange, SsmChange,
    },
    ssm::SettingId,
};

pub(super) fn of_change(change: &Change) -> &'static [Risk] {
    match change {
        Change::Ec2(change) => ec2(change),
        Change::EndpointPolicy(EndpointPolicyChange::Reset { .. }) => {
            &[Risk::Replaces, Risk::WidensAccess]
        }
        Change::InstanceProfile(
            InstanceProfileChange::Replace { .. } | InstanceProfileChange::Disassociate { .. },
        ) => &[Risk::Interrupts, Risk::Replaces],
        Change::Kms(KmsChange::CreateKey { .. }) | Change::S3(S3Change::CreateBucket { .. }) => {
            &[Risk::Costs]
        }
        Change::ServiceSetting(ServiceSettingChange::Update { setting, .. }) => {
            // AWS charges for each hybrid node; Default Host Management is for every instance of the Region.
            if setting.ends_with(SettingId::ActivationTier.as_str()) {
                &[Risk::Costs]
            } else {
                &[Risk::WidensAccess]
            }
        }
        Change::Ssm(SsmChange::SetDefaultDocumentVersion { .. }) => &[Risk::Replaces],
        _ => &[],
    }
}

fn ec2(change: &Ec2Change) -> &'static [Risk] {
    match change {
        Ec2Change::AssociateNewAddress { .. } | Ec2Change::CreateInterfaceEndpoint { .. } => {
            &[Risk::Costs]
        }
        Ec2Change::ReplaceRoute { .. } | Ec2Change::ReplaceTransitGatewayRoute { .. } => {
            &[Risk::Interrupts, Risk::Replaces]
        }
        _ => &[],
    }
}
