//! Opening hours: what an administrator writes, and what it says of a moment. Pure; the driver and the simulator of
//! scenarios share it.
//!
//! Hours are those of the clock on the wall. Where the clocks are put forward, an hour that is not there is not open;
//! where they are put back, the hour that comes twice is open both times.

use std::collections::BTreeMap;

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use serde::{Deserialize, Serialize};

use crate::op::{ScheduleState, ScheduleStatus};

/// Most spans of one day.
const SPANS_MAX: usize = 16;
/// Most holidays and exceptions together.
const DATES_MAX: usize = 1_000;
const NAME_BYTES_MAX: usize = 256;
/// How far ahead a change is looked for, in days.
const AHEAD_DAYS: i64 = 366;
/// Most problems of one schedule that are told.
const PROBLEMS_MAX: usize = 64;
const DAY: u16 = 24 * 60;
const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// What an administrator writes, in TOML or JSON.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Written {
    /// By day or days, such as `mon` or `mon-fri`: spans such as `09:00-17:30`. One that ends before it begins goes on
    /// into the next day.
    pub week: BTreeMap<String, Vec<String>>,
    /// By date (`2026-12-25`), each year's date (`12-25`) or dates (`2026-12-24/2027-01-01`): a name. Closed.
    pub holidays: BTreeMap<String, String>,
    /// By date or dates: the spans of that day, holiday or not; an empty list is closed.
    pub exceptions: BTreeMap<String, Vec<String>>,
}

/// Why a schedule is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{words}")]
pub struct ScheduleProblem {
    /// Which part of [`Written`] as JSON: a pointer (RFC 6901), such as `/week/mon-fri/0`.
    pub pointer: String,
    /// In words.
    pub words: String,
}

/// Hours of a week with the days that are different.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Schedule {
    /// From Monday.
    week: [Vec<Span>; 7],
    holidays: Vec<(Dates, String)>,
    exceptions: Vec<(Dates, Vec<Span>)>,
    written: Written,
}

/// Minutes of a day; an end that is not after the begin is one of the next day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    begin: u16,
    end: u16,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dates {
    /// From the first to the last.
    Range(Date, Date),
    /// Month and day.
    Yearly(i8, i8),
}

impl Dates {
    fn has(self, day: Date) -> bool {
        match self {
            Self::Range(first, last) => (first..=last).contains(&day),
            Self::Yearly(month, of_month) => (day.month(), day.day()) == (month, of_month),
        }
    }

    /// How much it says of one day: the more exact wins.
    fn breadth(self) -> i64 {
        match self {
            Self::Range(first, last) => first
                .until(last)
                .map_or(i64::MAX, |span| i64::from(span.get_days())),
            Self::Yearly(..) => 1,
        }
    }
}

impl From<Schedule> for Written {
    fn from(schedule: Schedule) -> Self {
        schedule.written
    }
}

impl TryFrom<Written> for Schedule {
    type Error = ScheduleProblem;

    fn try_from(written: Written) -> Result<Self, ScheduleProblem> {
        let mut problems = Problems::default();
        let schedule = problems.read(written);
        problems.0.into_iter().next().map_or(Ok(schedule), Err)
    }
}

/// What was found wrong so far. What is wrong is left out of what is read.
#[derive(Default)]
struct Problems(Vec<ScheduleProblem>);

impl Problems {
    fn tell(&mut self, place: &[&str], words: String) {
        if self.0.len() < PROBLEMS_MAX {
            let escaped = place
                .iter()
                .map(|name| name.replace('~', "~0").replace('/', "~1"));
            let pointer = escaped.fold(String::new(), |pointer, name| pointer + "/" + &name);
            self.0.push(ScheduleProblem { pointer, words });
        }
    }

    fn take<T>(&mut self, place: &[&str], read: Result<T, String>) -> Option<T> {
        read.map_err(|words| self.tell(place, words)).ok()
    }

