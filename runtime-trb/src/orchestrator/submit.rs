//! One submission.
//!
//! Knows arguments, producers and memory of one task. Refuses to know how waiting for room works.

use aicore_abi::orchestration::trb::{ActiveMask, Arg, MixedKernels, Shape, TaskOutputTensors};
use aicore_abi::recorder::Recorder;
use aicore_abi::tensor::{BufferHandle, TensorCreateInfo};
use protocol::limits::trb::SUBTASK_SLOTS;
use sync::Pushed;

use super::operands::{Operands, check_arg, check_operands, is_aligned};
use super::request::{Args, Blocks};
use super::{Orchestrator, Submitted};
use crate::error::{Fatal, Wanted};
use crate::record::{Descriptor, Ledger, Shaped, granules};
use crate::recording::{Stopwatch, Unwatched, Watch};
use crate::ring::{HEAP_ALIGN, Place, Short};

/// Most blocks of one task, so that three lanes of each can be counted.
const MAX_BLOCKS: u32 = 1 << 30;

/// What runs, as opposed to what it is given.
struct Work {
    kernels: [i32; SUBTASK_SLOTS],
    mask: ActiveMask,
    shape: Shape,
    blocks: u32,
}

impl Orchestrator<'_> {
    /// Submits one task.
    ///
    /// # Errors
    /// When it cannot be accepted; the run is then over.
    pub fn submit(
        &mut self,
        kernels: &MixedKernels,
        args: &Args<'_>,
    ) -> Result<Submitted<'_>, Fatal> {
        let mut result = TaskOutputTensors::empty();
        // SAFETY: the argument object borrows everything it points to.
        unsafe { self.submit_raw(kernels, &args.arg, args.blocks, &mut result) }?;
        Ok(Submitted::new(result))
    }

    /// Submits one task whose arguments are given by address, and writes it and its outputs into `result`, which is empty.
    ///
    /// # Errors
    /// When it cannot be accepted; the run is then over.
    ///
    /// # Safety
    ///
    /// Every tensor pointer of `arg` points to what its tag says.
    pub unsafe fn submit_raw(
        &mut self,
        kernels: &MixedKernels,
        arg: &Arg,
        blocks: Blocks,
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
        let submitted = match self.around.recorder {
            // SAFETY: passed on.
            None => unsafe { self.try_submit(kernels, arg, blocks, result, Unwatched) },
            Some(recorder) => {
                let watch = Stopwatch::new(recorder);
                // SAFETY: passed on.
                unsafe { self.try_submit(kernels, arg, blocks, result, watch) }
            }
        };
        match submitted {
            Ok(()) => Ok(()),
            Err(fatal) => {
                self.report(&fatal);
                *result = TaskOutputTensors::empty();
                Err(fatal)
            }
        }
    }

    // A submission that is watched is a second caller, an allocation a third. What is done per task is inlined into
    // each of them: it takes many values, and calls would pass them through memory.
    #[inline]
    unsafe fn try_submit<'w>(
        &mut self,
        kernels: &MixedKernels,
        arg: &Arg,
        blocks: Blocks,
        result: &mut TaskOutputTensors,
        mut watch: impl Watch<'w>,
    ) -> Result<(), Fatal> {
        check_arg(arg)?;
        let work = self.check_work(kernels, blocks)?;
        // SAFETY: passed on.
        let operands = unsafe { check_operands(arg) }?;
        self.check_scope()?;
        let manual = self.graph.scopes.is_manual();
        let registered = if manual { 0 } else { operands.writes };

        self.collect_producers(arg, &operands, manual)?;
        watch.step();
        let place = self.take_place(&operands, arg.scalars().len(), registered)?;
        watch.step();
        self.write_record(&place, &work, &operands, arg.scalars(), result);
        if let Some(recorder) = watch.recorder() {
            self.write_down(recorder, &place, &operands);
        }
        watch.step();
        self.publish(&place, work.shape);
        watch.step();
        if registered != 0 {
            self.register_writes(&place, &operands)?;
        }
        watch.step();
        if self.graph.tick(&self.around.shared.records) {
            self.relieve();
        }
        watch.step();
        watch.end(place.id, self.submitted);
        Ok(())
    }

    #[inline]
    fn check_work(&self, kernels: &MixedKernels, blocks: Blocks) -> Result<Work, Fatal> {
        let kernels = kernels.normalised();
        let mask = kernels.active_mask();
        let shape = mask.shape().map_err(|_| Fatal::NoKernel)?;
        let lanes = kernels.lanes();
        for (lane, &func_id) in lanes.iter().enumerate() {
            if mask.has_lane(lane) && !self.knows_kernel(func_id) {
                return Err(Fatal::UnknownKernel { func_id });
            }
        }
        let count = blocks.count;
        if count == 0 || count > MAX_BLOCKS {
            return Err(Fatal::NoBlocks {
                blocks: i32::try_from(count).unwrap_or(i32::MAX),
            });
        }
        let together = blocks.together && count > 1;
        if together {
            let limit = match shape {
                Shape::Aiv => 2 * self.around.clusters,
                Shape::Aic | Shape::Mix => self.around.clusters,
            };
            if count > limit {
                return Err(Fatal::SyncStartTooLarge {
                    blocks: count,
                    limit,
                });
            }
        }
        Ok(Work {
            kernels: lanes,
            mask: mask.with_sync_start(together),
            shape,
            blocks: count,
        })
    }

    #[inline]
    fn knows_kernel(&self, func_id: i32) -> bool {
        usize::try_from(func_id)
            .ok()
            .and_then(|index| self.around.kernels.get(index))
            .is_some_and(|entry| entry.address != 0)
    }

    /// Refuses what could never get a slot because its own scope holds all of them.
    #[inline]
    pub(super) fn check_scope(&self) -> Result<(), Fatal> {
        let (ring, _) = self.graph.scopes.innermost()?;
        let window = self.graph.rings[ring].window();
        let tasks = self.graph.scopes.tasks();
        if tasks >= window - 1 {
            return Err(Fatal::ScopeDeadlock {
                #[expect(clippy::cast_possible_truncation, reason = "below 4")]
                ring: ring as u8,
                tasks,
                window,
                suggested: 2 * u64::from(window),
            });
        }
        Ok(())
    }

    #[inline(always)]
    fn collect_producers(
        &mut self,
        arg: &Arg,
        operands: &Operands<'_>,
        manual: bool,
    ) -> Result<(), Fatal> {
        let records = &self.around.shared.records;
        self.graph.begin_collecting();
        for &id in arg.deps() {
            match self.graph.find(id) {
                Some(record) => self.graph.collect(records, id, record),
                None if self.graph.has_retired(id) => {}
                None => return Err(Fatal::BadDependency { id }),
            }
        }
        if manual {
            return Ok(());
        }
        for operand in operands.iter() {
            let Some(tensor) = operand.tensor() else {
                continue;
            };
            self.graph.collect_owner(records, tensor);
            if operand.reads() && tensor.manual_dep == 0 {
                let supersede = operand.supersedes();
                self.graph.collect_writers(records, tensor, supersede);
            }
        }
        Ok(())
    }

    /// Takes slot, record and output memory, and makes sure the map has room for the task's writes.
    #[inline(always)]
    pub(super) fn take_place(
        &mut self,
        operands: &Operands<'_>,
        scalars: usize,
        registered: u32,
    ) -> Result<Place, Fatal> {
        let (ring, _) = self.graph.scopes.innermost()?;
        if !self.graph.has_map_room(registered) {
            self.wait_for_room(
                Wanted::MapEntry,
                |this| this.graph.has_map_room(registered).then_some(()),
                |this| this.map_full(registered),
            )?;
            self.graph.drop_retired();
        }
        let heap = operands
            .output_bytes
            .checked_next_multiple_of(HEAP_ALIGN)
            .ok_or(Fatal::OutputTooLarge)?;
        let tensors = operands.count();
        let room = self.graph.room(tensors, scalars, heap);
        match self.graph.rings[ring].place(room) {
            Ok(place) => Ok(place),
            Err(short) => {
                let what = match short {
                    Short::Slot => Wanted::Slot,
                    Short::Heap => Wanted::Heap,
                    Short::Record => Wanted::Record,
                };
                self.wait_for_room(
                    what,
                    |this| {
                        this.graph.drop_retired();
                        let room = this.graph.room(tensors, scalars, heap);
                        this.graph.rings[ring].place(room).ok()
                    },
                    |this| this.ring_full(ring, this.graph.room(tensors, scalars, heap)),
                )
            }
        }
    }

    /// Writes everything a role, a core or the user will read.
    #[inline(always)]
    fn write_record(
        &mut self,
        place: &Place,
        work: &Work,
        operands: &Operands<'_>,
        scalars: &[u64],
        result: &mut TaskOutputTensors,
    ) {
        let edges = self.graph.producers.len();
        self.make_record(
            place,
            &Shaped {
                id: place.id,
                kernels: work.kernels,
                blocks: work.blocks,
                mask: work.mask,
                shape: work.shape,
                tensors: operands.count(),
                scalars: scalars.len(),
                edges,
            },
            operands,
        );
        let records = &self.around.shared.records;
        let first = records.scalars(place.record, operands.count());
        // SAFETY: the record has room for the scalars behind its tensors, and is the caller's alone.
        unsafe {
            core::ptr::copy_nonoverlapping(scalars.as_ptr(), first.as_ptr(), scalars.len());
        }
        self.write_tensors(place, operands, result);
    }

    /// Writes the four lines of a record.
    #[inline(always)]
    pub(super) fn make_record(&mut self, place: &Place, shaped: &Shaped, operands: &Operands<'_>) {
        let depth = self.graph.scopes.depth() - 1;
        #[expect(clippy::cast_possible_truncation, reason = "limits keep them small")]
        let ledger = Ledger {
            taken: 1,
            mark: 0,
            depth: depth as u8,
            granules: granules(shaped.tensors, shaped.scalars, shaped.edges) as u32,
            heap_start: place.heap_start,
            heap_len: operands.output_bytes.next_multiple_of(HEAP_ALIGN),
        };
        let descriptor = Descriptor::new(place.record, shaped);
        let waiting = descriptor.edge_count + 1;
        let records = &self.around.shared.records;
        records.make(place.record, ledger, descriptor, waiting);
        self.graph.scopes.add_task();
    }

    /// Copies the tensors into the record and makes the outputs.
    #[inline(always)]
    pub(super) fn write_tensors(
        &self,
        place: &Place,
        operands: &Operands<'_>,
        result: &mut TaskOutputTensors,
    ) {
        let records = &self.around.shared.records;
        result.task_id = place.id;
        let ring = u64::from(place.id.ring());
        let heap_bytes = self.graph.rings[usize::from(place.id.ring())]
            .heap()
            .capacity();
        let mut address = self.around.heap_base + ring * heap_bytes + place.heap_start;
        for (index, operand) in operands.iter().enumerate() {
            let mut slot = records.tensor(place.record, index);
            // SAFETY: the slot lies in a record that is ours alone, in memory that was zero once; any bytes are a tensor.
            let slot = unsafe { slot.as_mut() };
            if let Some(creation) = operand.creation() {
                let size = creation.packed_size().expect("checked before");
                let buffer = BufferHandle {
                    addr: address,
                    size,
                };
                creation.materialise_into(slot, buffer, place.id);
                if creation.has_initial_value != 0 {
                    self.fill(creation, buffer);
                }
                address += size;
                result.push(slot);
            } else if let Some(tensor) = operand.tensor() {
                let start = tensor.first_element().expect("checked before");
                tensor.store_into(slot, start);
            }
        }
    }

    fn fill(&self, creation: &TensorCreateInfo, buffer: BufferHandle) {
        let first = core::ptr::with_exposed_provenance_mut::<u8>(
            usize::try_from(buffer.addr).expect("an address of this machine"),
        );
        let len = usize::try_from(buffer.size).expect("it fitted into the heap");
        // SAFETY: the buffer was just allocated from the heap, whose address the context has exposed, and nobody
        // else knows it yet.
        let bytes = unsafe { core::slice::from_raw_parts_mut(first, len) };
        creation.fill(bytes).expect("checked before");
    }

    /// Writes down who the task waits for, finished or not, and what it does with its tensors.
    #[cold]
    fn write_down(&mut self, recorder: &Recorder, place: &Place, operands: &Operands<'_>) {
        for (producer, _) in &self.graph.producers {
            recorder.edge(producer.raw(), place.id.raw());
        }
        let records = &self.around.shared.records;
        records.set_roles(place.record, operands.roles());
    }

    /// Connects the task with its producers and lets it go.
    #[inline(always)]
    fn publish(&mut self, place: &Place, shape: Shape) {
        let shared = self.around.shared;
        let records = &shared.records;
        self.submitted += 1;
        shared.submitted.publish(self.submitted);
        let mut satisfied = 0;
        let mut edges = 0;
        for &(_, producer) in &self.graph.producers {
            records.ledger(producer, &mut self.graph.key).taken += 1;
            if records.connect(place.record, edges, producer) == Pushed::Closed {
                satisfied += 1;
            }
            edges += 1;
        }
        let is_ready =
            satisfied == edges || records.fan_in(place.record).waiting.release(satisfied + 1);
        if is_ready {
            shared.make_ready(shape, place.record);
            shared.queued.publish(self.submitted);
            shared.work_bell.ring_one();
        }
    }

    #[inline]
    fn register_writes(&mut self, place: &Place, operands: &Operands<'_>) -> Result<(), Fatal> {
        for operand in operands.iter() {
            let Some(tensor) = operand.written() else {
                continue;
            };
            let inserted = self.graph.map.insert(tensor, place.id, place.record);
            if inserted.is_err() {
                return Err(self.map_full(1));
            }
        }
        Ok(())
    }
}
