//! Date functions, over the moment the caller gives; there is no clock here.

use super::{Function, Run, function, whole};
use crate::doc::Node;
use crate::formats::arm::engine::{Context, Engine};
use crate::formats::arm::value::{Fault, Outcome, failed, int, text};

pub(super) const FUNCTIONS: &[Function] = &[
    function("utcNow", 0, 1, Run::Values(utc_now)),
    function("dateTimeAdd", 2, 3, Run::Values(date_time_add)),
    function("dateTimeFromEpoch", 1, 1, Run::Values(from_epoch)),
    function(
        "dateTimeToEpoch",
        1,
        1,
        Run::Values(|_, ctx, args| whole(ctx, Moment::read(text(&args[0])?)?.seconds)),
    ),
];

/// Seconds since 1970 in UTC, and the fraction in ten-millionths.
#[derive(Clone, Copy)]
struct Moment {
    seconds: i64,
    ticks: u32,
}

const DAY: i64 = 86_400;
/// Years 1 to 9999, as .NET has them.
const SECONDS: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

fn utc_now(engine: &mut Engine<'_>, ctx: &Context, args: &[Node]) -> Outcome {
    let now = Moment::read(&engine.options().utc_now)?;
    let format = args.first().map(text).transpose()?.unwrap_or("yyyyMMddTHHmmssZ");
    engine.text(ctx, now.written(format)?)
}

fn date_time_add(engine: &mut Engine<'_>, ctx: &Context, args: &[Node]) -> Outcome {
    let moment = Moment::read(text(&args[0])?)?.plus(text(&args[1])?)?;
    let out = match args.get(2) {
        Some(format) => moment.written(text(format)?)?,
        // AZURE: without a format the result has that of the base; the universal form is the documented one.
        None if text(&args[0])?.contains('T') => moment.iso(),
        None => moment.written("u")?,
    };
    engine.text(ctx, out)
}

fn from_epoch(engine: &mut Engine<'_>, ctx: &Context, args: &[Node]) -> Outcome {
    let seconds = int(&args[0])?;
    if !SECONDS.contains(&seconds) {
        return failed("leaves the years 1 to 9999");
    }
    engine.text(ctx, Moment { seconds, ticks: 0 }.iso())
}

