//! `tidings segments`: how texts are encoded and cut. Knows no provider and sends nothing.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, BufWriter, Read, Write as _};
use std::path::Path;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use tidings_core::text::{Encoding, Plan, Policy, Replacement, plan};

use super::{Context, text_of, text_of_bytes};
use crate::args::SegmentsArgs;
use crate::output::{Ending, Output, bad_input, counted, written};

pub(super) fn run(context: &Context, args: &SegmentsArgs) -> anyhow::Result<()> {
    let policy = args.policy();
    if args.jsonl {
        let source: Box<dyn Read> = match &args.file {
            Some(path) => Box::new(File::open(path).map_err(|error| cannot_read(path, &error))?),
            None => Box::new(io::stdin().lock()),
        };
        return json_lines(&context.output, BufReader::new(source), policy);
    }
    let text = match (&args.file, &args.text) {
        (Some(path), _) => {
            let bytes = std::fs::read(path).map_err(|error| cannot_read(path, &error))?;
            text_of_bytes(bytes, &path.display().to_string())?
        }
        (None, Some(text)) => text_of(text)?,
        (None, None) => text_of("-")?,
    };
    let plan = plan(&text, &policy).map_err(|error| bad_input(error.to_string()))?;
    let report = Report::new(&plan, policy);
    if context.output.is_json() {
        context.output.json_line(&report)
    } else {
        report
            .lines()
            .into_iter()
            .try_for_each(|line| context.output.line(line))
    }
}

fn cannot_read(path: &Path, error: &io::Error) -> anyhow::Error {
    bad_input(format!("{}: {error}", path.display()))
}

#[derive(Deserialize)]
struct TextLine {
    text: String,
}

/// One answer per line, in order. A line that cannot be read is reported, and the rest goes on.
fn json_lines(
    output: &Output,
    mut lines: BufReader<Box<dyn Read>>,
    policy: Policy,
) -> anyhow::Result<()> {
    let mut stdout = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    let mut line = Vec::new();
    let (mut number, mut bad) = (0_u64, 0_u64);
    loop {
        line.clear();
        if lines
            .read_until(b'\n', &mut line)
            .context("cannot read the lines")?
            == 0
        {
            break;
        }
        number += 1;
        if !line.trim_ascii().is_empty()
            && let Err(fault) = json_line(&mut stdout, &line, policy)
        {
            if fault.is::<crate::output::OutputClosed>() {
                return Err(fault);
            }
            bad += 1;
            output.remark(format_args!("line {number}: {fault}"));
        }
        // A program that waits for this answer before it writes the next line gets it.
        if !lines.buffer().contains(&b'\n') {
            written(stdout.flush())?;
        }
    }
    written(stdout.flush())?;
    match bad {
        0 => Ok(()),
        bad => Err(Ending::Partly(format!("{bad} of {number} lines could not be used")).into()),
    }
}

fn json_line(stdout: &mut impl io::Write, line: &[u8], policy: Policy) -> anyhow::Result<()> {
    // The parser's sentence holds a position and nothing of the text.
    let TextLine { text } = serde_json::from_slice(line)
        .map_err(|error| anyhow::anyhow!("expected {{\"text\":\"..\"}}: {error}"))?;
    let plan = plan(&text, &policy)?;
    let mut answer = serde_json::to_vec(&plan)?;
    answer.push(b'\n');
    written(stdout.write_all(&answer))
}

/// What a person wants to know about one text.
#[derive(Debug, Serialize)]
struct Report<'p> {
    encoding: Encoding,
    units: usize,
    segments: usize,
    segment_units: Vec<usize>,
    /// What made it UCS-2: each character with the number of its occurrences.
    outside_gsm: Vec<Outside>,
    replaced: Vec<Replaced<'p>>,
    /// How it would take fewer parts.
    hint: Option<Hint>,
}

#[derive(Debug, Serialize)]
struct Outside {
    character: char,
    code_point: String,
    count: usize,
}

#[derive(Debug, Serialize)]
struct Replaced<'p> {
    position: usize,
    original: &'p str,
    replacement: &'p str,
}

#[derive(Debug, Serialize)]
struct Hint {
    /// Emoji and other symbols that have no look-alike, and would have to go.
    #[serde(skip_serializing_if = "String::is_empty")]
    without: String,
    /// The mildest level of --replace that does it.
    replace: Replacement,
    encoding: Encoding,
    segments: usize,
}

impl<'p> Report<'p> {
    fn new(plan: &'p Plan<'_>, policy: Policy) -> Self {
        let changes = plan.changes().iter().map(|change| Replaced {
            position: change.position,
            original: change.original,
            replacement: &change.replacement,
        });
        Self {
            encoding: plan.encoding(),
            units: plan.units(),
            segments: plan.n_parts(),
            segment_units: plan.parts().iter().map(|part| part.units).collect(),
            outside_gsm: outside_gsm(plan),
            replaced: changes.collect(),
            hint: hint(plan, policy),
        }
    }

