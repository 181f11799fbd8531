//! A value in a line of the record: what would end the line, or the value, is escaped.
#![allow(dead_code, reason = "one test writes the record, and another reads it")]

pub fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\n', "\\n").replace('\r', "\\r").replace(" | ", " \\| ")
}

/// The value that was [`escaped`].
pub fn unescaped(text: &str) -> String {
    let mut value = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        if letter != '\\' {
            value.push(letter);
            continue;
        }
        match letters.next() {
            Some('n') => value.push('\n'),
            Some('r') => value.push('\r'),
            other => value.push(other.unwrap_or(letter)),
        }
    }
    value
}
