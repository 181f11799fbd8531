//! `ssm-doctor policy`: the minimal IAM policy for all checks.

use std::collections::BTreeSet;

use askama::Template;
use serde::Serialize;
use ssm_doctor_facts::lookup::ACTIONS;

use crate::{Failure, cli::PolicyFormat, render};

const SID: &str = "SsmDoctorReadOnly";

/// An IAM policy document, in the order in which AWS writes them.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Policy {
    version: &'static str,
    statement: [Statement; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Statement {
    sid: &'static str,
    effect: &'static str,
    action: BTreeSet<&'static str>,
    resource: &'static str,
}

/// The managed policy as HCL.
#[derive(Template)]
#[template(path = "policy.tf", escape = "none")]
struct Terraform {
    sid: &'static str,
    actions: BTreeSet<&'static str>,
}

/// Every action of every fact. Resources stay open: most of these actions know none, and the rest are asked
/// about things that are not known beforehand. Wildcards would make it short, and allow to read secrets:
/// `ssm:Get*` is also `ssm:GetParameter`.
fn policy() -> Policy {
    Policy {
        version: "2012-10-17",
        statement: [Statement { sid: SID, effect: "Allow", action: actions(), resource: "*" }],
    }
}

fn actions() -> BTreeSet<&'static str> {
    ACTIONS.iter().copied().flatten().copied().collect()
}

/// # Errors
/// If it cannot be written, which is a defect.
pub fn text(format: PolicyFormat) -> Result<String, Failure> {
    let defect = |error: &dyn std::fmt::Display| Failure::Defect(error.to_string());
    match format {
        PolicyFormat::Json => render::json(&policy()).map_err(|error| defect(&error)),
        PolicyFormat::Terraform => {
            let terraform = Terraform { sid: SID, actions: actions() };
            terraform.render().map_err(|error| defect(&error))
        }
        PolicyFormat::Cloudformation => {
            let template = serde_json::json!({
                "AWSTemplateFormatVersion": "2010-09-09",
                "Description": "What ssm-doctor may read",
                "Resources": { SID: {
                    "Type": "AWS::IAM::ManagedPolicy",
                    "Properties": {
                        "Description": "What ssm-doctor may read",
                        "PolicyDocument": policy(),
                    },
                } },
                "Outputs": { "PolicyArn": { "Value": { "Ref": SID } } },
            });
            render::json(&template).map_err(|error| defect(&error))
        }
    }
}

/// Where the policy does not fit, and where it does. None if it fits everywhere.
///
/// Source: IAM User Guide, "IAM and AWS STS quotas": all inline policies of a user together have at most
/// 2,048 characters, those of a group 5,120, those of a role 10,240, and a managed policy 6,144. White space
/// does not count. So several inline policies of one user do not help.
///
/// # Errors
/// If it cannot be written, which is a defect.
pub fn note() -> Result<Option<String>, Failure> {
    const PLACES: [(&str, usize); 4] = [
        ("the inline policies of a user", 2_048),
        ("the inline policies of a group", 5_120),
        ("a managed policy", 6_144),
        ("the inline policies of a role", 10_240),
    ];
    let text = text(PolicyFormat::Json)?;
    let length = text.chars().filter(|letter| !letter.is_whitespace()).count();
    let listed = |fits: bool| {
        let places = PLACES.iter().filter(|place| (length <= place.1) == fits);
        let places = places.map(|(place, most)| format!("{place} ({most})"));
        places.collect::<Vec<_>>().join(", ")
    };
    let too_small = listed(false);
    Ok((!too_small.is_empty()).then(|| {
        format!(
            "the policy has {length} characters without white space: too many for {too_small}; it fits {}",
            listed(true)
        )
    }))
}
