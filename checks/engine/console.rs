//! Changes as a path through the AWS console.

use alloc::{format, string::String};

use ssm_doctor_facts::change::{Change, Ec2Change};

/// Where in the console a change is made; None where the console cannot make it.
pub(super) fn place(change: &Change) -> Option<String> {
    match change {
        Change::Ec2(Ec2Change::AssociateNewAddress { interface }) => Some(format!(
            "EC2 → Elastic IP addresses → Allocate; then Actions → Associate → Network interface {interface}"
        )),
        _ => None,
    }
}
