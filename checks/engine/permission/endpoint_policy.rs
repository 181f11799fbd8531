//! The policy of a VPC endpoint, in front of one request.

use alloc::{
    collections::BTreeMap,
    format,
    string::{String, ToString},
    vec::Vec,
};

use serde_json::{Value, json};

use super::{
    allowing_principal,
    edit::{self, Exemption},
    remedy::cited,
    set, words,
};
use ssm_doctor_analysis::{
    answer::{Answer, Evidence, Fix, FixOption, Recovery, Verdict, observed},
    case::Case,
    network::path::endpoint_on_path,
    permissions::{
        decision::{PolicyDenial, denied_by_endpoint},
        identity::{Identity, PermissionQuestion},
        request_context,
    },
};
use ssm_doctor_facts::{
    change::{EndpointPolicyChange, Risk},
    ec2::{Endpoint, EndpointKind},
    ids::Arn,
    lookup::{Unknown, Unknowns},
    text::Text,
};
use ssm_doctor_iam_policy::RequestContext;

/// One request through an endpoint.
#[derive(Clone, Copy)]
pub struct EndpointRequest<'a> {
    pub action: &'a str,
    pub resource: &'a str,
    /// The resource of a policy that allows the request and all others like it.
    pub granted: &'a str,
}

#[derive(Clone, Copy)]
pub struct EndpointPolicy<'f> {
    pub service: &'f str,
    pub endpoint: &'f Endpoint,
    pub text: &'f Text,
    /// When a change of the policy takes effect.
    pub recovery: Recovery,
}

impl<'f> EndpointPolicy<'f> {
    /// The policy of the endpoint that the node reaches a service through.
    ///
    /// # Errors
    /// [`Unknown`] if the path to the service is.
    pub fn on_path(
        case: &Case<'f>,
        service: &'f str,
        recovery: Recovery,
    ) -> Result<Option<Self>, Unknown> {
        let endpoint = endpoint_on_path(case, service)?;
        Ok(endpoint.and_then(|(endpoint, _)| Self::of(service, endpoint, recovery)))
    }

    /// None for an endpoint without a policy.
    pub fn of(service: &'f str, endpoint: &'f Endpoint, recovery: Recovery) -> Option<Self> {
        Some(Self { service, endpoint, text: endpoint.policy.as_ref()?, recovery })
    }

    /// Does it allow everything to everybody, as AWS's default policy does?
    pub fn is_open(self) -> bool {
        let open = json!({ "Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*" });
        let statement = self.statements();
        statement.is_some_and(|statement| *statement == open || *statement == json!([open]))
    }

    /// Does it allow all of these actions, or none of them, to whoever requests them?
    pub fn treats_alike(self, actions: &[&str]) -> bool {
        edit::treats_alike(self.text, actions)
    }

    /// The verdict on every request, if the policy allows everything.
    pub fn allows_everything(self) -> Option<Verdict> {
        let how = "has a policy that allows everything";
        self.is_open().then(|| Verdict::Pass(observed(&self.endpoint.id, how)))
    }

    /// Does it allow requests of one identity?
    ///
    /// # Errors
    /// [`Unknown`] when that depends on what is not known.
    pub fn judge(self, identity: &Identity, requests: &[EndpointRequest], case: &Case) -> Answer {
        self.judge_in(identity, requests, case, &|_| {})
    }

