//! Lines of a log: where one begins, and when it was written.
//!
//! The agent's logger writes `2026-11-29 21:56:32.4176 INFO [component] text` on every system, with four digits
//! of a second since 3.2. Only hibernate.log has none. An error continues on lines without a time. The journal
//! and syslog put their own time, host and program before each line, and write a tab as `#011`.

use ssm_doctor_facts::time::Timestamp;

/// Where and when a line was written: microseconds since 1970, by the node's clock.
pub type Micros = i64;

/// What a line begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start<'l> {
    /// A line of the agent, without what precedes its text.
    Record(Micros, &'l [u8]),
    /// Another program's line in a system log.
    Foreign,
    /// What systemd says of the agent's service. Its time has neither year nor zone.
    Service(&'l [u8]),
    /// A line without a time: the rest of the line before it, or text of its own.
    Bare(&'l [u8]),
}

/// What a program that collects logs puts before each line: so many words, the first of them a time. `docker logs -t`
/// and `kubectl logs --timestamps` write one word, `aws logs tail` two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Prefix(usize);

impl Prefix {
    /// The words before the agent's own time in this line, if no program is named there.
    #[must_use]
    pub fn of(line: &[u8]) -> Option<Self> {
        let own = is_iso(line).then(|| own_time(line))??;
        let before = line.get(..own)?;
        (!before.ends_with(b": ")).then(|| Self(memchr::memchr_iter(b' ', before).count()))
    }

    /// How a line begins. The line has no line break.
    #[must_use]
    pub fn start(self, line: &[u8]) -> Start<'_> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if let Some((at, text)) = stamped(line) {
            return Start::Record(at, text);
        }
        if is_iso(line) || is_month(line) {
            if let Some(own) = own_time(line) {
                let (before, rest) = line.split_at_checked(own).unwrap_or((line, &[]));
                return match stamped(rest) {
                    Some((at, text)) if !before.ends_with(b": ") || is_agent(before) => {
                        Start::Record(at, text)
                    }
                    _ => Start::Foreign,
                };
            }
            if self.0 > 0 && is_iso(line) {
                let text = memchr::memchr_iter(b' ', line).nth(self.0 - 1).map(|at| at + 1);
                return Start::Bare(text.and_then(|at| line.get(at..)).unwrap_or_default());
            }
            return system_log(line);
        }
        // `journalctl -o cat` with the program's name, as many copy it.
        if line.starts_with(b"amazon-ssm-agent")
            && let Some((_, text)) = named(line, 0)
        {
            return stamped(text).map_or(Start::Bare(text), |(at, text)| Start::Record(at, text));
        }
        Start::Bare(line)
    }
}

/// The zone of the agent's own time, where a line has another time before it with its offset from UTC: in
/// microseconds east of UTC. `journalctl -o short-iso`, `snap logs` and `docker logs -t` write such lines.
#[must_use]
pub fn zone(line: &[u8]) -> Option<Micros> {
    /// The other program gets the line so much later at most.
    const DELAY: Micros = 120 * 1_000_000;
    const QUARTER: Micros = 15 * 60 * 1_000_000;
    const FARTHEST_EAST: Micros = 14 * 4 * QUARTER;
    let own = is_iso(line).then(|| own_time(line))??;
    let (own_at, _) = stamped(line.get(own..)?)?;
    let (seconds, rest) = seconds(line, b'T')?;
    let rest = rest.trim_ascii_start();
    let rest = rest.get(rest.iter().take_while(|it| b".,0123456789".contains(it)).count()..)?;
    let offset = match rest {
        [b'Z', ..] => 0,
        [sign @ (b'+' | b'-'), a, b, after @ ..] => {
            let minutes = after.strip_prefix(b":").unwrap_or(after).get(..2)?;
            let offset = (number(&[*a, *b])? * 60 + number(minutes)?) * 60;
            if *sign == b'-' { -offset } else { offset }
        }
        _ => return None,
    };
    let difference = own_at - (seconds - offset) * 1_000_000;
    let zone = (difference + DELAY).div_euclid(QUARTER) * QUARTER;
    let is_clear = (zone - difference).abs() <= DELAY && zone.abs() <= FARTHEST_EAST;
    is_clear.then_some(zone)
}

