//! Single elements, read and written by the orchestration itself.
//!
//! Knows which tasks must have finished before an element may be touched. Refuses to know what it means.
//!
//! Only the orchestrator retires tasks, and while it waits here it retires none: a producer that was collected is still
//! that task when it completes, so there is no waiting on a recycled slot.

use std::time::Instant;

use aicore_abi::tensor::Tensor;
use protocol::limits::TENSOR_MAX_DIMS;

use super::Orchestrator;
use crate::error::Fatal;

impl Orchestrator<'_> {
    /// Waits for the tensor's producers and loads one element, zero-extended.
    ///
    /// # Errors
    /// When the index is not the tensor's or a producer takes too long; the run is then over.
    ///
    /// # Safety
    ///
    /// The tensor's buffer is memory that may be read, in which nothing but tasks of this run writes.
    pub unsafe fn get_tensor_data(&mut self, tensor: &Tensor, index: &[u32]) -> Result<u64, Fatal> {
        self.unless_fatal(|this| {
            let Some((address, size)) = this.locate(tensor, index)? else {
                return Ok(0);
            };
            this.wait_for_tasks(tensor, false)?;
            let mut value = [0; 8];
            // SAFETY: the caller says that the buffer may be read; its writers have completed.
            unsafe { core::ptr::copy_nonoverlapping(address, value.as_mut_ptr(), size) };
            Ok(u64::from_le_bytes(value))
        })
    }

    /// Waits for the tensor's producers and their consumers and stores the low bytes of `value` as one element.
    ///
    /// # Errors
    /// As [`get_tensor_data`](Self::get_tensor_data).
    ///
    /// # Safety
    ///
    /// The tensor's buffer is memory that may be written, which nothing but tasks of this run uses.
    pub unsafe fn set_tensor_data(
        &mut self,
        tensor: &Tensor,
        index: &[u32],
        value: u64,
    ) -> Result<(), Fatal> {
        self.unless_fatal(|this| {
            let Some((address, size)) = this.locate(tensor, index)? else {
                return Ok(());
            };
            this.wait_for_tasks(tensor, true)?;
            let value = value.to_le_bytes();
            // SAFETY: the caller says that the buffer may be written; nobody uses it any more.
            unsafe { core::ptr::copy_nonoverlapping(value.as_ptr(), address, size) };
            Ok(())
        })
    }

    /// Address and size of an element; none if the tensor has no memory yet.
    fn locate(&self, tensor: &Tensor, index: &[u32]) -> Result<Option<(*mut u8, usize)>, Fatal> {
        if tensor.buffer.addr == 0 {
            crate::logging::log(
                self.around.log,
                log::Level::Error,
                format_args!(
                    "tensor element access: the tensor has no address; use the descriptor that the submission \
                     returned"
                ),
            );
            return Ok(None);
        }
        let refuse = |reason| Fatal::BadElement { reason };
        tensor.validate().map_err(refuse)?;
        let size = tensor.data_type().map_err(refuse)?.element_size() as usize;
        // An element of a scalar tensor needs no index.
        let first = [0; TENSOR_MAX_DIMS];
        let index = if index.is_empty() {
            &first[..tensor.rank()]
        } else {
            index
        };
        let position = tensor.flat_index(index).map_err(refuse)?;
        let address = position
            .checked_mul(size as u64)
            .and_then(|bytes| tensor.buffer.addr.checked_add(bytes))
            .and_then(|address| usize::try_from(address).ok())
            .ok_or(refuse(aicore_abi::error::Error::TooLarge {
                what: "the address",
                shape: tensor.shapes,
            }))?;
        Ok(Some((
            core::ptr::with_exposed_provenance_mut(address),
            size,
        )))
    }

    fn wait_for_tasks(&mut self, tensor: &Tensor, consumers_too: bool) -> Result<(), Fatal> {
        let shared = self.around.shared;
        let records = &shared.records;
        self.graph.begin_collecting();
        self.graph.collect_owner(records, tensor);
        self.graph.collect_writers(records, tensor, false);
        for index in 0..self.graph.producers.len() {
            let (task, record) = self.graph.producers[index];
            let taken = records.ledger(record, &mut self.graph.key).taken;
            self.wait_for_task(task, "complete", || records.is_complete(record))?;
            if consumers_too {
                let given_back = &records.fan_out(record).given_back;
                self.wait_for_task(task, "see its consumers complete", || {
                    given_back.observe() == taken
                })?;
            }
        }
        Ok(())
    }

    fn wait_for_task(
        &self,
        task: protocol::TaskId,
        what: &'static str,
        done: impl Fn() -> bool,
    ) -> Result<(), Fatal> {
        if done() {
            return Ok(());
        }
        let since = Instant::now();
        while !done() {
            if let Some(fatal) = self.stopped() {
                return Err(fatal);
            }
            if self.around.help.help() {
                continue;
            }
            let waited = since.elapsed();
            if waited >= self.around.tensor_wait {
                return Err(Fatal::TensorWait {
                    task,
                    what,
                    waited_ms: u64::try_from(waited.as_millis()).unwrap_or(u64::MAX),
                });
            }
            self.nap(&done);
        }
        Ok(())
    }
}
