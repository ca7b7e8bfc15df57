//! A mixture of experts over several chips: tokens go to the chips of their experts and come back.
//!
//! Everything lies in one window per rank: how many rows go where, the rows themselves with the place they come
//! from, the results at that place, and a counter for each of the three meetings.

use core::time::Duration;

use aicore_abi::call::{Call, CallError};
use host::team::{Args, Kind, Windows};
use host::{CoreType, Kernels, Program, ProgramBuilder, Waits};
use protocol::ArgDirection::{In, Inout, Out, Scalar};

use crate::support::{chips, config};

const TOKENS: usize = 8;
/// Experts that each token goes to.
const WAYS: usize = 2;
const WIDTH: usize = 16;
/// Experts of one rank.
const EXPERTS: usize = 4;
/// Ranks there is room for.
const RANKS: usize = 4;
/// Rows that an expert can get.
const ROWS: usize = 32;
const PATIENCE: Duration = Duration::from_secs(20);

/// Places in the window, in bytes.
const COUNTS: u64 = 0;
const ROW_DATA: u64 = COUNTS + (RANKS * RANKS * EXPERTS * 4) as u64;
const ROW_ORIGIN: u64 = ROW_DATA + (EXPERTS * ROWS * WIDTH * 4) as u64;
const RESULTS: u64 = ROW_ORIGIN + (EXPERTS * ROWS * 4) as u64;
const METERS: u64 = RESULTS + (TOKENS * WAYS * WIDTH * 4) as u64;
const BYTES: u64 = METERS + 12;

/// How many rows each rank sends to each expert of each rank.
type Counts = [[[u32; EXPERTS]; RANKS]; RANKS];

/// {tokens, experts of each, weights, window, result, context, epoch}.
pub(crate) fn program() -> Program {
    ProgramBuilder::new()
        .signature(&[In, In, In, Inout, Out, Scalar, Scalar])
        .waiting_kernel(0, CoreType::Aiv, Waits::Always, dispatch)
        .waiting_kernel(1, CoreType::Aiv, Waits::Always, work)
        .waiting_kernel(2, CoreType::Aiv, Waits::Always, combine)
        .orchestration(|scope, args| {
            let (tokens, experts, weights) = (args.tensor(0)?, args.tensor(1)?, args.tensor(2)?);
            let (window, out) = (args.tensor(3)?, args.tensor(4)?);
            let (context, epoch): (u64, u32) = (args.scalar(0)?, args.scalar(1)?);
            let first = scope.task(Kernels::aiv(0)).update(&window);
            let first = first.input(&tokens).input(&experts);
            first.scalar(context).scalar(epoch).submit()?;
            let second = scope.task(Kernels::aiv(1)).update(&window);
            second.scalar(context).scalar(epoch).submit()?;
            let third = scope.task(Kernels::aiv(2)).update(&window);
            let third = third.input(&weights).write(&out);
            third.scalar(context).scalar(epoch).submit()?;
            Ok(())
        })
}

/// The window of the rank that a kernel runs on.
struct Place<'call> {
    windows: Windows<'call>,
    base: u64,
    epoch: u32,
}

impl<'call> Place<'call> {
    fn of(call: &Call<'call>) -> Result<Self, CallError> {
        Ok(Self {
            // SAFETY: the first scalar is the context of the rank's communicator.
            windows: unsafe { Windows::of(call, 0) }?,
            base: Windows::local(call, 0)?,
            epoch: call.scalar(1)?,
        })
    }

    fn rank(&self) -> usize {
        self.windows.rank() as usize
    }

    /// Says that everything for meeting `number` is sent, and waits until all ranks have said so.
    fn tell(&self, number: u64) -> Result<(), CallError> {
        for peer in 0..self.windows.ranks() {
            self.windows
                .notify(peer, self.base + METERS + 4 * number, 1)?;
        }
        Ok(())
    }

    fn meet(&self, number: u64) -> Result<(), CallError> {
        let all = self.epoch * self.windows.ranks();
        self.windows
            .wait(self.base + METERS + 4 * number, all, PATIENCE)
    }

