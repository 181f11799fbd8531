//! What EC2 describes: instances and everything between them and a service.
//!
//! Rows keep what AWS says in AWS's words. Where AWS may add a word one day, the word is kept as
//! text ([`Other`](CheckStatus::Other) and its like), never dropped: an unknown kind of rule or
//! route is a reason not to know, not a reason to ignore it.

mod endpoint;
mod filter;
mod gateway;
mod instance;
mod route_table;
mod transit_gateway;
mod vpc;

pub use endpoint::*;
pub use filter::*;
pub use gateway::*;
pub use instance::*;
pub use route_table::*;
pub use transit_gateway::*;
pub use vpc::*;
