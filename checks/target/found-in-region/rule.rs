//! The target exists where we look.
//!
//! `StartSession` answers `TargetNotConnected` for an id of another account or Region just as for an
//! agent that is down, so this comes before every network rule.

use crate::prelude::*;

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Access,
    impact: Impact::Blocks,
    depends_on: &[],
    proves: &[],
    run,
};

fn run(case: &Case) -> Answer {
    let (region, target) = (&case.scope.region, &case.scope.target);
    let Some(id) = target.instance() else {
        return Ok(match case.facts.node(target).optional()? {
            Some(node) => {
                let name = node.computer_name.as_deref().unwrap_or("a node without a name");
                Verdict::Pass(observed(target, format!("is registered in {region} as {name}")))
            }
            None => return missing(case, "is no managed node"),
        });
    };
    match case.facts.instance(id).optional()? {
        Some(_) => Ok(Verdict::Pass(observed(target, format!("exists in {region}")))),
        None => missing(case, "does not exist"),
    }
}

fn missing(case: &Case, what: &str) -> Answer {
    let caller = case.facts.caller(&Ourselves::Us).hint()?;
    let account = caller.map_or("this account".into(), |it| format!("account {}", it.account));
    let mut evidence =
        observed(&case.scope.target, format!("{what} in {} of {account}", case.scope.region));
    let mut regions = Vec::new();
    if let Some(id) = case.scope.target.instance()
        && let Some(found) = case.facts.elsewhere(id).hint()?
    {
        for region in found {
            evidence = evidence.and(observed(&case.scope.target, format!("exists in {region}")));
            regions.push(region);
        }
    }
    if case.scope.target.instance().is_none() {
        evidence = evidence.and(observed(
            &case.scope.target,
            "would not come back if it was deregistered: a machine that is registered again gets a new id",
        ));
    }
    let target = &case.scope.target;
    let option = match regions.first() {
        Some(region) => FixOption::new(format!("start the session in {region}, where the instance is"))
            .after(format!("run `ssm-doctor {target} --region {region}`, and start the session with `--region {region}`")),
        None => FixOption::new("use the account and the Region of the instance")
            .after("check the id: a letter that is missing or wrong gives the same answer")
            .after("see which account the credentials are for: `aws sts get-caller-identity`")
            .after("run the doctor again with --profile and --region of the instance"),
    };
    let fix = Fix::options([option], Recovery::NextSession);
    Ok(Verdict::Fail(evidence, fix))
}