    fn lines(&self) -> Vec<String> {
        let sizes: Vec<String> = self.segment_units.iter().map(ToString::to_string).collect();
        let unit = match self.encoding {
            Encoding::Gsm7 => "septets",
            _ => "UTF-16 units",
        };
        let mut lines = vec![
            format!("encoding  {}", self.encoding),
            format!("units     {} {unit}", self.units),
            format!("parts     {} ({})", self.segments, sizes.join(" + ")),
        ];
        if !self.outside_gsm.is_empty() {
            let shown = self.outside_gsm.iter().map(|outside| {
                format!(
                    "{} ({}, {})",
                    outside.character.escape_debug(),
                    outside.code_point,
                    counted(outside.count, "time")
                )
            });
            let shown: Vec<String> = shown.collect();
            lines.push(format!("because   {}", shown.join(", ")));
        }
        for change in &self.replaced {
            lines.push(format!(
                "replaced  {:?} by {:?} at byte {}",
                change.original, change.replacement, change.position
            ));
        }
        if let Some(hint) = &self.hint {
            let parts = counted(hint.segments, "part");
            let without = match hint.without.as_str() {
                "" => String::new(),
                symbols => format!("without {symbols} "),
            };
            let how = match hint.replace {
                Replacement::Off => format!("{without}it takes"),
                level => format!("{without}--replace {level} makes it"),
            };
            lines.push(format!("hint      {how} {parts} in {}", hint.encoding));
        }
        lines
    }
}

fn outside_gsm(plan: &Plan<'_>) -> Vec<Outside> {
    if plan.encoding() == Encoding::Gsm7 {
        return Vec::new();
    }
    let mut counts: BTreeMap<char, usize> = BTreeMap::new();
    for character in plan.text().chars().filter(|character| !is_gsm(*character)) {
        *counts.entry(character).or_default() += 1;
    }
    let outside = counts.into_iter().map(|(character, count)| Outside {
        character,
        code_point: format!("U+{:04X}", u32::from(character)),
        count,
    });
    outside.collect()
}

fn is_gsm(character: char) -> bool {
    let mut buffer = [0; 4];
    let text: &str = character.encode_utf8(&mut buffer);
    plan_of(text, Policy::default()).is_some_and(|plan| plan.encoding() == Encoding::Gsm7)
}

fn hint(plan: &Plan<'_>, policy: Policy) -> Option<Hint> {
    let stronger = [Replacement::Typography, Replacement::Accents];
    let stronger = stronger
        .into_iter()
        .filter(|level| *level > policy.replacement);
    best(plan.original(), stronger, policy, plan.n_parts()).or_else(|| {
        let (symbols, rest) = without_symbols(plan.original())?;
        let levels = [
            policy.replacement,
            Replacement::Typography,
            Replacement::Accents,
        ];
        let levels = levels
            .into_iter()
            .filter(|level| *level >= policy.replacement);
        let hint = best(&rest, levels, policy, plan.n_parts())?;
        Some(Hint {
            without: symbols,
            ..hint
        })
    })
}

/// The level that makes the fewest parts of a text, if these are fewer than now.
fn best(
    text: &str,
    levels: impl Iterator<Item = Replacement>,
    policy: Policy,
    parts_now: usize,
) -> Option<Hint> {
    let hints = levels.filter_map(|level| {
        let better = plan_of(text, policy.replacement(level))?;
        (better.n_parts() < parts_now).then_some(Hint {
            without: String::new(),
            replace: level,
            encoding: better.encoding(),
            segments: better.n_parts(),
        })
    });
    hints.min_by_key(|hint| (hint.segments, hint.replace))
}

/// The symbols of a text that no level replaces, each once, and the text without them. `None` if
/// there are none, or if letters are among what cannot be replaced: nobody leaves those out.
fn without_symbols(text: &str) -> Option<(String, String)> {
    let (mut symbols, mut rest) = (String::new(), String::new());
    for character in text.chars() {
        let mut buffer = [0; 4];
        let alone: &str = character.encode_utf8(&mut buffer);
        let strict = Policy::default().replacement(Replacement::Strict);
        if plan_of(alone, strict).is_some() {
            rest.push(character);
        } else if character.is_alphanumeric() || character.is_control() {
            return None;
        } else if !symbols.contains(character) {
            symbols.push(character);
        }
    }
    (!symbols.is_empty() && !rest.trim().is_empty()).then_some((symbols, rest))
}

fn plan_of(text: &str, policy: Policy) -> Option<Plan<'_>> {
    plan(text, &policy).ok()
}
