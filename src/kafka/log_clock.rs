//! When a log line was written: its local time, the zone's rules, and how far the node's clock was off.

use std::fmt;

use jiff::tz::{AmbiguousOffset, Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

use crate::kafka::event::Uncertain;
use crate::kafka::record::{self, Written};
use crate::round::{Clock, Round, Visit};

/// How long before a visit the clock is taken to have been as far off as on the visit. A clock that nobody
/// sets runs at most 500 ppm wrong (what ntpd would still correct by its rate), 11 s in 6 h; over more than a
/// shift it has likely been stepped, and correcting by today's offset would invent a time.
const STEADY: SignedDuration = SignedDuration::from_hours(6);

/// Seconds beyond the measurement's own uncertainty from which on a clock is off: the rule of `clock-skew`.
pub const OFF_S: f64 = 1.0;

/// Clocks needed before their middle says more than ours.
const QUORUM: usize = 3;

impl fmt::Display for Uncertain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Uncertain::Twice { apart_s } => {
                write!(f, "the clock was set back and showed this time twice: it may be {apart_s} s later")
            }
            Uncertain::Skipped { gap_s } => {
                write!(f, "the zone's clocks skip this time: they were set forward by {gap_s} s")
            }
            Uncertain::Clock { ahead_s } => {
                let way = if *ahead_s < 0 { "behind" } else { "ahead" };
                write!(
                    f,
                    "the node's clock was {} s {way} on the visit; this line is older than {} h and not corrected",
                    ahead_s.unsigned_abs(),
                    STEADY.as_hours()
                )
            }
        }
    }
}

/// The clock that a log's lines were written by.
#[derive(Debug, Clone)]
pub struct LogClock {
    /// `None`: not known, so local times cannot be placed.
    zone: Option<TimeZone>,
    skew: Option<Skew>,
}

/// How far a clock is off.
#[derive(Debug, Clone, Copy)]
struct Skew {
    ahead: SignedDuration,
    /// What the clock showed on the visit, less [`STEADY`].
    steady_from: Timestamp,
}

impl LogClock {
    /// The clock of a node as it was seen around `visited`. Offsets count from `reference_s`, the offset of a
    /// clock that is right (see [`reference`]). `log_zone_s` is the zone where no clock was read.
    ///
    /// A zone's name is believed only if its rules give the offset that the node had: a name can be stale.
    pub fn of(clock: Option<&Clock>, log_zone_s: Option<i32>, visited: Timestamp, reference_s: f64) -> Self {
        let fixed = |seconds: i32| Offset::from_seconds(seconds).ok().map(Offset::to_time_zone);
        let Some(clock) = clock else {
            return LogClock { zone: log_zone_s.and_then(fixed), skew: None };
        };
        // A clock years off had the offset of its own date.
        let shown = duration(clock.offset_s).and_then(|ahead| visited.checked_add(ahead).ok());
        let named = rules(clock, shown.unwrap_or(visited));
        let off = clock.offset_s - reference_s;
        let skew = match (duration(off), shown) {
            (Some(ahead), Some(shown)) if off.abs() - clock.uncertainty_s.abs() >= OFF_S => {
                shown.checked_sub(STEADY).ok().map(|steady_from| Skew { ahead, steady_from })
            }
            _ => None,
        };
        LogClock { zone: named.or_else(|| fixed(clock.zone_s)), skew }
    }

    /// The name of the zone whose rules are followed, if they are.
    pub fn zone_name(&self) -> Option<&str> {
        self.zone.as_ref()?.iana_name()
    }

    /// The moment of a record by its time as it stands in the line; a zone of its own goes first.
    pub fn moment(&self, time: &str) -> Option<(Timestamp, Option<Uncertain>)> {
        let (shown, doubt) = match record::written(time)? {
            Written::Moment(moment) => (moment, None),
            Written::Local(local) => {
                let read = self.zone.as_ref()?.to_ambiguous_timestamp(local);
                let doubt = match read.offset() {
                    AmbiguousOffset::Unambiguous { .. } => None,
                    AmbiguousOffset::Fold { before, after } => {
                        Some(Uncertain::Twice { apart_s: before.seconds() - after.seconds() })
                    }
                    AmbiguousOffset::Gap { before, after } => {
                        Some(Uncertain::Skipped { gap_s: after.seconds() - before.seconds() })
                    }
                };
                (read.compatible().ok()?, doubt)
            }
        };
        let Some(skew) = self.skew else { return Some((shown, doubt)) };
        let right = |shown: Timestamp| shown.checked_sub(skew.ahead).ok();
        if shown >= skew.steady_from {
            return Some((right(shown)?, doubt));
        }
        // An older line is not later than the first of those that are corrected.
        let at = right(skew.steady_from).map_or(shown, |first| shown.min(first));
        Some((at, Some(Uncertain::Clock { ahead_s: skew.ahead.as_secs() })))
    }
}

