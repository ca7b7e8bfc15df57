//! One played device.
//!
//! Knows its memory, its players, what it was told to do wrong and what is wrong with it by now.

use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError};

use sync::Flag;

use crate::arena::{Allocations, registers_of, start_of};
use crate::player::{Aicpu, Answer, Player};
use crate::session::Config;
use crate::world::{Family, lock};

/// What a device may be told to do wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misbehaviour {
    /// The next launch of control CPUs returns 1.
    KernelFails,
    /// The next launch of control CPUs ends their process.
    KernelCrashes,
    /// The next launch of control CPUs never ends.
    KernelHangs,
    /// The next launch of control CPUs returns 0 and does nothing, as if the loader had kept an image of other people.
    KernelIsAnother,
    /// So many cores of the next launch do not answer.
    MuteCores(u32),
    /// No reset works.
    ResetFails,
}

/// Codes of the vendor.
const CORE_EXCEPTION: i32 = 507_015;
pub(crate) const AICPU_EXCEPTION: i32 = 507_018;
pub(crate) const DRIVER_INTERNAL: i32 = 507_899;

#[derive(Debug)]
pub(crate) struct Device {
    pub(crate) number: i32,
    pub(crate) family: Family,
    pub(crate) memory: Allocations,
    pub(crate) clusters: u64,
    pub(crate) processors: u32,
    pinned: bool,
    /// Something failed, so that nothing new can be had until a forced reset.
    pub(crate) poisoned: Arc<Flag>,
    pub(crate) wrong: Option<Misbehaviour>,
    players: Arc<Players>,
}

/// The processes of a device; streams ask them while others look at the device.
#[derive(Debug)]
struct Players {
    aicpu: Aicpu,
    memory: OwnedFd,
    cpus: Mutex<Option<Arc<Player>>>,
    cores: Mutex<Option<Arc<Player>>>,
    stop: Flag,
}

impl Device {
    pub(crate) fn new(number: i32, config: &Config, memory: OwnedFd) -> Self {
        let physical = match config.family {
            Family::A2a3 => 25,
            Family::A5 => 36,
        };
        let all = (1_u64 << physical) - 1;
        let missing = config.missing_cluster;
        Self {
            number,
            family: config.family,
            memory: Allocations::new(start_of(number), config.memory),
            clusters: missing.map_or(all, |cluster| all & !(1 << cluster)),
            processors: config.processors,
            pinned: config.pinned,
            poisoned: Arc::default(),
            wrong: None,
            players: Arc::new(Players {
                aicpu: config.aicpu.clone(),
                memory,
                cpus: Mutex::default(),
                cores: Mutex::default(),
                stop: Flag::new(),
            }),
        }
    }

    /// Everything of the process is taken off the device.
    pub(crate) fn reset(&mut self) {
        self.players.end();
        self.memory.clear();
        self.poisoned.clear();
    }

    /// The work of launching control CPUs with the argument block at `args`.
    pub(crate) fn cpu_work(
        &mut self,
        threads: u32,
        args: u64,
        kernel: &str,
        library: &str,
    ) -> impl FnOnce() -> i32 + Send + use<> {
        let sabotage = match self.wrong {
            Some(Misbehaviour::KernelFails) => 1_u32,
            Some(Misbehaviour::KernelCrashes) => 2,
            Some(Misbehaviour::KernelHangs) => 3,
            Some(Misbehaviour::KernelIsAnother) => 4,
            _ => 0,
        };
        if sabotage != 0 {
            self.wrong = None;
        }
        let mut question = Vec::new();
        question.extend(threads.to_le_bytes());
        question.extend(self.processors.to_le_bytes());
        question.extend(args.to_le_bytes());
        for name in [kernel, library] {
            let mut field = [0_u8; 64];
            field[..name.len().min(63)].copy_from_slice(&name.as_bytes()[..name.len().min(63)]);
            question.extend(field);
        }
        question.extend(sabotage.to_le_bytes());
        question.extend(u32::from(self.pinned).to_le_bytes());
        let (players, poisoned) = (Arc::clone(&self.players), Arc::clone(&self.poisoned));
        move || {
            let answer = players.ask(&players.cpus, &question, |players| {
                Player::cpus(&players.aicpu, &players.memory)
            });
            settle(answer, &poisoned, AICPU_EXCEPTION)
        }
    }

