//! The plugin's socket fits into a socket's path.
//!
//! For port forwarding the plugin makes `<TMPDIR>/<hash>_session_manager_plugin_mux.sock`, where the hash
//! of the session's id is a number of up to ten digits, nearly always nine or ten. Source:
//! session-manager-plugin `portsession/muxportforwarding.go`.

use crate::client_words::{fails, of_workstation, passes};
use crate::prelude::*;

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Session,
    impact: Impact::Blocks,
    depends_on: &[],
    proves: &[],
    run,
};

/// `/`, the hash and `_session_manager_plugin_mux.sock`.
const LONGEST: u16 = 1 + 10 + 32;

fn run(case: &Case) -> Answer {
    of_workstation(case, |workstation| {
        match case.scope.session {
            Session::Port | Session::RemotePort => {}
            Session::Shell | Session::Ssh | Session::Command => {
                return Ok(Verdict::NotApplicable("only port forwarding makes a socket"));
            }
        }
        let Some(sockets) = workstation.surroundings.sockets else {
            return Ok(Verdict::NotApplicable(
                "the plugin does without a socket file on this system",
            ));
        };
        let long = sockets.folder.saturating_add(LONGEST);
        let what = format!(
            "has {} bytes on this machine, with which the plugin's socket takes {long} of the {} that a path may have",
            sockets.folder, sockets.most
        );
        if long > sockets.most {
            return fails("TMPDIR", what, "start the session with a short one: TMPDIR=/tmp");
        }
        passes("TMPDIR", what)
    })
}
