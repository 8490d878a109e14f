//! A question to the person at the terminal, before something that cannot be undone.
//!
//! Asked by commands. Where nobody is there to answer, nothing is asked and the answer is no.

use std::io::{self, BufRead as _, IsTerminal as _};

use anyhow::Context as _;

use crate::output::Output;

/// Whether somebody can read a question and answer it.
pub(crate) fn can_be_asked() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks on stderr and waits for one line. Dropped while it waits, it leaves a thread behind that
/// reads on and ends with the program.
pub(crate) async fn is_confirmed(output: &Output, question: &str) -> anyhow::Result<bool> {
    output.prompt(format_args!("{question} [y/N] "))?;
    let (answer, answered) = tokio::sync::oneshot::channel();
    // Not one of the run time's own threads: at its end it would wait for them.
    std::thread::spawn(move || {
        let mut line = String::new();
        let read = io::stdin().lock().read_line(&mut line);
        // Nobody waits any more if the command was interrupted.
        answer.send(read.map(|_| line)).ok();
    });
    let line = answered.await.context("cannot read the answer")?;
    Ok(is_yes(&line.context("cannot read the answer")?))
}

fn is_yes(line: &str) -> bool {
    matches!(line.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_yes_is_yes() {
        for yes in ["y\n", "Yes\r\n", " YES "] {
            assert!(is_yes(yes), "{yes}");
        }
        for no in ["", "\n", "n\n", "no\n", "yep\n", "y y\n"] {
            assert!(!is_yes(no), "{no}");
        }
    }
}
