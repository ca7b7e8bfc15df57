//! One child as the engine sees it.
//!
//! Knows what is under way to it and what it has mapped. Refuses to know why it gets what it gets.

use std::collections::{HashSet, VecDeque};

use protocol::{CallConfig, TaskArgsView};
use sync::Damaged;

use super::task::{Member, Pool};
use crate::team::channel::Channel;
use crate::team::fault::Fault;
use crate::team::frame::{ANSWER_OK, Frame, Request, Words};
use crate::team::life::Child;
use crate::team::tensor::Hold;

/// A question that is under way, or waits for a frame.
#[derive(Debug)]
pub(crate) enum Flight {
    /// A member of a task.
    Task { index: u32 },
    /// Something else.
    Ask {
        id: u64,
        request: Request,
        words: [u64; 4],
        holds: Vec<Hold>,
    },
}

/// One child.
#[derive(Debug)]
pub(crate) struct Port {
    pub(crate) label: String,
    pub(crate) pool: Pool,
    pub(crate) channel: Channel,
    pub(crate) child: Box<dyn Child>,
    /// Questions in frames, the oldest first.
    pub(crate) flights: VecDeque<Flight>,
    /// Questions that are no tasks and have no frame yet.
    pub(crate) questions: VecDeque<Flight>,
    pub(crate) tasks_in_flight: usize,
    /// Segments it was told about.
    pub(crate) known: HashSet<u64>,
    /// The group that gets it next.
    pub(crate) reserved: Option<u32>,
    /// Why it gets nothing any more.
    pub(crate) dead: Option<Fault>,
    /// It was ended because it did not answer.
    pub(crate) stuck: bool,
    /// How often it was started: device memory of another time is lost.
    pub(crate) generation: u32,
}

impl Port {
    pub(crate) fn new(label: String, pool: Pool, channel: Channel, child: Box<dyn Child>) -> Self {
        Self {
            label,
            pool,
            channel,
            child,
            flights: VecDeque::new(),
            questions: VecDeque::new(),
            tasks_in_flight: 0,
            known: HashSet::new(),
            reserved: None,
            dead: None,
            stuck: false,
            generation: 0,
        }
    }

    /// Whether a frame is free.
    pub(crate) fn has_room(&self) -> bool {
        // SAFETY: the engine's lock makes us the only asker.
        unsafe { self.channel.asker() }.has_room()
    }

    /// Tells the child about the segments that a question names.
    fn introduce(&mut self, holds: &[Hold]) -> Result<(), Fault> {
        for hold in holds {
            let id = hold.segment().id().0;
            if !self.known.contains(&id) {
                let shared = self.child.share(hold.segment());
                shared.map_err(|error| error.into_fault().passed_by(self.label.clone()))?;
                self.known.insert(id);
            }
        }
        Ok(())
    }

    /// Asks the child to run a member of a task. There is room.
    pub(crate) fn post_task(
        &mut self,
        index: u32,
        callable: u64,
        config: &CallConfig,
        member: &Member,
    ) -> Result<(), Fault> {
        self.introduce(&member.holds)?;
        // SAFETY: the engine's lock makes us the only asker.
        let mut asker = unsafe { self.channel.asker() };
        let asked = asker.ask(|frame: &mut Frame| {
            frame.ask(Request::Task, [0; 4]);
            frame.head.callable = callable;
            frame.segments[..member.segments.len()].copy_from_slice(&member.segments);
            frame.set_config(config);
            let written =
                TaskArgsView::new(&member.tensors, &member.scalars).write_blob(&mut frame.args);
            debug_assert!(written.is_ok(), "the submit checked that it fits");
        });
        debug_assert!(asked, "the caller saw a free frame");
        self.flights.push_back(Flight::Task { index });
        self.tasks_in_flight += 1;
        Ok(())
    }

    /// Asks the child something else. There is room.
    pub(crate) fn post_question(&mut self, flight: Flight) -> Result<(), Box<(Flight, Fault)>> {
        if let Flight::Ask {
            request,
            words,
            holds,
            ..
        } = &flight
        {
            if let Err(fault) = self.introduce(holds) {
                return Err(Box::new((flight, fault)));
            }
            if *request == Request::Unmap {
                self.known.remove(&words[0]);
            }
            // SAFETY: the engine's lock makes us the only asker.
            let mut asker = unsafe { self.channel.asker() };
            let asked = asker.ask(|frame: &mut Frame| frame.ask(*request, *words));
            debug_assert!(asked, "the caller saw a free frame");
        }
        self.flights.push_back(flight);
        Ok(())
    }

    /// Takes the oldest answer with the question it belongs to.
    #[expect(
        clippy::type_complexity,
        reason = "an answer is a question and its result"
    )]
    pub(crate) fn take_answer(
        &mut self,
    ) -> Option<Result<(Flight, Result<Words, Fault>), Damaged>> {
        if self.flights.is_empty() || !self.channel.has_answer() {
            return None;
        }
        // SAFETY: the engine's lock makes us the only asker.
        let mut asker = unsafe { self.channel.asker() };
        let taken = asker.take(|frame| match frame.head.answer {
            ANSWER_OK => Ok(frame.head.result),
            _ => Err(Fault::read(&frame.fault)),
        });
        let result = match taken {
            Ok(result) => result?,
            Err(damage) => return Some(Err(damage)),
        };
        let flight = self.flights.pop_front()?;
        if matches!(flight, Flight::Task { .. }) {
            self.tasks_in_flight -= 1;
        }
        Some(Ok((flight, result)))
    }
}
