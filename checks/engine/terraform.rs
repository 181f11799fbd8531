//! Changes as Terraform resources.

mod permission;

use alloc::{format, string::String};
use core::fmt::Write;

use ssm_doctor_facts::{
    change::{CREATED, Change, Ec2Change, IamChange},
    ids::KeyName,
};

/// The resource that makes a change; None where the AWS provider has none.
pub(super) fn blocks(change: &Change) -> Option<String> {
    match change {
        Change::Ec2(Ec2Change::AssociateNewAddress { interface }) => Some(
            Block::resource("aws_eip", "ssm_doctor")
                .text("domain", "vpc")
                .text("network_interface", interface.as_str())
                .end(),
        ),
        Change::EndpointPolicy(change) => Some(permission::endpoint_policy(change)),
        Change::Iam(change) => permission::iam(change),
        Change::Kms(change) => permission::kms(change),
        Change::Logs(change) => permission::logs(change),
        Change::S3(change) => Some(permission::s3(change)),
        Change::ServiceSetting(change) => Some(permission::service_setting(change)),
        Change::Ssm(change) => permission::ssm(change),
        Change::Tag(change) => permission::tag(change),
        _ => None,
    }
}

/// A block, with references to what other changes of the same option create: Terraform creates those first.
pub(super) fn with_references(block: &str, changes: &[Change]) -> String {
    let key = KeyName::created();
    let block = block.replace(key.as_str(), "${aws_kms_key.ssm_doctor.arn}");
    changes.iter().fold(block, |block, change| match change {
        Change::Iam(IamChange::CreateRole { role, .. }) => {
            let name = format!("  role = {}\n", quoted(role.as_str()));
            let reference = format!("  role = aws_iam_role.{}.name\n", identifier(role.as_str()));
            block.replace(&name, &reference)
        }
        _ => block,
    })
}

/// A resource's name, which begins with a letter and has no other signs than `_`.
fn identifier(name: &str) -> String {
    let plain = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '_' };
    let mut identifier: String = name.chars().map(plain).collect();
    identifier.make_ascii_lowercase();
    if identifier.starts_with(|first: char| first.is_ascii_digit()) {
        identifier.insert(0, '_');
    }
    identifier
}

/// A block of HCL that is being written.
struct Block(String);

impl Block {
    fn resource(kind: &str, name: &str) -> Self {
        Self(format!("resource \"{kind}\" \"{name}\" {{\n"))
    }

    /// An attribute whose value is a string, or a reference where it is the id of a created resource.
    fn text(self, name: &str, value: &str) -> Self {
        match CREATED.iter().find(|row| row.0 == value) {
            Some((_, _, reference)) => self.expression(name, &format!("{reference}.id")),
            None => self.expression(name, &quoted(value)),
        }
    }

    fn expression(mut self, name: &str, value: &str) -> Self {
        // Writing to a string does not fail.
        _ = writeln!(self.0, "  {name} = {value}");
        self
    }

    fn nested(mut self, name: &str, block: &str) -> Self {
        _ = writeln!(self.0, "  {name} {block}");
        self
    }

    fn end(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

/// A string of HCL, in which `${` and `%{` begin no template. Source: HCL native syntax specification,
/// "Template Expressions".
fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for letter in text.chars() {
        match letter {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted.replace("${", "$${").replace("%{", "%%{")
}
