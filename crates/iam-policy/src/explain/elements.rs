//! The statements of a layer, and the elements of a statement, for explanations.

use alloc::vec::Vec;

use crate::{
    decision::{ElementValues, StatementElement},
    document::PolicyDocument,
    layers::{PolicyLayer, StatementRef},
    statement::{PolicyStatement, StatementQuery},
    syntax::ElementEntries,
    truth::Truth,
};

/// The statements of a layer, as far as they are known.
pub(super) fn statements_of<'p>(
    layer: &'p PolicyLayer<'p>,
) -> impl Iterator<Item = StatementRef<'p>> {
    let policies = match layer {
        PolicyLayer::Policies(policies) => policies.as_slice(),
        _ => &[],
    };
    policies.iter().flat_map(|policy| {
        let statements = policy.document.as_ref().ok().and_then(PolicyDocument::statements);
        let statements = statements.unwrap_or_default().iter();
        statements.map(move |statement| StatementRef { policy, statement })
    })
}

/// The elements of a statement that match the request (`Yes`), that do not (`No`), or of which this is
/// unknown.
pub(super) fn elements_that_match<'p>(
    statement: &'p PolicyStatement<'p>,
    query: StatementQuery,
    matching: Truth,
) -> Vec<StatementElement<'p>> {
    let mut elements = Vec::new();
    if Truth::from(statement.matches_action(query.request.action)) == matching {
        let values = element_values(&statement.actions, |pattern| pattern.raw);
        elements.push(StatementElement::Action(values));
    }
    if statement.coverage(query).any() == matching {
        let values = element_values(&statement.principals, |entry| entry.as_str());
        elements.push(StatementElement::Principal(values));
    }
    if statement.matches_resource(query) == matching {
        let values = element_values(&statement.resources, |pattern| pattern.raw);
        elements.push(StatementElement::Resource(values));
    }
    let context = query.request.context;
    let conditions = statement.conditions().iter();
    elements.extend(conditions.filter(|condition| condition.holds(context) == matching).map(
        |condition| {
            StatementElement::Condition {
                operator: condition.operator(),
                key: condition.key(),
                values: condition.values().collect(),
                request_value: context.get(condition.key()).cloned(),
                variables: condition
                    .keys()
                    .skip(1)
                    .map(|key| (key.into(), context.get(key).cloned()))
                    .collect(),
            }
        },
    ));
    elements
}

fn element_values<'p, T>(
    entries: &'p ElementEntries<T>,
    text: impl Fn(&'p T) -> &'p str,
) -> ElementValues<'p> {
    let values = entries.entries().iter().map(text).collect();
    ElementValues { except: entries.is_except(), values }
}
