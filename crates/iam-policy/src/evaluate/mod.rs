//! Evaluates a request: combines the results of all layers, and explains the decision.

use crate::{
    decision::AccessDecision,
    explain::{denials, undecided},
    layers::PolicyLayers,
    request::Request,
    results::LayerResults,
    truth::Truth,
};

/// Decides whether a request is allowed, and explains the decision. The same layers serve any number of
/// requests.
///
/// The decision is [`AccessDecision::Undecided`] only if something unknown could change it.
#[must_use]
pub fn evaluate<'p>(request: &Request, layers: &'p PolicyLayers<'p>) -> AccessDecision<'p> {
    let results = LayerResults::of(request, layers);
    match results.allowed(request) {
        Truth::Yes => AccessDecision::Allowed(results.allowing_statements()),
        Truth::No => AccessDecision::Denied(denials(request, &results)),
        Truth::Unknown => AccessDecision::Undecided(undecided(request, &results)),
    }
}

#[cfg(test)]
mod tests;
