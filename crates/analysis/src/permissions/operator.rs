//! Who will start the session.

use alloc::{format, string::String, vec::Vec};

use crate::case::Case;
use crate::permissions::who::{Side, Who};
use ssm_doctor_facts::{
    ids::*,
    lookup::{Ourselves, Unknown},
};

/// The user or role behind `--operator`, or behind our own credentials, with the name of the session
/// where there is one.
///
/// An assumed role's ARN has lost the role's path, so the role has to be looked up by name.
///
/// # Errors
/// [`Unknown`] for sessions that cannot be traced to a user or role of this account.
pub fn who(case: &Case) -> Result<Who, Unknown> {
    let caller = case.facts.caller(&Ourselves::Us).required()?;
    let arn = case.scope.operator.as_ref().unwrap_or(&caller.arn);
    if arn.account() != caller.account.as_str() {
        return Err(Unknown::limit(format!(
            "{arn} is of another account, whose policies cannot be read from here"
        )));
    }
    let who = |arn: &Arn, session: Option<&str>| Who {
        arn: arn.clone(),
        side: Side::Operator,
        session: session.map(Into::into),
    };
    let (kind, rest) = arn.resource().split_once('/').unwrap_or((arn.resource(), ""));
    match (arn.service(), kind) {
        ("iam", "user" | "role" | "root") => Ok(who(arn, None)),
        ("sts", "assumed-role") => {
            let (name, session) = rest.split_once('/').unwrap_or((rest, ""));
            let name = name.parse().map_err(|_| not_traceable(arn))?;
            let role = case.facts.role(&name).required()?;
            Ok(who(&role.arn, Some(session).filter(|it| !it.is_empty())))
        }
        ("sts", "federated-user") => Err(Unknown::limit(format!(
            "{arn} has what its session policy and the user who made it have in common, and AWS shows neither"
        ))),
        _ => Err(not_traceable(arn)),
    }
}

/// Is the operator whoever runs this, so that our own credentials say more about the requests?
#[must_use]
pub fn is_caller(case: &Case) -> bool {
    let caller = case.facts.caller(&Ourselves::Us).optional().ok().flatten();
    caller.is_some_and(|it| case.scope.operator.as_ref().is_none_or(|arn| *arn == it.arn))
}

/// Sessions that the operator might start, as ARNs. Their ids begin with a user's name or a role
/// session's; AWS's sample policies take them to begin with `aws:userid`, and whether the service does
/// too is not documented, so either counts.
pub struct Sessions {
    pub examples: Vec<String>,
    /// For a policy.
    pub pattern: String,
    /// The name of the role's session is not known, so examples show nothing of policies that ask for one.
    pub nameless: bool,
}

/// # Errors
/// [`Unknown`] while the caller is.
pub fn sessions(who: &Who, case: &Case) -> Result<Sessions, Unknown> {
    let caller = case.facts.caller(&Ourselves::Us).required()?;
    let (partition, account, region) =
        (caller.arn.partition(), &caller.account, &case.scope.region);
    let name = match (&who.session, who.is_role()) {
        (Some(session), _) => Some(session.as_str()),
        (None, true) => None,
        (None, false) => Some(who.name()),
    };
    let id = if who.is_role() {
        let role =
            who.name().parse().ok().map(|it| case.facts.role(&it).hint()).transpose()?.flatten();
        let id = role.and_then(|it| it.id.clone());
        id.zip(who.session.as_ref()).map(|(id, session)| format!("{id}:{session}"))
    } else {
        let user =
            who.name().parse().ok().map(|it| case.facts.user(&it).hint()).transpose()?.flatten();
        user.and_then(|it| it.id.clone())
    };
    let id = if is_caller(case) { Some(caller.user_id.clone()) } else { id };
    let arn = |start: &str| {
        format!("arn:{partition}:ssm:{region}:{account}:session/{start}-0123456789abcdef0")
    };
    Ok(Sessions {
        examples: [name.unwrap_or("session"), id.as_deref().unwrap_or_default()]
            .into_iter()
            .filter(|it| !it.is_empty())
            .map(arn)
            .collect(),
        pattern: format!("arn:{partition}:ssm:*:*:session/${{aws:userid}}-*"),
        nameless: name.is_none(),
    })
}

fn not_traceable(arn: &Arn) -> Unknown {
    Unknown::limit(format!("{arn} cannot be traced to a user or role"))
}
