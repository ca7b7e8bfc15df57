//! Starting children, all of them or one anew.
//!
//! Knows the order and the deadlines. Refuses to know what children do.

use std::sync::Arc;
use std::time::Instant;

use sync::{Crowd, Deadline};

use super::builder::Plan;
use super::end::{end, end_all};
use super::services::Services;
use crate::error::{Error, Result};
use crate::team::channel::{Bell, Channel, Phase};
use crate::team::child::{ProcessChild, REFUSED, Siblings, ThreadChild, fork};
use crate::team::engine::Core;
use crate::team::engine::heap::RINGS;
use crate::team::engine::port::Port;
use crate::team::engine::task::Pool;
use crate::team::fault::{Fault, FaultKind};
use crate::team::hands::Hands;
use crate::team::life::{Child, Ending};
use crate::team::lower::Lower;
use crate::team::nursery::{Born, Nursery};
use crate::team::segment::{Commit, Segment, SegmentTable};
use crate::team::shared::{Parts, Shared};
use crate::team::spec::Kind;
use crate::team::tensor::Hold;
use crate::team::work;

/// What starting children needs.
struct Site<'a> {
    services: &'a Services,
    bell: Bell,
    crowd: Arc<Crowd>,
    segments: Arc<SegmentTable>,
}

impl Site<'_> {
    /// A child that is a thread.
    fn thread(
        &self,
        label: &str,
        channel: &Channel,
        hands: impl FnOnce() -> Result<Box<dyn Hands>, Fault> + Send + 'static,
    ) -> Result<ThreadChild> {
        let tables = (&self.services.registry, &self.segments);
        ThreadChild::start(label, channel, &self.bell, tables, &self.crowd, hands)
    }
}

/// Children that are not all ready yet; dropped, they are ended.
struct Brood<'a> {
    ports: Vec<Port>,
    bell: &'a Bell,
    limit: core::time::Duration,
}

impl Drop for Brood<'_> {
    fn drop(&mut self) {
        end_all(&self.ports, self.bell, self.limit);
    }
}

/// A child that was forked and is not watched yet.
struct Forked {
    /// The plan it follows.
    number: usize,
    born: Born,
    port: Port,
}

/// Starts everything, or nothing.
pub(crate) fn start(services: &Services, plans: &mut [Plan]) -> Result<Arc<Shared>> {
    let settings = &services.settings;
    let site = Site {
        services,
        bell: Bell::new()?,
        crowd: Crowd::new(),
        segments: Arc::default(),
    };
    let rings = rings(&site)?;
    let (ports, nursery) = start_all(&site, plans)?;
    let shared = Arc::new(Shared::new(Parts {
        owner: services.owner.clone(),
        limits: settings.limits,
        fail_fast: settings.fail_fast,
        core: Core::new(ports, settings.next_count, settings.heap_ring_bytes),
        bell: site.bell,
        crowd: site.crowd,
        rings,
        segments: site.segments,
        dropped: Arc::clone(&services.dropped),
        nursery,
    }));
    let prepared = prepare(services, &shared, 0..plans.len());
    if let Err(error) = prepared {
        if let Err(closing) = end(&shared) {
            log::warn!("undoing a start: {closing}");
        }
        return Err(error);
    }
    Ok(shared)
}

/// The memory of intermediates.
fn rings(site: &Site<'_>) -> Result<Vec<Hold>> {
    let bytes = site.services.settings.heap_ring_bytes;
    let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
    (0..RINGS)
        .map(|_| {
            let ring = Segment::create("a heap ring", bytes, Commit::OnTouch)?;
            site.segments.insert(&ring);
            Ok(Hold::borrowed(ring))
        })
        .collect()
}

/// Starts every child and waits until all are ready; they are ended if one is not.
fn start_all(site: &Site<'_>, plans: &mut [Plan]) -> Result<(Vec<Port>, Option<Nursery>)> {
    let settings = &site.services.settings;
    // Forks come first: they need a process without threads.
    let forked = fork_all(site, plans)?;
    let processes = plans.iter().any(Plan::is_process);
    let nursery = match processes.then(Nursery::start).transpose() {
        Ok(nursery) => nursery,
        Err(error) => {
            for fork in &forked {
                fork.port.child.kill();
            }
            return Err(error);
        }
    };
    // After the nursery, so that it is dropped before: the nursery takes note of its end.
    let mut brood = Brood {
        ports: Vec::new(),
        bell: &site.bell,
        limit: settings.limits.close,
    };
    let mut forked = forked.into_iter().peekable();
    for (number, plan) in plans.iter_mut().enumerate() {
        let port = if let Some(fork) = forked.next_if(|fork| fork.number == number) {
            let nursery = nursery.as_ref().expect("there are processes");
            nursery.watch(fork.born, fork.port.child.life());
            fork.port
        } else {
            let pool = pool_of(settings.next_count, number);
            start_one(site, plan, pool, nursery.as_ref())?
        };
        brood.ports.push(port);
    }
    wait_ready(&brood.ports, &site.bell, settings.limits.start)?;
    let ports = core::mem::take(&mut brood.ports);
    drop(brood);
    Ok((ports, nursery))
}

/// Forks the children that are to be forks.
fn fork_all(site: &Site<'_>, plans: &[Plan]) -> Result<Vec<Forked>> {
    let services = site.services;
    let mut forked = Vec::new();
    let mut siblings = Siblings::default();
    for (number, plan) in plans.iter().enumerate() {
        let Plan::Work {
            label,
            work,
            kind: Kind::EarlyFork,
        } = plan
        else {
            continue;
        };
        let channel = Channel::new(&site.bell)?;
        let (child, born) = fork(
            &mut siblings,
            label,
            &channel,
            &site.bell,
            &services.catalogue,
            &services.registry,
            || work::hands(work, &services.catalogue),
        )?;
        let pool = pool_of(services.settings.next_count, number);
        forked.push(Forked {
            number,
            born,
            port: Port::new(label.clone(), pool, channel, Box::new(child)),
        });
    }
    Ok(forked)
}

