//! Words: which stay, and the pseudonyms of the others.
//!
//! A word is a sequence of letters and digits. The vocabulary is in `vocabulary.txt`, which `cargo xtask vocabulary`
//! collects from the program: a word that no code compares with anything cannot matter to a verdict.
//!
//! A pseudonym is `q` and six letters or digits, for a word of any length; hexadecimal ids, accounts and numbers keep
//! their length. All pseudonyms have the same length and begin alike, so none is the beginning, the end or a
//! part of another one, and a pattern such as `web*` matches after the replacement what it matched before: each
//! word that begins with `web` is divided there, and its parts have pseudonyms of their own. Capital letters are
//! at the places of a pseudonym that the word's own capital letters choose, so words that differ only in case
//! still do.
//!
//! Two kinds of pattern may lose matches: several `?` in the place of a whole word, and a pattern of one or two letters
//! that occurs in pseudonyms by chance.

use alloc::{borrow::ToOwned, collections::BTreeSet, format, string::String, vec::Vec};

use crate::secret::Secret;

/// The digits of an account's id.
pub(crate) const ACCOUNT: usize = 12;

/// Numbers up to this length stay: ports, priorities, time-outs, parts of versions and dates.
const SHORT_NUMBER: usize = 5;

/// Words in lower case and addresses, one on each line.
pub(crate) const VOCABULARY: &str = include_str!("vocabulary.txt");

/// Words that the program recognizes by a part of them, such as `rror`, so that the vocabulary may lack the whole word.
const MESSAGES: [&str; 7] =
    ["error", "timed", "encryption", "killed", "authority", "service", "unsupported"];

/// What the names of AWS begin with; nobody else's documents may. Source: Systems Manager API reference,
/// `CreateDocument`.
const RESERVED: [&str; 3] = ["aws", "amazon", "amzn"];

/// The beginnings of unique ids. Source: IAM User Guide, "IAM identifiers".
const UNIQUE_IDS: [&str; 8] = ["AROA", "AIDA", "AGPA", "AIPA", "ANPA", "ANVA", "AKIA", "ASIA"];

pub(crate) struct Words {
    secret: Secret,
    vocabulary: BTreeSet<&'static str>,
    /// Words that stay although the vocabulary does not have them: those of the policies' own language.
    kept: BTreeSet<String>,
    fragments: BTreeSet<Fragment>,
}

/// A part of a word next to a wildcard, in lower case.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Fragment {
    text: String,
    /// The wildcard is before the text.
    open_before: bool,
    /// The wildcard is behind the text.
    open_behind: bool,
    /// How many `?` follow.
    singles: usize,
}

impl Words {
    pub(crate) fn new(secret: Secret) -> Self {
        let reserved = RESERVED.iter().map(|text| Fragment {
            text: (*text).to_owned(),
            open_before: false,
            open_behind: true,
            singles: 0,
        });
        Self {
            secret,
            vocabulary: VOCABULARY.lines().collect(),
            kept: BTreeSet::new(),
            fragments: reserved.collect(),
        }
    }

    /// The words of this text stay.
    pub(crate) fn keep(&mut self, raw: &str) {
        let words = raw.split(|c: char| !c.is_alphanumeric());
        self.kept.extend(words.filter(|word| !word.is_empty()).map(str::to_lowercase));
    }

    /// Remembers where the wildcards of a text divide words.
    pub(crate) fn learn_patterns(&mut self, raw: &str) {
        if !raw.contains(['*', '?', '$']) {
            return;
        }
        let is_wildcard = |c: char| matches!(c, '*' | '?' | '}' | '$');
        let mut start = 0;
        for word in raw.split(|c: char| !c.is_alphanumeric()) {
            let end = start + word.len();
            let before = raw.get(..start).and_then(|before| before.chars().next_back());
            let behind = raw.get(end..).unwrap_or_default();
            let open_before = before.is_some_and(is_wildcard);
            let open_behind = behind.starts_with(is_wildcard);
            if !word.is_empty() && (open_before || open_behind) {
                let singles = behind.len() - behind.trim_start_matches('?').len();
                let text = word.to_lowercase();
                self.fragments.insert(Fragment { text, open_before, open_behind, singles });
            }
            start = end + behind.chars().next().map_or(0, char::len_utf8);
        }
    }

