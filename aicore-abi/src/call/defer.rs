//! Returning before the effect of a call is complete.
//!
//! Knows where a call leaves its conditions. Refuses to test them: the scheduler does, after the kernel has
//! returned, and only then starts what depends on the task.

use protocol::TaskId;

use super::{Call, CallError, view};
use crate::kernel::{CompletionEngine, CompletionType, DeferredCondition, SdmaEventRecord};

/// What must have happened before a task is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Condition {
    /// The `u32` at the address is at least this value.
    Counter {
        /// Address of the word.
        address: u64,
        /// The least value.
        value: u32,
    },
    /// The event record at the address says that its transfer is over; one chip family has them.
    Event {
        /// Address of the [`SdmaEventRecord`].
        record: u64,
    },
}

impl Condition {
    fn to_wire(self) -> DeferredCondition {
        let (addr, expected_value, kind) = match self {
            Self::Counter { address, value } => (address, value, CompletionType::Counter),
            Self::Event { record } => (record, 0, CompletionType::SdmaEventRecord),
        };
        DeferredCondition {
            addr,
            expected_value,
            engine: CompletionEngine::Sdma as u32,
            completion_type: kind as i32,
            pad: 0,
        }
    }

    fn is_aligned(self) -> bool {
        match self {
            Self::Counter { address, .. } => address.is_multiple_of(align_of::<u32>() as u64),
            Self::Event { record } => record.is_multiple_of(align_of::<SdmaEventRecord>() as u64),
        }
    }
}

impl Call<'_> {
    /// Makes the task complete only when `condition` holds, too: the kernel returns, its core is free, and whatever
    /// depends on the task starts when all conditions of all its calls hold.
    ///
    /// # Errors
    ///
    /// The runtime has no such thing, the address is not aligned, or the call has as many conditions as there is
    /// room for.
    ///
    /// # Safety
    ///
    /// What the condition looks at stays where it is until the condition holds or the run ends, and others
    /// write it by whole words.
    pub unsafe fn complete_when(&self, condition: Condition) -> Result<(), CallError> {
        let context = self.local().async_ctx;
        if context.completion_count == 0 || context.task_token == TaskId::INVALID {
            return Err(CallError::CannotDefer);
        }
        if !condition.is_aligned() {
            return Err(CallError::MisalignedCondition { condition });
        }
        let count: *mut u32 = address_mut(context.completion_count);
        // SAFETY: the scheduler gave this dispatch the buffer, and reads it after the kernel returned.
        let used = unsafe { count.read_volatile() };
        if used >= context.completion_capacity {
            return Err(CallError::TooManyConditions {
                capacity: context.completion_capacity,
            });
        }
        let entries: *mut DeferredCondition = address_mut(context.completion_entries);
        // SAFETY: below the capacity that the buffer has.
        let entry = unsafe { entries.add(used as usize) };
        // SAFETY: as above.
        unsafe { entry.write_volatile(condition.to_wire()) };
        // SAFETY: as for the reading.
        unsafe { count.write_volatile(used + 1) };
        Ok(())
    }
}

fn address_mut<T>(word: u64) -> *mut T {
    core::ptr::with_exposed_provenance_mut(view::to_usize(word))
}

#[cfg(test)]
mod tests {
    use bytemuck::Zeroable;
    use core::ptr::NonNull;
    use protocol::TaskId;

    use super::{Call, CallError, Condition};
    use crate::kernel::{
        AsyncCtx, DeferredIngressBuffer, GlobalContext, LOCAL_CONTEXT_INDEX, LocalContext,
    };

    /// A call without arguments whose conditions go to `ingress`, if there is one.
    fn with_call(ingress: Option<&mut DeferredIngressBuffer>, body: impl FnOnce(&Call<'_>)) {
        let mut local = LocalContext::zeroed();
        if let Some(ingress) = ingress {
            let address = (&raw mut *ingress).expose_provenance() as u64;
            local.async_ctx = AsyncCtx::new(address, TaskId::new(0, 0));
        }
        let global = GlobalContext::zeroed();
        let mut words = [0_u64; 50];
        words[LOCAL_CONTEXT_INDEX] = (&raw const local).expose_provenance() as u64;
        words[LOCAL_CONTEXT_INDEX + 1] = (&raw const global).expose_provenance() as u64;
        // SAFETY: no tensors, and the context words are set.
        body(&unsafe { Call::of_words(NonNull::from(&mut words).cast(), 0, 0) });
    }

    #[test]
    fn conditions_are_left_in_order_until_there_is_no_room() {
        let mut ingress = DeferredIngressBuffer::zeroed();
        with_call(Some(&mut ingress), |call| {
            for value in 0..DeferredIngressBuffer::CAPACITY {
                let condition = Condition::Counter { address: 64, value };
                // SAFETY: nobody looks at it.
                let left = unsafe { call.complete_when(condition) };
                assert_eq!(left, Ok(()));
            }
            // SAFETY: as above.
            let left = unsafe { call.complete_when(Condition::Event { record: 64 }) };
            assert_eq!(left, Err(CallError::TooManyConditions { capacity: 64 }));
        });
        assert_eq!((ingress.count, ingress.error_code), (64, 0));
        assert_eq!(
            (ingress.entries[63].addr, ingress.entries[63].expected_value),
            (64, 63)
        );
    }

    #[test]
    fn what_cannot_be_looked_at_is_refused() {
        let mut ingress = DeferredIngressBuffer::zeroed();
        with_call(Some(&mut ingress), |call| {
            for condition in [
                Condition::Counter {
                    address: 66,
                    value: 1,
                },
                Condition::Event { record: 68 },
            ] {
                // SAFETY: it is refused.
                let left = unsafe { call.complete_when(condition) };
                assert_eq!(left, Err(CallError::MisalignedCondition { condition }));
            }
        });
        assert_eq!(ingress.count, 0);
        with_call(None, |call| {
            // SAFETY: as above.
            let left = unsafe { call.complete_when(Condition::Event { record: 64 }) };
            assert_eq!(left, Err(CallError::CannotDefer));
        });
    }
}