const fn pool_of(next_count: usize, number: usize) -> Pool {
    if number < next_count {
        Pool::Next
    } else {
        Pool::Sub
    }
}

/// Prepares everything that is registered on the given children.
fn prepare(services: &Services, shared: &Shared, ports: core::ops::Range<usize>) -> Result<()> {
    for entry in services.all_registered() {
        let pool = shared.lock().pool(entry.pool);
        for port in ports.clone().filter(|port| pool.contains(port)) {
            entry.prepare(shared, port)?;
        }
    }
    Ok(())
}

fn start_one(
    site: &Site<'_>,
    plan: &mut Plan,
    pool: Pool,
    nursery: Option<&Nursery>,
) -> Result<Port> {
    let channel = Channel::new(&site.bell)?;
    let label = plan.label().to_owned();
    let child: Box<dyn Child> = match plan {
        Plan::Work {
            work,
            kind: Kind::Thread,
            ..
        } => {
            let (work, catalogue) = (work.clone(), site.services.catalogue.clone());
            let hands = move || work::hands(&work, &catalogue);
            Box::new(site.thread(&label, &channel, hands)?)
        }
        Plan::Work {
            work,
            kind: Kind::Exec,
            ..
        } => {
            let helper = site
                .services
                .settings
                .helper
                .as_ref()
                .expect("the builder found one");
            let nursery = nursery.expect("there are processes");
            Box::new(ProcessChild::execute(
                &label, work, helper, &channel, &site.bell, nursery,
            )?)
        }
        Plan::Work { .. } => {
            return Err(Error::refused(
                label,
                "a forked child cannot be started again: the process has threads by now",
            ));
        }
        Plan::Lower { worker, .. } => {
            let worker = Arc::clone(worker);
            let hands = move || Lower::start(worker).map(|lower| Box::new(lower) as _);
            Box::new(site.thread(&label, &channel, hands)?)
        }
    };
    Ok(Port::new(label, pool, channel, child))
}

/// Waits until every child says that it is ready.
fn wait_ready(ports: &[Port], bell: &Bell, limit: core::time::Duration) -> Result<()> {
    let undecided =
        |port: &Port| port.channel.phase() == Phase::Starting && !port.child.life().has_ended();
    let refused = |port: &&Port| {
        port.channel.phase() == Phase::Failed
            || port.channel.phase() == Phase::Starting && port.child.life().has_ended()
    };
    let deadline = Deadline::after(limit);
    let waited = bell.get().wait_until(deadline.instant(), || {
        ports.iter().any(|port| refused(&port)) || !ports.iter().any(undecided)
    });
    if let Some(port) = ports.iter().find(refused) {
        let fault = if port.channel.phase() == Phase::Failed {
            port.channel.report()
        } else {
            let ending = port.child.life().ending();
            let text = ending.map_or_else(String::new, |ending| ending.to_string());
            let hint = match ending {
                Some(Ending::Exited(code)) if code == i32::from(REFUSED) => {
                    ": it wrote the reason to standard error"
                }
                _ => "",
            };
            Fault::new(
                FaultKind::Died,
                format!("it ended before it was ready ({text}){hint}"),
            )
        };
        return Err(Error::Start {
            child: port.label.clone(),
            fault,
        });
    }
    if waited.is_err() {
        let late: Vec<&str> = ports
            .iter()
            .filter(|port| undecided(port))
            .map(|port| port.label.as_str())
            .collect();
        return Err(Error::Timeout {
            child: late.join(", "),
            request: "get ready".to_owned(),
            waited: limit,
        });
    }
    Ok(())
}

/// Starts one child anew.
pub(crate) fn restart(
    services: &Services,
    shared: &Arc<Shared>,
    plans: &mut [Plan],
    port: usize,
) -> Result<()> {
    let site = Site {
        services,
        bell: shared.bell().clone(),
        crowd: Arc::clone(shared.crowd()),
        segments: Arc::clone(&shared.segments),
    };
    {
        let mut core = shared.lock();
        let it = &core.ports[port];
        if it.dead.is_none() {
            it.child.kill();
            let label = it.label.clone();
            drop(core);
            let gone = shared.wait_for(
                Instant::now().checked_add(shared.limits.close),
                shared.limits.close,
                |core| core.ports[port].dead.is_some().then_some(()),
                |_| None,
            )?;
            gone.ok_or_else(|| Error::Timeout {
                child: label,
                request: "end".to_owned(),
                waited: shared.limits.close,
            })?;
        } else {
            core.pump();
        }
    }
    if let Plan::Lower { worker, .. } = &plans[port] {
        // A thread that was left behind may still be in it: this ends what that thread waits for.
        if let Err(error) = worker.close() {
            log::warn!("{}: {error}", plans[port].label());
        }
    }
    let pool = shared.lock().ports[port].pool;
    let fresh = start_one(&site, &mut plans[port], pool, shared.nursery.as_ref())?;
    let mut brood = Brood {
        ports: vec![fresh],
        bell: &site.bell,
        limit: shared.limits.close,
    };
    wait_ready(&brood.ports, &site.bell, shared.limits.start)?;
    let mut fresh = brood.ports.pop().expect("it was just put in");
    {
        let mut core = shared.lock();
        fresh.generation = core.ports[port].generation + 1;
        core.ports[port] = fresh;
        core.renew_watch();
    }
    prepare(services, shared, port..port + 1)
}
