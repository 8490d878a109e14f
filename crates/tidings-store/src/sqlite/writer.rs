//! The one thread that writes: group commit.
//!
//! Calls that change something come over a channel. The thread takes what waits into one transaction,
//! commits it once, and only then answers each of them. There is no timer: while one group is being
//! committed, the next one gathers. Small calls go first and at most one large call joins a group, so that
//! a batch of a hundred thousand rows, handed over in pieces, holds up a single message by one commit.
//!
//! A call that fails is undone alone: if it had written anything, the group is rolled back and each of
//! its calls gets a transaction of its own. A commit that fails is rolled back and fails every call of
//! its group. It knows no area: what a call does is a closure over [`Write`].

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

use tidings_core::Clock;
use tokio::sync::{mpsc, oneshot};

use super::checkpoint::Checkpointer;
use super::write::Write;
use crate::error::{Result, StoreError, StoreErrorKind};

/// So many rows make a group full. More gain nothing: from some hundred rows on the price of a commit is
/// a small part of theirs.
const MOST_ROWS: usize = 1_000;

/// A call of more rows than this is a large one.
const LARGE: usize = 100;

/// Sends calls to the thread.
pub(super) struct Writer {
    jobs: Option<mpsc::UnboundedSender<Box<dyn Job>>>,
    thread: Option<JoinHandle<()>>,
    counts: Arc<Counts>,
}

/// What the thread has done.
#[derive(Debug, Default)]
struct Counts {
    commits: AtomicU64,
    calls: AtomicU64,
}

impl Writer {
    /// Starts the thread. The clock tells how long commits take.
    pub(super) fn start(
        write: Write,
        checkpointer: Checkpointer,
        clock: Arc<dyn Clock>,
    ) -> Result<Self> {
        let (jobs, waiting) = mpsc::unbounded_channel();
        let counts = Arc::<Counts>::default();
        let counted = Arc::clone(&counts);
        let thread = std::thread::Builder::new()
            .name("tidings-writer".to_owned())
            .spawn(move || run(write, waiting, &checkpointer, &counted, &*clock))
            .map_err(|error| stopped().with_source(error))?;
        Ok(Self {
            jobs: Some(jobs),
            thread: Some(thread),
            counts,
        })
    }

    /// Does `work`, which touches about so many rows, and answers when it is on disk. `work` may be run
    /// again from the start when what it had written was rolled back.
    pub(super) async fn call<T: Send + 'static>(
        &self,
        rows: usize,
        work: impl FnMut(&mut Write) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (reply, answer) = oneshot::channel();
        let job = Box::new(Call {
            rows,
            work,
            result: None,
            reply,
        });
        let jobs = self.jobs.as_ref().ok_or_else(stopped)?;
        jobs.send(job).map_err(|_| stopped())?;
        let (result, _work) = answer.await.map_err(|_| stopped())?;
        result
    }

    /// How many transactions were committed that changed something, and how many calls they answered.
    pub(super) fn counts(&self) -> (u64, u64) {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        (read(&self.counts.commits), read(&self.counts.calls))
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer")
            .field("counts", &self.counts)
            .finish_non_exhaustive()
    }
}

/// Ends the thread after what waits is done: whoever opens the database next finds it at rest.
impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the writer of the store ended by a panic");
        }
    }
}

fn stopped() -> StoreError {
    StoreError::new(
        StoreErrorKind::Unavailable,
        "the writer of the store has stopped",
    )
}

/// One call on its way through the thread.
trait Job: Send {
    fn rows(&self) -> usize;
    /// Does it. The error is kept for the answer as well.
    fn run(&mut self, write: &mut Write) -> Result<(), StoreErrorKind>;
    /// Says how it went, or that the whole transaction failed.
    fn answer(self: Box<Self>, failed: Option<StoreError>);
}

struct Call<T, F> {
    rows: usize,
    work: F,
    result: Option<Result<T>>,
    /// The work goes back with the answer: what it owns is dropped where it was made, which an allocator
    /// does best, and not by the one thread that everybody waits for.
    reply: oneshot::Sender<(Result<T>, F)>,
}

impl<T: Send, F: FnMut(&mut Write) -> Result<T> + Send> Job for Call<T, F> {
    fn rows(&self) -> usize {
        self.rows
    }

    fn run(&mut self, write: &mut Write) -> Result<(), StoreErrorKind> {
        let result = (self.work)(write);
        let how = result.as_ref().map(|_| ()).map_err(StoreError::kind);
        self.result = Some(result);
        how
    }

    fn answer(self: Box<Self>, failed: Option<StoreError>) {
        let result = match failed {
            Some(error) => Err(error),
            None => self.result.unwrap_or_else(|| Err(stopped())),
        };
        // Whoever asked may have gone; what was asked for is done all the same.
        let _ = self.reply.send((result, self.work));
    }
}

/// Calls that wait: small ones, and large ones, each in the order in which they came.
#[derive(Default)]
struct Waiting {
    small: VecDeque<Box<dyn Job>>,
    large: VecDeque<Box<dyn Job>>,
}

