//! Who will start the session.

use alloc::{format, string::String, vec::Vec};
use core::cell::OnceCell;

use crate::case::Case;
use crate::permissions::identity::{Identity, Side};
use ssm_doctor_facts::{
    ids::*,
    limit::PermissionLimit,
    lookup::{Ourselves, Unknown},
};

/// The user or role behind `--operator`, or behind our own credentials, with the name of the session
/// where there is one.
///
/// An assumed role's ARN has lost the role's path, so the role has to be looked up by name.
///
/// # Errors
/// [`Unknown`] for sessions that cannot be traced to a user or role of this account.
pub fn identity(case: &Case) -> Result<Identity, Unknown> {
    case.results::<KnownOperator>().0.get_or_init(|| look_up(case)).clone()
}

/// [`identity`], as a case keeps it.
#[derive(Default)]
struct KnownOperator(OnceCell<Result<Identity, Unknown>>);

fn look_up(case: &Case) -> Result<Identity, Unknown> {
    let caller = case.facts.caller(&Ourselves::Us).required()?;
    let arn = case.scope.operator.as_ref().unwrap_or(&caller.arn);
    if arn.account() != caller.account.as_str() {
        return Err(Unknown::limit(PermissionLimit::OtherAccount { operator: arn.clone() }));
    }
    let identity = |arn: &Arn, session: Option<&str>| Identity {
        arn: arn.clone(),
        side: Side::Operator,
        session: session.map(Into::into),
    };
    let (kind, rest) = arn.resource().split_once('/').unwrap_or((arn.resource(), ""));
    match (arn.service(), kind) {
        ("iam", "user" | "role" | "root") => Ok(identity(arn, None)),
        ("sts", "assumed-role") => {
            let (name, session) = rest.split_once('/').unwrap_or((rest, ""));
            let name = name.parse().map_err(|_| not_traceable(arn))?;
            let role = case.facts.role(&name).required()?;
            Ok(identity(&role.arn, Some(session).filter(|part| !part.is_empty())))
        }
        ("sts", "federated-user") => {
            Err(Unknown::limit(PermissionLimit::FederatedUser { operator: arn.clone() }))
        }
        _ => Err(not_traceable(arn)),
    }
}

/// Are the operator's credentials our own, which say more about the requests?
#[must_use]
pub fn is_caller(case: &Case) -> bool {
    let caller = case.facts.caller(&Ourselves::Us).optional().ok().flatten();
    caller.is_some_and(|caller| case.scope.operator.as_ref().is_none_or(|arn| *arn == caller.arn))
}

/// Sessions that the operator might start, as ARNs. Their ids begin with the name of the user or of the
/// role session. AWS's sample policies expect them to begin with `aws:userid`; whether the service does
/// so is not documented, so either form counts.
pub struct Sessions {
    pub examples: Vec<String>,
    /// For a policy.
    pub pattern: String,
    /// The name of the role's session is not known, so the examples show nothing about policies that
    /// depend on it.
    pub nameless: bool,
}

/// # Errors
/// [`Unknown`] while the caller is.
pub fn sessions(identity: &Identity, case: &Case) -> Result<Sessions, Unknown> {
    let caller = case.facts.caller(&Ourselves::Us).required()?;
    let (partition, account, region) =
        (caller.arn.partition(), &caller.account, &case.scope.region);
    let name = match (&identity.session, identity.is_role()) {
        (Some(session), _) => Some(session.as_str()),
        (None, true) => None,
        (None, false) => Some(identity.name()),
    };
    let id = if identity.is_role() {
        let role = identity
            .name()
            .parse()
            .ok()
            .map(|name| case.facts.role(&name).hint())
            .transpose()?
            .flatten();
        let id = role.and_then(|found| found.id.clone());
        id.zip(identity.session.as_ref()).map(|(id, session)| format!("{id}:{session}"))
    } else {
        let user = identity
            .name()
            .parse()
            .ok()
            .map(|name| case.facts.user(&name).hint())
            .transpose()?
            .flatten();
        user.and_then(|found| found.id.clone())
    };
    let id = if is_caller(case) { Some(caller.user_id.clone()) } else { id };
    let arn = |start: &str| {
        format!("arn:{partition}:ssm:{region}:{account}:session/{start}-0123456789abcdef0")
    };
    Ok(Sessions {
        examples: [name.unwrap_or("session"), id.as_deref().unwrap_or_default()]
            .into_iter()
            .filter(|part| !part.is_empty())
            .map(arn)
            .collect(),
        pattern: format!("arn:{partition}:ssm:*:*:session/${{aws:userid}}-*"),
        nameless: name.is_none(),
    })
}

fn not_traceable(arn: &Arn) -> Unknown {
    Unknown::limit(PermissionLimit::NotTraceable { operator: arn.clone() })
}
