//! A policy document, parsed once into what evaluation needs.
//!
//! AWS validates a policy before it stores it. So a statement that cannot be parsed here is newer than this
//! crate. It is kept with its error, and its effect on every request is unknown.

use alloc::{borrow::ToOwned, vec::Vec};

use serde_json::Value;
use ssm_doctor_facts::text::Text;

use crate::{
    error::DocumentError,
    statement::PolicyStatement,
    syntax::{ParseOptions, PolicyType, values_of},
};

/// A parsed policy. Borrows from the text that it was parsed from.
#[derive(Clone, Debug)]
pub struct PolicyDocument<'p> {
    statements: Vec<PolicyStatement<'p>>,
    error: Option<DocumentError>,
}

impl<'p> PolicyDocument<'p> {
    /// Parses a document. This never fails: see [`PolicyDocument::error`] and [`PolicyStatement::errors`] for what
    /// cannot be evaluated.
    ///
    /// Source: IAM user guide, "Grammar of the IAM JSON policy language".
    #[must_use]
    pub fn parse(text: &'p Text, policy_type: PolicyType) -> Self {
        match Self::try_parse(text, policy_type) {
            Ok(statements) => Self { statements, error: None },
            Err(error) => Self { statements: Vec::new(), error: Some(error) },
        }
    }

    fn try_parse(
        text: &'p Text,
        policy_type: PolicyType,
    ) -> Result<Vec<PolicyStatement<'p>>, DocumentError> {
        let document = text.json().and_then(Value::as_object).ok_or(DocumentError::NotAnObject)?;
        let known = ["Version", "Id", "Statement"];
        if let Some(element) = document.keys().find(|element| !known.contains(&element.as_str())) {
            return Err(DocumentError::UnknownElement(element.to_owned()));
        }
        let variables = match document.get("Version").map(Value::as_str) {
            Some(Some("2012-10-17")) => true,
            // Source: IAM user guide, "IAM JSON policy elements: Version".
            None | Some(Some("2008-10-17")) => false,
            Some(_) => return Err(DocumentError::UnknownVersion),
        };
        let statements = document.get("Statement").ok_or(DocumentError::NoStatement)?;
        let options = ParseOptions { policy_type, variables };
        let numbered = values_of(statements).zip(1..);
        Ok(numbered.map(|(raw, number)| PolicyStatement::parse(raw, number, options)).collect())
    }

    /// The statements in their order; None if the document has an [error](PolicyDocument::error).
    #[must_use]
    pub fn statements(&self) -> Option<&[PolicyStatement<'p>]> {
        self.error.is_none().then_some(self.statements.as_slice())
    }

    /// Why the document as a whole cannot be evaluated.
    #[must_use]
    pub fn error(&self) -> Option<&DocumentError> {
        self.error.as_ref()
    }
}

#[cfg(test)]
mod tests;