    fn read(&mut self, written: Written) -> Schedule {
        if written.holidays.len() + written.exceptions.len() > DATES_MAX {
            self.tell(&[], format!("more than {DATES_MAX} holidays and exceptions"));
        }
        let week = self.week(&written.week);
        let mut holidays = Vec::new();
        for (text, name) in written.holidays.iter().take(DATES_MAX) {
            let place = ["holidays", text.as_str()];
            if name.is_empty() || name.len() > NAME_BYTES_MAX || name.chars().any(char::is_control) {
                let words = format!("holidays: {text}: a name is one line of 1 to {NAME_BYTES_MAX} bytes");
                self.tell(&place, words);
            }
            let dates = self.take(&place, dates(text));
            holidays.extend(dates.map(|dates| (dates, name.clone())));
        }
        let mut exceptions = Vec::new();
        for (text, texts) in written.exceptions.iter().take(DATES_MAX) {
            let spans = self.spans("exceptions", text, texts);
            let dates = self.take(&["exceptions", text], dates(text));
            exceptions.extend(dates.map(|dates| (dates, spans)));
        }
        holidays.sort_by_key(|(dates, _)| dates.breadth());
        exceptions.sort_by_key(|(dates, _)| dates.breadth());
        Schedule {
            week,
            holidays,
            exceptions,
            written,
        }
    }

    fn week(&mut self, written: &BTreeMap<String, Vec<String>>) -> [Vec<Span>; 7] {
        let mut week: [Vec<Span>; 7] = Default::default();
        let mut said = [false; 7];
        for (days, texts) in written {
            let spans = self.spans("week", days, texts);
            let place = ["week", days.as_str()];
            for day in self.take(&place, weekdays(days)).unwrap_or_default() {
                if let (Some(slot), Some(said)) = (week.get_mut(day), said.get_mut(day)) {
                    if std::mem::replace(said, true) {
                        let day = WEEKDAYS.get(day).unwrap_or(&"");
                        self.tell(&place, format!("week: {day} is there twice"));
                    }
                    slot.clone_from(&spans);
                }
            }
        }
        week
    }

    fn spans(&mut self, part: &str, of: &str, texts: &[String]) -> Vec<Span> {
        if texts.len() > SPANS_MAX {
            self.tell(&[part, of], format!("{of}: more than {SPANS_MAX} spans"));
        }
        let mut spans = Vec::new();
        for (number, text) in texts.iter().take(SPANS_MAX).enumerate() {
            let both = text.split_once('-');
            let both = both.and_then(|(begin, end)| Some((minutes(begin)?, minutes(end)?)));
            match both {
                Some((begin, end)) if begin < DAY && begin != end => spans.push(Span { begin, end }),
                _ => self.tell(
                    &[part, of, &number.to_string()],
                    format!("{of}: {text:?} is no span of a day: write it as 09:00-17:30"),
                ),
            }
        }
        spans
    }
}

/// `mon`, or `mon-fri`, or `sat-mon`: days from Monday, counted from 0.
fn weekdays(text: &str) -> Result<Vec<usize>, String> {
    let day = |word: &str| WEEKDAYS.iter().position(|day| *day == word);
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (Some(first), Some(last)) = (day(first), day(last)) else {
        return Err(format!(
            "week: {text:?} is no day: write one of {} or two with - between them",
            WEEKDAYS.join(", ")
        ));
    };
    let length = (last + 7 - first) % 7;
    Ok((0..=length).map(|step| (first + step) % 7).collect())
}

/// `HH:MM`, up to 24:00.
fn minutes(text: &str) -> Option<u16> {
    let (hours, minutes) = text.trim().split_once(':')?;
    let two = |text: &str| {
        let fits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u16>().ok().filter(|_| fits)
    };
    let (hours, minutes) = (two(hours)?, two(minutes)?);
    (minutes < 60 && hours * 60 + minutes <= DAY).then_some(hours * 60 + minutes)
}

fn dates(text: &str) -> Result<Dates, String> {
    let wrong =
        || format!("{text:?} is no date: write 2026-12-25, 12-25 for each year, or 2026-12-24/2027-01-01");
    let day = |text: &str| -> Result<Date, String> {
        let fits = text.len() == 10;
        text.parse().ok().filter(|_| fits).ok_or_else(wrong)
    };
    if let Some((first, last)) = text.split_once('/') {
        let (first, last) = (day(first)?, day(last)?);
        return if first <= last {
            Ok(Dates::Range(first, last))
        } else {
            Err(wrong())
        };
    }
    if text.len() == 5 {
        // Any leap year will do.
        let day = day(&format!("2024-{text}"))?;
        return Ok(Dates::Yearly(day.month(), day.day()));
    }
    day(text).map(|day| Dates::Range(day, day))
}