    pub(crate) fn replace(&self, word: &str) -> String {
        let lower = word.to_lowercase();
        if word.chars().nth(1).is_none() || self.stays(&lower) || is_part_of_time_or_version(word) {
            return word.to_owned();
        }
        if word.bytes().all(|b| b.is_ascii_digit()) {
            return self.digits(word);
        }
        if word.len() >= 8 && word.bytes().all(|b| b.is_ascii_hexdigit()) && has_digit(word) {
            return self.hexadecimal(word);
        }
        let unique = UNIQUE_IDS.iter().find(|kind| word.len() >= 16 && word.starts_with(**kind));
        if let Some((kind, rest)) = unique.and_then(|kind| word.split_at_checked(kind.len())) {
            return format!("{kind}{}", self.code(rest).to_uppercase());
        }
        self.parts(word, &lower).into_iter().map(|part| self.part(part)).collect()
    }

    /// A UUID for a UUID.
    pub(crate) fn uuid(&self, raw: &str) -> String {
        let mut digits = self.hexadecimal(&raw.replace('-', "")).into_bytes().into_iter();
        raw.bytes()
            .filter_map(|b| if b == b'-' { Some(b) } else { digits.next() })
            .map(char::from)
            .collect()
    }

    fn stays(&self, lower: &str) -> bool {
        self.vocabulary.contains(lower) || MESSAGES.contains(&lower) || self.kept.contains(lower)
    }