    fn counts(&self) -> Result<Counts, CallError> {
        let mut flat = [0_u32; RANKS * RANKS * EXPERTS];
        self.windows
            .get(self.windows.rank(), self.base + COUNTS, &mut flat)?;
        let at = |from, to, expert| flat[(from * RANKS + to) * EXPERTS + expert];
        Ok(core::array::from_fn(|from| {
            core::array::from_fn(|to| core::array::from_fn(|expert| at(from, to, expert)))
        }))
    }
}

fn dispatch(call: &Call<'_>) -> Result<(), CallError> {
    let place = Place::of(call)?;
    let (mut tokens, mut experts) = ([0.0_f32; TOKENS * WIDTH], [0_u32; TOKENS * WAYS]);
    call.tensor::<f32>(1)?.load(0, &mut tokens)?;
    call.tensor::<u32>(2)?.load(0, &mut experts)?;
    let mut own = [0_u32; RANKS * EXPERTS];
    experts.iter().for_each(|&it| own[it as usize] += 1);
    let table = place.base + COUNTS + (place.rank() * size_of_val(&own)) as u64;
    for peer in 0..place.windows.ranks() {
        place.windows.put(peer, table, &own)?;
    }
    place.tell(0)?;
    place.meet(0)?;
    // Rows of lower ranks come first.
    let counts = place.counts()?;
    let mut next = [[0_u32; EXPERTS]; RANKS];
    for from in counts.iter().take(place.rank()) {
        for (to, row) in next.iter_mut().enumerate() {
            row.iter_mut()
                .zip(from[to])
                .for_each(|(sum, it)| *sum += it);
        }
    }
    for (slot, &expert) in experts.iter().enumerate() {
        let (to, expert) = (expert as usize / EXPERTS, expert as usize % EXPERTS);
        let row = expert * ROWS + next[to][expert] as usize;
        next[to][expert] += 1;
        let token = &tokens[slot / WAYS * WIDTH..][..WIDTH];
        let data = place.base + ROW_DATA + (row * WIDTH * 4) as u64;
        place.windows.put(to as u32, data, token)?;
        let origin = [(place.rank() * TOKENS * WAYS + slot) as u32];
        place.windows.put(
            to as u32,
            place.base + ROW_ORIGIN + (row * 4) as u64,
            &origin,
        )?;
    }
    place.tell(1)?;
    place.meet(1)
}

fn work(call: &Call<'_>) -> Result<(), CallError> {
    let place = Place::of(call)?;
    let (me, counts) = (place.windows.rank(), place.counts()?);
    for expert in 0..EXPERTS {
        let rows: u32 = counts.iter().map(|from| from[place.rank()][expert]).sum();
        for row in (0..rows as usize).map(|row| expert * ROWS + row) {
            let (mut data, mut origin) = ([0.0_f32; WIDTH], [0_u32]);
            place.windows.get(
                me,
                place.base + ROW_DATA + (row * WIDTH * 4) as u64,
                &mut data,
            )?;
            place
                .windows
                .get(me, place.base + ROW_ORIGIN + (row * 4) as u64, &mut origin)?;
            let number = (place.rank() * EXPERTS + expert) as f32;
            let made = data.map(|it| it * (number + 1.0));
            let origin = origin[0] as usize;
            let (to, slot) = (origin / (TOKENS * WAYS), origin % (TOKENS * WAYS));
            let result = place.base + RESULTS + (slot * WIDTH * 4) as u64;
            place.windows.put(to as u32, result, &made)?;
        }
    }
    place.tell(2)
}

fn combine(call: &Call<'_>) -> Result<(), CallError> {
    let place = Place::of(call)?;
    place.meet(2)?;
    let mut weights = [0.0_f32; TOKENS * WAYS];
    call.tensor::<f32>(1)?.load(0, &mut weights)?;
    let mut out = [0.0_f32; TOKENS * WIDTH];
    for (slot, weight) in weights.iter().enumerate() {
        let mut made = [0.0_f32; WIDTH];
        let result = place.base + RESULTS + (slot * WIDTH * 4) as u64;
        place.windows.get(place.windows.rank(), result, &mut made)?;
        let token = &mut out[slot / WAYS * WIDTH..][..WIDTH];
        token
            .iter_mut()
            .zip(made)
            .for_each(|(sum, it)| *sum += weight * it);
    }
    call.tensor::<f32>(2)?.store(0, &out)
}

