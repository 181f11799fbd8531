//! Where the independent evaluator is known to differ from AWS's documentation.
//!
//! Each deviation adapts a case to what the independent evaluator makes of it. A disagreement is explained only
//! if this crate's answer for the adapted case is the independent evaluator's answer.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::cases::{Case, ContextValue, document};

pub struct Deviation {
    pub name: &'static str,
    /// What AWS documents, and what the evaluator does; and the AWS document.
    pub reason: &'static str,
    pub link: &'static str,
    /// None if the case is not affected.
    pub adapt: fn(&Case) -> Option<Case>,
}

pub const DEVIATIONS: &[Deviation] = &[
    Deviation {
        name: "variables in an older version",
        reason: "without Version 2012-10-17 variables \"are treated as literal strings\"; the \
                 evaluator replaces them in every version",
        link: "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html",
        adapt: |case| {
            let mut case = case.clone();
            let mut older = case.policies();
            older.retain(|policy| {
                policy["Version"] != "2012-10-17" && policy.to_string().contains("${")
            });
            let applies = !older.is_empty();
            for policy in older {
                policy["Version"] = json!("2012-10-17");
            }
            applies.then_some(case)
        },
    },
    Deviation {
        name: "a negated operator on a variable without a value",
        reason: "inverted operators \"do match against a null value\"; the evaluator lets none match",
        link: "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#policy-vars-no-value",
        adapt: |case| {
            let known = case.context.clone();
            changed(case, |statement| {
                let mut applies = false;
                for (operator, key, values) in conditions(statement) {
                    let present = known.keys().any(|name| name.eq_ignore_ascii_case(key));
                    applies |= operator.contains("Not") && present && is_null(values, &known);
                }
                if applies {
                    never(statement);
                }
                applies
            })
        },
    },
    Deviation {
        name: "an incomplete ARN in NotResource",
        reason: "\"AWS automatically completes the ARN by adding wildcard characters to all missing \
                 fields\"; the evaluator lets a statement that lists one in NotResource match nothing",
        link: "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html",
        adapt: |case| {
            changed(case, |statement| {
                let incomplete =
                    |entry: &Value| entry.as_str().is_some_and(|arn| arn.split(':').count() < 6);
                let applies = list(&statement["NotResource"]).any(incomplete);
                if applies {
                    statement["NotResource"] = json!("*");
                }
                applies
            })
        },
    },
    Deviation {
        name: "a session policy and a grant to the session itself",
        reason: "\"permissions granted directly to a session are not limited by an implicit deny in a \
                 session policy\"; the evaluator limits them",
        link: "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html",
        adapt: |case| {
            let session = case.session.as_ref().filter(|_| case.resource_policy.is_some())?;
            let mut level = session.json()?.clone();
            // A level of the organization limits everything too. The session policy's Denies are still there.
            let allows =
                list(&level["Statement"]).filter(|statement| statement["Effect"] == "Allow");
            let nothing = json!({ "Effect": "Allow", "Action": "none:None", "Resource": "*" });
            let statements: Vec<Value> = allows.cloned().chain([nothing]).collect();
            level["Statement"] = statements.into();
            let mut case = case.clone();
            case.scps.push(vec![level.into()]);
            Some(case)
        },
    },
    Deviation {
        name: "NotIpAddress across families",
        reason: "\"all IP addresses except the specified IP address or range\"; the evaluator lets an IPv6 \
                 address not differ from a single IPv4 address, and the other way round",
        link: "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_IPAddress",
        adapt: |case| {
            let Some(ContextValue::Single(address)) = case.context.get("aws:SourceIp") else {
                return None;
            };
            let other_family =
                |ip: &str| !ip.contains('/') && ip.contains(':') != address.contains(':');
            changed(case, |statement| {
                let applies = conditions(statement).any(|(operator, _, values)| {
                    operator.contains("NotIpAddress")
                        && list(values).any(|value| value.as_str().is_some_and(other_family))
                });
                if applies {
                    never(statement);
                }
                applies
            })
        },
    },
    Deviation {
        name: "an incomplete ARN in a negated ARN operator",
        reason: "what is not like an ARN's pattern matches the negated operator, whatever an incomplete \
                 pattern means; the evaluator lets neither operator match one",
        link: "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_ARN",
        adapt: |case| {
            let known = case.context.clone();
            changed(case, |statement| {
                let applies = conditions(statement).any(|(operator, key, values)| {
                    operator.contains("ArnNot")
                        && known.keys().any(|name| name.eq_ignore_ascii_case(key))
                        && list(values).any(is_incomplete)
                });
                if applies {
                    never(statement);
                }
                applies
            })
        },
    },
    Deviation {
        name: "an incomplete ARN in a resource control policy",
        reason: "a last `*` \"can expand to match beyond the colon boundaries\"; the evaluator lets such an \
                 entry of a resource control policy match nothing",
        link: "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html",
        adapt: |case| {
            let mut case = case.clone();
            let mut applies = false;
            for policy in case.rcps.iter_mut().flatten() {
                for statement in each(&mut document(policy)["Statement"]) {
                    for element in ["Resource", "NotResource"] {
                        let listed = statement.get_mut(element).into_iter().flat_map(each);
                        for entry in listed.filter(|entry| is_incomplete(entry)) {
                            *entry = json!("arn:aws:none:::none");
                            applies = true;
                        }
                    }
                }
            }
            applies.then_some(case)
        },
    },
    Deviation {
        name: "special characters where wildcards are none",
        reason: "`${*}` \"can be used in any string where you can use regular policy variables\"; the \
                 evaluator takes it literally for operators without wildcards",
        link: "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html",
        adapt: |case| {
            changed(case, |statement| {
                let Some(Value::Object(operators)) = statement.get_mut("Condition") else {
                    return false;
                };
                let mut applies = false;
                let literal =
                    operators.iter_mut().filter(|(operator, _)| operator.contains("Equals"));
                for (_, keys) in literal.filter(|(operator, _)| operator.contains("String")) {
                    let text = keys.to_string();
                    applies |= text.contains("${*}");
                    *keys = serde_json::from_str(&text.replace("${*}", "${$}{*}")).unwrap();
                }
                applies
            })
        },
    },
    Deviation {
        name: "the network 0.0.0.0/0",
        reason: "\"the value must be in the standard CIDR format\", in which /0 is every address; the \
                 evaluator shifts a 32-bit mask by 32 and compares whole addresses",
        link: "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_IPAddress",
        adapt: |case| {
            changed(case, |statement| {
                let text = statement["Condition"].to_string();
                let applies = text.contains("\"0.0.0.0/0\"");
                if applies {
                    let narrowed = text.replace("\"0.0.0.0/0\"", "\"0.0.0.0/32\"");
                    statement["Condition"] = serde_json::from_str(&narrowed).unwrap();
                }
                applies
            })
        },
    },
];

