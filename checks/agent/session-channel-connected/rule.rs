//! The agent holds its session channel open.
//!
//! Online is not connectable: `PingStatus` covers the `ssm` endpoint only, and a session needs the
//! control channel through `ssmmessages`. For an id it does not know, the API answers
//! `notconnected` too, so this says nothing about registration.

use crate::agent::registered::just_launched;
use crate::{path, prelude::*};
use ssm_doctor_analysis::node::unresponsive::{Silence, explore};
use ssm_doctor_facts::ssm::{Connection, Ping};

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Agent,
    impact: Impact::Blocks,
    depends_on: &[
        &super::ping_online::CHECK,
        &super::registered::CHECK,
        &super::version_supports_session::CHECK,
        &super::websocket_opens::CHECK,
        &crate::target::found_in_region::CHECK,
        &crate::identity::role_may_open_channels::CHECK,
        &crate::dns::query_log_agrees::CHECK,
        &crate::network::flow_logs_show_no_reject::CHECK,
        &crate::network::no_appliance_in_path::CHECK,
    ],
    proves: path::joined!(
        path::HOPS,
        &[
            &crate::target::found_in_region::CHECK,
            &crate::target::instance_running::CHECK,
            &super::ping_online::CHECK,
            &crate::identity::role_may_open_channels::CHECK,
            &crate::identity::host_management_not_shadowed::CHECK,
            &crate::endpoint::policy_allows_agent::CHECK,
        ],
    ),
    run,
};

fn run(case: &Case) -> Answer {
    let target = &case.scope.target;
    match case.facts.connection(target).required()? {
        Connection::Connected => {
            return Ok(Verdict::Pass(observed(
                target,
                "holds its session channel open (connected)",
            )));
        }
        Connection::NotConnected => {}
        Connection::Other(word) => {
            return Err(Unknown::limit(format!("the connection status of {target} is {word}")));
        }
    }
    let Some(node) = case.facts.node(target).optional()? else {
        return Ok(Verdict::NotApplicable("the node is not registered"));
    };
    if let Some(unknown) = just_launched(case)? {
        return Err(unknown);
    }
    let online = match node.ping {
        Ping::Online => {
            ", although its ping status is Online: it reaches ssm, and sessions need ssmmessages"
        }
        _ => "",
    };
    let evidence = observed(target, format!("has no session channel open (notconnected){online}"));
    let (evidence, fix) = explore(Silence::NotConnected(node), case, evidence)?;
    Ok(Verdict::Fail(evidence, fix))
}