pub(crate) fn experts_a_hundred_times(kind: Kind) {
    for ranks in [2_usize, 4] {
        let worker = chips(kind, &[("a2a3sim", ranks as i32)]);
        let program = worker.named_program("experts").expect("it is registered");
        let all: Vec<usize> = (0..ranks).collect();
        let comm = worker.communicator(&all, BYTES, &[("all", BYTES)]);
        let mut comm = comm.expect("all join");
        let tensor = |bytes: usize| worker.buffer(bytes).expect("there is memory");
        let parts: Vec<_> = all
            .iter()
            .map(|_| {
                let tokens = tensor(TOKENS * WIDTH * 4).tensor::<f32>(&[(TOKENS * WIDTH) as u32]);
                let experts = tensor(TOKENS * WAYS * 4).tensor::<u32>(&[(TOKENS * WAYS) as u32]);
                let weights = tensor(TOKENS * WAYS * 4).tensor::<f32>(&[(TOKENS * WAYS) as u32]);
                let out = tensor(TOKENS * WIDTH * 4).tensor::<f32>(&[(TOKENS * WIDTH) as u32]);
                let fits = "it fits";
                (
                    tokens.expect(fits),
                    experts.expect(fits),
                    weights.expect(fits),
                    out.expect(fits),
                )
            })
            .collect();
        for round in 0..100 {
            let mut wanted = Vec::new();
            for (rank, (tokens, experts, weights, _)) in parts.iter().enumerate() {
                let x = |at: usize| (100 * rank + 10 * (at / WIDTH) + at % WIDTH + round) as f32;
                // Two different experts for each token, others in each round.
                let chosen = |slot: usize| {
                    let first = (slot / WAYS * 5 + rank * 3 + round) % (ranks * EXPERTS);
                    (first + slot % WAYS * (1 + round % 3)) % (ranks * EXPERTS)
                };
                let weight = |slot: usize| (1 + slot % 4) as f32;
                let values: Vec<f32> = (0..TOKENS * WIDTH).map(x).collect();
                tokens.store(&values).expect("they fit");
                let numbers: Vec<u32> = (0..TOKENS * WAYS).map(|it| chosen(it) as u32).collect();
                experts.store(&numbers).expect("they fit");
                let values: Vec<f32> = (0..TOKENS * WAYS).map(weight).collect();
                weights.store(&values).expect("they fit");
                let sum = |at: usize| {
                    let slots = at / WIDTH * WAYS..(at / WIDTH + 1) * WAYS;
                    let made = slots.map(|slot| weight(slot) * (x(at) * (chosen(slot) + 1) as f32));
                    made.sum::<f32>()
                };
                wanted.push((0..TOKENS * WIDTH).map(sum).collect::<Vec<f32>>());
            }
            let run = worker.run(|graph| {
                let mut members = Vec::new();
                for (rank, (tokens, experts, weights, out)) in parts.iter().enumerate() {
                    let window = comm.tensor::<u32>(rank, "all", &[BYTES as u32 / 4])?;
                    let args = Args::new().input(tokens).input(experts).input(weights);
                    let args = args.inout(&window).output_existing(out);
                    members.push(args.scalar(comm.context(rank)?).scalar(comm.epoch()));
                }
                let task = graph.next_level(&program).group(members);
                task.on_each(all.iter().copied())
                    .config(&config())
                    .submit()?;
                Ok(())
            });
            run.expect("all ranks meet");
            comm.next_epoch();
            for ((.., out), wanted) in parts.iter().zip(&wanted) {
                assert_eq!(
                    &out.load::<f32>().expect("floats"),
                    wanted,
                    "round {round} of {ranks} ranks"
                );
            }
        }
    }
}
