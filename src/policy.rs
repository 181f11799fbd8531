//! `ssm-doctor policy`: the minimal IAM policy for all checks.

use std::collections::BTreeSet;

use askama::Template;
use serde::Serialize;
use ssm_doctor_facts::lookup::ACTIONS;

use crate::{cli::PolicyFormat, failure::Failure, render};

const SID: &str = "SsmDoctorReadOnly";
const ASSUME_SID: &str = "SsmDoctorAssumeRole";

/// Shows user data, which may hold secrets.
const USER_DATA: &str = "ec2:DescribeInstanceAttribute";

/// Show who talks to whom, and which names are asked for.
const DEEP: [&str; 4] = [
    "ec2:DescribeFlowLogs",
    "logs:FilterLogEvents",
    "route53resolver:GetResolverQueryLogConfig",
    "route53resolver:ListResolverQueryLogConfigAssociations",
];

/// What is allowed on request only.
#[derive(Clone, Copy)]
pub struct OnRequest {
    /// To list the accounts of the organization.
    pub organization: bool,
    /// To read user data.
    pub user_data: bool,
    /// To read flow logs and query logs.
    pub deep: bool,
}

/// An IAM policy document, with its elements in the order in which AWS writes them.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Policy {
    version: &'static str,
    statement: Vec<Statement>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Statement {
    sid: &'static str,
    effect: &'static str,
    action: BTreeSet<&'static str>,
    resource: Resource,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Resource {
    All(&'static str),
    Roles(Vec<String>),
}

impl Resource {
    /// As an expression of Terraform, which is JSON here.
    fn hcl(&self) -> String {
        match self {
            Self::All(all) => format!("{all:?}"),
            Self::Roles(roles) => {
                let quoted: Vec<_> = roles.iter().map(|role| format!("{role:?}")).collect();
                format!("[{}]", quoted.join(", "))
            }
        }
    }
}

/// The managed policy as HCL.
#[derive(Template)]
#[template(path = "policy.tf", escape = "none")]
struct Terraform<'p> {
    sid: &'static str,
    statements: &'p [Statement],
}

impl Policy {
    /// Every action of every fact. Resources stay open: most of these actions know none, and the rest are asked
    /// about things that are not known beforehand. Wildcards would make it short, and allow to read secrets:
    /// `ssm:Get*` is also `ssm:GetParameter`.
    ///
    /// `roles`: of other accounts, which `fleet` may assume.
    #[must_use]
    pub fn new(roles: Vec<String>, on_request: OnRequest) -> Self {
        let mut action: BTreeSet<&str> = ACTIONS.iter().copied().flatten().copied().collect();
        action.extend(on_request.organization.then_some("organizations:ListAccounts"));
        if !on_request.user_data {
            action.remove(USER_DATA);
        }
        if !on_request.deep {
            action.retain(|action| !DEEP.contains(action));
        }
        let effect = "Allow";
        let mut statement =
            vec![Statement { sid: SID, effect, action, resource: Resource::All("*") }];
        if !roles.is_empty() {
            let action = BTreeSet::from(["sts:AssumeRole"]);
            let resource = Resource::Roles(roles);
            statement.push(Statement { sid: ASSUME_SID, effect, action, resource });
        }
        Self { version: "2012-10-17", statement }
    }

    /// # Errors
    /// If it cannot be written, which is a defect.
    pub fn text(&self, format: PolicyFormat) -> Result<String, Failure> {
        let defect = |error: &dyn std::fmt::Display| Failure::Defect(error.to_string());
        match format {
            PolicyFormat::Json => render::json(self).map_err(|error| defect(&error)),
            PolicyFormat::Terraform => {
                let terraform = Terraform { sid: SID, statements: &self.statement };
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
                            "PolicyDocument": self,
                        },
                    } },
                    "Outputs": { "PolicyArn": { "Value": { "Ref": SID } } },
                });
                render::json(&template).map_err(|error| defect(&error))
            }
        }
    }

    /// Where the policy does not fit, and where it does. None if it fits wherever this format puts it: a document
    /// belongs anywhere, and the other formats write a managed policy.
    ///
    /// Source: IAM User Guide, "IAM and AWS STS quotas": all inline policies of a user together have at most
    /// 2,048 characters, those of a group 5,120, those of a role 10,240, and a managed policy 6,144. White space
    /// does not count. So several inline policies of one user do not help.
    ///
    /// # Errors
    /// If it cannot be written, which is a defect.
    pub fn note(&self, format: PolicyFormat) -> Result<Option<String>, Failure> {
        const MANAGED: &str = "a managed policy";
        const PLACES: [(&str, usize); 4] = [
            ("the inline policies of a user", 2_048),
            ("the inline policies of a group", 5_120),
            (MANAGED, 6_144),
            ("the inline policies of a role", 10_240),
        ];
        let text = self.text(PolicyFormat::Json)?;
        let length = text.chars().filter(|letter| !letter.is_whitespace()).count();
        let is_meant = |place: &str| match format {
            PolicyFormat::Json => true,
            PolicyFormat::Terraform | PolicyFormat::Cloudformation => place == MANAGED,
        };
        let listed = |fits: bool| {
            let places = PLACES.iter().filter(|place| (length <= place.1) == fits);
            let places = places.filter(|place| fits || is_meant(place.0));
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
}