fn is_iso(line: &[u8]) -> bool {
    line.get(10) == Some(&b'T') && line.get(4) == Some(&b'-')
}

fn is_month(line: &[u8]) -> bool {
    line.get(..4).is_some_and(|it| MONTHS.contains(&it))
}

/// How far the name of a program, or the agent's own time, can be from the beginning of the line.
const FARTHEST: usize = 160;

/// Where the agent's own time begins after what another program wrote.
fn own_time(line: &[u8]) -> Option<usize> {
    let head = line.get(..line.len().min(FARTHEST))?;
    memchr::memchr_iter(b' ', head)
        .map(|space| space + 1)
        .find(|at| line.get(*at..).is_some_and(|rest| stamped(rest).is_some()))
}

/// `2026-11-29 21:56:32.4176 INFO text`, or the console's `2026/11/29 21:56:32Z: text`.
fn stamped(line: &[u8]) -> Option<(Micros, &[u8])> {
    let (seconds, mut rest) = seconds(line, b' ')?;
    let mut fraction = 0;
    if let Some(more) = rest.strip_prefix(b".") {
        let digits = more.iter().take_while(|digit| digit.is_ascii_digit()).count();
        let (raw, after) = more.split_at_checked(digits)?;
        fraction = number(raw.get(..digits.min(6))?)?;
        for _ in digits.min(6)..6 {
            fraction *= 10;
        }
        rest = after;
    }
    let text = if let Some(text) = rest.strip_prefix(b"Z: ") {
        text
    } else {
        // A level comes next: other programs write their times in the same way.
        let rest = rest.strip_prefix(b" ")?;
        let end = rest.iter().position(|byte| *byte == b' ').unwrap_or(rest.len());
        let level = rest.get(..end)?;
        LEVELS.contains(&level).then_some(())?;
        rest.get(end..)?.trim_ascii_start()
    };
    Some((seconds * 1_000_000 + fraction, text))
}

/// A day and a time with this byte between them: the seconds since 1970, and what follows.
fn seconds(line: &[u8], between: u8) -> Option<(i64, &[u8])> {
    let day = line.get(..10)?;
    let date = match (day.get(4)?, day.get(7)?) {
        (b'-', b'-') | (b'/', b'/') => {
            (number(day.get(..4)?)?, number(day.get(5..7)?)?, number(day.get(8..10)?)?)
        }
        _ => return None,
    };
    if line.get(10) != Some(&between) {
        return None;
    }
    let clock = line.get(11..19)?;
    if (clock.get(2), clock.get(5)) != (Some(&b':'), Some(&b':')) {
        return None;
    }
    let (hour, minute, second) =
        (number(clock.get(..2)?)?, number(clock.get(3..5)?)?, number(clock.get(6..8)?)?);
    Some((days(date)? * 86_400 + hour * 3_600 + minute * 60 + second, line.get(19..)?))
}

const LEVELS: [&[u8]; 7] = [b"TRACE", b"DEBUG", b"INFO", b"WARN", b"ERROR", b"CRITICAL", b"FATAL"];

/// `Nov 29 21:56:32 host program[1]: text` or `2026-11-29T21:56:32+00:00 host program[1]: text`.
fn system_log(line: &[u8]) -> Start<'_> {
    let Some((program, text)) = named(line, 16) else { return Start::Bare(line) };
    let has = |it: &[u8], name: &[u8]| it.windows(name.len()).any(|part| part == name);
    if is_agent(program) {
        Start::Bare(text)
    } else if has(program, b" systemd[") && has(text, b"amazon-ssm-agent") {
        Start::Service(text)
    } else {
        Start::Foreign
    }
}

