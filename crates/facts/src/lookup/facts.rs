//! All rows, by table.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::String,
    vec::Vec,
};

use serde::{Deserialize, Serialize};

use super::{
    need::{Need, Ourselves, Vantage},
    read::Lookup,
    row::{Row, Why},
    rows::Table,
};
use crate::{
    agent_log::AgentLog, cloudtrail::*, cloudwatch::Metrics, cloudwatch_logs::*, ec2::*,
    flow_logs::*, iam::*, ids::*, network_firewall::*, probe::Probe, resolver_query_logs::*,
    route53::*, s3::*, ssm::*, text::Text, user_data::UserData, vpn::*, workstation::*,
};

macro_rules! tables {
    ($($(#[$doc:meta])* $accessor:ident in $table:ident: $key:ident => $row:ty, asked with $actions:expr
        $(, seen from $vantage:ident)? $(, beside $beside:path)? $(, then $then:path)?;)*) => {
        /// Everything observed. See the [module](super) for the four states of a row.
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        pub struct Facts {
            $(
                $(#[$doc])*
                #[serde(skip_serializing_if = "Table::is_empty")]
                pub $table: Table<$key, Row<$row>>,
            )*
        }

        impl Facts {
            $(
                $(#[$doc])*
                pub fn $accessor<'f, 'k>(&'f self, key: &'k $key) -> Lookup<'f, 'k, $key, $row> {
                    Lookup::new(key, self.$table.get(key), Need::$accessor)
                }
            )*

            /// Every question this snapshot has an answer to.
            #[must_use]
            pub fn answered(&self) -> Vec<Need> {
                let mut needs = Vec::new();
                $(needs.extend(self.$table.keys().cloned().map(Need::$accessor));)*
                needs
            }

            /// The questions that got no answer.
            #[must_use]
            pub fn unseen(&self) -> Vec<Need> {
                let mut needs = Vec::new();
                $(needs.extend(self.$table.iter().filter(|(_, row)| matches!(row, Row::Unknown { .. }))
                    .map(|(key, _)| Need::$accessor(key.clone())));)*
                needs
            }

            /// The places from which an answer was seen. A table has one place, so that its first answer tells.
            #[must_use]
            pub fn seen_from(&self) -> BTreeSet<Vantage> {
                let first: &[Option<Need>] = &[$(
                    self.$table.iter().find(|(_, row)| !matches!(row, Row::Unknown { .. }))
                        .map(|(key, _)| Need::$accessor(key.clone())),
                )*];
                first.iter().flatten().map(Need::seen_from).collect()
            }

            /// Is there a row of any kind for `need`?
            #[must_use]
            pub fn has(&self, need: &Need) -> bool {
                match need { $(Need::$accessor(key) => self.$table.contains_key(key),)* }
            }

            /// Copies the answer to `need` from `other`, or forgets it if `other` has none.
            pub fn copy_from(&mut self, other: &Facts, need: &Need) {
                match need {
                    $(Need::$accessor(key) => {
                        match other.$table.get(key) {
                            Some(row) => self.$table.insert(key.clone(), row.clone()),
                            None => self.$table.remove(key),
                        };
                    })*
                }
            }

            /// Adds the rows of `more`. A row that is there stays as it arrived, unless it is unknown.
            pub fn absorb(&mut self, more: Facts) {
                $(for (key, row) in more.$table {
                    if self.$table.get(&key).is_none_or(|known| matches!(known, Row::Unknown { .. })) {
                        self.$table.insert(key, row);
                    }
                })*
            }

            /// Records that `need` could not be answered.
            pub fn give_up(&mut self, need: &Need, why: Why, detail: &str) {
                match need {
                    $(Need::$accessor(key) => {
                        self.$table.insert(key.clone(), Row::Unknown { unknown: why, detail: detail.into() });
                    })*
                }
            }
        }
    };
}

table!(tables);
