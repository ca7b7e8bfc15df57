//! Ready tasks meet free cores.
//!
//! Knows shapes, phases and payloads. Refuses to know why a task is ready.
//!
//! Mixed tasks go first because they need a whole cluster; then the two kinds of core take turns, the other way round on
//! every second role. Free cores first, then the second place of cores that have started, so that the next kernel is there
//! when one ends. A task's blocks go out in order; what finds no core goes to the shared queue, where any role may go on
//! with it.

use aicore_abi::kernel::{AsyncCtx, LocalContext};
use aicore_abi::orchestration::trb::Shape;
use aicore_abi::payload::DispatchPayload;
use aicore_abi::seam::{Cores, Togetherness};
use bytemuck::Zeroable;
use protocol::recording::CallRecord;

use super::tracker::{Lane, Phase, Unit};
use super::{Flight, Role};
use crate::record::{Descriptor, TaskRef};
use crate::recording;
use crate::run::Env;

/// Most tasks taken from a shared queue at once.
const BATCH: usize = 16;

impl Role {
    /// Dispatches what can be dispatched; says whether anything was.
    #[inline]
    pub(super) fn dispatch<C: Cores>(&mut self, env: &Env<'_, C>) -> bool {
        let shapes = if self.number.is_multiple_of(2) {
            [Shape::Mix, Shape::Aic, Shape::Aiv]
        } else {
            [Shape::Mix, Shape::Aiv, Shape::Aic]
        };
        let mut progress = false;
        for &shape in &shapes {
            for phase in [Phase::Idle, Phase::Pending] {
                if self.own_ready[shape as usize].is_empty() && env.shared.ready(shape).is_empty() {
                    break;
                }
                progress |= self.dispatch_shape(env, shape, phase);
            }
        }
        progress
    }

    #[inline]
    fn dispatch_shape<C: Cores>(&mut self, env: &Env<'_, C>, shape: Shape, phase: Phase) -> bool {
        let mut progress = false;
        while self.tracker.has_unit(shape, phase) {
            let mut batch = [TaskRef::NONE; BATCH];
            let count = self.take_ready(env, shape, phase, &mut batch);
            if count == 0 {
                break;
            }
            let mut stuck = false;
            for (index, &task) in batch[..count].iter().enumerate() {
                match self.place(env, task, shape, phase) {
                    Placed::All => progress = true,
                    Placed::Some => {
                        progress = true;
                        give_back(env, shape, &batch[index..count]);
                        stuck = true;
                    }
                    Placed::None => {
                        give_back(env, shape, &batch[index..count]);
                        stuck = true;
                    }
                    Placed::Draining => {
                        give_back(env, shape, &batch[index + 1..count]);
                        stuck = true;
                    }
                }
                if stuck {
                    return progress;
                }
            }
        }
        progress
    }

    /// Takes ready tasks: the role's own newest; without any, a fair share of the common ones.
    #[inline]
    fn take_ready<C: Cores>(
        &mut self,
        env: &Env<'_, C>,
        shape: Shape,
        phase: Phase,
        batch: &mut [TaskRef; BATCH],
    ) -> usize {
        if let Some(task) = self.own_ready[shape as usize].pop() {
            batch[0] = task;
            return 1;
        }
        let queue = env.shared.ready(shape);
        let waiting = queue.len();
        if waiting == 0 {
            return 0;
        }
        let units = self.tracker.units(shape, phase) as usize;
        let wanted = units.min(BATCH).min(waiting.div_ceil(env.sharers));
        queue.pop_batch(&mut batch[..wanted])
    }

    /// Dispatches as many blocks of a task as there are units for.
    #[inline]
    fn place<C: Cores>(
        &mut self,
        env: &Env<'_, C>,
        task: TaskRef,
        shape: Shape,
        phase: Phase,
    ) -> Placed {
        let records = &env.shared.records;
        let descriptor = records.descriptor(task);
        if descriptor.mask.is_sync_start() {
            if phase == Phase::Pending {
                return Placed::None;
            }
            if self.tracker.units(shape, phase) < descriptor.blocks {
                return if self.ask_for_all(env, task) {
                    Placed::Draining
                } else {
                    Placed::None
                };
            }
        }
        let next_block = &records.fan_in(task).next_block;
        let first = next_block.own();
        let mut block = first;
        while block < descriptor.blocks {
            let Some(unit) = self.tracker.pick(shape, phase) else {
                break;
            };
            self.dispatch_block(env, task, descriptor, unit, block);
            block += 1;
        }
        if block == descriptor.blocks {
            // The task belongs to its cores now and may be gone.
            return Placed::All;
        }
        next_block.set_own(block);
        if block == first {
            Placed::None
        } else {
            Placed::Some
        }
    }

