//! Error codes of a run, and the status that follows from them.
//!
//! Knows each code's number, side and meaning. Refuses to know who latches it. A runtime has one
//! word per side; the first code in it stays.

/// Why a run of the device-built runtime failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RunError {
    /// A scope holds as many tasks as its ring has slots, so none can ever retire.
    ScopeDeadlock,
    /// The output heap of a ring is full and nothing retires.
    HeapRingDeadlock,
    /// The task slots of a ring are full and nothing retires.
    FlowControlDeadlock,
    /// A pool of dependencies or producers is full.
    DepPoolOverflow,
    /// A call with arguments that cannot be right.
    InvalidArgs,
    /// A task has too many dependencies.
    DependencyOverflow,
    /// A synchronous start asks for more cores than there are.
    RequireSyncStartInvalid,
    /// Waiting for the producers or consumers of a tensor took too long.
    TensorWaitTimeout,
    /// The orchestration reported a fatal error itself.
    ExplicitOrchFatal,
    /// A scheduler saw no progress for too long.
    SchedulerTimeout,
    /// A kernel registered a completion condition that cannot be tested.
    AsyncCompletionInvalid,
    /// More tasks or conditions wait asynchronously than there is room for.
    AsyncWaitOverflow,
    /// A completion condition could not be registered.
    AsyncRegistrationFailed,
}

/// The program half whose word an error is latched in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// The thread that builds the graph.
    Orchestrator,
    /// The threads that execute it.
    Scheduler,
}

impl RunError {
    /// Every error, in the order of codes.
    pub const ALL: [Self; 13] = [
        Self::ScopeDeadlock,
        Self::HeapRingDeadlock,
        Self::FlowControlDeadlock,
        Self::DepPoolOverflow,
        Self::InvalidArgs,
        Self::DependencyOverflow,
        Self::RequireSyncStartInvalid,
        Self::TensorWaitTimeout,
        Self::ExplicitOrchFatal,
        Self::SchedulerTimeout,
        Self::AsyncCompletionInvalid,
        Self::AsyncWaitOverflow,
        Self::AsyncRegistrationFailed,
    ];

    /// The number, stable and never zero.
    #[must_use]
    pub const fn code(self) -> i32 {
        match self {
            Self::ScopeDeadlock => 1,
            Self::HeapRingDeadlock => 2,
            Self::FlowControlDeadlock => 3,
            Self::DepPoolOverflow => 4,
            Self::InvalidArgs => 5,
            Self::DependencyOverflow => 6,
            Self::RequireSyncStartInvalid => 7,
            Self::TensorWaitTimeout => 8,
            Self::ExplicitOrchFatal => 9,
            Self::SchedulerTimeout => 100,
            Self::AsyncCompletionInvalid => 101,
            Self::AsyncWaitOverflow => 102,
            Self::AsyncRegistrationFailed => 103,
        }
    }

    /// The error with this number; codes of users' own are none of these.
    #[must_use]
    pub const fn from_code(code: i32) -> Option<Self> {
        match code {
            1 => Some(Self::ScopeDeadlock),
            2 => Some(Self::HeapRingDeadlock),
            3 => Some(Self::FlowControlDeadlock),
            4 => Some(Self::DepPoolOverflow),
            5 => Some(Self::InvalidArgs),
            6 => Some(Self::DependencyOverflow),
            7 => Some(Self::RequireSyncStartInvalid),
            8 => Some(Self::TensorWaitTimeout),
            9 => Some(Self::ExplicitOrchFatal),
            100 => Some(Self::SchedulerTimeout),
            101 => Some(Self::AsyncCompletionInvalid),
            102 => Some(Self::AsyncWaitOverflow),
            103 => Some(Self::AsyncRegistrationFailed),
            _ => None,
        }
    }

    /// Whose word it is latched in.
    #[must_use]
    pub const fn side(self) -> Side {
        match self {
            Self::ScopeDeadlock
            | Self::HeapRingDeadlock
            | Self::FlowControlDeadlock
            | Self::DepPoolOverflow
            | Self::InvalidArgs
            | Self::DependencyOverflow
            | Self::RequireSyncStartInvalid
            | Self::TensorWaitTimeout
            | Self::ExplicitOrchFatal => Side::Orchestrator,
            Self::SchedulerTimeout
            | Self::AsyncCompletionInvalid
            | Self::AsyncWaitOverflow
            | Self::AsyncRegistrationFailed => Side::Scheduler,
        }
    }

    /// What happened and what to change, for messages.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::ScopeDeadlock => {
                "one scope holds as many tasks as its ring has slots: close scopes earlier or raise the task window"
            }
            Self::HeapRingDeadlock => {
                "the output heap of a ring is full and no task retires: close scopes earlier or raise the heap size"
            }
            Self::FlowControlDeadlock => {
                "the task slots of a ring are full and no task retires: close scopes earlier or raise the task window"
            }
            Self::DepPoolOverflow => {
                "the dependency pool of a ring is full: raise the dependency pool or give tasks fewer producers"
            }
            Self::InvalidArgs => "a call has invalid arguments: the log names the call",
            Self::DependencyOverflow => "a task has too many dependencies",
            Self::RequireSyncStartInvalid => {
                "a synchronous start asks for more cores than the run has: lower the block count"
            }
            Self::TensorWaitTimeout => {
                "an element access waited too long for the producers or consumers of its tensor"
            }
            Self::ExplicitOrchFatal => "the orchestration reported a fatal error",
            Self::SchedulerTimeout => {
                "no task made progress for too long: the log names the waiters"
            }
            Self::AsyncCompletionInvalid => {
                "a kernel registered a completion condition without address or of unknown type"
            }
            Self::AsyncWaitOverflow => {
                "too many asynchronous completions: at most 64 tasks wait, with 64 conditions each"
            }
            Self::AsyncRegistrationFailed => "a completion condition could not be registered",
        }
    }
}

impl core::fmt::Display for RunError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.meaning())
    }
}

/// Status of a run from the two latched codes: the orchestrator's, if any, before the scheduler's.
///
/// Zero is success and every failure is negative; codes of users' own that are already negative
/// stay what they are.
#[must_use]
pub const fn run_status(orchestrator: i32, scheduler: i32) -> i32 {
    let code = if orchestrator != 0 {
        orchestrator
    } else {
        scheduler
    };
    if code > 0 { -code } else { code }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_leads_back_to_its_error() {
        for (error, next) in RunError::ALL
            .into_iter()
            .zip(RunError::ALL.into_iter().skip(1).map(Some).chain([None]))
        {
            assert_eq!(RunError::from_code(error.code()), Some(error));
            assert!(next.is_none_or(|next| next.code() > error.code()));
            assert_eq!(error.side() == Side::Scheduler, error.code() >= 100);
        }
    }

    #[test]
    fn foreign_codes_are_no_errors_of_ours() {
        for code in [i32::MIN, -1, 0, 10, 99, 104] {
            assert_eq!(RunError::from_code(code), None, "{code}");
        }
    }

    #[test]
    fn the_lowest_code_does_not_overflow() {
        assert_eq!(run_status(i32::MIN, 0), i32::MIN);
        assert_eq!(run_status(i32::MAX, 0), -i32::MAX);
    }
}
