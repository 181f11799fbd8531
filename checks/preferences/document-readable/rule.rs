//! The session's document exists and says what the agent can read.
//!
//! The default document does not exist until preferences are saved once, which is fine; one that is
//! named must. A field of the wrong type ends in a blank screen or a refused session.

use crate::preferences_remedies::{edited, name_existing, plain_document, with_inputs};
use crate::prelude::*;
use serde_json::{Value, json};
use ssm_doctor_analysis::{
    node::runs_windows,
    session::{self, Defect, FieldType, Gates, PREFERENCES, Statement},
};
use ssm_doctor_facts::{change::Risk, ssm::Document};

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Session,
    impact: Impact::Blocks,
    depends_on: &[],
    proves: &[],
    run,
};

fn run(case: &Case) -> Answer {
    let name = session::document_name(case.scope)?;
    if let Some(kind) = session::type_by_aws(&name).filter(|_| session::is_owned_by_aws(&name)) {
        let evidence = observed(&name, format!("is AWS's own document, of type {kind}"));
        return Ok(if session::fits(kind, case.scope.session) {
            Verdict::Pass(evidence)
        } else {
            let summary = format!(
                "start the session with a document that opens {}, or run the doctor with another --session",
                case.scope.session.phrase()
            );
            Verdict::Fail(evidence, Fix::new(summary, Recovery::NextSession))
        });
    }
    let Some(document) = case.facts.document(&name).optional()? else {
        if name.as_str() == PREFERENCES {
            return Ok(Verdict::Pass(observed(
                &name,
                "has never been saved, so the defaults hold",
            )));
        }
        return Ok(Verdict::Fail(
            observed(&name, format!("does not exist in {}", case.scope.region)),
            missing(&name, case),
        ));
    };
    let saved = saved(&name, document, case.scope);
    let defect = session::defect(&name, document, case.scope.session)?;
    let (correction, defect) = if let Some(defect) = defect {
        (correct(&defect, &name, case), Some(observed(&name, Statement::Defect(defect))))
    } else {
        let defect = for_platform(document, case)?.map(|defect| observed(&name, defect));
        (by_hand(&name, "add the commands of the node's platform to its properties"), defect)
    };
    let Some(evidence) = defect else {
        let mut evidence = observed(&name, "is a session document that the agent can read");
        if let Ok(Gates::Apply(preferences)) = session::gates(case)
            && let Ok(gates) = preferences.gates()
        {
            let shell_profile = preferences.has_shell_profile();
            let gates = Statement::Gates { gates, shell_profile };
            evidence = evidence.and(observed(&name, gates));
        }
        return Ok(Verdict::Pass(saved.map_or(evidence.clone(), |it| evidence.and(it))));
    };
    let fix = Fix::options(correction, Recovery::NextSession);
    Ok(Verdict::Fail(saved.map_or(evidence.clone(), |it| evidence.and(it)), fix))
}

/// Commands are written for each platform apart, and the node has one.
fn for_platform(document: &Document, case: &Case) -> Result<Option<String>, Unknown> {
    let platforms = session::platforms(document);
    if case.scope.session != Session::Command || platforms.len() == session::PLATFORMS.len() {
        return Ok(None);
    }
    let windows = runs_windows(case)?;
    // macOS takes what is written for Linux, where nothing is written for it.
    let served = platforms.iter().any(|it| (*it == "windows") == windows);
    Ok((!served).then(|| {
        let wanted = if windows { "Windows" } else { "Linux or macOS" };
        let found = platforms.join(" and ");
        format!("names commands for {found} only, and the node runs {wanted}")
    }))
}

/// A document that is named must exist.
fn missing(name: &DocumentName, case: &Case) -> Fix {
    let mut options = Vec::from([name_existing(case)]);
    if case.scope.session == Session::Shell && !name.as_str().starts_with("arn:") {
        let create = FixOption::new(format!("create {name} as a document that asks for nothing"));
        options.push(create.with(plain_document(name)));
    }
    Fix::options(options, Recovery::NextSession)
}

fn by_hand(name: &DocumentName, step: &str) -> Vec<FixOption> {
    Vec::from([FixOption::new(format!("correct {name}")).after(step)])
}

