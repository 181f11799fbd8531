//! The world, as far as we have looked.
//!
//! [`Facts`] is a value: it can be printed, saved, sent to a colleague, and asked again next year.
//! Nothing here does I/O. A row is in one of four states, and a check reaches its contents only
//! through a [`Lookup`], which names the other three:
//!
//! * present: AWS described it;
//! * absent: AWS said there is no such thing;
//! * unknown: we asked and could not find out, and say [why](Why);
//! * unasked: no row at all; collection answers it, so a finished report never holds one.
//!
//! [`table`] has a line for each kind of fact. The collector matches on [`Need`] without a wildcard, so a line added
//! there does not compile until something can answer it.

#[macro_use]
mod table;
mod facts;
mod need;
mod neighbours;
mod read;
pub(crate) mod row;
mod rows;
mod unknown;

pub use self::{
    facts::Facts,
    need::{ACTIONS, Need, Ourselves, Vantage},
    neighbours::with_neighbours,
    read::Lookup,
    row::{Absent, Row, Why},
    rows::Table,
    unknown::{Gap, Unknown, Unknowns, both},
};
