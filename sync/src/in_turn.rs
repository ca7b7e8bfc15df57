//! A state that is moved on by whoever waits for it.
//!
//! There is no thread that owns the state. A thread takes a [`Turn`]: it has the state alone, does what it came for
//! and moves the state on as far as it gets. Then it sleeps, until something comes in from outside that the next turn
//! could take, or until *another* thread's turn has moved the state: that turn may have taken what this thread
//! waited for, so every turn that moved something says so. A turn that kept it to itself would leave others asleep.
//!
//! | writer | store | reader | load | makes visible |
//! |---|---|---|---|---|
//! | a turn that moved something, after the lock is free | `news` +1, then the bell | a waiter, before its own turn | `news`, Acquire | nothing: the lock does; a change says "look again" |
//! | whoever brings something in | its own, then the bell | a waiter | the caller's look | whatever came in |

use core::fmt;
use core::ops::{Deref, DerefMut};
use std::sync::PoisonError;
use std::time::Instant;

use crate::atomic::{Mutex, MutexGuard};
use crate::cell::Word32;
use crate::doorbell::Doorbell;
use crate::spin::Spin;

/// A state that counts how often it moved.
pub trait Steps {
    /// A number that changes with everything that another thread may wait for.
    fn step(&self) -> u64;
}

/// A state that is moved on by whoever waits for it.
pub struct InTurn<S> {
    state: Mutex<S>,
    /// Grows with every turn that moved something.
    news: Word32,
}

/// What there was to know before a turn.
#[derive(Clone, Copy, Debug)]
pub struct Seen(u32);

impl<S: Steps> InTurn<S> {
    /// A state that nobody waits for yet.
    #[must_use]
    pub fn new(state: S) -> Self {
        Self {
            state: Mutex::new(state),
            news: Word32::new(0),
        }
    }

    /// Waits for the state and has it alone until the turn is over; others that sleep at `bell` then learn whether it
    /// moved.
    pub fn turn<'a, const SHARED: bool>(
        &'a self,
        bell: &'a Doorbell<SHARED>,
    ) -> Turn<'a, S, SHARED> {
        // Before the state is looked at: what moves after that is news to us.
        let seen = Seen(self.news.observe());
        // A state that a panic left behind is still looked at: only its owner can say whether it is whole.
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        Turn {
            step: state.step(),
            state: Some(state),
            home: self,
            bell,
            seen,
        }
    }

    /// Says that another look is worth while, whatever the state's number of steps says.
    pub fn announce<const SHARED: bool>(&self, bell: &Doorbell<SHARED>) {
        self.news.add(1);
        bell.ring_all();
    }

    /// Sleeps at `bell`, after a turn that found nothing, until something came in, until the state moved since, or until
    /// `deadline`.
    pub fn sleep<const SHARED: bool>(
        &self,
        bell: &Doorbell<SHARED>,
        spin: &mut Spin,
        seen: Seen,
        deadline: Option<Instant>,
        came_in: impl Fn() -> bool,
    ) {
        // Woken or not: the next turn looks.
        let _ = bell.wait_spinning(spin, deadline, || {
            came_in() || self.news.observe() != seen.0
        });
    }
}

impl<S> fmt::Debug for InTurn<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InTurn").finish_non_exhaustive()
    }
}

/// The state, for one thread.
#[must_use]
pub struct Turn<'a, S: Steps, const SHARED: bool> {
    /// Given back in `drop`, before others are told.
    state: Option<MutexGuard<'a, S>>,
    home: &'a InTurn<S>,
    bell: &'a Doorbell<SHARED>,
    step: u64,
    seen: Seen,
}

impl<S: Steps, const SHARED: bool> Turn<'_, S, SHARED> {
    /// Ends the turn; what is returned is for [`InTurn::sleep`].
    pub fn end(self) -> Seen {
        self.seen
    }
}

impl<S: Steps, const SHARED: bool> Deref for Turn<'_, S, SHARED> {
    type Target = S;

    #[inline]
    fn deref(&self) -> &S {
        self.state.as_ref().expect("it is there until the drop")
    }
}

impl<S: Steps, const SHARED: bool> DerefMut for Turn<'_, S, SHARED> {
    #[inline]
    fn deref_mut(&mut self) -> &mut S {
        self.state.as_mut().expect("it is there until the drop")
    }
}

impl<S: Steps, const SHARED: bool> Drop for Turn<'_, S, SHARED> {
    #[inline]
    fn drop(&mut self) {
        let moved = self.step() != self.step;
        drop(self.state.take());
        if moved {
            self.home.announce(self.bell);
        }
    }
}

impl<S: Steps, const SHARED: bool> fmt::Debug for Turn<'_, S, SHARED> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turn").finish_non_exhaustive()
    }
}

#[cfg(all(test, loom))]
mod loom_tests {
    use super::{InTurn, Steps};
    use crate::cell::Flag;
    use crate::doorbell::Doorbell;
    use crate::exchange::Exchange;
    use crate::spin::{Crowd, Spin};
    use loom::sync::Arc;
    use loom::thread;

