//! Why nothing could be collected.

use std::io;

use ssm_doctor_facts::ids::{AccountId, Arn};

use crate::collect::aws::ConnectError;

#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error("AWS does not accept the credentials: {0}")]
    Rejected(String),
    #[error("`{0}` does not exist")]
    NoOperator(Arn),
    #[error("`{arn}` is of account {}, and the credentials are of {ours}", .arn.account())]
    OtherAccount { arn: Arn, ours: AccountId },
    #[error("AWS does not list the instances and nodes: a call {0}")]
    NoList(String),
    #[error("AWS does not list the accounts of the organization: a call {0}")]
    NoAccounts(String),
    #[error("cannot start: {0}")]
    Runtime(io::Error),
    #[error("this machine's clock shows no date that can be written")]
    Clock,
    #[error("interrupted")]
    Interrupted,
}

impl LiveError {
    pub fn help(&self) -> String {
        match self {
            Self::Connect(ConnectError::Role { .. }) => "check the trust policy of the role, and \
                whether your credentials allow sts:AssumeRole: `ssm-doctor policy --assume-role ARN` \
                prints what they need"
                .into(),
            Self::Connect(_) => "`ssm-doctor demo` needs no account".into(),
            Self::Rejected(_) => "renew them (`aws sso login`, or new keys), or check --profile; \
                `aws sts get-caller-identity` shows whether they work"
                .into(),
            Self::NoOperator(_) => "check the ARN given as --operator: `aws iam list-users` and \
                `aws iam list-roles` show who there is"
                .into(),
            Self::OtherAccount { .. } => {
                "use the target account's credentials (--profile), with which \
                the session has to be started too"
                    .into()
            }
            Self::NoList(_) => "ask for the target by its id, or grant ec2:DescribeInstances and \
                ssm:DescribeInstanceInformation: `ssm-doctor policy` prints all that is needed"
                .into(),
            Self::NoAccounts(_) => "use credentials of the management account or of a delegated \
                administrator that allow organizations:ListAccounts, or name the roles with \
                --assume-role"
                .into(),
            Self::Runtime(_) => "close some programs, and run again".into(),
            Self::Clock => "set the clock".into(),
            Self::Interrupted => "run it again".into(),
        }
    }
}
