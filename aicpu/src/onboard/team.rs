//! The threads that stayed, as a run sees them.
//!
//! Knows who waits for whom. Refuses to know what is done together.
//!
//! | writer | store | reader | makes visible |
//! |---|---|---|---|
//! | leader | `job` under the lock | helpers | the run they may drive |
//! | helper | `inside` under the lock | leader | that the helper has left the run |

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use sync::Crowd;

use crate::crew::Crew;

/// Where the threads of a run meet.
pub(super) struct Team {
    meeting: Mutex<Meeting>,
    changed: Condvar,
}

struct Meeting {
    /// Runs up to this one are over.
    over: u64,
    job: Option<Job>,
    inside: usize,
}

#[derive(Clone, Copy)]
struct Job {
    run: u64,
    work: *const (dyn Fn() + Sync),
}

// SAFETY: the work is `Sync`, and the leader keeps it alive until every helper is outside.
unsafe impl Send for Job {}

impl Team {
    pub(super) const fn new() -> Self {
        Self {
            meeting: Mutex::new(Meeting {
                over: 0,
                job: None,
                inside: 0,
            }),
            changed: Condvar::new(),
        }
    }

    /// Helps the leader of run `run` until it is over.
    pub(super) fn help(&self, run: u64) {
        let mut meeting = self.lock();
        loop {
            if meeting.over >= run {
                return;
            }
            if let Some(job) = meeting.job.filter(|job| job.run == run) {
                meeting.inside += 1;
                drop(meeting);
                let inside = Inside(self);
                // SAFETY: the leader waits until `inside` is dropped before the work goes away.
                unsafe { (*job.work)() };
                drop(inside);
                return;
            }
            meeting = self
                .changed
                .wait(meeting)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The calling thread leads run `run` until the result is dropped, which lets all helpers go; those who take part are
    /// of `crowd`.
    pub(super) const fn lead<'a>(&'a self, run: u64, crowd: &'a Arc<Crowd>) -> Lead<'a> {
        Lead {
            team: self,
            run,
            crowd,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Meeting> {
        self.meeting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the job back and waits until nobody does it any more.
    fn close(&self) {
        let mut meeting = self.lock();
        meeting.job = None;
        while meeting.inside != 0 {
            meeting = self
                .changed
                .wait(meeting)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

struct Inside<'a>(&'a Team);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.lock().inside -= 1;
        self.0.changed.notify_all();
    }
}

/// Leadership of a run.
pub(super) struct Lead<'a> {
    team: &'a Team,
    run: u64,
    crowd: &'a Arc<Crowd>,
}

impl Lead<'_> {
    /// Those who take part.
    pub(super) const fn crowd(&self) -> &Arc<Crowd> {
        self.crowd
    }
}

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        self.team.close();
        self.team.lock().over = self.run;
        self.team.changed.notify_all();
    }
}

/// A team with a leader, as a crew.
pub(super) struct Led<'a> {
    pub(super) lead: &'a Lead<'a>,
    pub(super) helpers: usize,
    pub(super) crowd: &'a Arc<Crowd>,
}

impl Crew for Led<'_> {
    fn helpers(&self) -> usize {
        self.helpers
    }

    fn together(
        &self,
        _news: &(dyn Fn() + Sync),
        assist: &(dyn Fn() + Sync),
        lead: &mut dyn FnMut(),
    ) {
        let team = self.lead.team;
        let work: *const (dyn Fn() + Sync) = assist;
        // SAFETY: only the lifetime changes; `Closed` ends all use before `assist` goes away.
        let work = unsafe {
            core::mem::transmute::<*const (dyn Fn() + Sync), *const (dyn Fn() + Sync + 'static)>(
                work,
            )
        };
        team.lock().job = Some(Job {
            run: self.lead.run,
            work,
        });
        let closed = Closed(team);
        team.changed.notify_all();
        lead();
        drop(closed);
    }

    fn call(&self) {
        // Every control CPU has come by itself.
    }

    fn crowd(&self) -> &Arc<Crowd> {
        self.crowd
    }
}

struct Closed<'a>(&'a Team);

impl Drop for Closed<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}