    /// The work of launching cores with a program's entries for cube and vector cores.
    pub(crate) fn core_work(
        &mut self,
        blocks: u32,
        argument: u64,
        entries: [u64; 2],
    ) -> impl FnOnce() -> i32 + Send + use<> {
        let mute = match self.wrong {
            Some(Misbehaviour::MuteCores(count)) => {
                self.wrong = None;
                count
            }
            _ => 0,
        };
        let family: u32 = match self.family {
            Family::A2a3 => 0,
            Family::A5 => 1,
        };
        let mut question = Vec::new();
        question.extend(family.to_le_bytes());
        question.extend(blocks.to_le_bytes());
        question.extend(argument.to_le_bytes());
        question.extend(registers_of(self.number).to_le_bytes());
        // Blocks run wherever the hardware puts them: last cluster first.
        let working: Vec<u32> = (0..36)
            .rev()
            .filter(|cluster| self.clusters >> cluster & 1 == 1)
            .collect();
        for block in 0..36 {
            let cluster = working.get(block).copied().unwrap_or(0);
            question.extend(cluster.to_le_bytes());
        }
        question.extend(mute.to_le_bytes());
        question.extend([0; 4]);
        for entry in entries {
            question.extend(entry.to_le_bytes());
        }
        let (players, poisoned) = (Arc::clone(&self.players), Arc::clone(&self.poisoned));
        move || {
            let answer = players.ask(&players.cores, &question, |players| {
                Player::cores(&players.memory)
            });
            if let Answer::Code(1.., text) = &answer
                && let Some(world) = lock().as_mut()
            {
                world.complain(text.clone());
            }
            settle(answer, &poisoned, CORE_EXCEPTION)
        }
    }
}

/// The code of work with this answer; `exception` is what the vendor calls work that went wrong.
fn settle(answer: Answer, poisoned: &Flag, exception: i32) -> i32 {
    match answer {
        Answer::Code(0, _) => 0,
        Answer::Code(code, text) => {
            eprintln!("virtual ascend: a kernel returned {code} {text}");
            poisoned.set();
            exception
        }
        Answer::Gone => {
            poisoned.set();
            exception
        }
        Answer::Stopped => DRIVER_INTERNAL,
    }
}

impl Players {
    fn ask(
        &self,
        place: &Mutex<Option<Arc<Player>>>,
        question: &[u8],
        start: impl FnOnce(&Self) -> std::io::Result<Player>,
    ) -> Answer {
        let player = {
            let mut place = place.lock().unwrap_or_else(PoisonError::into_inner);
            match &*place {
                Some(player) => Arc::clone(player),
                None => match start(self) {
                    Ok(player) => Arc::clone(place.insert(Arc::new(player))),
                    Err(error) => {
                        eprintln!("virtual ascend: a player cannot be started: {error}");
                        return Answer::Gone;
                    }
                },
            }
        };
        player.ask(question, &|| self.stop.is_set())
    }

    /// Ends the processes; work that waits for them is given up.
    fn end(&self) {
        self.stop.set();
        for place in [&self.cpus, &self.cores] {
            let player = place.lock().unwrap_or_else(PoisonError::into_inner).take();
            // Whoever still asks it sees the stop soon and lets it go.
            while player
                .as_ref()
                .is_some_and(|player| Arc::strong_count(player) > 1)
            {
                std::thread::sleep(core::time::Duration::from_millis(1));
            }
        }
        self.stop.clear();
    }
}
