//! The operator is of the target's account.
//!
//! `StartSession` looks for its target in the caller's own account and the call's Region, and says
//! "not connected" of one that is elsewhere, as of one that is down. The Region is the one in which
//! the target was found.

use crate::prelude::*;

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Access,
    impact: Impact::Blocks,
    depends_on: &[&crate::target::found_in_region::CHECK],
    proves: &[],
    run: |case| answer(run(case)),
};

fn run(case: &Case) -> Judged {
    let caller = case.facts.caller(&Ourselves::Us).required()?;
    let (operator, account) =
        (case.scope.operator.as_ref().unwrap_or(&caller.arn), &caller.account);
    if operator.account() == account.as_str() {
        let what = format!(
            "is of account {account}, as {} is, in {}",
            case.scope.target, case.scope.region
        );
        return Ok(Verdict::Pass(observed(operator, what)));
    }
    Ok(Verdict::Fail(
        observed(
            operator,
            format!(
                "is of account {}, and {} of {account}: StartSession looks for its target in the caller's own account",
                operator.account(),
                case.scope.target
            ),
        ),
        Fix::options(
            [FixOption::new(format!(
                "start the session as a role of account {account} that {} may assume",
                operator.name()
            ))
            .after(format!(
                "choose the role, and take the credentials of `aws sts assume-role --role-arn arn:{}:iam::{account}:role/<role> --role-session-name {}`",
                caller.arn.partition(),
                operator.name()
            ))],
            Recovery::NextSession,
        ),
    ))
}
