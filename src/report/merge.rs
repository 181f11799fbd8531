//! Sentences that differ by nothing but names, said once.
//!
//! The agent needs several services, so that most network faults are observed once for each of them.

/// `a, b and c`.
#[must_use]
pub fn listed(names: &[String]) -> String {
    match names {
        [rest @ .., last] if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        names => names.concat(),
    }
}

/// The sentences, of which those that are alike become one.
///
/// Where the subjects are the same, the names that differ are listed: `rtb-0 has no route to 10.0.1.1
/// and 10.0.1.2 (ssm and ssmmessages)`. Otherwise the first sentence stands, and the other names follow:
/// `vpce-1 (ssm) has private DNS off; likewise vpce-2 (ssmmessages)`.
#[must_use]
pub fn merged(sentences: Vec<String>) -> Vec<String> {
    let mut groups: Vec<Group> = Vec::new();
    for sentence in sentences {
        if !groups.iter_mut().any(|group| group.takes(&sentence)) {
            groups.push(Group { sentences: vec![sentence], differing: Vec::new() });
        }
    }
    groups.into_iter().map(Group::sentence).collect()
}

struct Group {
    sentences: Vec<String>,
    /// The words at which they differ, by number.
    differing: Vec<usize>,
}

impl Group {
    fn takes(&mut self, sentence: &str) -> bool {
        /// A sentence has few names.
        const MOST: usize = 4;
        let Some(first) = self.sentences.first() else { return false };
        let (ours, theirs) = (words(first), words(sentence));
        if ours.len() != theirs.len() {
            return false;
        }
        let pairs = ours.iter().zip(&theirs).enumerate();
        let differing: Vec<usize> =
            pairs.clone().filter(|(_, (one, other))| one != other).map(|it| it.0).collect();
        let names = |(_, (one, other)): &(usize, (&&str, &&str))| {
            one == other || is_name(one) && is_name(other) && marks(one) == marks(other)
        };
        let alike = self.sentences.len() == 1 || self.differing == differing;
        if differing.len() > MOST || !alike || !pairs.clone().all(|it| names(&it)) {
            return false;
        }
        if !differing.is_empty() {
            self.differing = differing;
            self.sentences.push(sentence.to_owned());
        }
        true
    }

    fn sentence(self) -> String {
        let mut sentences = self.sentences.iter().map(|it| words(it));
        let Some(first) = sentences.next() else { return String::new() };
        let others: Vec<_> = sentences.collect();
        if others.is_empty() {
            return first.join(" ");
        }
        if self.differing.first() == Some(&0) {
            let names = others.iter().map(|words| {
                let names = self.differing.iter().filter_map(|at| words.get(*at).copied());
                names.collect::<Vec<_>>().join(" ").trim_end_matches([':', ',']).to_owned()
            });
            return format!("{}; likewise {}", first.join(" "), listed(&names.collect::<Vec<_>>()));
        }
        let word = |(at, word): (usize, &&str)| {
            if !self.differing.contains(&at) {
                return (*word).to_owned();
            }
            let (before, after) = marks(word);
            let mut names = vec![bare(word).to_owned()];
            for other in others.iter().filter_map(|words| words.get(at)) {
                if !names.iter().any(|known| known == bare(other)) {
                    names.push(bare(other).to_owned());
                }
            }
            format!("{before}{}{after}", listed(&names))
        };
        first.iter().enumerate().map(word).collect::<Vec<_>>().join(" ")
    }
}

fn words(sentence: &str) -> Vec<&str> {
    sentence.split(' ').collect()
}

const MARKS: [char; 6] = ['(', ')', ',', ':', ';', '`'];

fn bare(word: &str) -> &str {
    word.trim_matches(MARKS)
}

/// The punctuation before and after a name.
fn marks(word: &str) -> (&str, &str) {
    match word.split_once(bare(word)) {
        Some(marks) if !bare(word).is_empty() => marks,
        _ => ("", ""),
    }
}

/// Is it an id, an address, or a service in parentheses?
fn is_name(word: &str) -> bool {
    let name = bare(word);
    let service = word.starts_with('(')
        && word.contains(')')
        && name.chars().all(|it| it.is_ascii_lowercase());
    let known = ["ssm", "ssmmessages", "ec2messages", "kms", "logs", "s3"].contains(&name);
    known
        || service
        || name.contains('-') && name.contains(|it: char| it.is_ascii_digit())
        || name.contains('.')
            && name.starts_with(|it: char| it.is_ascii_alphanumeric())
            && !name.ends_with('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_by_names_is_said_once() {
        let rows: &[(&[&str], &[&str])] = &[
            (
                &[
                    "rtb-0 has no route to 10.0.1.1 (ssm)",
                    "rtb-0 has no route to 10.0.1.2 (ssmmessages)",
                ],
                &["rtb-0 has no route to 10.0.1.1 and 10.0.1.2 (ssm and ssmmessages)"],
            ),
            (
                &["vpce-1a (ssm) has private DNS off", "vpce-2a (ssmmessages) has private DNS off"],
                &["vpce-1a (ssm) has private DNS off; likewise vpce-2a (ssmmessages)"],
            ),
            (
                &["turn on private DNS for vpce-1", "turn on private DNS for vpce-2"],
                &["turn on private DNS for vpce-1 and vpce-2"],
            ),
            (&["sg-1 passes it", "sg-2 drops it"], &["sg-1 passes it", "sg-2 drops it"]),
            (&["one", "one"], &["one"]),
            (&[], &[]),
        ];
        for (sentences, expected) in rows {
            let sentences = sentences.iter().map(|it| (*it).to_owned()).collect();
            assert_eq!(merged(sentences), *expected);
        }
    }
}
