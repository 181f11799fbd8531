//! Where private DNS names are relied on, instances ask Amazon's resolver.
//!
//! Other name servers (Active Directory's, a filter's) are a fact, not yet a fault: with a
//! forwarder for AWS's names all is well, and that forwarder is not visible from here. So this never
//! blocks by itself; it is the explanation when the agent stays away.

use crate::{
    prelude::*,
    solve::{name, reach},
};

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("vpc_resolver_in_use.md"),
    layer: Layer::Dns,
    impact: Impact::Advises,
    depends_on: &[&crate::target::found_in_region::CHECK],
    proves: &[],
    run,
};

fn run(facts: &Facts, scope: &Scope) -> Answer {
    let Some(id) = scope.target.instance() else {
        return Ok(Verdict::NotApplicable("a hybrid node's resolver is not visible to AWS"));
    };
    let Some(vpc) = &facts.instance(id).required()?.vpc else {
        return Ok(Verdict::NotApplicable("the instance is in no VPC any more"));
    };
    let relied_on = facts.endpoints(vpc).required()?.iter().find(|it| {
        it.private_dns && it.serves(&scope.region).is_some_and(|it| reach::CORE.contains(&it))
    });
    let Some(endpoint) = relied_on else {
        return Ok(Verdict::NotApplicable("no endpoint's private DNS names are relied on"));
    };
    Ok(match name::foreign_resolver(facts, vpc)? {
        None => Verdict::Pass(observed(vpc, "hands out Amazon's DNS resolver")),
        Some(server) => {
            let domain = format!("{}.{}", scope.region, scope.region.dns_suffix());
            Verdict::Fail(
                observed(
                    vpc,
                    format!(
                        "hands out the DNS server {server}, which knows the private names of {} only if it forwards {domain} to the VPC's resolver",
                        endpoint.id
                    ),
                ),
                Fix::new(
                    format!("hand out AmazonProvidedDNS, or make {server} forward {domain} to the VPC's resolver (the VPC's base address plus two)"),
                    Recovery::Agent,
                )
                .aws(
                    scope,
                    [
                        "ec2",
                        "associate-dhcp-options",
                        "--vpc-id",
                        vpc.as_str(),
                        "--dhcp-options-id",
                        "<dopt-… with AmazonProvidedDNS>",
                    ],
                ),
            )
        }
    })
}
