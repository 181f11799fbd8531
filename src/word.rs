//! Words in a text.

/// `text` with `new` instead of each `word` that no letter of `is_part` extends.
#[must_use]
pub fn replaced(text: &str, word: &str, new: &str, is_part: fn(char) -> bool) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(word) {
        result.push_str(before);
        let is_whole = !result.ends_with(is_part) && !after.starts_with(is_part);
        result.push_str(if is_whole { new } else { word });
        rest = after;
    }
    result.push_str(rest);
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_words_are_replaced() {
        let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '.';
        let rows = [
            ("10.0.0.1, 10.0.0.11 and 110.0.0.1", "it, 10.0.0.11 and 110.0.0.1"),
            ("(10.0.0.1)10.0.0.1", "(it)it"),
            ("10.0.0.110.0.0.1", "10.0.0.110.0.0.1"),
            ("nothing", "nothing"),
        ];
        for (text, expected) in rows {
            assert_eq!(replaced(text, "10.0.0.1", "it", is_part), expected);
        }
    }
}
