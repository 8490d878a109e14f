//! The runtime behind blocking calls: one thread looks after connections and time, and the caller's
//! own thread does the rest of the work while it waits.
//!
//! Used by every type of this module. Because each caller drives its own call, calls of several
//! threads overlap.

use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, JoinHandle, Thread};

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tokio::task::{JoinSet, coop};

use crate::error::{Error, ErrorKind, Result};

/// What blocking calls run on. Clones are the same runtime.
#[derive(Clone)]
pub struct Runtime(Arc<Inner>);

struct Inner {
    handle: Handle,
    /// `None` for a runtime of the program's own, which it drives and ends itself.
    driver: Option<Driver>,
}

/// The thread that drives a runtime of ours, until this is dropped.
struct Driver {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// The runtime that is shared by all who do not bring their own, while there are any.
static SHARED: Mutex<Weak<Inner>> = Mutex::new(Weak::new());

impl Runtime {
    /// The runtime that all blocking objects of the process share unless they are given another one.
    /// Its thread starts here, if it is not there yet, and ends with the last of them.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when the system gives no further thread.
    pub fn shared() -> Result<Self> {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(inner) = shared.upgrade() {
            return Ok(Self(inner));
        }
        let inner = Arc::new(Inner::start()?);
        *shared = Arc::downgrade(&inner);
        Ok(Self(inner))
    }

    /// A runtime of the program's own, with its time and network drivers enabled.
    ///
    /// It has to outlive what uses it, and somebody has to drive it: one of several threads drives
    /// itself, one of the current thread only while that thread is inside its `block_on`.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use tidings::memory::MemoryProvider;
    /// use tidings::blocking::{Provider, Runtime};
    ///
    /// let own = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    /// let provider = Provider::on(&Runtime::of(own.handle().clone()), Arc::new(MemoryProvider::new()));
    /// assert!(provider.balance().is_ok());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn of(handle: Handle) -> Self {
        Self(Arc::new(Inner {
            handle,
            driver: None,
        }))
    }

    /// Blocks until it is done.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] inside an asynchronous task; then nothing of it was begun.
    pub(crate) fn wait<F: Future>(&self, future: F) -> Result<F::Output> {
        Ok(self.check()?.wait(future))
    }

    /// Leave to wait, where a thread may.
    pub(crate) fn check(&self) -> Result<Leave<'_>> {
        if is_inside_a_task() {
            return Err(Error::not_sent(
                ErrorKind::Config,
                "a blocking call was made inside an asynchronous task: use the asynchronous client \
                 there, or spawn_blocking",
            ));
        }
        Ok(Leave(self))
    }

    /// The same for what can fail.
    pub(crate) fn call<T>(&self, future: impl Future<Output = Result<T>>) -> Result<T> {
        self.wait(future)?
    }

    /// Runs something while the caller goes on, until it ends or what is returned is dropped.
    pub fn in_background(&self, future: impl Future<Output = ()> + Send + 'static) -> Background {
        let mut tasks = JoinSet::new();
        tasks.spawn_on(future, &self.0.handle);
        Background {
            tasks,
            _runtime: self.clone(),
        }
    }
}

/// Leave to wait on the present thread.
pub(crate) struct Leave<'r>(&'r Runtime);

impl Leave<'_> {
    /// Blocks until it is done.
    pub(crate) fn wait<F: Future>(self, future: F) -> F::Output {
        let _context = self.0.0.handle.enter();
        park_until_done(future)
    }
}

#[cfg(test)]
impl Runtime {
    /// One of ours that is not shared.
    pub(crate) fn unshared() -> Result<Self> {
        Ok(Self(Arc::new(Inner::start()?)))
    }

    pub(crate) fn is_the_same_as(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Starts a task that nobody waits for, as connections do.
    pub(crate) fn leave_running(&self, future: impl Future<Output = ()> + Send + 'static) {
        let task = self.0.handle.spawn(future);
        drop(task);
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime")
            .field("is_ours", &self.0.driver.is_some())
            .finish_non_exhaustive()
    }
}

/// Something that goes on while the program does other things. It ends when this is dropped.
#[must_use = "it ends when this is dropped"]
pub struct Background {
    tasks: JoinSet<()>,
    /// After the tasks, so that they end while there still is one.
    _runtime: Runtime,
}

impl Background {
    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        while self.tasks.try_join_next().is_some() {}
        self.tasks.is_empty()
    }
}

impl fmt::Debug for Background {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Background").finish_non_exhaustive()
    }
}

impl Inner {
    fn start() -> Result<Self> {
        let no_thread = |error| {
            Error::not_sent(
                ErrorKind::Config,
                "no thread for blocking calls could be started",
            )
            .with_source(error)
        };
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(no_thread)?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel::<()>();
        let drive = move || {
            // Sent or dropped, both mean that nobody needs it any more.
            let _ = runtime.block_on(stopped);
            // A name that is being looked up cannot be interrupted, and nobody waits for it now.
            runtime.shutdown_background();
        };
        let thread = thread::Builder::new()
            .name("tidings-blocking".to_owned())
            .spawn(drive)
            .map_err(no_thread)?;
        Ok(Self {
            handle,
            driver: Some(Driver {
                stop: Some(stop),
                thread: Some(thread),
            }),
        })
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        drop(self.stop.take());
        // Inside a runtime, which may be this one, nothing may be waited for; the thread ends by itself.
        if let Some(thread) = self.thread.take()
            && Handle::try_current().is_err()
        {
            let _ = thread.join();
        }
    }
}

/// Whether a runtime waits for the calling code to return.
///
/// A task has a budget of steps after which it must let others run; threads that may block, such as
/// those of `spawn_blocking`, have none. That is the only difference that can be seen from outside.
fn is_inside_a_task() -> bool {
    /// More than the budget of a task.
    const STEPS: usize = 1_000;
    if Handle::try_current().is_err() {
        return false;
    }
    let mut context = Context::from_waker(Waker::noop());
    (0..STEPS).any(|_| match coop::poll_proceed(&mut context) {
        Poll::Ready(step) => {
            step.made_progress();
            false
        }
        Poll::Pending => true,
    })
}

fn park_until_done<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.unpark();
    }
}
