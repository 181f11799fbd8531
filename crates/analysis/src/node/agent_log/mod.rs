//! What SSM Agent's log says: how far the agent gets, and what stops it.
//!
//! [`Scanner`] reads files as streams and keeps one entry per kind of line. [`merge`] makes one fact of several
//! files. [`judge`] concludes from that fact, so that saved facts can be judged again.
//!
//! Three traps shape it. errors.log alone misleads: what AWS refused is a warning, and hibernation is an INFO
//! line, so neither is in there. Agents 3.1 and 3.3.1142 leave out the reason of many network faults. And some
//! lines that look like a success are written at failed tries.

mod cause;
mod error_text;
mod judge;
mod merge;
mod reading;
mod record;
mod scanner;
mod signatures;
mod stage;

pub use cause::{Cause, ClientKeyFault, NetworkFault, Side};
pub use judge::{Found, Judgement, Outcome, StageState, State, judge};
pub use merge::{is_same_kind, merge, nodes};
pub use reading::{Event, What, read};
pub use scanner::{Kind, Matcher, Scan, Scanner};
pub use signatures::{SIGNATURES, Says, Signature};
pub use stage::Stage;
