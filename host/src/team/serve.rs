//! What a child does all day: wait, do what it is asked, answer.
//!
//! Knows the order of steps that is the same for every kind of child and every kind of hands.
//! Refuses to know what the hands do. Nothing unwinds past it.

use core::panic::AssertUnwindSafe;
use std::collections::HashMap;
use std::panic::catch_unwind;
use std::sync::Arc;

use protocol::TaskArgsView;
use sync::{Crowd, Spin};

use super::call::{Call, Placed, malformed};
use super::channel::{Channel, Leave, Phase};
use super::fault::{Fault, FaultKind};
use super::frame::{ANSWER_FAULT, ANSWER_OK, Frame, Request, Words};
use super::hands::Hands;
use super::segment::SegmentId;
use super::supply::Supply;
use super::target::Target;

/// A child at work.
struct Server<'a> {
    origin: &'a str,
    hands: &'a mut dyn Hands,
    supply: &'a mut dyn Supply,
    targets: HashMap<u64, Target>,
    tensors: Vec<Placed>,
    scalars: Vec<u64>,
}

/// Answers questions until the parent says leave.
///
/// # Safety
/// Nobody else answers in `channel`.
pub(crate) unsafe fn serve(
    channel: &Channel,
    origin: &str,
    hands: &mut dyn Hands,
    supply: &mut dyn Supply,
    crowd: &Arc<Crowd>,
) {
    let mut server = Server {
        origin,
        hands,
        supply,
        targets: HashMap::new(),
        tensors: Vec::new(),
        scalars: Vec::new(),
    };
    let mut spin = Spin::new(crowd);
    // SAFETY: passed on from the caller.
    let mut answerer = unsafe { channel.answerer() };
    channel.enter(Phase::Ready);
    loop {
        // Woken to end: by the parent's word, or with the whole process when the parent dies.
        let woken = channel.bell().wait_spinning(&mut spin, None, || {
            answerer.has_question() || channel.leave() != Leave::No
        });
        debug_assert!(woken.is_ok(), "there is no deadline to pass");
        if channel.leave() == Leave::AtOnce {
            return;
        }
        if answerer.answer(|frame| server.answer(frame)).is_some() {
            channel.parent().ring_all();
        } else if channel.leave() != Leave::No {
            return;
        }
    }
}

impl Server<'_> {
    fn answer(&mut self, frame: &mut Frame) {
        let done = catch_unwind(AssertUnwindSafe(|| self.carry_out(frame)));
        let done = done.unwrap_or_else(|payload| Err(Fault::of_panic(&*payload)));
        match done {
            Ok(result) => {
                frame.head.result = result;
                frame.head.answer = ANSWER_OK;
            }
            Err(fault) => {
                fault.passed_by(self.origin).write(&mut frame.fault);
                frame.head.answer = ANSWER_FAULT;
            }
        }
    }

    fn carry_out(&mut self, frame: &Frame) -> Result<Words, Fault> {
        let words = frame.head.words;
        let Some(request) = Request::from_wire(frame.head.request) else {
            return Err(Fault::new(
                FaultKind::Malformed,
                format!("request {} is none", frame.head.request),
            ));
        };
        match request {
            Request::Task => self.task(frame).map(|()| [0; 2]),
            Request::Prepare => {
                let [serial, segment, bytes, _] = words;
                let target = self.supply.target(serial, (segment, bytes))?;
                self.hands.prepare(serial, &target)?;
                self.targets.insert(serial, target);
                Ok([0; 2])
            }
            Request::Forget => {
                self.targets.remove(&words[0]);
                self.hands.forget(words[0])?;
                Ok([0; 2])
            }
            Request::Unmap => {
                self.supply.unmap(words[0]);
                Ok([0; 2])
            }
            Request::Ping => Ok([0; 2]),
            other => self.hands.control(other, words, self.supply),
        }
    }

    fn task(&mut self, frame: &Frame) -> Result<(), Fault> {
        let serial = frame.head.callable;
        let target = self.targets.get(&serial).ok_or_else(|| {
            Fault::new(
                FaultKind::NotRegistered,
                format!("callable {serial} is not registered with this child"),
            )
        })?;
        let view = TaskArgsView::read_blob(&frame.args).map_err(malformed)?;
        self.tensors.clear();
        for (record, &segment) in view.tensors().zip(&frame.segments) {
            let segment = match segment {
                SegmentId::NONE => None,
                id => Some(self.supply.segment(id)?),
            };
            self.tensors.push(Placed { record, segment });
        }
        self.scalars.clear();
        self.scalars.extend(view.scalars());
        let call = Call {
            tensors: &self.tensors,
            scalars: &self.scalars,
            config: &frame.config,
        };
        let done = self.hands.run(serial, target, &call);
        // Holding a mapping longer than its task would keep the memory of dropped buffers.
        self.tensors.clear();
        done
    }
}
