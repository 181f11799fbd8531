//! The questions whose answers are facts.

use alloc::string::{String, ToString};

use serde::{Deserialize, Serialize};

use crate::{
    flow_logs::FlowSearch,
    iam::Question,
    ids::*,
    resolver_query_logs::QuerySearch,
    route53::Place,
    ssm::SettingId,
    workstation::{Host, Machine, Program},
};

/// Where a fact is seen from.
///
/// What holds in one place need not hold in another: a name may resolve to one address on the operator's machine, and to
/// another on the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Vantage {
    /// AWS's API.
    Aws,
    /// The machine that the doctor runs on.
    Workstation,
    /// The node: what it wrote, or what a probe on it saw.
    Node,
}

/// AWS, unless the table names another place.
macro_rules! vantage {
    () => {
        Vantage::Aws
    };
    ($place:ident) => {
        Vantage::$place
    };
}

macro_rules! needs {
    ($($(#[$doc:meta])* $accessor:ident in $table:ident: $key:ident => $row:ty, asked with $actions:expr
        $(, seen from $vantage:ident)? $(, beside $beside:path)? $(, then $then:path)?;)*) => {
        /// A question about the world, precise enough to be answered by one API call.
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[allow(non_camel_case_types, reason = "each variant is spelled like its accessor")]
        pub enum Need { $($accessor($key),)* }

        impl Need {
            /// The IAM actions that answering takes, the one most likely refused first. None for what is
            /// not seen through AWS's API.
            #[must_use]
            pub fn actions(&self) -> &'static [&'static str] {
                match self { $(Self::$accessor(_) => &$actions,)* }
            }

            /// Where the answer is seen from.
            #[must_use]
            pub fn seen_from(&self) -> Vantage {
                match self { $(Self::$accessor(_) => vantage!($($vantage)?),)* }
            }

            /// What is asked about: an id, a name, or a whole question to the simulator.
            #[must_use]
            pub fn subject(&self) -> String {
                match self { $(Self::$accessor(key) => key.to_string(),)* }
            }
        }

        /// Every action that some fact takes: what `ssm-doctor policy` prints.
        pub const ACTIONS: &[&[&str]] = &[$(&$actions,)*];
    };
}

table!(needs);

/// The key of facts about ourselves, of which there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Ourselves {
    Us,
}

impl core::fmt::Display for Ourselves {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("our own credentials")
    }
}
