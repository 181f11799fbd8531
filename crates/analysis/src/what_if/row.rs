//! Rows that a change edits.

use ssm_doctor_facts::{
    ec2::{Destination, NextHop, Route, RouteState, RouteTable},
    ids::RouteTableId,
    lookup::{Facts, Row},
};

/// The row, if AWS described it.
#[allow(clippy::needless_pass_by_value, reason = "a map's `get_mut` gives it so")]
pub(super) fn present<T>(row: Option<&mut Row<T>>) -> Option<&mut T> {
    match row {
        Some(Row::Present(row)) => Some(row),
        _ => None,
    }
}

pub(super) fn route_table<'f>(
    facts: &'f mut Facts,
    id: &RouteTableId,
) -> Option<&'f mut RouteTable> {
    let tables = facts.route_tables.values_mut().filter_map(|row| present(Some(row))).flatten();
    tables.into_iter().find(|table| table.id == *id)
}

pub(super) fn active_route(to: &Destination, via: &str) -> Route {
    Route { to: to.clone(), via: NextHop(via.into()), state: RouteState::Active, propagated: false }
}
