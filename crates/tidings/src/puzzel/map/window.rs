//! Between a [`SendWindow`] and the wire's four fields. Part of `map`, which exports it.
//!
//! The wire speaks of days and of hours on each of them. A value without a distance from UTC is "CET"
//! in the vendor's manual, and whether that is Norwegian time or one hour ahead of UTC all year is not
//! said. So what is written here always has its distance from UTC behind it, in hours and days of
//! Norwegian time, which is the same moment by every reading; what cannot be written so is refused.

use std::sync::LazyLock;
use std::time::Duration;

use tidings_core::{
    DailyHours, Day, Opening, SendWindow, TimeOfDay, TimeZone, Timestamp, ZonedTime,
};

use super::super::wire;
use super::{FieldFault, field};

/// Norwegian time.
static OSLO: LazyLock<TimeZone> = LazyLock::new(|| {
    TimeZone::named("Europe/Oslo").expect("the time zones that are compiled in have Oslo")
});

/// A window in the vendor's form.
///
/// A start is rounded up to the second and an end down. An end at midnight is written as a second
/// before it, on the day that is ending.
///
/// # Errors
/// [`FieldFault`] for a window that the wire cannot say: one stretch over several Norwegian days,
/// because the gateway takes two days for the same hours on each; hours over Norwegian midnight; hours
/// that begin or end at a time that the clocks skip or show twice; and hours on several days between
/// which the clocks change, because the gateway's rule for them is not known. Several windows say each
/// of them.
pub fn write_window(window: &SendWindow) -> Result<wire::SendWindow, FieldFault> {
    if let Some(hours) = window.daily_hours() {
        return write_hours(hours);
    }
    match window.bounds() {
        (from, None) => {
            let from = rounded_up(&from)?;
            Ok(wire::SendWindow {
                start_date: Some(from.day().to_string()),
                start_time: Some(time_with_distance(&from)),
                ..wire::SendWindow::default()
            })
        }
        (from, Some(until)) => {
            let (from, until) = (rounded_up(&from)?, last_second(&until)?);
            if from.day() != until.day() {
                return Err(FieldFault::new(
                    field::SEND_WINDOW,
                    "is one stretch over several days in Norway, which puzzel reads as the same \
                     hours on each of them",
                ));
            }
            from_to(&from, &until)
        }
    }
}

fn write_hours(hours: &DailyHours) -> Result<wire::SendWindow, FieldFault> {
    let (first_from, first_to) = on_day(hours, hours.first)?;
    if first_from.day() != first_to.day() {
        let fault = "has hours over midnight in Norway";
        return Err(FieldFault::new(field::SEND_WINDOW, fault));
    }
    let mut window = from_to(&first_from, &first_to)?;
    if hours.first == hours.last {
        return Ok(window);
    }
    let said = |from: &ZonedTime, to: &ZonedTime| {
        [
            (from.time_of_day(), from.minutes_ahead()),
            (to.time_of_day(), to.minutes_ahead()),
        ]
    };
    let hours_said = said(&first_from, &first_to);
    let mut day = hours.first;
    // Ends early: clocks that agree with Norway's for years have no change that could differ.
    let mut last = first_to;
    while day < hours.last {
        day = day.next();
        let (from, to) = on_day(hours, day)?;
        if said(&from, &to) != hours_said || from.day() != to.day() {
            return Err(FieldFault::new(
                field::SEND_WINDOW,
                "has days between which the clocks change; use one window for the days before \
                 and one for those after",
            ));
        }
        last = to;
    }
    window.stop_date = Some(last.day().to_string());
    Ok(window)
}