/// The case with changed statements; None if none was changed.
fn changed(case: &Case, mut change: impl FnMut(&mut Value) -> bool) -> Option<Case> {
    let mut case = case.clone();
    let mut applies = false;
    for policy in case.policies() {
        for statement in each(&mut policy["Statement"]) {
            applies |= change(statement);
        }
    }
    applies.then_some(case)
}

/// Operator, key, values.
fn conditions(statement: &Value) -> impl Iterator<Item = (&String, &String, &Value)> {
    let operators = statement.get("Condition").and_then(Value::as_object);
    operators.into_iter().flatten().flat_map(|(operator, keys)| {
        keys.as_object().into_iter().flatten().map(move |(key, values)| (operator, key, values))
    })
}

/// Adds a condition that no request meets.
fn never(statement: &mut Value) {
    statement["Condition"]["NumericEquals"] = json!({ "aws:None": "1" });
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    let list = value.as_array().map(Vec::as_slice);
    list.unwrap_or(std::slice::from_ref(value)).iter()
}

fn each(value: &mut Value) -> impl Iterator<Item = &mut Value> {
    match value {
        Value::Array(list) => list.iter_mut(),
        single => std::slice::from_mut(single).iter_mut(),
    }
}

fn is_incomplete(entry: &Value) -> bool {
    entry.as_str().is_some_and(|arn| arn != "*" && arn.split(':').count() < 6)
}

/// Whether one of the values has a variable without a default, and the request has no value for it.
fn is_null(values: &Value, known: &BTreeMap<String, ContextValue>) -> bool {
    let variables = |text: &str| -> Vec<String> {
        let after = text.split("${").skip(1).filter_map(|rest| rest.split_once('}'));
        after.map(|(variable, _)| variable.to_owned()).collect()
    };
    let named = list(values).filter_map(Value::as_str).flat_map(variables);
    let mut plain = named.filter(|variable| {
        !variable.contains(',') && !["*", "?", "$"].contains(&variable.as_str())
    });
    plain.any(|variable| !known.keys().any(|key| key.eq_ignore_ascii_case(&variable)))
}

/// The names of the fewest deviations that together explain an answer.
pub fn explain(case: &Case, agrees: impl Fn(&Case) -> bool) -> Option<Vec<&'static str>> {
    let mut tried: Vec<(Case, Vec<&'static str>)> = vec![(case.clone(), Vec::new())];
    let mut at = 0;
    while let Some((case, names)) = tried.get(at).cloned() {
        for deviation in DEVIATIONS.iter().filter(|known| !names.contains(&known.name)) {
            let Some(adapted) = (deviation.adapt)(&case) else { continue };
            let mut names = names.clone();
            names.push(deviation.name);
            if agrees(&adapted) {
                return Some(names);
            }
            tried.push((adapted, names));
        }
        at += 1;
    }
    None
}
