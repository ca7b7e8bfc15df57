//! A simulated chip's engine for copies: they go on while the core that asked for them does something else.
//!
//! Knows a queue, a thread and a count of copies that are done. Refuses to know what is copied.
//!
//! Copies are done in the order they were asked for, so one counter is enough: a copy is done when the counter has
//! reached its number, and a task can wait for that without a core.

use core::fmt;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use sync::Word32;

/// Bytes to be copied from one address to another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Copy {
    pub(crate) from: u64,
    pub(crate) to: u64,
    pub(crate) bytes: usize,
}

#[derive(Debug, Default)]
struct Queue {
    asked: u32,
    /// Started by the first copy.
    thread: Option<(Sender<Copy>, JoinHandle<()>)>,
}

/// The engine; its thread ends with it.
#[derive(Default)]
pub(crate) struct CopyEngine {
    queue: Mutex<Queue>,
    /// Copies that are done; the thread has it too.
    done: Arc<Word32Box>,
}

/// A counter at an address that stays.
struct Word32Box(Word32);

impl Default for Word32Box {
    fn default() -> Self {
        Self(Word32::new(0))
    }
}

impl CopyEngine {
    /// Asks for a copy. `wait` gets the counter's address and the value at which the copy is done, before it starts; if
    /// it fails nothing is copied.
    ///
    /// # Errors
    /// What `wait` says; that there can be no thread; or that the counter can count no further.
    ///
    /// # Safety
    /// Both ranges are mapped, aligned as anything, until the copy is done or the engine is dropped.
    pub(crate) unsafe fn start<E>(
        &self,
        copy: Copy,
        wait: impl FnOnce(u64, u32) -> Result<(), E>,
        refused: impl FnOnce() -> E,
    ) -> Result<(), E> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(number) = queue.asked.checked_add(1) else {
            return Err(refused());
        };
        if queue.thread.is_none() {
            match self.start_thread() {
                Ok(thread) => queue.thread = Some(thread),
                Err(_) => return Err(refused()),
            }
        }
        wait((&raw const self.done.0).expose_provenance() as u64, number)?;
        queue.asked = number;
        let (sender, _) = queue.thread.as_ref().expect("it was just started");
        // It ends only with us.
        let _ = sender.send(copy);
        Ok(())
    }

    fn start_thread(&self) -> std::io::Result<(Sender<Copy>, JoinHandle<()>)> {
        let (sender, copies) = channel::<Copy>();
        let done = Arc::clone(&self.done);
        let thread = std::thread::Builder::new()
            .name("copies".to_owned())
            .spawn(move || {
                for copy in copies {
                    let from = core::ptr::with_exposed_provenance::<u8>(usize_of(copy.from));
                    let to = core::ptr::with_exposed_provenance_mut::<u8>(usize_of(copy.to));
                    // SAFETY: promised to `start`; what else goes on there is settled by counters.
                    unsafe { core::ptr::copy(from, to, copy.bytes) };
                    done.0.add(1);
                }
            })?;
        Ok((sender, thread))
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "addresses of this process fit"
)]
const fn usize_of(address: u64) -> usize {
    address as usize
}

impl Drop for CopyEngine {
    fn drop(&mut self) {
        let queue = self.queue.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some((sender, thread)) = queue.thread.take() {
            drop(sender);
            // It does what it was asked for, which is finite, and then finds nobody who could ask.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for CopyEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CopyEngine").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::{Copy, CopyEngine, Word32};
    use core::time::Duration;
    use std::time::Instant;

    #[test]
    fn copies_are_counted_in_order() {
        let engine = CopyEngine::default();
        let from: Vec<u32> = (0..1000).collect();
        let mut to = vec![0_u32; 1000];
        let mut counter = 0;
        for part in 0..10_u64 {
            let copy = Copy {
                from: from.as_ptr().expose_provenance() as u64 + part * 400,
                to: to.as_mut_ptr().expose_provenance() as u64 + part * 400,
                bytes: 400,
            };
            let wait = |address, value| {
                counter = address;
                assert_eq!(u64::from(value), part + 1);
                Ok::<_, ()>(())
            };
            // SAFETY: both vectors outlive the engine's drop below.
            unsafe { engine.start(copy, wait, || ()) }.expect("there are threads");
        }
        let place = core::ptr::with_exposed_provenance_mut(usize::try_from(counter).expect("ours"));
        // SAFETY: the engine lives.
        let done = unsafe { Word32::at(place) };
        let start = Instant::now();
        while done.observe() < 10 {
            assert!(start.elapsed() < Duration::from_secs(60), "it never ends");
            std::thread::yield_now();
        }
        drop(engine);
        assert_eq!(from, to);
    }

    #[test]
    fn a_copy_that_cannot_be_waited_for_is_not_made() {
        let engine = CopyEngine::default();
        let (from, mut to) = ([7_u8; 4], [0_u8; 4]);
        let copy = Copy {
            from: from.as_ptr().expose_provenance() as u64,
            to: to.as_mut_ptr().expose_provenance() as u64,
            bytes: 4,
        };
        // SAFETY: both arrays outlive the engine.
        let refused = unsafe { engine.start(copy, |_, _| Err("no room"), || "no thread") };
        assert_eq!(refused, Err("no room"));
        drop(engine);
        assert_eq!(to, [0; 4]);
    }
}
