//! The platform of a node.

use alloc::format;

use ssm_doctor_facts::lookup::Unknown;

use crate::case::Case;

/// Does the target run Windows? EC2 tells Windows from the rest by what an image is billed as, which imported ones may
/// lack; the agent tells it from inside.
///
/// # Errors
/// [`Unknown`] if neither of them was seen.
pub fn runs_windows(case: &Case) -> Result<bool, Unknown> {
    if let Some(id) = case.scope.target.instance()
        && case.facts.instance(id).required()?.windows
    {
        return Ok(true);
    }
    let node = case.facts.node(&case.scope.target).optional()?;
    match node.and_then(|node| node.platform.as_deref()) {
        Some(platform) => Ok(platform.eq_ignore_ascii_case("Windows")),
        None if case.scope.target.instance().is_some() => Ok(false),
        None => Err(Unknown::limit(format!("the platform of {}", case.scope.target))),
    }
}