    /// Hands one block to one core, or to the cores of one cluster.
    #[inline]
    pub(super) fn dispatch_block<C: Cores>(
        &mut self,
        env: &Env<'_, C>,
        task: TaskRef,
        descriptor: &Descriptor,
        unit: Unit,
        block: u32,
    ) {
        if descriptor.shape != Shape::Mix {
            let kernel = match descriptor.shape {
                Shape::Aic => Lane::Aic,
                // A lone vector kernel is the first vector lane's, whichever core runs it.
                Shape::Aiv | Shape::Mix => Lane::Aiv0,
            };
            let together = if descriptor.mask.is_sync_start() {
                Togetherness::Group
            } else {
                Togetherness::Alone
            };
            self.dispatch_lane(env, task, descriptor, unit, kernel, block, together);
            return;
        }
        for lane in Lane::ALL {
            if descriptor.mask.has_lane(lane as usize) {
                let unit = Unit {
                    cluster: unit.cluster,
                    lane,
                };
                let together = Togetherness::Group;
                self.dispatch_lane(env, task, descriptor, unit, lane, block, together);
            }
        }
    }

    #[inline]
    #[expect(
        clippy::too_many_arguments,
        reason = "one kernel call is this many things"
    )]
    fn dispatch_lane<C: Cores>(
        &mut self,
        env: &Env<'_, C>,
        task: TaskRef,
        descriptor: &Descriptor,
        unit: Unit,
        kernel: Lane,
        block: u32,
        together: Togetherness,
    ) {
        let Unit { cluster, lane } = unit;
        let was_idle = self.tracker.is_idle(lane, cluster);
        let core = self.core(lane, cluster);
        let token = core.tokens.advance();
        let flight = Flight { token, task };
        if was_idle {
            core.running = Some(flight);
        } else {
            core.pending = Some(flight);
        }
        let id = core.id;
        self.tracker.set_dispatched(lane, cluster);
        self.moves += 1;

        let func_id = descriptor.kernels[kernel as usize];
        let entry = usize::try_from(func_id)
            .ok()
            .and_then(|index| env.kernels.get(index))
            .copied()
            .unwrap_or_default();
        let mut ingress = env.cores.deferred(id, token.get());
        // SAFETY: the seam keeps the buffer valid; the token that used it last was acknowledged and has finished.
        let deferred = unsafe { ingress.as_mut() };
        deferred.count = 0;
        deferred.error_code = 0;
        let mut payload = env.cores.payload(id, token.get());
        let address = payload.as_ptr().expose_provenance() as u64;
        // SAFETY: the seam keeps the payload valid; the token that used it last has finished.
        let payload: &mut DispatchPayload = unsafe { payload.as_mut() };
        payload.function_bin_addr = entry.address;
        payload.kernel_handle = entry.handle;
        let records = &env.shared.records;
        let tensors = usize::from(descriptor.tensors);
        let mut tensor = records.tensor(task, 0).as_ptr().expose_provenance() as u64;
        for word in &mut payload.args[..tensors] {
            *word = tensor;
            tensor += size_of::<aicore_abi::tensor::Tensor>() as u64;
        }
        let scalars = records.scalars_of(task, descriptor);
        payload.args[tensors..tensors + scalars.len()].copy_from_slice(scalars);
        payload.tensor_count = u32::from(descriptor.tensors);
        payload.scalar_count = u32::try_from(scalars.len()).expect("limited");
        payload.link_contexts(address);
        payload.local_context = LocalContext {
            block_idx: block.cast_signed(),
            block_num: descriptor.blocks.cast_signed(),
            async_ctx: AsyncCtx::new(ingress.as_ptr().expose_provenance() as u64, descriptor.id),
        };
        payload.global_context.sub_block_id = i32::from(lane == Lane::Aiv1);
        payload.record = match env.cores.recorder() {
            None => 0,
            Some(recorder) => {
                #[expect(clippy::cast_possible_truncation, reason = "few roles and lanes")]
                let call = CallRecord {
                    task_id: descriptor.id.raw(),
                    func_id,
                    block,
                    core: id.0,
                    lane: kernel as u8,
                    writer: self.number as u8,
                    ..Zeroable::zeroed()
                };
                recording::dispatched(recorder, records, task, call, lane)
            }
        };
        env.cores.dispatch(id, token.get(), together);
    }

    /// Lets others have what this role keeps but cannot use now.
    #[inline]
    pub(super) fn share<C: Cores>(&mut self, env: &Env<'_, C>) {
        if env.sharers == 1 {
            return;
        }
        for shape in Shape::ALL {
            let own = &mut self.own_ready[shape as usize];
            if own.is_empty() || !env.shared.ready(shape).is_empty() {
                continue;
            }
            for &task in own.as_slice() {
                env.shared.make_ready(shape, task);
            }
            own.clear();
            env.shared.notify();
        }
    }
}

/// What became of a task that was to be dispatched.
enum Placed {
    /// Every block is on a core.
    All,
    /// Some blocks are.
    Some,
    /// None is.
    None,
    /// The task waits until enough cores are free at once.
    Draining,
}

/// Puts tasks back into the shared queue.
fn give_back<C: Cores>(env: &Env<'_, C>, shape: Shape, tasks: &[TaskRef]) {
    for &task in tasks {
        env.shared.make_ready(shape, task);
    }
    if !tasks.is_empty() && env.sharers > 1 {
        env.shared.notify();
    }
}