/// Days since 1970 of a civil date; counts in eras of 400 years that begin in March.
fn days_of(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Year, month and day of days since 1970.
fn civil_of(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

fn days_in(year: i64, month: i64) -> i64 {
    let next = if month == 12 { days_of(year + 1, 1, 1) } else { days_of(year, month + 1, 1) };
    next - days_of(year, month, 1)
}

impl Moment {
    /// Reads ISO 8601 with or without separators, and with a blank in the place of `T`.
    fn read(written: &str) -> Result<Self, Fault> {
        Self::parsed(written)
            .map_or_else(|| failed(format!("cannot read `{written}` as a date and time")), Ok)
    }

    fn parsed(written: &str) -> Option<Self> {
        let text = written.trim();
        let (date, time) = match text.find(['T', 't', ' ']) {
            Some(at) => (&text[..at], &text[at + 1..]),
            None => (text, ""),
        };
        let digits: String = date.chars().filter(|c| *c != '-').collect();
        let number =
            |text: &str| text.chars().all(|c| c.is_ascii_digit()).then(|| text.parse::<i64>().ok())?;
        if digits.len() != 8 || !digits.is_ascii() {
            return None;
        }
        let (year, month, day) = (number(&digits[..4])?, number(&digits[4..6])?, number(&digits[6..])?);
        if year < 1 || !(1..=12).contains(&month) || day < 1 || day > days_in(year, month) {
            return None;
        }
        let (time, offset) = Self::zone(time)?;
        let (time, fraction) = time.split_once('.').unwrap_or((time, ""));
        let digits: String = time.chars().filter(|c| *c != ':').collect();
        if !matches!(digits.len(), 0 | 2 | 4 | 6) || !digits.is_ascii() {
            return None;
        }
        let part = |at: usize| digits.get(at..at + 2).map_or(Some(0), number);
        let (hour, minute, second) = (part(0)?, part(2)?, part(4)?);
        if hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let ticks = format!("{fraction:0<7}").get(..7).and_then(number)?;
        let seconds = days_of(year, month, day) * DAY + hour * 3600 + minute * 60 + second - offset;
        SECONDS.contains(&seconds).then_some(Self { seconds, ticks: ticks as u32 })
    }

    /// The time without its zone, and the zone in seconds. No zone means UTC.
    fn zone(time: &str) -> Option<(&str, i64)> {
        if let Some(time) = time.strip_suffix(['Z', 'z']) {
            return Some((time, 0));
        }
        let Some(at) = time.rfind(['+', '-']) else { return Some((time, 0)) };
        let digits: String = time[at + 1..].chars().filter(|c| *c != ':').collect();
        let hours: i64 = digits.get(..2)?.parse().ok()?;
        let minutes: i64 = digits.get(2..).filter(|m| !m.is_empty()).map_or(Some(0), |m| m.parse().ok())?;
        let sign = if time[at..].starts_with('-') { -1 } else { 1 };
        (hours < 15 && minutes < 60).then(|| (time[..at].trim_end(), sign * (hours * 3600 + minutes * 60)))
    }

    /// Adds an ISO 8601 duration such as `P3Y`, `-P9D`, `PT1H`.
    fn plus(self, duration: &str) -> Result<Self, Fault> {
        let moved = self.moved(duration.trim());
        moved.map_or_else(|| failed(format!("cannot add the duration `{duration}`")), Ok)
    }

    fn moved(self, duration: &str) -> Option<Self> {
        let (sign, rest) = duration.strip_prefix('-').map_or((1, duration), |rest| (-1, rest));
        let rest = rest.strip_prefix('P')?;
        let (date, time) = rest.split_once('T').unwrap_or((rest, ""));
        let (mut months, mut seconds) = (0i64, 0i64);
        for (amount, unit) in Self::amounts(date)? {
            match unit {
                'Y' => months = months.checked_add(amount.checked_mul(12)?)?,
                'M' => months = months.checked_add(amount)?,
                'W' => seconds = seconds.checked_add(amount.checked_mul(7 * DAY)?)?,
                'D' => seconds = seconds.checked_add(amount.checked_mul(DAY)?)?,
                _ => return None,
            }
        }
        for (amount, unit) in Self::amounts(time)? {
            let unit = match unit {
                'H' => 3600,
                'M' => 60,
                'S' => 1,
                _ => return None,
            };
            seconds = seconds.checked_add(amount.checked_mul(unit)?)?;
        }
        let days = self.seconds.div_euclid(DAY);
        let (year, month, day) = civil_of(days);
        let months = (year * 12 + month - 1).checked_add(months.checked_mul(sign)?)?;
        let (year, month) = (months.div_euclid(12), months.rem_euclid(12) + 1);
        if !(1..=9999).contains(&year) {
            return None;
        }
        let days = days_of(year, month, day.min(days_in(year, month)));
        let seconds = (days * DAY + self.seconds.rem_euclid(DAY)).checked_add(seconds.checked_mul(sign)?)?;
        SECONDS.contains(&seconds).then_some(Self { seconds, ..self })
    }

    fn amounts(text: &str) -> Option<Vec<(i64, char)>> {
        let mut out = Vec::new();
        let mut rest = text;
        while let Some(end) = rest.find(|c: char| !c.is_ascii_digit()) {
            let unit = rest[end..].chars().next()?;
            out.push((rest[..end].parse().ok()?, unit));
            rest = &rest[end + unit.len_utf8()..];
        }
        rest.is_empty().then_some(out)
    }

    fn iso(self) -> String {
        let format = if self.ticks == 0 { "yyyy-MM-ddTHH:mm:ssZ" } else { "yyyy-MM-ddTHH:mm:ss.fffffffZ" };
        self.written(format).unwrap_or_default()
    }

    /// Writes by a .NET format: the standard letters that do not depend on a culture, or a custom pattern.
    fn written(self, format: &str) -> Result<String, Fault> {
        let pattern = match format {
            "u" => "yyyy-MM-dd HH:mm:ssZ",
            "s" => "yyyy-MM-ddTHH:mm:ss",
            "o" | "O" => "yyyy-MM-ddTHH:mm:ss.fffffffZ",
            "r" | "R" => "ddd, dd MMM yyyy HH:mm:ss GMT",
            "d" => "MM/dd/yyyy",
            "t" => "HH:mm",
            "T" => "HH:mm:ss",
            "g" => "MM/dd/yyyy HH:mm",
            "G" => "MM/dd/yyyy HH:mm:ss",
            "D" => "dddd, dd MMMM yyyy",
            "f" => "dddd, dd MMMM yyyy HH:mm",
            "F" => "dddd, dd MMMM yyyy HH:mm:ss",
            "M" | "m" => "MMMM dd",
            "Y" | "y" => "yyyy MMMM",
            pattern => pattern,
        };
        self.by_pattern(pattern)
    }

    fn by_pattern(self, pattern: &str) -> Result<String, Fault> {
        let mut out = String::new();
        let mut rest = pattern;
        while let Some(first) = rest.chars().next() {
            let run = rest.len() - rest.trim_start_matches(first).len();
            let n = run / first.len_utf8();
            let mut used = run;
            match first {
                'y' | 'M' | 'd' | 'H' | 'h' | 'm' | 's' | 'f' | 'F' | 't' => match self.field(first, n) {
                    Some(field) => out.push_str(&field),
                    None => return failed(format!("has no field `{}`", first.to_string().repeat(n))),
                },
                '\'' | '"' => {
                    let Some(end) = rest[1..].find(first) else {
                        return failed("finds an open quote in a format");
                    };
                    out.push_str(&rest[1..=end]);
                    used = end + 2;
                }
                '\\' => {
                    let literal = rest[1..].chars().next();
                    out.extend(literal);
                    used = 1 + literal.map_or(0, char::len_utf8);
                }
                'z' | 'K' | 'g' => return failed(format!("has no field `{first}`")),
                '%' => used = 1,
                _ => out.push_str(&rest[..run]),
            }
            rest = &rest[used..];
        }
        Ok(out)
    }

    fn field(self, letter: char, n: usize) -> Option<String> {
        const DAYS: [&str; 7] =
            ["Thursday", "Friday", "Saturday", "Sunday", "Monday", "Tuesday", "Wednesday"];
        const MONTHS: [&str; 12] = [
            "January",
            "February",
            "March",
            "April",
            "May",
            "June",
            "July",
            "August",
            "September",
            "October",
            "November",
            "December",
        ];
        let days = self.seconds.div_euclid(DAY);
        let second = self.seconds.rem_euclid(DAY);
        let (year, month, day) = civil_of(days);
        let short = |name: &str| name.get(..3).map(str::to_owned);
        let padded = |value: i64| Some(format!("{value:0n$}"));
        let fraction = format!("{:07}", self.ticks);
        match (letter, n) {
            ('y', 1 | 2) => padded(year % 100),
            ('y', 3..=9) => padded(year),
            ('M', 1 | 2) => padded(month),
            ('M', 3) => short(MONTHS.get(month as usize - 1)?),
            ('M', _) => MONTHS.get(month as usize - 1).map(|m| (*m).to_owned()),
            ('d', 1 | 2) => padded(day),
            ('d', 3) => short(DAYS.get(days.rem_euclid(7) as usize)?),
            ('d', _) => DAYS.get(days.rem_euclid(7) as usize).map(|d| (*d).to_owned()),
            ('H', 1 | 2) => padded(second / 3600),
            ('h', 1 | 2) => padded((second / 3600 + 11) % 12 + 1),
            ('m', 1 | 2) => padded(second / 60 % 60),
            ('s', 1 | 2) => padded(second % 60),
            ('t', 1) => Some(if second < DAY / 2 { "A".into() } else { "P".into() }),
            ('t', 2) => Some(if second < DAY / 2 { "AM".into() } else { "PM".into() }),
            ('f', 1..=7) => fraction.get(..n).map(str::to_owned),
            ('F', 1..=7) => fraction.get(..n).map(|f| f.trim_end_matches('0').to_owned()),
            _ => None,
        }
    }
}