impl Schedule {
    /// Reads what somebody wrote. Errors: all that is wrong with it, the first 64.
    pub fn read(written: Written) -> Result<Self, Vec<ScheduleProblem>> {
        let mut problems = Problems::default();
        let schedule = problems.read(written);
        if problems.0.is_empty() {
            return Ok(schedule);
        }
        Err(problems.0)
    }

    /// What holds at `now` where the time zone is `zone`, and until when.
    pub fn status(&self, now: Timestamp, zone: &TimeZone) -> ScheduleStatus {
        let state = self.state(now, zone);
        let until_ms = self
            .change(now, zone, &state)
            .map(|at| at.as_millisecond().max(0) as u64);
        ScheduleStatus { state, until_ms }
    }

    fn state(&self, at: Timestamp, zone: &TimeZone) -> ScheduleState {
        let local = at.to_zoned(zone.clone()).datetime();
        let (day, time) = (local.date(), local.time());
        let minute = u16::from(time.hour().unsigned_abs()) * 60 + u16::from(time.minute().unsigned_abs());
        let today = self.spans(day).iter().any(|span| {
            let end = if span.end > span.begin { span.end } else { DAY };
            (span.begin..end).contains(&minute)
        });
        let since_yesterday = day.yesterday().is_ok_and(|yesterday| {
            let spans = self.spans(yesterday).iter();
            spans
                .into_iter()
                .any(|span| span.end < span.begin && minute < span.end)
        });
        match self.holiday(day) {
            _ if today || since_yesterday => ScheduleState::Open,
            Some(name) => ScheduleState::Holiday(name.to_owned()),
            None => ScheduleState::Closed,
        }
    }

    fn exception(&self, day: Date) -> Option<&[Span]> {
        let found = self.exceptions.iter().find(|(dates, _)| dates.has(day))?;
        Some(&found.1)
    }

    /// The holiday of a day that is not an exception.
    fn holiday(&self, day: Date) -> Option<&str> {
        if self.exception(day).is_some() {
            return None;
        }
        let found = self.holidays.iter().find(|(dates, _)| dates.has(day))?;
        Some(&found.1)
    }

    fn spans(&self, day: Date) -> &[Span] {
        if let Some(spans) = self.exception(day) {
            return spans;
        }
        if self.holiday(day).is_some() {
            return &[];
        }
        let number = match day.weekday() {
            Weekday::Monday => 0,
            Weekday::Tuesday => 1,
            Weekday::Wednesday => 2,
            Weekday::Thursday => 3,
            Weekday::Friday => 4,
            Weekday::Saturday => 5,
            Weekday::Sunday => 6,
        };
        self.week.get(number).map_or(&[], Vec::as_slice)
    }

    /// When another state than `state` begins. Only at a few moments of a day it can: all of them are tried.
    fn change(&self, now: Timestamp, zone: &TimeZone, state: &ScheduleState) -> Option<Timestamp> {
        let mut day = now.to_zoned(zone.clone()).date();
        let last = day.checked_add(AHEAD_DAYS.days()).unwrap_or(Date::MAX);
        let shifts: Vec<Timestamp> = zone
            .following(now)
            .map(|shift| shift.timestamp())
            .take(8)
            .collect();
        while day <= last {
            let mut moments = self.moments(day, zone);
            let of_day = |at: &&Timestamp| at.to_zoned(zone.clone()).date() == day;
            moments.extend(shifts.iter().filter(of_day));
            moments.sort_unstable();
            let found = moments
                .into_iter()
                .find(|at| *at > now && self.state(*at, zone) != *state);
            if found.is_some() {
                return found;
            }
            day = day.tomorrow().ok()?;
        }
        None
    }

