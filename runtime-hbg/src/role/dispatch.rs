//! Ready tasks meet free cores.
//!
//! Knows payloads and where ready tasks are. Refuses to know why a task is ready.
//!
//! Free cores first; then what another role has free cores for goes there; then the second place of cores that have
//! started, so that the next kernel is there when one ends. Ready tasks come from the role's own stack, then from the
//! shared queue, then from those of the graph that wait for nothing.

use aicore_abi::kernel::{AsyncCtx, LocalContext};
use aicore_abi::payload::{DispatchPayload, INLINE_WORDS};
use aicore_abi::seam::{Cores, Togetherness};
use protocol::TaskId;
use protocol::limits::hbg::MAX_ARGS;

use super::{Core, Role};
use crate::recording;
use crate::shared::Env;

/// Most tasks that change hands at once.
const BATCH: usize = 64;

impl Role {
    /// Dispatches what can be dispatched to cores of a kind; says whether anything moved.
    #[inline]
    pub(super) fn dispatch<C: Cores>(&mut self, env: &Env<'_, C>, kind: usize) -> bool {
        let before = self.moves;
        for place in self.sides[kind].occupancy.idle() {
            if self.sides[kind].ready.is_empty() && !self.refill(env, kind) {
                break;
            }
            self.load(env, kind, place);
        }
        let shared = env.roles > 1 && (self.share(env, kind) | self.tell_hunger(env, kind));
        for place in self.sides[kind].occupancy.second() {
            if self.sides[kind].ready.is_empty() {
                break;
            }
            self.load(env, kind, place);
        }
        shared || self.moves != before
    }

    /// Gets ready tasks from what all roles share; says whether there were any.
    fn refill<C: Cores>(&mut self, env: &Env<'_, C>, kind: usize) -> bool {
        let ready = &mut self.sides[kind].ready;
        let queue = &env.shared.ready[kind];
        let mut batch = [0; BATCH];
        let share = queue.len().div_ceil(env.roles).min(BATCH);
        let count = queue.pop_batch(&mut batch[..share]);
        if count != 0 {
            // The oldest is taken first.
            ready.extend(batch[..count].iter().rev());
            return true;
        }
        let initial = env.graph.ready[kind];
        let claimed = &env.shared.claimed[kind];
        let left = initial.len().saturating_sub(claimed.own() as usize);
        if left == 0 {
            return false;
        }
        let share = left.div_ceil(2 * env.roles).min(BATCH);
        #[expect(clippy::cast_possible_truncation, reason = "a batch is small")]
        let first = claimed.add(share as u32) as usize;
        let claimed = first.min(initial.len())..(first + share).min(initial.len());
        let is_any = !claimed.is_empty();
        ready.extend(initial[claimed].iter().rev());
        is_any
    }

    /// Loads the newest ready task onto a core that has room.
    #[inline]
    fn load<C: Cores>(&mut self, env: &Env<'_, C>, kind: usize, place: usize) {
        let side = &mut self.sides[kind];
        let Some(task) = side.ready.pop_back() else {
            return;
        };
        let core = &mut side.cores[place];
        let token = core.calls.load(task).get();
        side.occupancy.set_loaded(place);
        let record = match env.cores.recorder() {
            None => 0,
            Some(recorder) => {
                recording::dispatched(recorder, &env.graph, self.number, core.id, task)
            }
        };
        fill_payload(env, core, token, task, record);
        env.cores.dispatch(core.id, token, Togetherness::Alone);
        self.moves += 1;
    }

    /// Gives others what they have free cores for and this role has not; says whether anything was given.
    #[inline]
    fn share<C: Cores>(&mut self, env: &Env<'_, C>, kind: usize) -> bool {
        let side = &mut self.sides[kind];
        if side.ready.is_empty() {
            return false;
        }
        let others = env.shared.hungry[kind].own() & !(1 << self.number);
        let mut give = match (side.cores.is_empty(), others.count_ones() as usize) {
            // Nothing of this kind can ever run here.
            (true, _) => side.ready.len(),
            (false, 0) => return false,
            (false, others) => (side.ready.len() * others).div_ceil(others + 1),
        };
        let before = side.ready.len();
        while give != 0 {
            let count = give.min(BATCH);
            let mut batch = [0; BATCH];
            for (place, task) in batch.iter_mut().zip(side.ready.drain(..count)) {
                *place = task;
            }
            let given = env.shared.ready[kind].push_batch(&batch[..count]);
            for &task in batch[given..count].iter().rev() {
                side.ready.push_front(task);
            }
            if given < count {
                break;
            }
            give -= given;
        }
        let is_any = side.ready.len() != before;
        if is_any {
            env.shared.work_bell.ring_all();
        }
        is_any
    }

    /// Says whether this role has cores free that it has nothing for.
    #[inline]
    fn tell_hunger<C: Cores>(&mut self, env: &Env<'_, C>, kind: usize) -> bool {
        let side = &mut self.sides[kind];
        let hungry = !side.occupancy.idle().is_empty();
        if hungry != side.hungry {
            side.hungry = hungry;
            let bit = 1 << self.number;
            if hungry {
                env.shared.hungry[kind].insert(bit);
                // Somebody with too much may be asleep behind busy cores.
                env.shared.work_bell.ring_all();
            } else {
                env.shared.hungry[kind].remove(bit);
            }
        }
        false
    }
}

#[inline]
fn fill_payload<C: Cores>(env: &Env<'_, C>, core: &Core, token: u32, task: u32, written_down: u64) {
    let record = &env.graph.records[task as usize];
    let entry = env.kernels[usize::from(record.kernel)];
    let words = env.graph.words_of(task);
    let mut payload = env.cores.payload(core.id, token);
    let address = payload.as_ptr().expose_provenance() as u64;
    // SAFETY: the seam keeps the payload valid, and the call that used it last has finished: only two calls are ever
    // on a core, and they use one payload each.
    let payload: &mut DispatchPayload = unsafe { payload.as_mut() };
    payload.function_bin_addr = entry.address;
    payload.kernel_handle = entry.handle;
    payload.record = written_down;
    if words.len() <= INLINE_WORDS {
        let (own, rest) = payload.args.split_at_mut(words.len());
        own.copy_from_slice(words);
        rest[..MAX_ARGS.saturating_sub(words.len())].fill(0);
    } else {
        let words = words.as_ptr().expose_provenance() as u64;
        payload.keep_words_at(words, record.word_count);
    }
    payload.tensor_count = u32::from(record.tensors);
    payload.scalar_count = record.word_count - u32::from(record.tensors);
    // Each of the two payloads once per run.
    if core.calls.counter() <= 2 {
        payload.link_contexts(address);
        payload.global_context.sub_block_id = i32::from(core.lane);
        payload.local_context = LocalContext {
            block_idx: 0,
            block_num: 1,
            async_ctx: AsyncCtx::new(0, TaskId::INVALID),
        };
    }
}
