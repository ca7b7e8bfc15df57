//! Kernel calls that returned before their effect was complete.
//!
//! Knows conditions and the tasks that wait for them. Refuses to know graphs: when the conditions hold, the calls are
//! counted as if they had just finished.
//!
//! The list is the role's own, so it needs no lock, and a role without conditions looks at one length per step.

use core::ptr::NonNull;

use aicore_abi::kernel::{
    CompletionType, DeferredCondition, DeferredIngressBuffer, SdmaEventRecord,
};
use aicore_abi::seam::Cores;
use protocol::error_code::RunError;
use protocol::limits::trb::{MAX_ASYNC_WAITS, MAX_COMPLETIONS_PER_TASK};
use sync::Register;

use super::Role;
use crate::record::TaskRef;
use crate::run::Env;

/// A task whose calls have returned but are not over.
#[derive(Debug)]
struct Wait {
    task: TaskRef,
    calls: u32,
    conditions: Vec<DeferredCondition>,
}

/// All such tasks of one role.
#[derive(Debug, Default)]
pub(crate) struct Deferred {
    waits: Vec<Wait>,
}

impl Deferred {
    pub(crate) fn clear(&mut self) {
        self.waits.clear();
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waits.is_empty()
    }

    /// Each waiting task with the first condition that did not hold.
    pub(super) fn first_conditions(&self) -> impl Iterator<Item = (TaskRef, &DeferredCondition)> {
        let waits = self.waits.iter();
        waits.filter_map(|wait| Some((wait.task, wait.conditions.first()?)))
    }

    /// Looks whether the call left conditions or an error; if so, the call is not over and belongs to this list.
    #[inline]
    pub(super) fn took_over<C: Cores>(
        &mut self,
        env: &Env<'_, C>,
        ingress: NonNull<DeferredIngressBuffer>,
        task: TaskRef,
    ) -> bool {
        // SAFETY: the seam keeps the buffer valid, and the kernel that wrote it has finished.
        let ingress = unsafe { ingress.as_ref() };
        (ingress.count != 0 || ingress.error_code != 0) && self.take_over(env, ingress, task)
    }

    #[cold]
    fn take_over<C: Cores>(
        &mut self,
        env: &Env<'_, C>,
        ingress: &DeferredIngressBuffer,
        task: TaskRef,
    ) -> bool {
        if ingress.error_code != 0 {
            env.fail(ingress.error_code, "a kernel reported an error", task);
            return true;
        }
        let Some(conditions) = ingress.entries.get(..ingress.count as usize) else {
            env.fail(
                RunError::AsyncRegistrationFailed.code(),
                "a kernel registered more conditions than there is room for",
                task,
            );
            return true;
        };
        let wait = match self.waits.iter_mut().position(|wait| wait.task == task) {
            Some(known) => &mut self.waits[known],
            None if self.waits.len() == MAX_ASYNC_WAITS => {
                env.fail(
                    RunError::AsyncWaitOverflow.code(),
                    "more tasks wait for conditions than there may be",
                    task,
                );
                return true;
            }
            None => {
                self.waits.push(Wait {
                    task,
                    calls: 0,
                    conditions: Vec::with_capacity(conditions.len()),
                });
                self.waits.last_mut().expect("just pushed")
            }
        };
        if wait.conditions.len() + conditions.len() > MAX_COMPLETIONS_PER_TASK {
            env.fail(
                RunError::AsyncRegistrationFailed.code(),
                "the calls of one task registered more conditions than there may be",
                task,
            );
            return true;
        }
        wait.calls += 1;
        wait.conditions.extend_from_slice(conditions);
        true
    }

    /// Tests all conditions; yields the next task all of whose conditions hold, with its calls.
    fn next_over<C: Cores>(&mut self, env: &Env<'_, C>) -> Option<(TaskRef, u32)> {
        for index in 0..self.waits.len() {
            let wait = &mut self.waits[index];
            let mut failed = false;
            wait.conditions.retain(|condition| {
                test(condition, env.sdma_events).unwrap_or_else(|code| {
                    failed = true;
                    env.fail(code, "a completion condition cannot be tested", wait.task);
                    true
                })
            });
            if failed {
                return None;
            }
            if wait.conditions.is_empty() {
                let over = self.waits.swap_remove(index);
                return Some((over.task, over.calls));
            }
        }
        None
    }
}

impl Role {
    /// Counts the calls whose conditions have come true; says whether there were any.
    #[inline]
    pub(super) fn poll_deferred<C: Cores>(&mut self, env: &Env<'_, C>) -> bool {
        !self.deferred.is_empty() && self.count_deferred(env)
    }

    #[cold]
    fn count_deferred<C: Cores>(&mut self, env: &Env<'_, C>) -> bool {
        let mut progress = false;
        while let Some((task, calls)) = self.deferred.next_over(env) {
            self.moves += 1;
            self.count_subtasks(env, task, calls);
            progress = true;
        }
        progress
    }
}

/// Whether a condition must be kept waiting for.
fn test(condition: &DeferredCondition, sdma_events: bool) -> Result<bool, i32> {
    let kind = if sdma_events {
        CompletionType::from_wire(condition.completion_type)
            .ok_or(RunError::AsyncCompletionInvalid.code())?
    } else {
        // This family knows counters only and ignores the field.
        CompletionType::Counter
    };
    let word = aligned::<u32>(condition.addr)?;
    // SAFETY: the kernel says that a word is there which others write whole.
    let word = unsafe { Register::at(word) };
    match kind {
        CompletionType::Counter => Ok(word.read() < condition.expected_value),
        CompletionType::SdmaEventRecord if word.read() == 0 => Ok(true),
        CompletionType::SdmaEventRecord => {
            let record = aligned::<SdmaEventRecord>(condition.addr)?;
            // SAFETY: the kernel says that an event record is there, and its flag says that the engine is done with it.
            unsafe { acknowledge(record) };
            Ok(false)
        }
    }
}

fn aligned<T>(address: u64) -> Result<*mut T, i32> {
    let pointer = core::ptr::with_exposed_provenance_mut::<T>(
        usize::try_from(address).map_err(|_| RunError::AsyncCompletionInvalid.code())?,
    );
    if pointer.is_null() || !pointer.is_aligned() {
        return Err(RunError::AsyncCompletionInvalid.code());
    }
    Ok(pointer)
}

/// Frees an event record and tells its channel.
///
/// # Safety
///
/// The record is valid and its engine is done with it; its channel address is 0 or that of a word of the channel.
unsafe fn acknowledge(record: *mut SdmaEventRecord) {
    // SAFETY: the caller's promise.
    let event = unsafe { record.read() };
    let freed = SdmaEventRecord {
        flag: 0,
        sq_tail: 0,
        ..event
    };
    // SAFETY: the caller's promise.
    unsafe { record.write_volatile(freed) };
    if let Ok(channel) = aligned::<u64>(event.channel_info) {
        // SAFETY: the caller's promise.
        unsafe { channel.write_volatile(event.acknowledgement()) };
    }
}
