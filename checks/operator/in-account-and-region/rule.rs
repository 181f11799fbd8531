//! The operator is of the target's account.
//!
//! `StartSession` looks for its target in the caller's own account and the call's Region, and says
//! "not connected" of one that is elsewhere, as of one that is down. The Region is the one in which
//! the target was found.

use crate::prelude::*;
use ssm_doctor_facts::change::StsChange;

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
        Fix::new(
            format!(
                "let {} assume a role of account {account}, and start the session as that role",
                operator.name()
            ),
            Recovery::NextSession,
        )
        .with(StsChange::AssumeRole {
            partition: caller.arn.partition().into(),
            account: account.to_string(),
            session: operator.name().into(),
        }),
    ))
}