    /// The word, divided where patterns divide it.
    fn parts<'w>(&self, word: &'w str, lower: &str) -> Vec<&'w str> {
        let mut cuts = BTreeSet::new();
        // Some letters change their length with their case.
        if lower.len() == word.len() {
            for fragment in &self.fragments {
                fragment.cut(lower, &mut cuts);
            }
        }
        let mut parts = Vec::new();
        let mut start = 0;
        for cut in cuts.into_iter().chain([word.len()]) {
            if let Some(part) = word.get(start..cut).filter(|part| !part.is_empty()) {
                parts.push(part);
                start = cut;
            }
        }
        parts
    }

    fn part(&self, part: &str) -> String {
        let lower = part.to_lowercase();
        if part.chars().nth(1).is_none() || self.stays(&lower) || self.is_fragment_of_kept(&lower) {
            part.to_owned()
        } else if part.bytes().all(|b| b.is_ascii_digit()) {
            self.digits(part)
        } else {
            self.code(part)
        }
    }

    /// Is it a fragment that matches a word which stays? Then it has to stay as well.
    fn is_fragment_of_kept(&self, lower: &str) -> bool {
        let mut of_lower = self.fragments.iter().filter(|fragment| fragment.text == lower);
        of_lower.any(|fragment| {
            let matches = |word: &str| match (fragment.open_before, fragment.open_behind) {
                (true, true) => word.contains(lower),
                (true, false) => word.ends_with(lower),
                _ => word.starts_with(lower),
            };
            let kept = self.kept.iter().map(String::as_str);
            self.vocabulary.iter().copied().chain(MESSAGES).chain(kept).any(matches)
        })
    }

    fn digits(&self, word: &str) -> String {
        if word.len() <= SHORT_NUMBER {
            return word.to_owned();
        }
        self.characters("digits", word, b"0123456789")
    }

    fn hexadecimal(&self, word: &str) -> String {
        let replaced = self.characters("hexadecimal", &word.to_lowercase(), b"0123456789abcdef");
        if word.bytes().any(|b| b.is_ascii_uppercase()) {
            replaced.to_uppercase()
        } else {
            replaced
        }
    }

    /// As many characters as the word has, the first of them no zero unless the word begins with one.
    fn characters(&self, kind: &str, word: &str, alphabet: &[u8]) -> String {
        let mut replaced = String::new();
        let mut block = self.secret.bytes(kind, word.as_bytes());
        let zeros = word.len() - word.trim_start_matches('0').len();
        replaced.extend(core::iter::repeat_n('0', zeros));
        while replaced.len() < word.len() {
            for byte in block {
                let at = usize::from(byte) % alphabet.len();
                let at = if replaced.len() == zeros && at == 0 { 1 } else { at };
                if let Some(letter) = alphabet.get(at).filter(|_| replaced.len() < word.len()) {
                    replaced.push(char::from(*letter));
                }
            }
            block = self.secret.bytes(kind, &block);
        }
        replaced
    }

    /// The pseudonym of a word or of a part of one.
    fn code(&self, word: &str) -> String {
        // No vowels: no words by chance.
        const ALPHABET: &[u8] = b"bcdfghjklmnprstvwxz0123456789";
        const LETTERS: usize = 6;
        let lower = word.to_lowercase();
        let random = self.secret.bytes("word", lower.as_bytes());
        let letters = random
            .iter()
            .take(LETTERS)
            .filter_map(|byte| ALPHABET.get(usize::from(*byte) % ALPHABET.len()));
        let code = core::iter::once(b'q').chain(letters.copied()).map(char::from);
        if lower == word {
            return code.collect();
        }
        if word.to_uppercase() == word {
            return code.collect::<String>().to_uppercase();
        }
        let capitals: String =
            word.chars().map(|c| if c.is_uppercase() { 'A' } else { 'a' }).collect();
        // "Web" has one capital letter, as most names do; another pattern chooses its places.
        let is_title = capitals.trim_start_matches('A').len() + 1 == capitals.len()
            && !capitals.trim_start_matches('A').contains('A');
        let random = self.secret.bytes("case", capitals.as_bytes());
        let is_capital = |at: usize| match at {
            0 => word.starts_with(char::is_uppercase),
            _ => !is_title && random.get(at).is_some_and(|byte| byte % 2 == 1),
        };
        code.enumerate()
            .map(|(at, c)| if is_capital(at) { c.to_ascii_uppercase() } else { c })
            .collect()
    }
}

impl Fragment {
    /// The places where this fragment divides a word.
    fn cut(&self, word: &str, cuts: &mut BTreeSet<usize>) {
        let length = self.text.len();
        let mut at = |start: usize| {
            cuts.insert(start);
            for single in 0..=self.singles {
                cuts.insert(start + length + single);
            }
        };
        match (self.open_before, self.open_behind) {
            (false, true) if word.starts_with(&self.text) => at(0),
            (true, false) if word.ends_with(&self.text) => at(word.len() - length),
            (true, true) => word.match_indices(&self.text).for_each(|(start, _)| at(start)),
            _ => {}
        }
        cuts.retain(|cut| *cut < word.len() && word.is_char_boundary(*cut));
    }
}

fn has_digit(word: &str) -> bool {
    word.bytes().any(|b| b.is_ascii_digit())
}