    /// The moments of a day at which something begins or ends: its own begin, and what its clock says in spans.
    fn moments(&self, day: Date, zone: &TimeZone) -> Vec<Timestamp> {
        let mut minutes = vec![0];
        for span in self.spans(day) {
            minutes.extend([span.begin, span.end]);
        }
        if let Ok(yesterday) = day.yesterday() {
            minutes.extend(self.spans(yesterday).iter().map(|span| span.end));
        }
        let mut moments = Vec::with_capacity(minutes.len() * 2);
        for minute in minutes.into_iter().filter(|minute| *minute < DAY) {
            let clock = day.at((minute / 60) as i8, (minute % 60) as i8, 0, 0);
            let at = zone.to_ambiguous_timestamp(clock);
            // A clock that is put back says it twice.
            moments.extend(at.earlier().ok());
            moments.extend(at.later().ok());
        }
        moments
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn schedule(text: &str) -> Schedule {
        serde_json::from_str(text).unwrap()
    }

    fn office() -> Schedule {
        schedule(
            r#"{"week": {"mon-fri": ["09:00-12:30", "13:30-18:00"], "sat": ["22:00-06:00"]},
                "holidays": {"12-25": "Christmas", "2026-12-26/2026-12-31": "Holidays", "2026-12-28": "Monday off"},
                "exceptions": {"2026-12-30": ["10:00-11:00"]}}"#,
        )
    }

    fn berlin() -> TimeZone {
        TimeZone::get("Europe/Berlin").unwrap()
    }

    /// The state at a local time and the local time at which it changes.
    fn at(schedule: &Schedule, local: &str, zone: &TimeZone) -> (ScheduleState, String) {
        let now = local
            .parse::<jiff::civil::DateTime>()
            .unwrap()
            .to_zoned(zone.clone())
            .unwrap();
        let status = schedule.status(now.timestamp(), zone);
        let until = status.until_ms.map_or("never".to_owned(), |ms| {
            let until = Timestamp::from_millisecond(ms as i64).unwrap();
            until.to_zoned(zone.clone()).strftime("%F %H:%M %z").to_string()
        });
        (status.state, until)
    }

    use ScheduleState::{Closed, Holiday, Open};

    #[test]
    fn hours_of_the_week_in_the_time_of_the_place() {
        let (office, zone) = (office(), berlin());
        for (now, state, until) in [
            ("2026-11-30T08:59:59", Closed, "2026-11-30 09:00 +0100"),
            ("2026-11-30T09:00", Open, "2026-11-30 12:30 +0100"),
            ("2026-11-30T12:30", Closed, "2026-11-30 13:30 +0100"),
            ("2026-12-04T18:00", Closed, "2026-12-05 22:00 +0100"),
            // A span beyond midnight belongs to the day on which it begins.
            ("2026-12-05T23:00", Open, "2026-12-06 06:00 +0100"),
            ("2026-12-06T05:59", Open, "2026-12-06 06:00 +0100"),
            ("2026-12-06T06:00", Closed, "2026-12-07 09:00 +0100"),
        ] {
            assert_eq!(at(&office, now, &zone), (state, until.to_owned()), "{now}");
        }
    }

    #[test]
    fn exceptions_win_over_holidays_and_the_more_exact_over_the_broader() {
        let (office, zone) = (office(), berlin());
        let holiday = |name: &str| Holiday(name.to_owned());
        for (now, state, until) in [
            ("2026-12-24T20:00", Closed, "2026-12-25 00:00 +0100"),
            ("2026-12-25T12:00", holiday("Christmas"), "2026-12-26 00:00 +0100"),
            ("2029-12-25T12:00", holiday("Christmas"), "2029-12-26 00:00 +0100"),
            (
                "2026-12-28T12:00",
                holiday("Monday off"),
                "2026-12-29 00:00 +0100",
            ),
            ("2026-12-30T10:30", Open, "2026-12-30 11:00 +0100"),
            ("2026-12-30T11:00", Closed, "2026-12-31 00:00 +0100"),
            ("2026-12-31T11:00", holiday("Holidays"), "2027-01-01 00:00 +0100"),
        ] {
            assert_eq!(at(&office, now, &zone), (state, until.to_owned()), "{now}");
        }
    }