    /// As [`judge`](Self::judge), in a context that is completed first. One fix covers all requests,
    /// because a policy is replaced as a whole.
    ///
    /// # Errors
    /// As there.
    pub fn judge_in(
        self,
        identity: &Identity,
        requests: &[EndpointRequest],
        case: &Case,
        complete: &dyn Fn(&mut RequestContext),
    ) -> Answer {
        let (id, name) = (&self.endpoint.id, identity.name());
        let mut denials: Vec<(EndpointRequest, PolicyDenial)> = Vec::new();
        let (mut passed, mut failed) = (None::<Evidence>, None::<Evidence>);
        // Why, and which actions.
        let mut unenforced: Vec<(String, Vec<&str>)> = Vec::new();
        let mut unseen = Unknowns::default();
        let join = |so_far: Option<Evidence>, more: Evidence| match so_far {
            Some(so_far) => Some(so_far.and(more)),
            None => Some(more),
        };
        for request in requests.iter().copied() {
            let EndpointRequest { action, resource, .. } = request;
            let question = PermissionQuestion { identity, action, resource };
            let denied = request_context::of(question, case).and_then(|mut context| {
                complete(&mut context);
                denied_by_endpoint(&question.request(None, &context), self.endpoint, self.text)
            });
            match unseen.keep(denied) {
                Some(None) => {
                    let how = format!("has a policy that allows {name} {action}");
                    passed = join(passed, observed(id, how));
                }
                Some(Some(denial)) => match self.is_enforced(case) {
                    Ok(true) => {
                        let reason = self.denial(&denial);
                        let subject = format!("{id} ({})", self.service);
                        let how = format!("has a policy that {reason} {name} {action}");
                        failed = join(failed, observed(&subject, how));
                        denials.push((request, denial));
                    }
                    Ok(false) => {
                        let how = format!("has a policy, which {} does not enforce", self.service);
                        passed = join(passed, observed(id, how));
                    }
                    Err(unknown) => {
                        unseen.add(unknown);
                        let how = self.denial(&denial);
                        match unenforced.iter_mut().find(|(known, _)| *known == how) {
                            Some((_, actions)) => actions.push(action),
                            None => unenforced.push((how, Vec::from([action]))),
                        }
                    }
                },
                None => {}
            }
        }
        for (how, actions) in unenforced {
            unseen.add(Unknown::limit(format!(
                "the policy of {id} {how} {}, and whether endpoints of {} enforce their policy was not seen",
                actions.join(", "),
                self.service
            )));
        }
        if let Some(evidence) = failed {
            return Ok(Verdict::Fail(evidence, self.fix(&denials, &identity.arn)));
        }
        unseen.none()?;
        Ok(passed.map_or(Verdict::NotApplicable("nothing is asked of it"), Verdict::Pass))
    }

    /// Does the service enforce the policies of its endpoints? The documentation says yes of every service here but
    /// `ssmmessages`, of which it says nothing; `ec2:DescribeVpcEndpointServices` does.
    fn is_enforced(self, case: &Case) -> Result<bool, Unknown> {
        if self.service != "ssmmessages" {
            return Ok(true);
        }
        let unclear = || {
            Unknown::limit(format!(
                "EC2 does not say whether {} supports endpoint policies",
                self.endpoint.service
            ))
        };
        let name = self.endpoint.service.parse().map_err(|_| unclear())?;
        let service = case.facts.endpoint_service(&name).optional()?;
        service.and_then(|service| service.supports_policies).ok_or_else(unclear)
    }

    /// `denies`, or why nothing allows it, before the action.
    pub fn denial(self, denial: &PolicyDenial) -> String {
        let deny = json!("Deny");
        let denies = |statement: &Value| statement.get("Effect") == Some(&deny);
        let only_denies = match self.statements() {
            Some(Value::Array(many)) => many.iter().all(denies),
            Some(one) => denies(one),
            None => false,
        };
        match (denial.explicit, &denial.nearest) {
            (true, _) => format!("denies (in {})", words::sources(&denial.by)),
            (false, _) if only_denies => "holds nothing but Deny, and so does not allow".into(),
            (false, Some(allow)) => format!("does not allow ({})", words::nearest(allow)),
            (false, None) => "does not allow".into(),
        }
    }