/// `29T21`, `12Z`, `v3`, `x86`.
fn is_part_of_time_or_version(word: &str) -> bool {
    const LONGEST: usize = 16;
    let digits = word.trim_start_matches(|c: char| c.is_ascii_lowercase());
    let is_version =
        word.len() - digits.len() == 1 && !digits.is_empty() && digits.len() <= SHORT_NUMBER;
    let is_time = word.len() <= LONGEST && word.contains(['T', 'Z']) && has_digit(word);
    is_version && digits.bytes().all(|b| b.is_ascii_digit())
        || is_time && word.bytes().all(|b| b.is_ascii_digit() || b"TZ".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(patterns: &[&str]) -> Words {
        let mut words = Words::new(Secret::of("test"));
        for pattern in patterns {
            words.learn_patterns(pattern);
        }
        words
    }

    #[test]
    fn the_vocabulary_is_in_order_and_found() {
        let words = words(&[]);
        let lines: Vec<&str> = VOCABULARY.lines().collect();
        assert!(lines.is_sorted() && lines.len() > 500);
        assert!(lines.iter().all(|line| words.stays(line)));
        for word in ["", "payments", "zzz", "a0", "jane"] {
            assert!(!words.stays(word), "{word}");
        }
    }

    #[test]
    fn what_is_of_aws_stays() {
        let words = words(&[]);
        for word in [
            "ssm",
            "StartSession",
            "443",
            "2026",
            "29T21",
            "12Z",
            "v3",
            "x",
            "AmazonSSMManagedInstanceCore",
        ] {
            assert_eq!(words.replace(word), word);
        }
    }

    #[test]
    fn pseudonyms_keep_the_form() {
        let words = words(&[]);
        let replaced = words.replace("111122223333");
        assert!(replaced.len() == ACCOUNT && replaced != "111122223333");
        let replaced = words.replace("0abc123def4567890");
        assert!(replaced.len() == 17 && replaced.bytes().all(|b| b.is_ascii_hexdigit()));
        let replaced = words.replace("AROAEXAMPLEEXAMPLE");
        assert!(replaced.starts_with("AROAQ"));
        let uuid = words.uuid("1234abcd-12ab-34cd-56ef-1234567890ab");
        assert!(uuid.len() == 36 && !uuid.contains("1234"), "{uuid}");
        let [lower, title, upper] =
            ["payments", "Payments", "PAYMENTS"].map(|word| words.replace(word));
        assert!(lower != title && title != upper && title.starts_with('Q'));
        assert!(lower.eq_ignore_ascii_case(&title) && lower.eq_ignore_ascii_case(&upper));
        assert_ne!(words.replace("hunter2"), "hunter2");
    }

    #[test]
    fn patterns_match_what_they_matched() {
        let rows = [
            ("pay*", &["payments", "payroll"][..], &["repay", "pad"][..]),
            ("*ments", &["payments", "elements"], &["mentsa", "payment"]),
            ("*ymen*", &["payments"], &["roll"]),
            ("payment?", &["payments"], &["payment", "paymentss"]),
            ("Amaz*", &["AmazonSSMManagedInstanceCore"], &["payments"]),
            ("${user}ments", &["payments"], &["payment"]),
        ];
        for (pattern, matching, others) in rows {
            let words = words(&[pattern]);
            let fragment = pattern.replace("${user}", "*");
            let literal = fragment.trim_matches(['*', '?']);
            let literal = words.replace(literal);
            let matches = |word: &str| {
                let word = words.replace(word);
                match (fragment.starts_with('*'), fragment.ends_with('*'), fragment.ends_with('?'))
                {
                    (true, true, _) => word.contains(&literal),
                    (true, false, _) => word.ends_with(&literal),
                    (_, _, true) => word.starts_with(&literal) && word.len() == literal.len() + 1,
                    _ => word.starts_with(&literal),
                }
            };
            for word in matching {
                assert!(matches(word), "{pattern} {word}: {}", words.replace(word));
            }
            for word in others {
                assert!(!matches(word), "{pattern} {word}: {}", words.replace(word));
            }
        }
    }

    #[test]
    fn the_text_of_a_vocabulary_has_no_surprises() {
        // What a person or a company is called. A word of these in the program's own text would leak.
        let words = words(&[]);
        for word in [
            "corp",
            "prod",
            "production",
            "staging",
            "finance",
            "customer",
            "acme",
            "hunter2",
            "jane",
            "doe",
        ] {
            assert!(!words.stays(word), "{word}");
        }
    }
}
