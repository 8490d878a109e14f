//! What the SQLite store can do on this machine, beside bare SQLite: accepting batches and single messages,
//! the whole way of a message, leasing from a short and from a long queue, memory and opening.
//!
//! Run by `cargo bench -p tidings-store --bench sqlite`; `-- N` sets the length of the long queue (a
//! million otherwise), `-- bare` prints only how many messages a second bare SQLite inserts: into one plain
//! table, and into the tables of the store. Everything is on disk when it is counted: WAL,
//! `synchronous=FULL`.

#![expect(
    clippy::print_stdout,
    reason = "a program at a terminal: its output is the result"
)]
#![expect(
    clippy::cast_precision_loss,
    reason = "counts and times are far below what a float holds exactly"
)]

mod bare;
mod clock;

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tidings_core::{Clock, Message, ProviderRef, SenderId, Timestamp};
use tidings_store::sqlite::SqliteStore;
use tidings_store::store::{Batches, Messages, Queue};
use tidings_store::{
    AccountId, BatchId, BatchPlace, Begin, Begun, Finished, LaneId, LeaseRequest, Leased,
    MessageId, NewBatch, NewMessage, NodeId, Outcome, Stamp,
};
use uuid::Uuid;

const ROWS: u64 = 100_000;
const BATCH: u64 = 1_000;
const TEXT: &str = "Dear customer, your parcel is at the post office in the main street and waits for you \
                    until Friday at six. Bring this message with you.";

use clock::now;

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result {
    let arguments: Vec<String> = std::env::args().collect();
    let depth = arguments.iter().rev().find_map(|it| it.parse().ok());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    if arguments.iter().any(|it| it == "bare") {
        let same = runtime.block_on(bare::same_inserts())?;
        println!("{:.0} {same:.0}", bare::plain_inserts()?);
        return Ok(());
    }
    runtime.block_on(run(depth.unwrap_or(1_000_000)))
}

async fn run(depth: u64) -> Result {
    println!("messages/s: bare, one table | bare, the store's tables | accept by 1,000");
    for _ in 0..3 {
        let plain = bare::plain_inserts()?;
        let same = bare::same_inserts().await?;
        let accepted = accept_batches().await?;
        println!(
            "{plain:.0} | {same:.0} ({:.2}) | {accepted:.0} ({:.2}, {:.2})",
            same / plain,
            accepted / plain,
            accepted / same
        );
    }
    single_accepts().await?;
    whole_way().await?;
    long_queue(depth).await
}

async fn accept_batches() -> Result<f64> {
    let directory = TempDir::new()?;
    let store = open(directory.path()).await?;
    let batch = open_batch(&store).await?;
    let began = now();
    let mut spent = Duration::ZERO;
    for first in (0..ROWS).step_by(usize::try_from(BATCH)?) {
        let made = now();
        let rows = rows(first..first + BATCH, Some(batch));
        spent += made.elapsed();
        store.accept(&account(), rows, noon()).await?;
    }
    Ok(per_second(ROWS, began.elapsed().saturating_sub(spent)))
}

async fn single_accepts() -> Result {
    let directory = TempDir::new()?;
    let store = Arc::new(open(directory.path()).await?);
    let mut tasks = tokio::task::JoinSet::new();
    let (n_tasks, each) = (64, 1_000);
    let began = now();
    for task in 0..n_tasks {
        let store = Arc::clone(&store);
        tasks.spawn(async move {
            for number in 0..each {
                let row = task * each + number;
                let messages = rows(row..row + 1, None);
                let taken = store.accept(&account(), messages, noon()).await;
                taken.expect("the disk has room");
            }
        });
    }
    tasks.join_all().await;
    let rate = per_second(n_tasks * each, began.elapsed());
    let counts = store.commit_counts();
    println!(
        "single accepts from 64 tasks: {rate:.0}/s, {:.1} calls a commit",
        counts.calls as f64 / counts.commits as f64
    );
    Ok(())
}

/// Accept, lease, begin and finish, each with its commit; nothing else runs beside.
async fn whole_way() -> Result {
    let directory = TempDir::new()?;
    let store = open(directory.path()).await?;
    let batch = open_batch(&store).await?;
    let mut spent = [Duration::ZERO; 4];
    for first in (0..ROWS).step_by(usize::try_from(BATCH)?) {
        let rows = rows(first..first + BATCH, Some(batch));
        let began = now();
        store.accept(&account(), rows, noon()).await?;
        spent[0] += began.elapsed();
        for _ in 0..2 {
            let began = now();
            let leased = lease(&store, 500).await?;
            spent[1] += began.elapsed();
            let begin = leased.iter().map(|it| Begin {
                key: it.key,
                lease: it.lease,
                from: None,
            });
            let begin = begin.collect();
            let began = now();
            let begun = store.begin_attempts(begin, noon()).await?;
            spent[2] += began.elapsed();
            let finished = finished(&leased, &begun);
            let began = now();
            store.finish_attempts(finished, noon()).await?;
            spent[3] += began.elapsed();
        }
    }
    let total: Duration = spent.iter().sum();
    let [accept, lease, begin, finish] = spent.map(|spent| spent.as_secs_f64() * 1e6 / ROWS as f64);
    println!(
        "whole way: {:.0} messages/s; us a message: accept {accept:.1}, lease {lease:.1}, begin {begin:.1}, \
         finish {finish:.1}",
        per_second(ROWS, total)
    );
    Ok(())
}