    /// Allows the denied requests to one principal.
    fn fix(self, denials: &[(EndpointRequest, PolicyDenial)], principal: &Arn) -> Fix {
        let mut actions: Vec<&str> = Vec::new();
        let (mut missing, mut resources): (Vec<&str>, Vec<&str>) = (Vec::new(), Vec::new());
        for (request, denial) in denials {
            add(&mut actions, request.action);
            if !denial.explicit {
                add(&mut missing, request.action);
                add(&mut resources, request.granted);
            }
        }
        let mut added = Vec::new();
        if let [first, ..] = resources.as_slice() {
            // A gateway endpoint's policy cannot name users and roles in `Principal`. Source: AWS PrivateLink guide,
            // "Principals for gateway endpoints".
            let mut statement = if self.endpoint.kind == EndpointKind::Gateway {
                let mut statement = allowing_principal(&json!("*"), &missing, first);
                let condition = json!({ "ArnEquals": { "aws:PrincipalArn": principal } });
                set(&mut statement, "Condition", condition);
                statement
            } else {
                allowing_principal(&json!({ "AWS": principal }), &missing, first)
            };
            if resources.len() > 1 {
                set(&mut statement, "Resource", json!(resources));
            }
            added.push(statement);
        }
        let title = format!(
            "let the policy of {} allow {} {}",
            self.endpoint.id,
            principal.name(),
            actions.join(", ")
        );
        let denials: Vec<(EndpointRequest, &PolicyDenial)> =
            denials.iter().map(|(request, denial)| (*request, denial)).collect();
        self.changed(title, &denials, Some(principal), &added)
    }

    /// The policy without these denials, for one principal if there is one, and with these statements; or
    /// the default policy.
    pub fn changed(
        self,
        title: String,
        denials: &[(EndpointRequest, &PolicyDenial)],
        principal: Option<&Arn>,
        added: &[Value],
    ) -> Fix {
        let endpoint = &self.endpoint.id;
        let mut option = FixOption::new(title);
        let mut text = self.text.clone();
        let denied = by_statement(denials);
        let exemptions = denied.iter().map(|(number, DeniedBy { actions, resource, .. })| {
            (*number, Exemption { actions, resource, principal })
        });
        let exemptions: Vec<(usize, Exemption)> = exemptions.collect();
        if let Some(edited) = edit::exempting(&text, &exemptions) {
            if edited.widens || denied.values().any(|denied| denied.conditional) {
                option = option.risking(Risk::WidensAccess);
            }
            text = Text::Json(edited.document);
        }
        if let Some(policy) = edit::with_statements(Some(&text), added) {
            let (endpoint, policy) = (endpoint.clone(), policy.to_string());
            option = option.with(EndpointPolicyChange::Put { endpoint, policy });
        }
        let reset = FixOption::new(format!(
            "give {endpoint} the default policy, which allows everything and leaves it to IAM"
        ));
        let reset = reset.with(EndpointPolicyChange::Reset { endpoint: endpoint.clone() });
        Fix::options([option, reset], self.recovery)
    }

    fn statements(self) -> Option<&'f Value> {
        self.text.json()?.get("Statement")
    }
}

/// What one statement denies.
struct DeniedBy<'a> {
    actions: Vec<&'a str>,
    /// Of the first request. With a principal, a Deny is edited alike for every resource.
    resource: &'a str,
    /// Has the statement a condition?
    conditional: bool,
}

/// What each statement denies explicitly, by the statement's number.
fn by_statement<'a>(
    denials: &[(EndpointRequest<'a>, &PolicyDenial)],
) -> BTreeMap<usize, DeniedBy<'a>> {
    let mut statements = BTreeMap::new();
    for (request, denial) in denials.iter().filter(|(_, denial)| denial.explicit) {
        for cited in cited(denial) {
            let denied = statements.entry(cited.number).or_insert_with(|| DeniedBy {
                actions: Vec::new(),
                resource: request.granted,
                conditional: !cited.conditions.is_empty(),
            });
            add(&mut denied.actions, request.action);
        }
    }
    statements
}

fn add<'a>(listed: &mut Vec<&'a str>, one: &'a str) {
    if !listed.contains(&one) {
        listed.push(one);
    }
}