/// The hours of one day in Norwegian time.
fn on_day(hours: &DailyHours, day: Day) -> Result<(ZonedTime, ZonedTime), FieldFault> {
    let at = |time| {
        let moment = hours.zone.at(day, time);
        moment
            .map(|moment| moment.in_zone(&OSLO))
            .map_err(|_| out_of_range())
    };
    let (from, to) = (at(hours.from)?, at(hours.to)?);
    // One stretch is all that the wire can say of a day.
    let hours_of_day = SendWindow::daily(day..=day, hours.from, hours.to, &hours.zone);
    let hours_of_day = hours_of_day.map_err(|_| out_of_range())?;
    let (begins, ends) = (from.timestamp(), to.timestamp());
    let before = begins.minus(Duration::from_millis(1));
    let said = [before, begins, ends].map(|moment| hours_of_day.opening(moment));
    let exact = [
        Opening::OpensAt(begins),
        Opening::Open { until: Some(ends) },
        Opening::Over,
    ];
    if said == exact {
        return Ok((from, last_second(&to)?));
    }
    Err(FieldFault::new(
        field::SEND_WINDOW,
        "begins or ends at a time that the clocks skip or show twice on one of its days",
    ))
}

/// A window within one day.
fn from_to(from: &ZonedTime, to: &ZonedTime) -> Result<wire::SendWindow, FieldFault> {
    if to.timestamp() <= from.timestamp() {
        let fault = "is over before a whole second of it has passed";
        return Err(FieldFault::new(field::SEND_WINDOW, fault));
    }
    Ok(wire::SendWindow {
        start_date: Some(from.day().to_string()),
        stop_date: Some(to.day().to_string()),
        start_time: Some(time_with_distance(from)),
        stop_time: Some(time_with_distance(to)),
    })
}

/// Such as `09:00:00+02:00`.
fn time_with_distance(moment: &ZonedTime) -> String {
    let minutes = moment.minutes_ahead();
    let sign = if minutes < 0 { '-' } else { '+' };
    let (hours, minutes) = (minutes.abs() / 60, minutes.abs() % 60);
    format!("{}{sign}{hours:02}:{minutes:02}", moment.time_of_day())
}

fn rounded_up(moment: &ZonedTime) -> Result<ZonedTime, FieldFault> {
    let milliseconds = moment.timestamp().as_millis();
    let beyond = milliseconds.rem_euclid(1000);
    in_norway(if beyond == 0 {
        milliseconds
    } else {
        milliseconds - beyond + 1000
    })
}

/// The end of a window in whole seconds; midnight is the last second of the day before, because
/// there it ends.
fn last_second(moment: &ZonedTime) -> Result<ZonedTime, FieldFault> {
    let milliseconds = moment.timestamp().as_millis();
    let whole = in_norway(milliseconds - milliseconds.rem_euclid(1000))?;
    if whole.time_of_day() == TimeOfDay::MIDNIGHT {
        return in_norway(whole.timestamp().as_millis() - 1000);
    }
    Ok(whole)
}

fn in_norway(milliseconds: i64) -> Result<ZonedTime, FieldFault> {
    let moment = Timestamp::from_millis(milliseconds).ok_or_else(out_of_range)?;
    Ok(ZonedTime::new(moment, &OSLO))
}

fn out_of_range() -> FieldFault {
    FieldFault::new(field::SEND_WINDOW, "lies beyond the calendar")
}

// ---- reading ----

