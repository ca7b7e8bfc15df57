//! Queues of work.
//!
//! Knows that work of a stream is done in order by a thread of its own, and how its end is awaited.

use core::time::Duration;
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

/// One piece of work: its code when it is done, 0 for success.
pub(crate) type Work = Box<dyn FnOnce() -> i32 + Send>;

#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) device: i32,
    queue: Arc<Queue>,
    worker: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

impl core::fmt::Debug for Queue {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Queue")
    }
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Work>,
    busy: bool,
    code: i32,
    closing: bool,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        loop {
            let mut state = self.lock();
            let work = loop {
                if let Some(work) = state.waiting.pop_front() {
                    break work;
                }
                if state.closing {
                    return;
                }
                state = self
                    .changed
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner);
            };
            state.busy = true;
            // What follows a failure is not done.
            let skip = state.code != 0;
            drop(state);
            let code = if skip { 0 } else { work() };
            let mut state = self.lock();
            state.busy = false;
            if state.code == 0 {
                state.code = code;
            }
            self.changed.notify_all();
        }
    }
}

impl Stream {
    pub(crate) fn new(device: i32) -> Self {
        let queue = Arc::new(Queue::default());
        let worker = {
            let queue = Arc::clone(&queue);
            std::thread::spawn(move || queue.work())
        };
        Self {
            device,
            queue,
            worker: Some(worker),
        }
    }

    pub(crate) fn push(&self, work: Work) {
        self.queue.lock().waiting.push_back(work);
        self.queue.changed.notify_all();
    }

    /// `None` while there is work, then the code of the first that failed.
    pub(crate) fn query(&self) -> Option<i32> {
        let state = self.queue.lock();
        (state.code != 0 || (state.waiting.is_empty() && !state.busy)).then_some(state.code)
    }

    /// What is needed to wait for the stream without holding on to it.
    pub(crate) fn waiter(&self) -> impl Fn(Option<Duration>) -> Option<i32> + use<> {
        let queue = Arc::clone(&self.queue);
        move |limit| {
            let deadline = limit.map(|limit| Instant::now() + limit);
            let mut state = queue.lock();
            while state.code == 0 && (!state.waiting.is_empty() || state.busy) {
                let left = match deadline {
                    None => Duration::from_secs(3600),
                    Some(deadline) => deadline.saturating_duration_since(Instant::now()),
                };
                if left.is_zero() {
                    return None;
                }
                (state, _) = queue
                    .changed
                    .wait_timeout(state, left)
                    .unwrap_or_else(PoisonError::into_inner);
            }
            Some(state.code)
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.queue.lock().closing = true;
        self.queue.changed.notify_all();
        if let Some(worker) = self.worker.take()
            && worker.join().is_err()
        {
            eprintln!("virtual ascend: work of a stream panicked");
        }
    }
}
