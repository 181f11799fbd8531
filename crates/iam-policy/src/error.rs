//! Why a policy or a statement cannot be evaluated.
//!
//! Each error displays as a clause, to be put after the place of the policy or statement.

use alloc::string::String;

/// Why no statement of a document can be evaluated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    #[error("is not a JSON object")]
    NotAnObject,
    #[error("has an element {0:?}")]
    UnknownElement(String),
    #[error("has an unknown Version")]
    UnknownVersion,
    #[error("has no Statement")]
    NoStatement,
}

/// Why a statement cannot be evaluated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    #[error("is not an object")]
    NotAnObject,
    #[error("unknown element {0:?}")]
    UnknownElement(String),
    #[error("Effect is neither Allow nor Deny")]
    Effect,
    /// An element that this type of policy requires.
    #[error("no {0}")]
    Missing(&'static str),
    /// An element that this type of policy does not have.
    #[error("a {0}")]
    NotAllowed(&'static str),
    /// An element beside its negation.
    #[error("both {0} and Not{0}")]
    BothForms(&'static str),
    #[error("NotPrincipal with Allow")]
    NotPrincipalWithAllow,
    /// An entry of a list of strings, as JSON.
    #[error("{element} {entry}")]
    Entry { element: &'static str, entry: String },
    #[error("Principal is neither \"*\" nor an object")]
    PrincipalNotAnObject,
    #[error("Principal {0:?} is not a list of strings")]
    PrincipalNotStrings(String),
    #[error("Principal {0:?} has a wildcard")]
    PrincipalWildcard(String),
    #[error("Principal of unknown kind {0:?}")]
    UnknownPrincipalKind(String),
    #[error("Condition is not an object")]
    ConditionNotAnObject,
    #[error("Condition {0:?} is not an object")]
    OperatorNotAnObject(String),
    #[error("Condition {operator:?}: {key:?} has a value that is no text")]
    ConditionNotText { operator: String, key: String },
    #[error("Condition operator {0:?}")]
    UnknownOperator(String),
    #[error("Condition operator {operator:?}: the value {value:?}")]
    ConditionValue { operator: String, value: String },
}
