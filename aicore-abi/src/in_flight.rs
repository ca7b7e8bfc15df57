//! What a scheduler knows about its cores: which calls are on them, and which cores are free.
//!
//! Knows the two places of a core, the tokens in them, and two bits per core. Refuses to know what a call is for:
//! the scheduler attaches a value to each and gets it back when the call has finished.
//!
//! A core runs one call and may hold a second one that it takes up when the first has ended, so that it never waits
//! for its scheduler:
//!
//! | | idle | may be loaded |
//! | --- | --- | --- |
//! | nothing on it | yes | yes, to run |
//! | runs a call it has acknowledged | no | yes, to run next |
//! | has not acknowledged what was written last | no | no |

use crate::registers::{Status, Token, TokenSequence, Transition};

/// The calls on one core, at most two, each with a value of the scheduler's.
#[derive(Clone, Copy, Debug)]
pub struct InFlight<T> {
    tokens: TokenSequence,
    running: Option<(Token, T)>,
    pending: Option<(Token, T)>,
}

/// What one look at a core's status tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Seen<T> {
    /// The calls that have finished, in the order they were loaded.
    pub finished: [Option<T>; 2],
    /// What may be loaded now.
    pub room: Room,
}

/// What may be loaded onto a core after a look at its status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// As before the look.
    Unchanged,
    /// A call to run next: the core acknowledged what was written last.
    Second,
    /// A call to run: nothing is on the core any more.
    Idle,
}

impl<T: Copy> InFlight<T> {
    /// A core with nothing on it whose tokens continue after `counter`.
    #[must_use]
    pub const fn after(counter: u32) -> Self {
        Self {
            tokens: TokenSequence::after(counter),
            running: None,
            pending: None,
        }
    }

    /// Loads a call: the token that is to be written for it.
    ///
    /// The caller has seen [`Room`] for it; on top of two calls nothing can be loaded.
    #[inline]
    pub fn load(&mut self, value: T) -> Token {
        let token = self.tokens.advance();
        let place = if self.is_idle() {
            &mut self.running
        } else {
            debug_assert!(self.pending.is_none(), "a core has two places");
            &mut self.pending
        };
        *place = Some((token, value));
        token
    }

    /// What the status word `word` says.
    ///
    /// The first of two calls is given out as soon as its own end is seen, so what waits for it need not wait for the
    /// second one to start.
    #[inline]
    pub fn look(&mut self, word: u32) -> Seen<T> {
        let token = |call: Option<(Token, T)>| call.map(|(token, _)| token);
        let value = |call: Option<(Token, T)>| call.map(|(_, value)| value);
        let (running, pending) = (token(self.running), token(self.pending));
        let (finished, room) = match Transition::of(Status::decode(word), running, pending) {
            Transition::Nothing => ([None; 2], Room::Unchanged),
            Transition::RunningStarted if pending.is_none() => ([None; 2], Room::Second),
            Transition::RunningStarted => ([None; 2], Room::Unchanged),
            Transition::RunningFinished => ([value(self.running.take()), None], Room::Idle),
            Transition::RunningFinishedPendingLoaded => {
                ([value(self.running.take()), None], Room::Unchanged)
            }
            Transition::PendingStarted => {
                let finished = value(self.running.take());
                self.running = self.pending.take();
                ([finished, None], Room::Second)
            }
            Transition::BothFinished => {
                let finished = [self.running.take(), self.pending.take()];
                (finished.map(value), Room::Idle)
            }
        };
        Seen { finished, room }
    }

    /// Whether nothing is on the core.
    #[inline]
    #[must_use]
    pub const fn is_idle(&self) -> bool {
        self.running.is_none() && self.pending.is_none()
    }

    /// The calls on the core: the one that runs and the one that is to run next.
    #[must_use]
    pub const fn calls(&self) -> [Option<(Token, T)>; 2] {
        [self.running, self.pending]
    }

    /// Calls loaded so far, counting from where the tokens began.
    #[inline]
    #[must_use]
    pub const fn counter(&self) -> u32 {
        self.tokens.counter()
    }
}

/// Most cores one [`Occupancy`] holds: one bit each.
pub const MAX_PLACES: usize = u128::BITS as usize;

/// Which of up to 128 cores are free.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Occupancy {
    owned: u128,
    idle: u128,
    /// What was written last is not acknowledged, or a second call is loaded.
    occupied: u128,
}

impl Occupancy {
    /// `count` free cores, numbered from 0.
    ///
    /// # Panics
    ///
    /// If there are more than [`MAX_PLACES`].
    #[must_use]
    pub const fn all_idle(count: usize) -> Self {
        assert!(count <= MAX_PLACES, "there is one bit per core");
        let owned = match count {
            0 => 0,
            count => u128::MAX >> (MAX_PLACES - count),
        };
        Self {
            owned,
            idle: owned,
            occupied: 0,
        }
    }

