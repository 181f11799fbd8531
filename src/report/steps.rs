//! The steps of a fix, whose summary chains them in one sentence.

use super::merge::merged;

/// A step of a fix.
#[derive(Debug, PartialEq, Eq)]
pub struct Step {
    pub text: String,
    /// Where to look, the likeliest place first.
    pub places: Vec<String>,
}

/// The steps of a fix's summary, which stand in one sentence.
#[must_use]
pub fn steps(summary: &str) -> Vec<Step> {
    const LIST: &str = "likeliest first: ";
    let mut steps: Vec<Step> = Vec::new();
    let mut plain: Vec<String> = Vec::new();
    for part in clauses(summary) {
        if let Some((lead, first)) = part.split_once(LIST) {
            steps.extend(plain.drain(..).map(|text| Step { text, places: Vec::new() }));
            let text = format!("{lead}{}", LIST.trim_end());
            steps.push(Step { text, places: vec![first.to_owned()] });
            continue;
        }
        match steps.last_mut() {
            Some(list)
                if plain.is_empty() && !list.places.is_empty() && !part.starts_with("then ") =>
            {
                list.places.push(part.to_owned());
            }
            _ => plain.push(part.to_owned()),
        }
    }
    steps.extend(merged(plain).into_iter().map(|text| Step { text, places: Vec::new() }));
    steps
}

/// What stands between semicolons, but for those within parentheses and quotations.
fn clauses(text: &str) -> Vec<&str> {
    let (mut clauses, mut start, mut depth, mut quoted) = (Vec::new(), 0, 0_u32, false);
    for (at, letter) in text.char_indices() {
        match letter {
            '(' | '{' => depth += 1,
            ')' | '}' => depth = depth.saturating_sub(1),
            '`' => quoted = !quoted,
            ';' if depth == 0 && !quoted => {
                clauses.extend(text.get(start..at));
                start = at + 1;
            }
            _ => {}
        }
    }
    clauses.extend(text.get(start..));
    clauses.into_iter().map(str::trim).filter(|it| !it.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_of_clauses_is_a_list_of_steps() {
        let summary = "see whether mi-2 is meant; if that is not it, look on the node, likeliest first: \
            the way out (a; b); the clock; then restart the agent";
        let steps = steps(summary);
        let texts: Vec<_> = steps.iter().map(|it| (it.text.as_str(), it.places.len())).collect();
        let expected = [
            ("see whether mi-2 is meant", 0),
            ("if that is not it, look on the node, likeliest first:", 2),
            ("then restart the agent", 0),
        ];
        assert_eq!(texts, expected);
    }
}
