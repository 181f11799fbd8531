//! Whose plan it is: the account, and its organization.
//!
//! A plan shows neither, unless a resource or a data source has it. Policies name both. So every account and
//! organization that the rows name is tried, and one that they do not name. What comes out different is not known.

use std::collections::BTreeSet;

use ssm_doctor_analysis::answer::Verdict;
use ssm_doctor_checks::engine::diagnosis::Answers;
use ssm_doctor_facts::{
    iam::Organization,
    ids::AccountId,
    lookup::{Absent, Facts, Ourselves, Row, Unknown},
};

use super::{homes::NO_ACCOUNT, identity::is_part_of_id};

/// More are not tried.
const MOST: usize = 16;

/// An account that a plan may be for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    pub account: AccountId,
    /// None: it is in no organization.
    pub organization: Option<String>,
}

impl Owner {
    /// These facts, if the plan is this account's.
    ///
    /// # Errors
    /// None that is known: facts become JSON, and an account's id stays one.
    pub fn adopt(&self, facts: &Facts) -> serde_json::Result<Facts> {
        let mut facts = if self.account.as_str() == NO_ACCOUNT {
            facts.clone()
        } else {
            let text = serde_json::to_string(facts)?;
            serde_json::from_str(&text.replace(NO_ACCOUNT, self.account.as_str()))?
        };
        if let Some(id) = &self.organization {
            // No policy restricts the management account. That none restricts this one is what a report assumes.
            let organization = Organization { id: id.clone(), management: self.account.clone() };
            facts.organization.insert(Ourselves::Us, Row::Present(organization));
        } else {
            facts.organization.entry(Ourselves::Us).or_insert(Row::Absent(Absent::Absent));
        }
        Ok(facts)
    }
}

/// Whom the plan may belong to: first the account that the plan shows, or one that nothing names.
///
/// # Errors
/// None that is known: facts become JSON.
pub fn owners(
    facts: &Facts,
    shown: &AccountId,
    organization: Option<&str>,
) -> serde_json::Result<Vec<Owner>> {
    let text = serde_json::to_string(facts)?;
    let words: BTreeSet<&str> = text.split(|letter| !is_part_of_id(letter)).collect();
    let caller = facts.caller.get(&Ourselves::Us).and_then(Row::present);
    let first = caller.map_or(shown, |caller| &caller.account);
    let mut accounts = vec![first.clone()];
    if first.as_str() == NO_ACCOUNT {
        let named = words.iter().filter(|word| **word != NO_ACCOUNT);
        accounts.extend(named.filter_map(|word| word.parse().ok()));
    }
    let mut organizations = vec![organization.map(str::to_owned)];
    if organization.is_none() && !facts.organization.contains_key(&Ourselves::Us) {
        let named = words.iter().filter(|word| is_organization(word));
        organizations.extend(named.map(|word| Some((*word).to_owned())));
    }
    let pairs = accounts.iter().flat_map(|account| {
        organizations.iter().map(|organization| Owner {
            account: account.clone(),
            organization: organization.clone(),
        })
    });
    Ok(pairs.take(MOST).collect())
}

/// `o-` and 10 to 32 small letters or digits. Source: AWS Organizations API Reference, `Organization`.
fn is_organization(word: &str) -> bool {
    word.strip_prefix("o-").is_some_and(|rest| {
        (10..=32).contains(&rest.len())
            && rest.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit())
    })
}

/// The answers that do not depend on whose plan it is; the others are open.
#[must_use]
pub fn agreed(mut all: Vec<(Owner, Answers)>) -> Answers {
    if all.is_empty() {
        return Answers::new();
    }
    let (first, mut answers) = all.remove(0);
    for (owner, others) in all {
        let what = if owner.account == first.account {
            let id = owner.organization.unwrap_or_default();
            format!("the plan does not show whether its account is in the organization {id}")
        } else {
            format!("the plan does not show whether its account is {}", owner.account)
        };
        for (check, answer) in &mut answers {
            let theirs = others.iter().find(|(other, _)| other == check);
            let kind = |verdict: &Verdict| core::mem::discriminant(verdict);
            let same = theirs.is_some_and(|(_, theirs)| match (&*answer, theirs) {
                (Ok(one), Ok(other)) => kind(one) == kind(other),
                (one, _) => one.is_err(),
            });
            if !same {
                *answer = Err(Unknown::limit(what.as_str()));
            }
        }
    }
    answers
}