    /// The cores that have something on them.
    #[inline]
    #[must_use]
    pub const fn running(&self) -> Places {
        Places(self.owned & !self.idle)
    }

    /// The cores that can take a call to run.
    #[inline]
    #[must_use]
    pub const fn idle(&self) -> Places {
        Places(self.idle)
    }

    /// The cores that can take a call to run next.
    #[inline]
    #[must_use]
    pub const fn second(&self) -> Places {
        Places(self.owned & !self.idle & !self.occupied)
    }

    /// A call was loaded onto `place`.
    #[inline]
    pub const fn set_loaded(&mut self, place: usize) {
        self.idle &= !(1 << place);
        self.occupied |= 1 << place;
    }

    /// `place` was found with this room.
    #[inline]
    pub const fn set_room(&mut self, place: usize, room: Room) {
        match room {
            Room::Unchanged => {}
            Room::Second => self.occupied &= !(1 << place),
            Room::Idle => {
                self.idle |= 1 << place;
                self.occupied &= !(1 << place);
            }
        }
    }
}

/// Some cores of an [`Occupancy`], lowest number first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Places(u128);

impl Places {
    /// Whether there is none.
    #[inline]
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// How many there are.
    #[inline]
    #[must_use]
    pub const fn count(self) -> usize {
        self.0.count_ones() as usize
    }
}

impl Iterator for Places {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        if self.0 == 0 {
            return None;
        }
        let place = self.0.trailing_zeros() as usize;
        self.0 &= self.0 - 1;
        Some(place)
    }
}

#[cfg(test)]
mod tests {
    use super::{InFlight, Occupancy, Room, Seen};
    use crate::registers::{acknowledge_word, finish_word};

    const NOTHING: Seen<char> = Seen {
        finished: [None; 2],
        room: Room::Unchanged,
    };

    fn seen(first: Option<char>, second: Option<char>, room: Room) -> Seen<char> {
        Seen {
            finished: [first, second],
            room,
        }
    }

    #[test]
    fn a_call_goes_from_loaded_to_started_to_finished() {
        let mut core = InFlight::after(0);
        assert!(core.is_idle());
        let token = core.load('a').get();
        assert_eq!((token, core.counter(), core.is_idle()), (1, 1, false));
        assert_eq!(core.look(u32::MAX), NOTHING);
        assert_eq!(
            core.look(acknowledge_word(1)),
            seen(None, None, Room::Second)
        );
        assert_eq!(core.look(finish_word(1)), seen(Some('a'), None, Room::Idle));
        assert_eq!(core.look(finish_word(1)), NOTHING);
    }

    #[test]
    fn the_first_of_two_is_given_out_once_whichever_word_tells_of_its_end() {
        for (early, last) in [(true, true), (true, false), (false, true), (false, false)] {
            let mut core = InFlight::after(0);
            core.load('a');
            assert_eq!(core.look(acknowledge_word(1)).room, Room::Second);
            core.load('b');
            assert_eq!(core.look(acknowledge_word(1)), NOTHING);
            let mut first = Some('a');
            if early {
                let word = finish_word(1);
                assert_eq!(core.look(word), seen(first.take(), None, Room::Unchanged));
                assert_eq!(core.look(word), NOTHING);
                assert!(!core.is_idle());
            }
            if last {
                let both = seen(first, Some('b'), Room::Idle);
                assert_eq!(core.look(finish_word(2)), both);
            } else {
                assert_eq!(
                    core.look(acknowledge_word(2)),
                    seen(first, None, Room::Second)
                );
                assert_eq!(core.look(finish_word(2)), seen(Some('b'), None, Room::Idle));
            }
            assert!(core.is_idle());
        }
    }

    #[test]
    fn a_started_core_takes_a_second_call_and_an_unacknowledged_one_does_not() {
        let mut cores = Occupancy::all_idle(72);
        assert_eq!((cores.idle().count(), cores.running().count()), (72, 0));
        cores.set_loaded(71);
        assert_eq!((cores.idle().count(), cores.second().count()), (71, 0));
        cores.set_room(71, Room::Second);
        assert!(cores.second().eq([71]));
        cores.set_loaded(71);
        cores.set_room(71, Room::Unchanged);
        assert!(cores.second().is_empty() && cores.running().eq([71]));
        cores.set_room(71, Room::Idle);
        assert_eq!(cores, Occupancy::all_idle(72));
        assert!(Occupancy::all_idle(0).idle().is_empty());
        assert_eq!(Occupancy::all_idle(128).idle().count(), 128);
    }
}
