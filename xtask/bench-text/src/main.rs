//! Plans per second of `tidings_core::text::plan` and of other Rust crates, in one run on one core. Called by `cargo xtask bench text`.
//!
//! Each round measures every row on every text in turn, so that a slow moment of the machine falls on all of them; the table shows
//! medians of the thread's own processor time, which does not count while others run. Before that it compares the answers: a row
//! that answers differently says so.

#![forbid(unsafe_code)]

use cpu_time::ThreadTime;
use std::hint::black_box;
use std::time::Duration;
use tidings_core::text::{Policy, plan};

mod peers;

const ROUNDS: usize = 41;
const SLICE: Duration = Duration::from_millis(5);

/// Encoding and the units of each part. A codec answers with one part: what the whole text takes.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Answer {
    encoding: &'static str,
    parts: Vec<usize>,
}

struct Row {
    name: &'static str,
    /// A planner cuts texts, a codec only encodes or counts them: it does less work and is shown for reference.
    is_planner: bool,
    answer: fn(&str) -> Option<Answer>,
    /// The same work without keeping the answer.
    work: fn(&str),
}

const ROWS: [Row; 6] = [
    Row {
        name: "tidings-core",
        is_planner: true,
        answer: our_answer,
        work: our_work,
    },
    Row {
        name: "sms_splitter 0.1.9",
        is_planner: true,
        answer: peers::splitter_answer,
        work: peers::splitter_work,
    },
    Row {
        name: "smpp-codec 0.2.1",
        is_planner: true,
        answer: peers::smpp_answer,
        work: peers::smpp_work,
    },
    Row {
        name: "huawei-modem 0.2.2",
        is_planner: true,
        answer: peers::huawei_answer,
        work: peers::huawei_work,
    },
    Row {
        name: "gsm7-alt 0.1.2 (codec)",
        is_planner: false,
        answer: peers::gsm7_alt_answer,
        work: peers::gsm7_alt_work,
    },
    Row {
        name: "gsm7 0.4.1 (codec)",
        is_planner: false,
        answer: peers::gsm7_answer,
        work: peers::gsm7_work,
    },
];

fn our_answer(text: &str) -> Option<Answer> {
    let plan = plan(text, &Policy::default()).ok()?;
    Some(Answer {
        encoding: plan.encoding().as_str(),
        parts: plan.parts().iter().map(|part| part.units).collect(),
    })
}

fn our_work(text: &str) {
    // By reference: a plan is some 300 bytes, and moving it once more is not part of the work.
    let _ = black_box(&plan(black_box(text), &Policy::default()));
}

fn texts() -> Vec<(&'static str, String)> {
    let english = "Hello Mariama, your parcel 4821 is ready for pick-up at Grensen 12 from 09:00 to 18:00. Show this message & your ID. Call +47 22 00 11 22 ok";
    let french = "Bonjour Mamadou, votre colis no 4821 est arrivé à Kindia. Présentez ce message et votre carte d'identité au dépôt, de 9 h à 18 h. À bientôt!";
    let french: String = french.replace('À', "A").replace('ô', "o");
    assert_eq!(
        (english.chars().count(), french.chars().count()),
        (140, 140)
    );
    vec![
        ("140 GSM, ASCII", english.to_owned()),
        ("140 GSM, accents", french.clone()),
        (
            "1,600 GSM",
            english.repeat(12).chars().take(1_600).collect(),
        ),
        (
            "1,600 GSM, accents",
            french.repeat(12).chars().take(1_600).collect(),
        ),
        ("300 units emoji", "\u{1f600}".repeat(150)),
    ]
}

fn main() {
    let texts = texts();
    compare(&texts);
    let medians = measure(&texts);
    print(&texts, &medians);
}

fn compare(texts: &[(&str, String)]) {
    println!("answers:");
    for row in &ROWS {
        for (name, text) in texts {
            let (Some(answer), Some(ours)) = ((row.answer)(text), our_answer(text)) else {
                println!("  {:<24} {name}: no answer, not measured", row.name);
                continue;
            };
            let is_equal = if row.is_planner {
                answer == ours
            } else {
                answer.parts.iter().sum::<usize>() == ours.parts.iter().sum::<usize>()
            };
            if !is_equal {
                println!("  {:<24} {name}: {answer:?}, ours {ours:?}", row.name);
            }
        }
    }
    println!("  all others are equal to ours\n");
}

/// Median nanoseconds for each row and text; none where the row has no answer.
fn measure(texts: &[(&str, String)]) -> Vec<Vec<Option<f64>>> {
    let repetitions: Vec<Vec<Option<u32>>> = ROWS
        .iter()
        .map(|row| {
            texts
                .iter()
                .map(|(_, text)| (row.answer)(text).map(|_| calibrate(row.work, text)))
                .collect()
        })
        .collect();
    let mut samples = vec![vec![Vec::with_capacity(ROUNDS); texts.len()]; ROWS.len()];
    for _ in 0..ROUNDS {
        for ((row, repetitions), samples) in ROWS.iter().zip(&repetitions).zip(&mut samples) {
            for (((_, text), repetitions), samples) in texts.iter().zip(repetitions).zip(samples) {
                if let Some(repetitions) = *repetitions {
                    let elapsed = run(row.work, text, repetitions);
                    samples.push(elapsed.as_secs_f64() * 1e9 / f64::from(repetitions));
                }
            }
        }
    }
    let median = |mut samples: Vec<f64>| {
        samples.sort_by(f64::total_cmp);
        samples.get(samples.len() / 2).copied()
    };
    samples
        .into_iter()
        .map(|row| row.into_iter().map(median).collect())
        .collect()
}

/// How many calls fill a time slice.
fn calibrate(work: fn(&str), text: &str) -> u32 {
    let mut repetitions = 16;
    loop {
        let elapsed = run(work, text, repetitions);
        if elapsed > SLICE / 4 {
            let per_slice = SLICE.as_secs_f64() / elapsed.as_secs_f64() * f64::from(repetitions);
            return per_slice as u32;
        }
        repetitions *= 4;
    }
}

fn run(work: fn(&str), text: &str, repetitions: u32) -> Duration {
    let start = ThreadTime::now();
    for _ in 0..repetitions {
        work(black_box(text));
    }
    start.elapsed()
}

fn print(texts: &[(&str, String)], medians: &[Vec<Option<f64>>]) {
    println!(
        "plans per second (and ours against it), medians of {ROUNDS} interleaved rounds on one core:"
    );
    print!("{:<24}", "");
    for (name, _) in texts {
        print!("{name:>22}");
    }
    println!();
    for (row, times) in ROWS.iter().zip(medians) {
        print!("{:<24}", row.name);
        for (time, ours) in times.iter().zip(&medians[0]) {
            let cell = match (time, ours) {
                (Some(time), Some(ours)) => {
                    format!("{} ({:.1}x)", thousands(1e9 / time), time / ours)
                }
                _ => "-".to_owned(),
            };
            print!("{cell:>22}");
        }
        println!();
    }
    print!("{:<24}", "to the fastest planner");
    for column in 0..texts.len() {
        let peers = ROWS
            .iter()
            .zip(medians)
            .skip(1)
            .filter(|(row, _)| row.is_planner);
        let fastest = peers
            .filter_map(|(_, times)| times[column])
            .min_by(f64::total_cmp);
        let ratio = fastest
            .zip(medians[0][column])
            .map_or(0.0, |(peer, ours)| peer / ours);
        print!("{:>22}", format!("{ratio:.1}x"));
    }
    println!();
}

fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}
