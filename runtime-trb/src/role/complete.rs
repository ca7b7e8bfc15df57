//! What follows when a kernel call has finished.
//!
//! Knows counts and edges. Refuses to know cores.
//!
//! Consumers come first, because they are what the run waits for; references to producers are given back last. The
//! task's own reference is the very last thing: after it the record may be gone.

use aicore_abi::seam::Cores;

use super::tracker::Lane;
use super::{Flight, Role};
use crate::record::TaskRef;
use crate::recording;
use crate::run::Env;

impl Role {
    /// Counts one kernel call, unless it left conditions behind.
    #[inline]
    pub(super) fn finish<C: Cores>(
        &mut self,
        env: &Env<'_, C>,
        lane: Lane,
        cluster: usize,
        flight: Option<Flight>,
    ) {
        let Some(flight) = flight else {
            return;
        };
        self.moves += 1;
        let core = self.clusters[cluster][lane as usize].id;
        if let Some(recorder) = env.cores.recorder() {
            let payload = env.cores.payload(core, flight.token.get());
            // SAFETY: the seam keeps the payload valid, and it is this call's until another has its token's parity.
            recorder.call_finished(unsafe { payload.as_ref() }.record);
        }
        let ingress = env.cores.deferred(core, flight.token.get());
        if self.deferred.took_over(env, ingress, flight.task) {
            return;
        }
        self.count_subtasks(env, flight.task, 1);
    }

    /// Counts finished kernel calls of a task; the last one completes it.
    #[inline]
    pub(super) fn count_subtasks<C: Cores>(&mut self, env: &Env<'_, C>, task: TaskRef, count: u32) {
        let records = &env.shared.records;
        // Most tasks have one kernel call, which needs no counting.
        let is_last = records.descriptor(task).subtasks() == count
            || records.fan_out(task).subtasks.release(count);
        if is_last {
            self.complete(env, task);
        }
    }

    #[inline]
    fn complete<C: Cores>(&mut self, env: &Env<'_, C>, task: TaskRef) {
        let records = &env.shared.records;
        let consumers = records.complete(task);
        debug_assert!(consumers.is_some(), "a task completes once");
        for edge in consumers.into_iter().flatten() {
            let consumer = records.consumer(edge);
            if records.fan_in(consumer).waiting.release(1) {
                self.make_ready(env, consumer);
            }
        }
        if let Some(recorder) = env.cores.recorder() {
            recording::completed(recorder, self.number, records, task);
        }
        for producer in records.producers(records.descriptor(task)) {
            records.fan_out(producer).given_back.add(1);
        }
        records.fan_out(task).given_back.add(1);
        self.completed += 1;
    }

    /// Keeps a ready task warm, or lets others have it.
    #[inline]
    fn make_ready<C: Cores>(&mut self, env: &Env<'_, C>, task: TaskRef) {
        let shape = env.shared.records.descriptor(task).shape;
        if self.own_ready[shape as usize].push(task).is_err() {
            env.shared.make_ready(shape, task);
            env.shared.notify();
        }
    }
}
