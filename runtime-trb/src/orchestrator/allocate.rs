//! Buffers without a kernel.
//!
//! Knows that such a task is complete when it is made. Refuses to know what the buffers are for.

use aicore_abi::orchestration::trb::{ActiveMask, Arg, Shape, TaskOutputTensors};
use protocol::limits::trb::{INVALID_KERNEL_ID, SUBTASK_SLOTS};

use super::operands::{Operands, check_arg, check_operands, is_aligned};
use super::request::Args;
use super::{Orchestrator, Submitted};
use crate::error::Fatal;
use crate::record::Shaped;

impl Orchestrator<'_> {
    /// Allocates tensors that no kernel writes; they live until their scope has ended and all users are done.
    ///
    /// # Errors
    /// When anything but outputs is passed, or there is no room; the run is then over.
    pub fn alloc_tensors(&mut self, args: &Args<'_>) -> Result<Submitted<'_>, Fatal> {
        let mut result = TaskOutputTensors::empty();
        // SAFETY: the argument object borrows everything it points to.
        unsafe { self.alloc_tensors_raw(&args.arg, &mut result) }?;
        Ok(Submitted::new(result))
    }

    /// Allocates tensors that are given by address, and writes the task and them into `result`, which is empty.
    ///
    /// # Errors
    /// As [`alloc_tensors`](Self::alloc_tensors).
    ///
    /// # Safety
    ///
    /// Every tensor pointer of `arg` points to what its tag says.
    pub unsafe fn alloc_tensors_raw(
        &mut self,
        arg: &Arg,
        result: &mut TaskOutputTensors,
    ) -> Result<(), Fatal> {
        if self.is_fatal() {
            return Err(self.stopped_because());
        }
        let aligned;
        let arg = if is_aligned(arg) {
            arg
        } else {
            // SAFETY: passed on.
            aligned = unsafe { self.stage(arg) };
            &aligned
        };
        // SAFETY: passed on.
        match unsafe { self.try_allocate(arg, result) } {
            Ok(()) => Ok(()),
            Err(fatal) => {
                self.report(&fatal);
                *result = TaskOutputTensors::empty();
                Err(fatal)
            }
        }
    }

    unsafe fn try_allocate(
        &mut self,
        arg: &Arg,
        result: &mut TaskOutputTensors,
    ) -> Result<(), Fatal> {
        check_arg(arg)?;
        let refuse = |problem| Err(Fatal::BadAllocation { problem });
        if arg.tensor_count == 0 {
            return refuse("there is no output");
        }
        if arg.scalar_count != 0 {
            return refuse("there are scalars");
        }
        // SAFETY: passed on.
        let operands = unsafe { check_operands(arg) }?;
        if operands.iter().any(|operand| operand.creation().is_none()) {
            return refuse("there is a tensor that exists already");
        }
        self.check_scope()?;
        self.graph.begin_collecting();
        let place = self.take_place(&operands, 0, 0)?;
        self.make_record(&place, &nothing_to_run(place.id, &operands), &operands);
        self.write_tensors(&place, &operands, result);
        let records = &self.around.shared.records;
        // Complete from the start: whoever depends on it finds the list closed.
        let consumers = records.complete(place.record);
        debug_assert!(consumers.is_some_and(|mut chain| chain.next().is_none()));
        records.fan_out(place.record).given_back.add(1);
        if self.graph.tick(records) {
            self.relieve();
        }
        Ok(())
    }
}

fn nothing_to_run(id: protocol::TaskId, operands: &Operands<'_>) -> Shaped {
    Shaped {
        id,
        kernels: [INVALID_KERNEL_ID; SUBTASK_SLOTS],
        blocks: 0,
        mask: ActiveMask::default(),
        // Never looked at: the task is in no queue.
        shape: Shape::Aiv,
        tensors: operands.count(),
        scalars: 0,
        edges: 0,
    }
}
