//! What a run does, from its command line.

use std::fmt;
use std::time::Duration;

/// What a run does.
pub(crate) struct Options {
    /// How often the gateway is killed.
    pub(crate) kills: u32,
    /// What chance begins with.
    pub(crate) seed: u64,
    /// Carriers take some messages and do not answer.
    pub(crate) carrier_timeouts: bool,
    /// The disk is full again and again in the middle third of the run.
    pub(crate) full_disk: bool,
    /// The gateway's clock is set back and forth.
    pub(crate) clock_jumps: bool,
    /// How long a gateway lives at least, after it was ready.
    pub(crate) least_ms: u64,
    /// How long it lives at most.
    pub(crate) most_ms: u64,
    /// How long is waited at the end until every request is answered, and then until nothing moves.
    pub(crate) patience: Duration,
}

impl Options {
    pub(crate) fn of(arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self {
            kills: 25,
            seed: 1,
            carrier_timeouts: false,
            full_disk: false,
            clock_jumps: false,
            least_ms: 100,
            most_ms: 1_500,
            patience: Duration::from_mins(10),
        };
        let mut arguments = arguments;
        while let Some(argument) = arguments.next() {
            let mut number = || {
                let value = arguments.next().and_then(|value| value.parse().ok());
                value.ok_or_else(|| format!("{argument} needs a number"))
            };
            match argument.as_str() {
                "--kills" => options.kills = u32::try_from(number()?).map_err(|_| "too many")?,
                "--seed" => options.seed = number()?,
                "--carrier-timeouts" => options.carrier_timeouts = true,
                "--full-disk" => options.full_disk = true,
                "--clock-jumps" => options.clock_jumps = true,
                unknown => return Err(format!("`{unknown}` is no option")),
            }
        }
        if options.full_disk && options.kills < 3 {
            return Err("a full disk takes the middle third of at least 3 kills".to_owned());
        }
        Ok(options)
    }

    /// What is different from a plain run, in words; empty for a plain one.
    pub(crate) fn variant(&self) -> String {
        let further = [
            (
                self.carrier_timeouts,
                "carriers that take and do not answer",
            ),
            (self.full_disk, "a full disk"),
            (self.clock_jumps, "a clock that is set back and forth"),
        ];
        let words = further.iter().filter(|(is_on, _)| *is_on);
        let words: Vec<&str> = words.map(|(_, what)| *what).collect();
        words.join(", ")
    }
}

impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "chaos: {} kills, seed {}", self.kills, self.seed)?;
        let variant = self.variant();
        if !variant.is_empty() {
            write!(f, ", {variant}")?;
        }
        Ok(())
    }
}