/// The clocks of all logs of a round, in the order of its visits.
pub fn of_round(round: &Round) -> impl Fn(&Visit) -> LogClock {
    let (visited, reference) = (round.finished, reference(round));
    move |visit| {
        let clock = visit.facts.as_ref().and_then(|facts| facts.clock.as_ref());
        LogClock::of(clock, visit.log_zone_s, visited, reference)
    }
}

/// The offset of a right clock: the middle of all nodes', as ours may be the one that is off; with less than
/// three clocks, ours.
fn reference(round: &Round) -> f64 {
    let clocks = round.visits.iter().filter_map(|visit| visit.facts.as_ref()?.clock.as_ref());
    let mut offsets: Vec<f64> =
        clocks.map(|clock| clock.offset_s).filter(|offset| offset.is_finite()).collect();
    offsets.sort_by(f64::total_cmp);
    match offsets.get(offsets.len() / 2) {
        Some(middle) if offsets.len() >= QUORUM => *middle,
        _ => 0.0,
    }
}

/// The zone by its name, if at that moment it had the node's offset.
fn rules(clock: &Clock, shown: Timestamp) -> Option<TimeZone> {
    let zone = TimeZone::get(clock.zone_name.as_deref()?).ok()?;
    (zone.to_offset(shown).seconds() == clock.zone_s).then_some(zone)
}

fn duration(seconds: f64) -> Option<SignedDuration> {
    SignedDuration::try_from_secs_f64(seconds).ok()
}