/// The window that the wire says.
///
/// Values without a distance from UTC are Norwegian time; one behind a day holds for its time too.
/// Without a start time a day begins at midnight. Without a last day there is no end, unless there is
/// an end time, which is then of the first day. With a last day after the first, the hours are those
/// of each day; without an end time they last until a second before midnight.
///
/// # Errors
/// [`FieldFault`] naming the field that is missing or wrong, or the end that is before the start.
pub fn read_window(window: &wire::SendWindow) -> Result<SendWindow, FieldFault> {
    let (start_day, start_day_zone) = read_day(field::START_DATE, window.start_date.as_deref())?
        .ok_or_else(|| FieldFault::new(field::START_DATE, "is missing"))?;
    let start = read_time(field::START_TIME, window.start_time.as_deref())?;
    let stop_day = read_day(field::STOP_DATE, window.stop_date.as_deref())?;
    let stop = read_time(field::STOP_TIME, window.stop_time.as_deref())?;

    let (from_time, from_zone) = start.unwrap_or((TimeOfDay::MIDNIGHT, None));
    let from_zone = from_zone.or(start_day_zone);
    let from = moment(start_day, from_time, from_zone)?;
    if stop_day.is_none() && stop.is_none() {
        return Ok(SendWindow::from(from));
    }
    let (stop_day, stop_day_zone) = stop_day.unwrap_or((start_day, start_day_zone));
    if stop_day < start_day {
        let fault = "is before the startDate";
        return Err(FieldFault::new(field::STOP_DATE, fault));
    }
    let (to_time, to_zone) = stop.unwrap_or_else(|| (end_of_day(), None));
    let to_zone = to_zone.or(stop_day_zone);
    let ends_early = || FieldFault::new(field::STOP_TIME, "is not after the startTime");
    if stop_day == start_day {
        let until = moment(stop_day, to_time, to_zone)?;
        return SendWindow::between(from, until).map_err(|_| ends_early());
    }
    let zone = zone_of(from_zone)?;
    let to_time = if to_zone == from_zone {
        to_time
    } else {
        // The hours are those of the start's clocks.
        let to = moment(stop_day, to_time, to_zone)?.in_zone(&zone);
        if to.day() != stop_day {
            return Err(ends_early());
        }
        to.time_of_day()
    };
    SendWindow::daily(start_day..=stop_day, from_time, to_time, &zone).map_err(|_| ends_early())
}

/// A distance from UTC in minutes.
type Distance = Option<i32>;

fn moment(day: Day, time: TimeOfDay, zone: Distance) -> Result<ZonedTime, FieldFault> {
    zone_of(zone)?.at(day, time).map_err(|_| out_of_range())
}

fn zone_of(distance: Distance) -> Result<TimeZone, FieldFault> {
    match distance {
        None => Ok(OSLO.clone()),
        Some(minutes) => TimeZone::fixed(minutes).map_err(|_| out_of_range()),
    }
}

fn end_of_day() -> TimeOfDay {
    TimeOfDay::new(23, 59, 59).expect("every clock shows the last second of a day")
}

fn read_day(
    field: &'static str,
    text: Option<&str>,
) -> Result<Option<(Day, Distance)>, FieldFault> {
    let Some(text) = present(text) else {
        return Ok(None);
    };
    let fault = || FieldFault::new(field, "must be a day such as 2026-03-21");
    let (day, rest) = text.split_at_checked(10).ok_or_else(fault)?;
    let day = day.parse().map_err(|_| fault())?;
    Ok(Some((day, distance(rest).ok_or_else(fault)?)))
}

fn read_time(
    field: &'static str,
    text: Option<&str>,
) -> Result<Option<(TimeOfDay, Distance)>, FieldFault> {
    let Some(text) = present(text) else {
        return Ok(None);
    };
    let fault = || FieldFault::new(field, "must be a time such as 09:00:00 or 09:00:00+02:00");
    let (time, rest) = text.split_at_checked(8).ok_or_else(fault)?;
    let time = time.parse().map_err(|_| fault())?;
    // XML Schema allows a fraction of a second.
    let rest = rest.strip_prefix('.').map_or(rest, |fraction| {
        fraction.trim_start_matches(|digit: char| digit.is_ascii_digit())
    });
    Ok(Some((time, distance(rest).ok_or_else(fault)?)))
}

/// An empty field is an absent one.
fn present(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

/// Nothing, `Z`, `+hh:mm` or `-hh:mm`. `None` when it is something else.
fn distance(text: &str) -> Option<Distance> {
    if text.is_empty() {
        return Some(None);
    }
    if text == "Z" {
        return Some(Some(0));
    }
    let (sign, clock) = match text.split_at_checked(1)? {
        ("+", clock) => (1, clock),
        ("-", clock) => (-1, clock),
        _ => return None,
    };
    let (hours, minutes) = clock.split_once(':')?;
    let number = |digits: &str| {
        let is_two = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
        is_two.then(|| digits.parse::<i32>().ok()).flatten()
    };
    // XML Schema's limit.
    match (number(hours)?, number(minutes)?) {
        (hours @ 0..14, minutes @ 0..60) => Some(Some(sign * (hours * 60 + minutes))),
        (14, 0) => Some(Some(sign * 14 * 60)),
        _ => None,
    }
}