async fn long_queue(depth: u64) -> Result {
    let directory = TempDir::new()?;
    let store = open(directory.path()).await?;
    let batch = open_batch(&store).await?;
    store
        .accept(&account(), rows(0..BATCH, Some(batch)), noon())
        .await?;
    let short = claim(&store).await?;
    for first in (BATCH..depth).step_by(usize::try_from(BATCH)?) {
        let rows = rows(first..first + BATCH, Some(batch));
        store.accept(&account(), rows, noon()).await?;
    }
    let long = claim(&store).await?;
    println!(
        "lease of 10 from 1,000: {:.0} us, from {depth}: {:.0} us, ratio {:.2}",
        short.as_secs_f64() * 1e6,
        long.as_secs_f64() * 1e6,
        long.as_secs_f64() / short.as_secs_f64()
    );
    println!("memory with {depth} queued: {} MiB", resident_mib()?);
    drop(store);
    let began = now();
    let store = open(directory.path()).await?;
    let repaired = store.take_over(&NodeId::from("bench"), noon()).await?;
    let opened = began.elapsed();
    lease(&store, 10).await?;
    println!(
        "opened with {depth} queued, {} leases voided, in {:.0} ms; first lease after {:.0} ms",
        repaired.leases,
        opened.as_secs_f64() * 1e3,
        began.elapsed().as_secs_f64() * 1e3
    );
    println!("memory after opening: {} MiB", resident_mib()?);
    Ok(())
}

/// The median time of a lease of ten messages.
async fn claim(store: &SqliteStore) -> Result<Duration> {
    let mut times = Vec::new();
    for _ in 0..50 {
        let began = now();
        let leased = lease(store, 10).await?;
        times.push(began.elapsed());
        assert_eq!(leased.len(), 10);
    }
    times.sort();
    Ok(times[times.len() / 2])
}

async fn open(directory: &Path) -> Result<SqliteStore> {
    Ok(SqliteStore::open(directory.join("tidings.db"), Arc::new(Noon)).await?)
}

async fn open_batch(store: &SqliteStore) -> Result<BatchId> {
    let batch = NewBatch {
        id: BatchId(Uuid::from_u128(u128::MAX)),
        reference: Some("campaign".into()),
        origin: "tidings".into(),
        once: None,
        joins: false,
        resend_of: None,
    };
    let id = batch.id;
    store.open_batch(&account(), batch, noon()).await?;
    Ok(id)
}

async fn lease(store: &SqliteStore, limit: usize) -> Result<Vec<Leased>> {
    let request = LeaseRequest {
        lane: LaneId::from("norway"),
        node: NodeId::from("bench"),
        until: noon().plus(Duration::from_mins(1)),
        limit,
    };
    Ok(store.lease_due(request, noon()).await?)
}

fn finished(leased: &[Leased], begun: &[Begun]) -> Vec<Finished> {
    let each = leased.iter().zip(begun);
    let each = each.filter_map(|(leased, begun)| {
        let Begun::Go(attempt) = begun else {
            return None;
        };
        let mut provider_ref = ProviderRef::message(leased.id.to_string());
        provider_ref.reference = Some(attempt.reference());
        Some(Finished {
            key: leased.key,
            attempt: *attempt,
            outcome: Outcome::Taken {
                provider_ref,
                poll_at: None,
            },
        })
    });
    each.collect()
}

fn rows(range: std::ops::Range<u64>, batch: Option<BatchId>) -> Vec<NewMessage> {
    let text: Arc<str> = TEXT.into();
    let sender = SenderId::parse("Acme").expect("it is a name");
    range
        .map(|row| {
            let to = format!("+47{}", 90_000_000 + row * 7_919 % 9_999_999);
            let to = to.parse().expect("it is a number");
            let message = Message::new(to, Arc::clone(&text)).from(sender.clone());
            let reference = format!("order-{row}").parse();
            NewMessage {
                id: MessageId(id(row)),
                message: message.reference(reference.expect("it is a reference")),
                original_text: None,
                parts: 1,
                lane: Some(LaneId::from("norway")),
                stamp: Stamp(row.cast_signed() * 1_000),
                hold: None,
                timing: None,
                closes_at: None,
                expires_at: None,
                batch: batch.map(|batch| BatchPlace { batch, index: row }),
                row_hash: None,
                once: None,
                origin: "tidings".into(),
                terms: None,
                conversation: None,
                shown_sender: None,
                passes_opt_out: false,
                resend_of: None,
            }
        })
        .collect()
}

fn account() -> AccountId {
    AccountId::from("acme")
}

/// Names in the order of time, as those of version 7 are.
fn id(row: u64) -> Uuid {
    Uuid::from_u128(u128::from(row) << 64 | 0x8000_0000_0000_0000)
}

/// How long commits take is measured from outside.
#[derive(Debug)]
struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        noon()
    }
}

fn noon() -> Timestamp {
    Timestamp::from_millis(1_795_262_400_000).expect("noon is a time")
}

fn per_second(count: u64, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}

/// What the process has in memory.
fn resident_mib() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib: u64 = line
        .and_then(|line| line.split_ascii_whitespace().next())
        .ok_or("the system does not say")?
        .parse()?;
    Ok(kib / 1024)
}
