//! A judged plan for a chat: all instances in a line, and a line for each to which it is not sure that a session starts.

use super::{
    super::report::Document,
    words::{headline, mark, name},
};
use crate::{
    render::{Screen, safe::shown},
    report::mark::Mark,
};

#[must_use]
pub fn short(document: &Document, screen: Screen) -> String {
    let first = format!("{} Session Manager: {}", mark(document).symbol(), headline(document));
    let targets = document.targets.iter().filter(|target| target.result.mark() != Mark::Good);
    let targets = targets.map(|target| {
        let says = target.result.says(&document.session);
        let cause = target.problems.first().map(|problem| format!("; {}", problem.says()));
        let mark = target.result.mark().symbol();
        format!("{mark} {}: {says}{}", name(target), cause.unwrap_or_default())
    });
    let lines = std::iter::once(first).chain(targets);
    let mut text = String::new();
    for line in lines {
        text.extend([shown(&line, screen.unicode).as_ref(), "\n"]);
    }
    text
}
