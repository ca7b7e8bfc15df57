//! What the two words of the dispatch protocol mean.
//!
//! Knows the token a scheduler writes, the status word a core answers, and what one status word says
//! about a core with up to two tokens in flight. Refuses to know where the registers are
//! ([`protocol::registers`] has the offsets) and who reads them.
//!
//! A status word carries a state bit and 31 bits of token; two words stand outside of that:
//!
//! | word | [`Status`] |
//! | --- | --- |
//! | token | [`Acknowledged`](Status::Acknowledged): the core picked the token up |
//! | token with bit 31 | [`Finished`](Status::Finished): the kernel returned |
//! | all ones | [`Idle`](Status::Idle): start-up is over, nothing ran yet |
//! | all ones but bit 0 | [`Exited`](Status::Exited): the core left its loop |
//! | any other word with a reserved token | [`Unknown`](Status::Unknown) |

use protocol::registers::{
    AICORE_EXIT_SIGNAL, AICORE_EXITED_VALUE, AICORE_IDLE_VALUE, TASK_ID_MASK, TASK_STATE_MASK,
};

/// Names one dispatch on one core.
///
/// Only numbers that stand for a dispatch can be held: the reserved ones at the top of the 31-bit
/// range are signals, not tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(transparent)]
pub struct Token(u32);

impl Token {
    /// The highest token; everything above is a signal.
    pub const MAX: Self = Self(AICORE_EXIT_SIGNAL - 1);

    /// The token with this number, unless the number is reserved.
    #[must_use]
    pub const fn new(number: u32) -> Option<Self> {
        if number <= Self::MAX.0 {
            Some(Self(number))
        } else {
            None
        }
    }

    /// The number, as written to the dispatch register.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }

    /// Which of a core's two payloads the token selects.
    #[must_use]
    pub const fn buffer(self) -> usize {
        (self.0 & 1) as usize
    }
}

/// The status word by which a core acknowledges `token`; surplus bits of `token` are dropped.
#[must_use]
pub const fn acknowledge_word(token: u32) -> u32 {
    token & TASK_ID_MASK
}

/// The status word by which a core reports `token` finished; surplus bits of `token` are dropped.
#[must_use]
pub const fn finish_word(token: u32) -> u32 {
    token & TASK_ID_MASK | TASK_STATE_MASK
}

/// The token bits of a status word.
#[must_use]
pub const fn token_bits(word: u32) -> u32 {
    word & TASK_ID_MASK
}

/// Whether the state bit of a status word says "finished".
#[must_use]
pub const fn says_finished(word: u32) -> bool {
    word & TASK_STATE_MASK != 0
}

/// What a core says through its status register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// Started, and has not been given a token yet.
    Idle,
    /// Left its loop.
    Exited,
    /// Picked up this token; its other payload is free.
    Acknowledged(Token),
    /// Returned from the kernel of this token.
    Finished(Token),
    /// A word that no core writes.
    Unknown(u32),
}

impl Status {
    /// Reads a status word; every word has a meaning.
    #[must_use]
    pub const fn decode(word: u32) -> Self {
        match (word, Token::new(token_bits(word))) {
            (AICORE_IDLE_VALUE, _) => Self::Idle,
            (AICORE_EXITED_VALUE, _) => Self::Exited,
            (_, Some(token)) if says_finished(word) => Self::Finished(token),
            (_, Some(token)) => Self::Acknowledged(token),
            (_, None) => Self::Unknown(word),
        }
    }

    /// The word a core writes to say this.
    #[must_use]
    pub const fn encode(self) -> u32 {
        match self {
            Self::Idle => AICORE_IDLE_VALUE,
            Self::Exited => AICORE_EXITED_VALUE,
            Self::Acknowledged(token) => acknowledge_word(token.get()),
            Self::Finished(token) => finish_word(token.get()),
            Self::Unknown(word) => word,
        }
    }
}

/// What one status says about the tokens in flight on a core.
///
/// Dispatched tokens finish in order, so an event of the pending one tells that the running one is
/// done, whether or not its own event was ever seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub enum Transition {
    /// Nothing new, or a word about a token that is not in flight.
    Nothing,
    /// The running token was picked up; the pending place may be filled unless it is taken.
    RunningStarted,
    /// The running token finished and nothing is pending: the core is idle.
    RunningFinished,
    /// The running token finished while another is pending. The next event of the pending token
    /// tells it again, so a scheduler may leave it at that.
    RunningFinishedPendingLoaded,
    /// The pending token was picked up: the running one is done, the pending one now runs.
    PendingStarted,
    /// The pending token finished, and the running one before it: the core is idle.
    BothFinished,
}

impl Transition {
    /// What `status` says about a core that runs `running` and has `pending` loaded.
    pub fn of(status: Status, running: Option<Token>, pending: Option<Token>) -> Self {
        match status {
            Status::Finished(token) if pending == Some(token) => Self::BothFinished,
            Status::Acknowledged(token) if pending == Some(token) => Self::PendingStarted,
            Status::Finished(token) if running == Some(token) && pending.is_none() => {
                Self::RunningFinished
            }
            Status::Finished(token) if running == Some(token) => Self::RunningFinishedPendingLoaded,
            Status::Acknowledged(token) if running == Some(token) => Self::RunningStarted,
            Status::Finished(_)
            | Status::Acknowledged(_)
            | Status::Idle
            | Status::Exited
            | Status::Unknown(_) => Self::Nothing,
        }
    }
}

/// The tokens of one core, in the order they are dispatched.
///
/// Neighbours always differ in parity, also across the reserved numbers, so that each dispatch uses
/// the payload the previous one does not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TokenSequence {
    dispatched: u32,
}

impl TokenSequence {
    /// The sequence that continues after `counter`.
    #[must_use]
    pub const fn after(counter: u32) -> Self {
        Self {
            dispatched: counter,
        }
    }

    /// The counter behind the last token.
    #[must_use]
    pub const fn counter(self) -> u32 {
        self.dispatched
    }

    /// The next token.
    #[must_use]
    pub const fn advance(&mut self) -> Token {
        self.dispatched = self.dispatched.wrapping_add(1);
        match Token::new(token_bits(self.dispatched)) {
            Some(token) => token,
            None => {
                self.dispatched = (self.dispatched | TASK_ID_MASK).wrapping_add(1);
                Token(0)
            }
        }
    }
}