impl Waiting {
    fn push(&mut self, job: Box<dyn Job>) {
        if job.rows() > LARGE {
            self.large.push_back(job);
        } else {
            self.small.push_back(job);
        }
    }

    fn is_empty(&self) -> bool {
        self.small.is_empty() && self.large.is_empty()
    }

    /// What goes into the next transaction: small calls until it is full, then one large call.
    fn next_group(&mut self) -> Vec<Box<dyn Job>> {
        let mut group = Vec::new();
        let mut rows = 0;
        while rows < MOST_ROWS
            && let Some(job) = self.small.pop_front()
        {
            rows += job.rows().max(1);
            group.push(job);
        }
        group.extend(self.large.pop_front());
        group
    }
}

fn run(
    mut write: Write,
    mut jobs: mpsc::UnboundedReceiver<Box<dyn Job>>,
    checkpointer: &Checkpointer,
    counts: &Counts,
    clock: &dyn Clock,
) {
    let commit_calls = metrics::histogram!("tidings_commit_calls");
    let commit_rows = metrics::histogram!("tidings_commit_rows");
    let commit_seconds = metrics::histogram!("tidings_commit_seconds");
    let mut waiting = Waiting::default();
    loop {
        if waiting.is_empty() {
            match jobs.blocking_recv() {
                Some(job) => waiting.push(job),
                None => return,
            }
        }
        while let Ok(job) = jobs.try_recv() {
            waiting.push(job);
        }
        let group = waiting.next_group();
        let began = clock.elapsed();
        let before = write.changes();
        let n_calls = u32::try_from(group.len()).unwrap_or(u32::MAX);
        counts.calls.fetch_add(n_calls.into(), Ordering::Relaxed);
        // Counted before anybody is answered: who has his answer finds its commit among the counts.
        let committed = |write: &Write| {
            let changes = write.changes() - before;
            if changes > 0 {
                let n_rows = u32::try_from(changes).unwrap_or(u32::MAX);
                commit_calls.record(f64::from(n_calls));
                commit_rows.record(f64::from(n_rows));
                commit_seconds.record(clock.elapsed().saturating_sub(began));
                counts.commits.fetch_add(1, Ordering::Relaxed);
            }
        };
        let is_in_trouble = commit(&mut write, group, &committed);
        checkpointer.wrote(&write, write.changes() - before);
        if is_in_trouble {
            checkpointer.ring();
        }
    }
}

/// Runs a group in one transaction and answers its calls, after it has said that it is committed. Whether
/// the disk or the file was in the way of anything.
fn commit(write: &mut Write, mut group: Vec<Box<dyn Job>>, committed: &impl Fn(&Write)) -> bool {
    match run_together(write, &mut group) {
        Ok(Together::Done) => {
            committed(write);
            for job in group {
                job.answer(None);
            }
            false
        }
        Ok(Together::OneFailed) => {
            let mut is_in_trouble = false;
            for job in group {
                is_in_trouble |= commit_alone(write, job);
            }
            committed(write);
            is_in_trouble
        }
        Err(error) => {
            write.roll_back();
            tracing::warn!(
                calls = group.len(),
                "a transaction of the store failed: {error}"
            );
            let copies: Vec<_> = (1..group.len())
                .map(|_| error.copy_without_source())
                .collect();
            for (job, error) in group.into_iter().zip(std::iter::once(error).chain(copies)) {
                job.answer(Some(error));
            }
            true
        }
    }
}

/// How a group went.
enum Together {
    /// All calls are on disk, or had nothing to write.
    Done,
    /// One had to be undone; nothing of the group was kept.
    OneFailed,
}

/// An error is one of the whole transaction.
fn run_together(write: &mut Write, group: &mut [Box<dyn Job>]) -> Result<Together> {
    write.begin()?;
    for job in group.iter_mut() {
        let mark = write.mark();
        let Err(kind) = job.run(write) else { continue };
        // What failed before it wrote leaves nothing behind.
        if write.mark() != mark || is_of_the_whole(kind) || !write.is_open() {
            write.roll_back();
            return Ok(Together::OneFailed);
        }
    }
    write.commit()?;
    Ok(Together::Done)
}

/// Gives a call a transaction of its own. Whether the disk or the file was in its way.
fn commit_alone(write: &mut Write, mut job: Box<dyn Job>) -> bool {
    let result = write.begin().and_then(|()| {
        if let Err(kind) = job.run(write) {
            write.roll_back();
            return Ok(is_of_the_whole(kind));
        }
        write.commit()?;
        Ok(false)
    });
    match result {
        Ok(is_in_trouble) => {
            job.answer(None);
            is_in_trouble
        }
        Err(error) => {
            write.roll_back();
            job.answer(Some(error));
            true
        }
    }
}

/// Whether an error concerns the disk or the file rather than the call.
fn is_of_the_whole(kind: StoreErrorKind) -> bool {
    matches!(kind, StoreErrorKind::Unavailable | StoreErrorKind::Corrupt)
}