    #[test]
    fn clocks_that_are_put_forward_or_back_are_followed() {
        let zone = berlin();
        // 2026-03-29: 02:00 is followed by 03:00. 2026-10-25: 02:00 to 03:00 comes twice.
        let night = schedule(r#"{"week": {"sun": ["01:00-02:30"]}}"#);
        let begin = at(&night, "2026-03-29T01:30", &zone);
        assert_eq!(begin, (Open, "2026-03-29 03:00 +0200".to_owned()));
        let begin: Timestamp = "2026-10-25T00:00:00Z".parse().unwrap(); // 02:00 for the first time
        assert_eq!(night.status(begin, &zone).state, Open);
        let first_end = "2026-10-25T00:30:00Z".parse::<Timestamp>().unwrap();
        let status = night.status(begin, &zone);
        assert_eq!(status.until_ms, Some(first_end.as_millisecond() as u64));
        // The hour comes again, and is open again.
        let again = night.status(first_end, &zone);
        let second = "2026-10-25T01:00:00Z".parse::<Timestamp>().unwrap();
        assert_eq!(
            (again.state, again.until_ms),
            (Closed, Some(second.as_millisecond() as u64))
        );

        // Nine o'clock is nine o'clock on both sides.
        let office = office();
        assert_eq!(at(&office, "2026-03-28T12:00", &zone).1, "2026-03-28 22:00 +0100");
        assert_eq!(at(&office, "2026-03-29T12:00", &zone).1, "2026-03-30 09:00 +0200");
        assert_eq!(at(&office, "2026-10-25T12:00", &zone).1, "2026-10-26 09:00 +0100");
        // The night span of a Saturday is an hour shorter, and an hour longer.
        assert_eq!(at(&office, "2026-03-28T23:00", &zone).1, "2026-03-29 06:00 +0200");
        assert_eq!(at(&office, "2026-10-24T23:00", &zone).1, "2026-10-25 06:00 +0100");
    }

    #[test]
    fn one_that_never_changes_says_so() {
        let always = schedule(r#"{"week": {"mon-sun": ["00:00-24:00"]}}"#);
        let zone = TimeZone::UTC;
        assert_eq!(at(&always, "2026-12-01T10:00", &zone), (Open, "never".to_owned()));
        let never = schedule("{}");
        assert_eq!(
            at(&never, "2026-12-01T10:00", &zone),
            (Closed, "never".to_owned())
        );
    }

    #[test]
    fn what_is_no_schedule_is_refused_in_words() {
        for (text, words) in [
            (r#"{"weak": {}}"#, "unknown field"),
            (r#"{"week": {"monday": []}}"#, "is no day"),
            (r#"{"week": {"mon-wed": [], "tue": []}}"#, "tue is there twice"),
            (r#"{"week": {"mon": ["9-17"]}}"#, "is no span"),
            (r#"{"week": {"mon": ["09:00-09:00"]}}"#, "is no span"),
            (r#"{"week": {"mon": ["09:00-24:01"]}}"#, "is no span"),
            (r#"{"holidays": {"2026-13-01": "x"}}"#, "is no date"),
            (r#"{"holidays": {"02-30": "x"}}"#, "is no date"),
            (r#"{"holidays": {"12-25": ""}}"#, "a name is one line"),
            (r#"{"exceptions": {"2026-12-31/2026-12-01": []}}"#, "is no date"),
        ] {
            let error = serde_json::from_str::<Schedule>(text).unwrap_err().to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
        assert!(Dates::Yearly(2, 29).has(date(2028, 2, 29)));
    }

    #[test]
    fn all_that_is_wrong_is_told_with_its_place() {
        let written = serde_json::from_str(
            r#"{"week": {"mon": ["09:00-17:00", "9-17"], "montag": []},
                "holidays": {"2026-12-31/2026-12-01": "x", "a~b": ""}, "exceptions": {"12-24": ["x"]}}"#,
        );
        let problems = Schedule::read(written.unwrap()).unwrap_err();
        let mut places: Vec<&str> = problems.iter().map(|problem| problem.pointer.as_str()).collect();
        places.dedup();
        assert_eq!(
            places,
            [
                "/week/mon/1",
                "/week/montag",
                "/holidays/2026-12-31~12026-12-01",
                "/holidays/a~0b",
                "/exceptions/12-24/0"
            ]
        );
    }
}
