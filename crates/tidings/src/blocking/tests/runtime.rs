//! The runtime behind blocking calls: overlapping threads, calls inside asynchronous tasks, the end.

use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use futures_util::stream;
use tokio::sync::{Barrier, oneshot};

use crate::blocking::{Items, Provider, Runtime};
use crate::error::{Acceptance, Error, ErrorKind};
use crate::memory::MemoryProvider;

fn provider() -> Provider {
    Provider::new(Arc::new(MemoryProvider::new())).unwrap()
}

/// A runtime of ours that no other test shares.
fn own() -> Runtime {
    Runtime::unshared().unwrap()
}

#[track_caller]
fn check_refused(error: &Error) {
    assert_eq!(error.kind(), ErrorKind::Config);
    assert_eq!(error.acceptance(), Acceptance::NotSent);
    assert_eq!(
        error.to_string(),
        "a blocking call was made inside an asynchronous task: use the asynchronous client there, \
         or spawn_blocking"
    );
}

#[test]
fn calls_of_several_threads_overlap() {
    let runtime = own();
    let all_three = Barrier::new(3);
    thread::scope(|threads| {
        for _ in 0..3 {
            threads.spawn(|| runtime.wait(all_three.wait()).unwrap());
        }
    });
}

#[test]
fn time_and_spawned_tasks_go_on() {
    let runtime = own();
    let (tell, told) = oneshot::channel();
    let waited = runtime.wait(async {
        let mut tasks = tokio::task::JoinSet::new();
        tasks.spawn(async { tell.send("told").unwrap() });
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        told.await.unwrap()
    });
    assert_eq!(waited.unwrap(), "told");
}

#[tokio::test]
async fn inside_a_task_of_one_thread_it_is_an_error() {
    check_refused(&provider().balance().unwrap_err());
    let spawned = async { provider().balance().unwrap_err() };
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(spawned);
    check_refused(&tasks.join_next().await.unwrap().unwrap());
    // The task goes on as before.
    tokio::task::yield_now().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn inside_a_task_of_several_threads_it_is_an_error() {
    check_refused(&provider().balance().unwrap_err());
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(async { provider().balance().unwrap_err() });
    check_refused(&tasks.join_next().await.unwrap().unwrap());
}

#[tokio::test]
async fn where_a_runtime_lets_threads_block_it_works() {
    let provider = provider();
    let balance = tokio::task::spawn_blocking(move || provider.balance()).await;
    assert!(balance.unwrap().is_ok());
}

#[test]
fn beside_a_runtime_it_works() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _entered = runtime.enter();
    assert!(provider().balance().is_ok());
}

#[test]
fn on_a_runtime_of_the_programs_own_it_works_and_ends_nothing() {
    let own = tokio::runtime::Runtime::new().unwrap();
    let runtime = Runtime::of(own.handle().clone());
    let provider = Provider::on(&runtime, Arc::new(MemoryProvider::new()));
    assert!(provider.balance().is_ok());
    drop((runtime, provider));
    assert_eq!(own.block_on(async { 1 }), 1);
}

/// Tells when it is dropped.
struct Told(mpsc::Sender<()>);

impl Drop for Told {
    fn drop(&mut self) {
        self.0.send(()).unwrap();
    }
}

fn waits_for_ever(ended: mpsc::Sender<()>) -> impl Future<Output = ()> + Send + 'static {
    let told = Told(ended);
    async move {
        let _told = told;
        std::future::pending::<()>().await;
    }
}

#[test]
fn with_the_last_object_the_thread_ends_and_all_that_ran_on_it() {
    let runtime = own();
    let (ended, end) = mpsc::channel();
    let another = runtime.clone();
    runtime
        .wait(async { runtime.leave_running(waits_for_ever(ended)) })
        .unwrap();
    drop(runtime);
    assert!(another.wait(async {}).is_ok(), "one is left");
    assert_eq!(end.try_recv(), Err(mpsc::TryRecvError::Empty));
    // Outside of a runtime this waits for the thread.
    drop(another);
    assert_eq!(end.try_recv(), Ok(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_object_may_be_dropped_inside_a_task() {
    let runtime = tokio::task::spawn_blocking(own).await.unwrap();
    let (ended, end) = mpsc::channel();
    runtime.leave_running(waits_for_ever(ended));
    drop(runtime);
    tokio::task::spawn_blocking(move || end.recv().unwrap())
        .await
        .unwrap();
}

#[test]
fn what_runs_in_the_background_ends_when_it_is_dropped() {
    let runtime = own();
    let (ended, end) = mpsc::channel();
    let mut background = runtime.in_background(waits_for_ever(ended));
    assert!(!background.has_ended());
    // It keeps the runtime.
    drop(runtime);
    assert_eq!(end.try_recv(), Err(mpsc::TryRecvError::Empty));
    drop(background);
    assert_eq!(end.recv(), Ok(()));
}

#[test]
fn what_runs_in_the_background_may_end_by_itself() {
    let runtime = own();
    let (tell, told) = oneshot::channel();
    let mut background = runtime.in_background(async { tell.send(()).unwrap() });
    runtime.wait(told).unwrap().unwrap();
    while !background.has_ended() {
        thread::yield_now();
    }
}

#[test]
fn all_that_bring_no_runtime_share_one() {
    let (one, other) = (Runtime::shared().unwrap(), Runtime::shared().unwrap());
    assert!(one.is_the_same_as(&other));
    assert!(!one.is_the_same_as(&own()));
    assert_eq!(format!("{one:?}"), "Runtime { is_ours: true, .. }");
}

#[test]
fn a_stream_is_an_iterator_that_ends_after_an_error() {
    let broken = Error::not_sent(ErrorKind::Protocol, "broken");
    let mut items = Items::new(&own(), stream::iter([Ok(1), Ok(2), Err(broken), Ok(3)]));
    assert_eq!(items.next().unwrap().unwrap(), 1);
    assert_eq!(items.next().unwrap().unwrap(), 2);
    assert_eq!(
        items.next().unwrap().unwrap_err().kind(),
        ErrorKind::Protocol
    );
    assert!(items.next().is_none());
    let all: Result<Vec<i32>, Error> = Items::new(&own(), stream::iter([Ok(1), Ok(2)])).collect();
    assert_eq!(all.unwrap(), [1, 2]);
}

#[tokio::test]
async fn an_iterator_is_refused_inside_a_task_once() {
    let mut items = Items::new(&Runtime::shared().unwrap(), stream::iter([Ok(1)]));
    check_refused(&items.next().unwrap().unwrap_err());
    assert!(items.next().is_none());
}

#[test]
fn a_panic_of_one_call_harms_no_other() {
    let runtime = own();
    let panicked = thread::scope(|threads| {
        let call = || runtime.wait(async { panic!("on purpose") });
        threads.spawn(call).join().is_err()
    });
    assert!(panicked);
    assert!(runtime.wait(async {}).is_ok());
}

#[test]
fn blocking_objects_can_be_shared_between_threads() {
    fn shared<T: Send + Sync + 'static>(_: &T) {}
    shared(&provider());
    shared(&Mutex::new(Items::<()>::new(&own(), stream::empty())));
}