/// What is before `: `, and what is after it.
fn named(line: &[u8], from: usize) -> Option<(&[u8], &[u8])> {
    let head = line.get(..line.len().min(FARTHEST))?;
    let colon = head.windows(2).enumerate().skip(from).find(|(_, pair)| pair == b": ")?.0;
    Some((line.get(..colon)?, line.get(colon + 2..)?))
}

/// Does this name the agent as the program? On Bottlerocket it is the host container `control`.
fn is_agent(program: &[u8]) -> bool {
    const NAMES: [&[u8]; 5] = [
        b"amazon-ssm-agent",
        b"ssm-agent-worker",
        b"ssm-session-worker",
        b" host-ctr[",
        b" host-containers@",
    ];
    NAMES.iter().any(|name| program.windows(name.len()).any(|it| it == *name))
}

const MONTHS: [&[u8]; 12] = [
    b"Jan ", b"Feb ", b"Mar ", b"Apr ", b"May ", b"Jun ", b"Jul ", b"Aug ", b"Sep ", b"Oct ",
    b"Nov ", b"Dec ",
];

fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0_i64, |sum, digit| {
        digit.is_ascii_digit().then(|| sum * 10 + i64::from(digit - b'0'))
    })
}

/// Days since 1970 in the Gregorian calendar.
fn days((year, month, day): (i64, i64, i64)) -> Option<i64> {
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // The year begins in March, so that a leap day is its last.
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

/// To the second.
#[must_use]
pub fn timestamp(at: Micros) -> Option<Timestamp> {
    Timestamp::from_second(at.div_euclid(1_000_000))
}

#[cfg(test)]
mod tests {
    use alloc::string::{String, ToString};

    use super::*;

    fn start(line: &[u8]) -> Start<'_> {
        Prefix::default().start(line)
    }

    #[test]
    fn lines_of_every_format_are_read() {
        fn second(line: &str) -> (String, &str) {
            match start(line.as_bytes()) {
                Start::Record(at, text) => {
                    (timestamp(at).unwrap().to_string(), core::str::from_utf8(text).unwrap())
                }
                other => panic!("{line}: {other:?}"),
            }
        }
        let rows = [
            ("2026-11-29 21:56:32.4176 INFO text", "2026-11-29T21:56:32Z", "text"),
            ("2026-11-29 21:56:32 ERROR [x] text\r", "2026-11-29T21:56:32Z", "[x] text"),
            ("2024-02-29 00:00:00 WARN  text", "2024-02-29T00:00:00Z", "text"),
            ("2026/11/29 21:56:33Z: Amazon", "2026-11-29T21:56:33Z", "Amazon"),
            (
                "Nov 29 21:56:32 ip-10-0-1-23 amazon-ssm-agent[2345]: 2026-11-29 21:56:32.4176 INFO text",
                "2026-11-29T21:56:32Z",
                "text",
            ),
            (
                "2026-11-29T21:56:32.4+0100 ip-10-0-1-23 amazon-ssm-agent.amazon-ssm-agent[7]: 2026-11-29 20:56:32 INFO text",
                "2026-11-29T20:56:32Z",
                "text",
            ),
            (
                "Nov 29 21:56:33 ip-10-0-1-23.ec2.internal host-containers@control[7]: 2026-11-29 21:56:32 INFO text",
                "2026-11-29T21:56:32Z",
                "text",
            ),
            (
                "2026-11-29T21:56:33.123456789Z 2026-11-29 21:56:32 INFO [x] a: text",
                "2026-11-29T21:56:32Z",
                "[x] a: text",
            ),
            (
                "2026-11-29T21:56:33.1+00:00 i-0abc123def4567890 2026-11-29 21:56:32 INFO text",
                "2026-11-29T21:56:32Z",
                "text",
            ),
            (
                "amazon-ssm-agent[8553]: 2026-11-29 21:56:32 INFO text",
                "2026-11-29T21:56:32Z",
                "text",
            ),
        ];
        for (line, at, text) in rows {
            assert_eq!(second(line), (at.to_string(), text), "{line}");
        }
        let micros = |line: &str| match start(line.as_bytes()) {
            Start::Record(at, _) => at % 1_000_000,
            _ => panic!("{line}"),
        };
        assert_eq!(micros("2026-11-29 21:56:32.4176 INFO x"), 417_600);
        assert_eq!(micros("2026-11-29 21:56:32.4176891234 INFO x"), 417_689);
    }

    #[test]
    fn other_lines_are_not_taken_for_the_agents() {
        for line in [
            "caused by: x",
            "",
            "2026-11-29",
            "2026-11-29 21:56:32 text",
            "2026-13-29 21:56:32 INFO x",
        ] {
            assert!(matches!(start(line.as_bytes()), Start::Bare(_)), "{line}");
        }
        assert_eq!(
            start(b"Nov 29 21:56:32 host sshd[7]: 2026-11-29 21:56:32 INFO x"),
            Start::Foreign
        );
        for line in [
            "Nov 29 21:56:32 host amazon-ssm-agent[7]: caused by: x",
            "amazon-ssm-agent[7]: caused by: x",
        ] {
            assert_eq!(start(line.as_bytes()), Start::Bare(b"caused by: x"));
        }
        assert_eq!(
            start(b"Nov 29 21:56:32 host systemd[1]: Stopped amazon-ssm-agent.service."),
            Start::Service(b"Stopped amazon-ssm-agent.service.")
        );
        assert_eq!(start(b"Nov 29 21:56:32 host systemd[1]: Stopped x.service."), Start::Foreign);
    }

    #[test]
    fn a_time_with_an_offset_shows_the_zone_of_the_agents_time() {
        let hours = |line: &str| zone(line.as_bytes()).map(|zone| zone / 3_600_000_000);
        let rows = [
            (
                "2026-11-29T21:56:33-04:00 h amazon-ssm-agent[7]: 2026-11-29 21:56:32 INFO x",
                Some(-4),
            ),
            ("2026-11-29T21:56:33+0900 h amazon-ssm-agent[7]: 2026-11-29 21:56:32 INFO x", Some(9)),
            (
                "2026-11-29T21:56:33,123+09:00 h amazon-ssm-agent[7]: 2026-11-29 12:56:32 INFO x",
                Some(0),
            ),
            ("2026-11-29T12:56:33.12Z 2026-11-29 21:56:32 INFO x", Some(9)),
            ("2026-11-29T21:56:33 h amazon-ssm-agent[7]: 2026-11-29 21:56:32 INFO x", None),
            ("2026-11-29T21:56:33Z h amazon-ssm-agent[7]: 2026-11-29 21:46:32 INFO x", None),
            ("2026-11-29T21:56:33Z h amazon-ssm-agent[7]: 2026-11-28 21:56:32 INFO x", None),
            ("2026-11-29 21:56:32 INFO x", None),
        ];
        for (line, expected) in rows {
            assert_eq!(hours(line), expected, "{line}");
        }
    }

    #[test]
    fn a_line_that_goes_on_has_the_prefix_of_the_lines_before_it() {
        let docker = b"2026-11-29T21:56:33.12Z 2026-11-29 21:56:32 INFO x";
        let tail = b"2026-11-29T21:56:33+00:00 i-0abc123def4567890 2026-11-29 21:56:32 INFO x";
        for (line, next) in [
            (docker.as_slice(), "2026-11-29T21:56:33.12Z caused by: x"),
            (tail, "2026-11-29T21:56:33+00:00 i-0abc123def4567890 caused by: x"),
        ] {
            let prefix = Prefix::of(line).unwrap();
            assert_eq!(prefix.start(next.as_bytes()), Start::Bare(b"caused by: x"));
        }
        assert_eq!(Prefix::of(b"2026-11-29T21:56:33Z h sshd[7]: 2026-11-29 21:56:32 INFO x"), None);
        assert_eq!(Prefix::of(b"2026-11-29 21:56:32 INFO x"), None);
    }
}