    /// What the child does with a question.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum Answer {
        Ok,
        Fails,
        /// It ends without an answer.
        Dies,
    }

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum State {
        Unknown,
        Pending,
        Running,
        Completed,
        Failed,
        Skipped,
    }

    #[derive(Debug)]
    struct Task {
        state: State,
        /// The one it waits for.
        after: Option<usize>,
    }

    /// The engine of a worker with one child, as small as it gets: tasks that wait for one another, questions under way,
    /// a child that may die. A task's end, its start and its skipping go through one place each, which panics when it
    /// is passed twice.
    #[derive(Debug)]
    struct Tasks {
        tasks: [Task; 2],
        under_way: Vec<usize>,
        buried: bool,
        step: u64,
    }

    impl Steps for Tasks {
        fn step(&self) -> u64 {
            self.step
        }
    }

    #[derive(Debug)]
    struct House {
        tasks: InTurn<Tasks>,
        exchange: Exchange<u32, 2>,
        bell: Doorbell,
        /// The child's life is over.
        ended: Flag,
        leave: Flag,
    }

    const OK: u32 = 100;
    const FAILED: u32 = 200;

    impl House {
        fn new() -> Arc<Self> {
            let task = |after| Task {
                state: State::Unknown,
                after,
            };
            Arc::new(Self {
                tasks: InTurn::new(Tasks {
                    tasks: [task(None), task(Some(0))],
                    under_way: Vec::new(),
                    buried: false,
                    step: 0,
                }),
                exchange: Exchange::new(|_| 0),
                bell: Doorbell::new(),
                ended: Flag::new(),
                leave: Flag::new(),
            })
        }

        fn came_in(&self) -> bool {
            self.exchange.has_answer() || self.ended.is_set()
        }

        fn submit(&self, number: usize) {
            let mut tasks = self.tasks.turn(&self.bell);
            assert_eq!(tasks.tasks[number].state, State::Unknown);
            tasks.tasks[number].state = State::Pending;
            self.unblock(&mut tasks, number);
        }

        /// Starts or skips a task that nothing is in the way of.
        fn unblock(&self, tasks: &mut Tasks, number: usize) {
            assert_eq!(tasks.tasks[number].state, State::Pending);
            let before = tasks.tasks[number]
                .after
                .map(|before| tasks.tasks[before].state);
            match before {
                Some(State::Failed | State::Skipped) => self.over(tasks, number, State::Skipped),
                Some(State::Completed) | None if tasks.buried => {
                    self.over(tasks, number, State::Failed);
                }
                Some(State::Completed) | None => {
                    tasks.tasks[number].state = State::Running;
                    tasks.under_way.push(number);
                    // SAFETY: the turn makes us the only asker.
                    let mut asker = unsafe { self.exchange.asker() };
                    assert!(asker.ask(|frame| *frame = u32::try_from(number).expect("few")));
                }
                Some(_) => {}
            }
        }

        fn over(&self, tasks: &mut Tasks, number: usize, state: State) {
            let task = &mut tasks.tasks[number];
            assert!(matches!(task.state, State::Pending | State::Running));
            task.state = state;
            tasks.step += 1;
            for next in 0..tasks.tasks.len() {
                if tasks.tasks[next].after == Some(number)
                    && tasks.tasks[next].state == State::Pending
                {
                    self.unblock(tasks, next);
                }
            }
        }

        fn take_answers(&self, tasks: &mut Tasks) {
            loop {
                // SAFETY: the turn makes us the only asker.
                let mut asker = unsafe { self.exchange.asker() };
                let Some(answer) = asker.take(|frame| *frame).expect("counters are sound") else {
                    return;
                };
                let number = tasks.under_way.remove(0);
                let asked = u32::try_from(number).expect("few");
                let state = match answer - asked {
                    OK => State::Completed,
                    FAILED => State::Failed,
                    other => panic!("{other} is the answer to another question"),
                };
                self.over(tasks, number, state);
            }
        }

        fn pump(&self, tasks: &mut Tasks) {
            self.take_answers(tasks);
            if self.ended.is_set() && !tasks.buried {
                // What it answered before it died counts.
                self.take_answers(tasks);
                tasks.buried = true;
                tasks.step += 1;
                for number in core::mem::take(&mut tasks.under_way) {
                    self.over(tasks, number, State::Failed);
                }
            }
        }

        /// What a task came to.
        fn wait_for(&self, number: usize) -> State {
            let mut spin = Spin::new(&Crowd::on_cores(0));
            loop {
                let mut tasks = self.tasks.turn(&self.bell);
                self.pump(&mut tasks);
                let state = tasks.tasks[number].state;
                if matches!(state, State::Completed | State::Failed | State::Skipped) {
                    return state;
                }
                let came_in = !tasks.buried;
                let seen = tasks.end();
                self.tasks.sleep(&self.bell, &mut spin, seen, None, || {
                    came_in && self.came_in()
                });
            }
        }

        /// The child: answers until it is told to leave, or as long as it lives. Says which questions it got.
        fn serve(&self, answers: &[Answer]) -> Vec<u32> {
            let mut got = Vec::new();
            // SAFETY: the only answerer.
            let mut answerer = unsafe { self.exchange.answerer() };
            loop {
                let woken = self
                    .exchange
                    .bell()
                    .wait_until(None, || answerer.has_question() || self.leave.is_set());
                assert_eq!(woken, Ok(()));
                if !answerer.has_question() {
                    return got;
                }
                let answer = answers[got.len()];
                if answer == Answer::Dies {
                    self.ended.set();
                    self.bell.ring_all();
                    return got;
                }
                answerer.answer(|frame| {
                    got.push(*frame);
                    *frame += if answer == Answer::Ok { OK } else { FAILED };
                });
                self.bell.ring_all();
            }
        }
    }

    /// The main thread submits both tasks and waits for the second; another may wait for the first, and then either
    /// takes the child's answers. A thread that nobody wakes is a deadlock, which loom reports.
    #[derive(Clone, Copy)]
    struct Case {
        answers: &'static [Answer],
        /// Whether another thread waits too.
        two: bool,
        preemptions: usize,
        /// What becomes of the tasks.
        ends: [State; 2],
        /// The questions that the child gets: no task twice, and none that is to be skipped.
        served: &'static [u32],
    }

    impl Case {
        fn check(self) {
            let mut model = loom::model::Builder::new();
            model.preemption_bound = Some(self.preemptions);
            model.check(move || self.play());
        }

        fn play(self) {
            let house = House::new();
            let child = {
                let house = Arc::clone(&house);
                thread::spawn(move || house.serve(self.answers))
            };
            let waiter = self.two.then(|| {
                let house = Arc::clone(&house);
                thread::spawn(move || house.wait_for(0))
            });
            house.submit(0);
            house.submit(1);
            assert_eq!(house.wait_for(1), self.ends[1]);
            let first = match waiter {
                Some(waiter) => waiter.join().expect("the waiter ends"),
                None => house.wait_for(0),
            };
            assert_eq!(first, self.ends[0]);
            house.leave.set();
            house.exchange.bell().ring_all();
            assert_eq!(child.join().expect("the child ends"), self.served);
        }
    }

    const COMPLETES: Case = Case {
        answers: &[Answer::Ok, Answer::Ok],
        two: false,
        preemptions: 3,
        ends: [State::Completed, State::Completed],
        served: &[0, 1],
    };

    #[test]
    fn completion_starts_what_waits() {
        COMPLETES.check();
    }

    #[test]
    fn whoever_takes_the_answer_starts_what_waits() {
        let two = Case {
            two: true,
            preemptions: 1,
            ..COMPLETES
        };
        two.check();
    }

    #[test]
    fn failure_skips_what_waits() {
        let fails = Case {
            answers: &[Answer::Fails],
            two: true,
            preemptions: 2,
            ends: [State::Failed, State::Skipped],
            served: &[0],
        };
        fails.check();
    }

    #[test]
    fn death_fails_what_is_under_way() {
        let dies = Case {
            answers: &[Answer::Dies],
            two: true,
            preemptions: 2,
            ends: [State::Failed, State::Skipped],
            served: &[],
        };
        dies.check();
    }

    #[test]
    fn what_was_answered_before_death_counts() {
        let dies_late = Case {
            answers: &[Answer::Ok, Answer::Dies],
            two: false,
            preemptions: 3,
            ends: [State::Completed, State::Failed],
            served: &[0],
        };
        dies_late.check();
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{InTurn, Steps};
    use crate::doorbell::Doorbell;
    use crate::spin::{Crowd, Spin};
    use core::time::Duration;
    use std::time::Instant;

    struct Count(u64);

    impl Steps for Count {
        fn step(&self) -> u64 {
            self.0
        }
    }

    /// A waiter is woken by every turn that moves, and none of them knows that it waits.
    #[test]
    fn turns_wake_those_who_wait() {
        let (count, bell, crowd) = (
            InTurn::new(Count(0)),
            Doorbell::<false>::new(),
            Crowd::new(),
        );
        let watchdog = Instant::now() + Duration::from_secs(60);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for _ in 0..1000 {
                    count.turn(&bell).0 += 1;
                }
            });
            let mut spin = Spin::new(&crowd);
            loop {
                let turn = count.turn(&bell);
                if turn.0 == 1000 {
                    break;
                }
                let seen = turn.end();
                assert!(Instant::now() < watchdog, "nobody woke the waiter");
                count.sleep(&bell, &mut spin, seen, Some(watchdog), || false);
            }
        });
    }

    #[test]
    fn a_turn_that_moves_nothing_is_no_news() {
        let (count, bell) = (InTurn::new(Count(7)), Doorbell::<false>::new());
        let seen = count.turn(&bell).end();
        assert_eq!(count.turn(&bell).step(), 7);
        assert_eq!(count.news.observe(), seen.0);
        count.turn(&bell).0 += 1;
        assert_ne!(count.news.observe(), seen.0);
    }
}