/// A zone's name out of what a node says (`TZ`, `/etc/timezone`, the target of `/etc/localtime`); `None` for what
/// can be no name of the tz database.
pub fn zone_name(said: &str) -> Option<String> {
    let name = said.trim();
    let name = name.strip_prefix(':').unwrap_or(name);
    let name = name.rsplit_once("zoneinfo/").map_or(name, |(_, name)| name);
    let name = name.strip_prefix("posix/").unwrap_or(name);
    let sane = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'_' | b'-' | b'+');
    // The longest name there is has 32 bytes; `/` leads out of the database.
    let whole = (1..=64).contains(&name.len()) && name.bytes().all(sane) && !name.starts_with('/');
    whole.then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn node(zone: Option<&str>, zone_s: i32, offset_s: f64) -> Clock {
        Clock { offset_s, uncertainty_s: 0.5, zone_s, zone_name: zone.map(str::to_owned) }
    }

    fn read(clock: &LogClock, time: &str) -> (String, Option<Uncertain>) {
        let (at, doubt) = clock.moment(time).unwrap();
        (at.to_string(), doubt)
    }

    #[test]
    fn lines_from_before_a_jump_have_the_offset_of_their_day() {
        let visited = at("2017-04-03T14:00:00Z");
        let clock = LogClock::of(Some(&node(Some("Europe/Amsterdam"), 7200, 0.0)), None, visited, 0.0);
        assert_eq!(clock.zone_name(), Some("Europe/Amsterdam"));
        for (local, utc, doubt) in [
            ("2017-04-03 14:16:36,003", "2017-04-03T12:16:36.003Z", None),
            ("2017-03-26 01:59:59,999", "2017-03-26T00:59:59.999Z", None),
            ("2017-03-26 02:30:00,000", "2017-03-26T01:30:00Z", Some(Uncertain::Skipped { gap_s: 3600 })),
            ("2017-03-26 03:00:00,000", "2017-03-26T01:00:00Z", None),
            ("2017-10-29 01:59:59,000", "2017-10-28T23:59:59Z", None),
            ("2017-10-29 02:30:00,000", "2017-10-29T00:30:00Z", Some(Uncertain::Twice { apart_s: 3600 })),
            ("2017-10-29 03:00:00,000", "2017-10-29T02:00:00Z", None),
            // Its own zone goes first.
            ("2017-03-26T02:30:00.000+0000", "2017-03-26T02:30:00Z", None),
        ] {
            assert_eq!(read(&clock, local), (utc.to_owned(), doubt), "{local}");
        }
    }

    #[test]
    fn a_name_that_does_not_fit_the_nodes_offset_is_not_believed() {
        let visited = at("2017-04-03T14:00:00Z");
        for name in [Some("Europe/Amsterdam"), Some("Mars/Olympus"), None] {
            let clock = LogClock::of(Some(&node(name, 3600, 0.0)), None, visited, 0.0);
            assert_eq!(clock.zone_name(), None);
            assert_eq!(read(&clock, "2017-04-03 14:16:36,003").0, "2017-04-03T13:16:36.003Z");
        }
        // In winter the same offset is the right one.
        let clock = LogClock::of(
            Some(&node(Some("Europe/Amsterdam"), 3600, 0.0)),
            None,
            at("2017-12-01T00:00:00Z"),
            0.0,
        );
        assert_eq!(read(&clock, "2017-04-03 14:16:36,003").0, "2017-04-03T12:16:36.003Z");
    }

    #[test]
    fn without_a_zone_only_a_time_that_names_one_is_a_moment() {
        let clock = LogClock::of(None, None, at("2017-04-03T14:00:00Z"), 0.0);
        assert_eq!(clock.moment("2017-04-03 14:16:36,003"), None);
        assert_eq!(read(&clock, "2017-04-03T14:16:36Z").0, "2017-04-03T14:16:36Z");
        let clock = LogClock::of(None, Some(7200), at("2017-04-03T14:00:00Z"), 0.0);
        assert_eq!(read(&clock, "2017-04-03 14:16:36,003").0, "2017-04-03T12:16:36.003Z");
    }

    #[test]
    fn a_clock_that_is_off_is_corrected_near_the_visit_alone() {
        let visited = at("2017-04-03T14:00:00Z");
        for (offset, near, older, old) in [
            // 14:15 on the node; at 08:15 of its clock it stops to be believed, which is 08:00.
            (900.0, "2017-04-03T08:00:00Z", "2017-04-03T08:00:00Z", "2017-04-03T07:30:00Z"),
            (-900.0, "2017-04-03T08:30:00Z", "2017-04-03T08:30:00Z", "2017-04-03T07:30:00Z"),
        ] {
            let clock = LogClock::of(Some(&node(None, 0, offset)), None, visited, 0.0);
            assert_eq!(read(&clock, "2017-04-03 08:15:00"), (near.to_owned(), None));
            let doubt = Some(Uncertain::Clock { ahead_s: offset as i64 });
            // Just older: its own time, but never after a line that came later.
            let before = if offset > 0.0 { "2017-04-03 08:14:00" } else { "2017-04-03 07:44:00" };
            let (moment, said) = read(&clock, before);
            assert_eq!(said, doubt);
            assert!(at(&moment) <= at(older), "{moment}");
            assert_eq!(read(&clock, "2017-04-03 07:30:00"), (old.to_owned(), doubt));
        }
    }

    #[test]
    fn a_clock_as_right_as_can_be_measured_is_left_alone() {
        let visited = at("2017-04-03T14:00:00Z");
        for (offset, reference) in [(1.4, 0.0), (-900.0, -900.2)] {
            let clock = LogClock::of(Some(&node(None, 0, offset)), None, visited, reference);
            for time in ["2017-04-03T13:00:00Z", "2017-04-01T13:00:00Z"] {
                assert_eq!(read(&clock, time), (time.to_owned(), None), "{offset}");
            }
        }
    }

    #[test]
    fn a_clock_years_off_puts_no_line_into_the_future() {
        let visited = at("2017-04-03T14:00:00Z");
        let year = 365.0 * 86400.0;
        let clock = LogClock::of(Some(&node(Some("Europe/Amsterdam"), 7200, year)), None, visited, 0.0);
        assert_eq!(read(&clock, "2018-04-03 15:00:00"), ("2017-04-03T13:00:00Z".to_owned(), None));
        let (moment, doubt) = read(&clock, "2018-04-01 15:00:00");
        assert_eq!(
            (moment.as_str(), doubt),
            ("2017-04-03T08:00:00Z", Some(Uncertain::Clock { ahead_s: year as i64 }))
        );
    }

    #[test]
    fn names_out_of_what_nodes_say() {
        for (said, name) in [
            ("Europe/Amsterdam\n", Some("Europe/Amsterdam")),
            (":Europe/Amsterdam", Some("Europe/Amsterdam")),
            ("../usr/share/zoneinfo/Etc/UTC", Some("Etc/UTC")),
            (
                "/usr/share/zoneinfo/posix/America/Argentina/Buenos_Aires",
                Some("America/Argentina/Buenos_Aires"),
            ),
            ("UTC", Some("UTC")),
            ("CET-1CEST,M3.5.0,M10.5.0/3", None),
            ("/etc/passwd", None),
            ("../../etc/passwd", None),
            ("", None),
            ("\u{1b}[31m", None),
        ] {
            assert_eq!(zone_name(said).as_deref(), name, "{said}");
        }
        assert_eq!(zone_name(&"a".repeat(65)), None);
    }

    proptest! {
        #[test]
        fn any_clock_reads_any_time(offset in any::<f64>(), uncertainty in any::<f64>(), zone in any::<i32>(), time in "[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}|.{0,40}") {
            let clock = Clock { offset_s: offset, uncertainty_s: uncertainty, zone_s: zone, zone_name: Some("Europe/Amsterdam".into()) };
            let _ = LogClock::of(Some(&clock), None, at("2017-04-03T14:00:00Z"), 0.0).moment(&time);
        }

        #[test]
        fn lines_of_one_clock_stay_in_order(offset in -1e6f64..1e6, one in 0i64..2_000_000, other in 0i64..2_000_000) {
            let visited = at("2017-04-03T14:00:00Z");
            let clock = LogClock::of(Some(&node(None, 0, offset)), None, visited, 0.0);
            let moment = |seconds: i64| {
                let time = Timestamp::from_second(visited.as_second() - 1_000_000 + seconds).unwrap();
                clock.moment(&time.to_string()).unwrap().0
            };
            prop_assert!(moment(one.min(other)) <= moment(one.max(other)));
        }
    }
}
