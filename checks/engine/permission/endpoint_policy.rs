//! The policy of a VPC endpoint, in front of one request.

use alloc::{format, string::String};

use serde_json::{Value, json};

use super::{allowing, set, words};
use ssm_doctor_analysis::{
    answer::{Answer, Fix, Recovery, Verdict, observed},
    case::Case,
    network::path::endpoint_on_path,
    permissions::{
        decision::{PolicyDenial, denied_by_endpoint},
        identity::PermissionQuestion,
        request_context,
    },
};
use ssm_doctor_facts::{change::EndpointPolicyChange, ec2::Endpoint, lookup::Unknown, text::Text};
use ssm_doctor_iam_policy::RequestContext;

#[derive(Clone, Copy)]
pub struct EndpointPolicy<'f> {
    pub service: &'f str,
    pub endpoint: &'f Endpoint,
    pub text: &'f Text,
}

impl<'f> EndpointPolicy<'f> {
    /// The policy of the endpoint that the node reaches a service through.
    ///
    /// # Errors
    /// [`Unknown`] if the path to the service is.
    pub fn on_path(case: &Case<'f>, service: &'f str) -> Result<Option<Self>, Unknown> {
        let endpoint = endpoint_on_path(case, service)?;
        Ok(endpoint.and_then(|(endpoint, _)| Self::of(service, endpoint)))
    }

    /// None for an endpoint without a policy.
    pub fn of(service: &'f str, endpoint: &'f Endpoint) -> Option<Self> {
        Some(Self { service, endpoint, text: endpoint.policy.as_ref()? })
    }

    /// Does it allow everything to everybody, as AWS's default policy does?
    pub fn is_open(self) -> bool {
        let open = json!({ "Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*" });
        let statement = self.statements();
        statement.is_some_and(|statement| *statement == open || *statement == json!([open]))
    }

    /// The verdict on every request, if the policy allows everything.
    pub fn allows_everything(self) -> Option<Verdict> {
        let how = "has a policy that allows everything";
        self.is_open().then(|| Verdict::Pass(observed(&self.endpoint.id, how)))
    }

    /// Does it allow a request?
    ///
    /// # Errors
    /// [`Unknown`] when that depends on what is not known.
    pub fn judge(self, question: PermissionQuestion, case: &Case) -> Answer {
        self.judge_in(question, &request_context::of(question, case)?)
    }

    /// Does it allow a request with this context?
    ///
    /// # Errors
    /// As [`judge`](Self::judge).
    pub fn judge_in(self, question: PermissionQuestion, context: &RequestContext) -> Answer {
        let PermissionQuestion { identity, action, resource } = question;
        let (id, name) = (&self.endpoint.id, identity.name());
        let request = question.request(None, context);
        let Some(denial) = denied_by_endpoint(&request, id.as_str(), self.text)? else {
            let how = format!("has a policy that allows {name} {action}");
            return Ok(Verdict::Pass(observed(id, how)));
        };
        let denies = self.denial(&denial);
        if self.service == "ssmmessages" {
            return Err(Unknown::limit(format!(
                "the policy of {id} {denies} {action}, and whether endpoints of ssmmessages enforce their policy is not documented"
            )));
        }
        let subject = format!("{id} ({})", self.service);
        let evidence = observed(&subject, format!("has a policy that {denies} {name} {action}"));
        let mut statement = allowing(&[action], resource);
        set(&mut statement, "Principal", json!({ "AWS": identity.arn }));
        Ok(Verdict::Fail(evidence, self.fix(&denial, &statement)))
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

    /// Allow it with this statement, or go back to the default policy.
    pub fn fix(self, denial: &PolicyDenial, statement: &Value) -> Fix {
        let endpoint = &self.endpoint.id;
        let what = if denial.explicit {
            format!("take this call out of the Deny in {}", words::sources(&denial.by))
        } else {
            format!("add to the policy of {endpoint} the statement {statement}")
        };
        Fix::new(
            format!(
                "{what}, or give {endpoint} back the default policy, which allows everything and leaves it to IAM"
            ),
            Recovery::Agent,
        )
        .with(EndpointPolicyChange::Put { endpoint: endpoint.clone() })
        .with(EndpointPolicyChange::Reset { endpoint: endpoint.clone() })
    }

    fn statements(self) -> Option<&'f Value> {
        self.text.json()?.get("Statement")
    }
}
