//! Text that came from outside: from AWS, from files, from programs.

/// One line of at most 300 characters, without anything that a terminal obeys.
pub fn printable(text: &str) -> String {
    const MOST: usize = 300;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut line = line.chars().filter(|it| !it.is_control());
    let mut short: String = line.by_ref().take(MOST).collect();
    if line.next().is_some() {
        short.push('…');
    }
    short
}