/// What the document should say instead.
fn correct(defect: &Defect, name: &DocumentName, case: &Case) -> Vec<FixOption> {
    let set = |what: String, field: &'static str, value: Value| {
        let option = FixOption::new(format!("{what} in {name}"));
        edited(option, case, name, |content| {
            content.as_object_mut()?.insert(field.into(), value);
            Some(())
        })
    };
    let option = match defect {
        Defect::NotSessionDocument { .. } => name_existing(case),
        Defect::SessionType { .. } if name.as_str() != PREFERENCES => name_existing(case),
        Defect::SessionType { .. } => set(
            "set sessionType to Standard_Stream".into(),
            "sessionType",
            json!("Standard_Stream"),
        ),
        Defect::SchemaVersion { .. } => {
            set("set schemaVersion to 1.0".into(), "schemaVersion", json!("1.0"))
        }
        Defect::InputsNotObject { .. } => {
            set("replace the inputs, which cannot be read,".into(), "inputs", json!({}))
        }
        Defect::FieldType { field, found, wanted } => {
            return correct_field(field, found, *wanted, name, case);
        }
        Defect::NoPortNumber => with_port_number(name, case),
        Defect::NoCommands => {
            return by_hand(name, "add commands for the node's platform to its properties");
        }
    };
    Vec::from([option])
}

/// The field in the type that the agent reads, with the meaning that it seems to have.
fn correct_field(
    field: &str,
    found: &str,
    wanted: FieldType,
    name: &DocumentName,
    case: &Case,
) -> Vec<FixOption> {
    let put = |value: Option<Value>| {
        let title = match &value {
            Some(value) => format!("set {field} to {value} in {name}"),
            None => format!("remove {field} from {name}"),
        };
        with_inputs(FixOption::new(title), case, name, &[(field, value)])
    };
    let value: Value = serde_json::from_str(found).unwrap_or_default();
    match (wanted, &value) {
        (FieldType::Flag | FieldType::UnquotedFlag, value) => {
            let word = value.as_str().map_or_else(|| value.to_string(), str::to_lowercase);
            match word.as_str() {
                "true" | "yes" | "on" | "1" | "t" => Vec::from([put(Some(json!(true)))]),
                "false" | "no" | "off" | "0" | "f" | "" => Vec::from([put(Some(json!(false)))]),
                // Nothing shows which was meant, and the stricter one takes nothing away.
                _ => Vec::from([
                    put(Some(json!(true))),
                    put(Some(json!(false))).risking(Risk::WidensAccess),
                ]),
            }
        }
        (FieldType::Text, Value::Number(_) | Value::Bool(_)) => {
            Vec::from([put(Some(json!(value.to_string())))])
        }
        (FieldType::TextsByPlatform, Value::String(commands)) => {
            Vec::from([put(Some(json!({ "linux": commands, "windows": commands })))])
        }
        _ => Vec::from([put(None)]),
    }
}

/// A port that the caller of `start-session` names. Source: Systems Manager user guide, "Session document
/// schema".
fn with_port_number(name: &DocumentName, case: &Case) -> FixOption {
    let option = FixOption::new(format!("give {name} a parameter portNumber, and use it"));
    edited(option, case, name, |content| {
        let content = content.as_object_mut()?;
        let parameters = content.entry("parameters").or_insert_with(|| json!({}));
        parameters.as_object_mut()?.insert(
            "portNumber".into(),
            json!({ "type": "String", "allowedPattern": "^[1-9][0-9]{0,4}$", "default": "22" }),
        );
        let properties = content.entry("properties").or_insert_with(|| json!({}));
        let properties = properties.as_object_mut()?;
        properties.insert("portNumber".into(), json!("{{ portNumber }}"));
        Some(())
    })
}

/// One document serves a whole account and Region, and anybody may have saved it last.
fn saved(name: &DocumentName, document: &Document, scope: &Scope) -> Option<Evidence> {
    let version = document.version.as_deref()?;
    let at = document
        .created_at
        .map_or(String::new(), |at| format!(", saved {} (at {at})", at.ago(scope.at)));
    Some(observed(name, format!("is in force as version {version}{at}")))
}
