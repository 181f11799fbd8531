//! The findings of an earlier run: JSON reports, or SARIF.

use std::collections::BTreeSet;

use serde_json::Value;

/// Findings by target, kind of session and check, and whether each was open: not seen, and needed for the verdict.
#[derive(Debug, Default)]
pub struct Baseline(BTreeSet<([String; 3], bool)>);

/// A finding of the baseline about one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    pub check: String,
    /// A failure of today does not excuse what was open then, nor the reverse.
    pub open: bool,
}

impl Baseline {
    /// One document or several in a row: reports, lists of reports, SARIF logs.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut baseline = Self::default();
        let mut documents = 0;
        for document in serde_json::Deserializer::from_str(text).into_iter() {
            baseline.add(&document.map_err(|error| format!("it is no JSON: {error}"))?)?;
            documents += 1;
        }
        if documents == 0 { Err("it is empty".into()) } else { Ok(baseline) }
    }

    /// The findings about this target.
    pub fn findings(&self, target: &str, session: &str) -> Vec<Known> {
        let about = self.0.iter().filter(|([its, kind, _], _)| its == target && kind == session);
        about.map(|([_, _, check], open)| Known { check: check.clone(), open: *open }).collect()
    }

    fn add(&mut self, document: &Value) -> Result<(), String> {
        if let Some(documents) = document.as_array().or_else(|| document.get("reports")?.as_array())
        {
            return documents.iter().try_for_each(|document| self.add(document));
        }
        if let Some(runs) = document.get("runs").and_then(Value::as_array) {
            let results = runs.iter().filter_map(|run| run.get("results")?.as_array()).flatten();
            self.0.extend(results.filter_map(of_sarif));
            return Ok(());
        }
        if document.get("schema").and_then(Value::as_str) != Some("ssm-doctor/report/v1") {
            return Err("it is neither a JSON report of ssm-doctor nor SARIF".into());
        }
        let text = |path: &str| document.pointer(path).and_then(Value::as_str).map(str::to_owned);
        let (target, session) =
            text("/target/id").zip(text("/session")).ok_or("it names no target")?;
        let findings = document.get("findings").and_then(Value::as_array);
        for finding in findings.ok_or("it has no findings")? {
            let is_open = finding.get("open").and_then(Value::as_bool) == Some(true);
            let verdict = finding.get("verdict").and_then(Value::as_str);
            // What followed from a cause is excused as long as that cause is, and no longer.
            let follows = finding.get("standing").and_then(Value::as_str) == Some("consequence");
            if let Some(check) = finding.get("check").and_then(Value::as_str)
                && (verdict == Some("fail") && !follows || is_open)
            {
                self.0.insert(([target.clone(), session.clone(), check.to_owned()], is_open));
            }
        }
        Ok(())
    }
}

/// By the fingerprint: `<account>/<region>/<target>/<session>/<area>/<check>`.
fn of_sarif(result: &Value) -> Option<([String; 3], bool)> {
    let fingerprint = result.get("partialFingerprints")?.get("ssmDoctor/v1")?.as_str()?;
    let (_account, rest) = fingerprint.split_once('/')?;
    let (_region, rest) = rest.split_once('/')?;
    let (target, rest) = rest.split_once('/')?;
    let (session, check) = rest.split_once('/')?;
    // SARIF has no kind where a result is a failure.
    let is_open = matches!(result.get("kind").and_then(Value::as_str), Some("open" | "review"));
    Some(([target, session, check].map(str::to_owned), is_open))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn findings_of_every_kind_of_report_are_found() {
        let report = json!({
            "schema": "ssm-doctor/report/v1", "target": { "id": "i-1" }, "session": "shell",
            "findings": [
                { "check": "a/fails", "verdict": "fail", "open": false },
                { "check": "a/follows", "verdict": "fail", "open": false, "standing": "consequence" },
                { "check": "a/passes", "verdict": "pass", "open": false },
                { "check": "a/open", "verdict": "unknown", "open": true },
                { "check": "a/unknown", "verdict": "unknown", "open": false },
            ],
        });
        let sarif = json!({ "runs": [{ "results": [
            { "partialFingerprints": { "ssmDoctor/v1": "1/eu-west-1/i-2/ssh/b/fails" } },
            { "partialFingerprints": {} },
        ] }] });
        let found = |text: String| Baseline::parse(&text).unwrap();
        for text in [
            format!("{report}\n{sarif}\n"),
            json!([report, sarif]).to_string(),
            json!({ "reports": [report, sarif] }).to_string(),
        ] {
            let baseline = found(text);
            let known = |check: &str, open| Known { check: check.into(), open };
            let both = [known("a/fails", false), known("a/open", true)];
            assert_eq!(baseline.findings("i-1", "shell"), both);
            assert_eq!(baseline.findings("i-2", "ssh"), [known("b/fails", false)]);
            assert!(baseline.findings("i-1", "ssh").is_empty());
        }
        for (text, why) in [("", "empty"), ("x", "no JSON"), ("{}", "neither")] {
            assert!(Baseline::parse(text).unwrap_err().contains(why), "{text}");
        }
    }
}
