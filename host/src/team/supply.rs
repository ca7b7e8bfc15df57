//! Where a child gets segments and callables from.
//!
//! Knows the two ways: from the tables of the process it is a thread of, or through the socket that
//! leads to its parent. Refuses to know what they are for.

use core::mem::MaybeUninit;
use std::collections::HashMap;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::io::IoSliceMut;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags,
};

use super::catalogue::Catalogue;
use super::fault::{Fault, FaultKind};
use super::segment::{Segment, SegmentId, SegmentTable};
use super::target::{Target, resolve};

/// Everything registered with one worker, by serial.
#[derive(Debug, Default)]
pub(crate) struct Registry(Mutex<HashMap<u64, Target>>);

impl Registry {
    pub(crate) fn insert(&self, serial: u64, target: Target) {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.insert(serial, target);
    }

    pub(crate) fn remove(&self, serial: u64) {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.remove(&serial);
    }

    pub(crate) fn get(&self, serial: u64) -> Option<Target> {
        let table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.get(&serial).cloned()
    }
}

/// Where a child gets what a question names.
pub(crate) trait Supply: Send {
    /// The segment called `id`.
    fn segment(&mut self, id: u64) -> Result<Arc<Segment>, Fault>;

    /// The callable `serial`; `described` is the segment of its description, or 0, and its length.
    fn target(&mut self, serial: u64, described: (u64, u64)) -> Result<Target, Fault>;

    /// Drops the mapping of a segment.
    fn unmap(&mut self, id: u64);
}

/// For children that are threads of their parent's process.
#[derive(Debug)]
pub(crate) struct InProcess {
    pub(crate) registry: Arc<Registry>,
    pub(crate) segments: Arc<SegmentTable>,
    mapped: HashMap<u64, Arc<Segment>>,
}

impl InProcess {
    pub(crate) fn new(registry: Arc<Registry>, segments: Arc<SegmentTable>) -> Self {
        Self {
            registry,
            segments,
            mapped: HashMap::new(),
        }
    }
}

impl Supply for InProcess {
    fn segment(&mut self, id: u64) -> Result<Arc<Segment>, Fault> {
        if let Some(segment) = self.mapped.get(&id) {
            return Ok(Arc::clone(segment));
        }
        let segment = self.segments.get(id).ok_or_else(|| unknown_segment(id))?;
        self.mapped.insert(id, Arc::clone(&segment));
        Ok(segment)
    }

    fn target(&mut self, serial: u64, _: (u64, u64)) -> Result<Target, Fault> {
        self.registry
            .get(serial)
            .ok_or_else(|| unknown_callable(serial))
    }

    fn unmap(&mut self, id: u64) {
        self.mapped.remove(&id);
    }
}

/// For children that are processes of their own.
#[derive(Debug)]
pub(crate) struct ThroughSocket {
    pub(crate) socket: OwnedFd,
    pub(crate) catalogue: Catalogue,
    /// What an early fork brought along.
    pub(crate) inherited: Option<Arc<Registry>>,
    pub(crate) mapped: HashMap<u64, Arc<Segment>>,
    /// Segments that came and could not be taken, with the reason. They do not come again.
    pub(crate) lost: HashMap<u64, String>,
}

impl Supply for ThroughSocket {
    fn segment(&mut self, id: u64) -> Result<Arc<Segment>, Fault> {
        loop {
            if let Some(segment) = self.mapped.get(&id) {
                return Ok(Arc::clone(segment));
            }
            if let Some(why) = self.lost.get(&id) {
                return Err(Fault::new(
                    FaultKind::Malformed,
                    format!("a buffer did not reach this child: {why}; make another"),
                ));
            }
            // The parent sends a segment before it asks about it, so what is not here is on its way.
            match receive_segment(&self.socket) {
                Ok(segment) => {
                    self.mapped.insert(segment.id().0, segment);
                }
                Err((Some(lost), why)) => {
                    self.lost.insert(lost, why);
                }
                Err((None, why)) => return Err(Fault::new(FaultKind::Malformed, why)),
            }
        }
    }

    fn target(&mut self, serial: u64, (segment, bytes): (u64, u64)) -> Result<Target, Fault> {
        if segment == SegmentId::NONE {
            let inherited = self.inherited.as_ref().and_then(|table| table.get(serial));
            return inherited.ok_or_else(|| unknown_callable(serial));
        }
        let memory = self.segment(segment)?;
        let start = memory
            .at(0, bytes)
            .ok_or_else(|| unknown_segment(segment))?;
        let length = usize::try_from(bytes).expect("it is mapped");
        // SAFETY: inside the mapping, and the parent writes it no more.
        let described = unsafe { core::slice::from_raw_parts(start, length) };
        let target = resolve(described, &self.catalogue);
        self.unmap(segment);
        target
    }

    fn unmap(&mut self, id: u64) {
        self.mapped.remove(&id);
        self.lost.remove(&id);
    }
}

fn unknown_segment(id: u64) -> Fault {
    Fault::new(
        FaultKind::Malformed,
        format!("segment {id:#x} is unknown here"),
    )
}

fn unknown_callable(serial: u64) -> Fault {
    Fault::new(
        FaultKind::NotRegistered,
        format!("callable {serial} is not registered with this child"),
    )
}

/// Sends a segment to the process at the other end.
pub(crate) fn send_segment(socket: impl AsFd, segment: &Segment) -> rustix::io::Result<()> {
    let mut words = [0; 16];
    words[..8].copy_from_slice(&segment.id().0.to_le_bytes());
    words[8..].copy_from_slice(&(segment.len() as u64).to_le_bytes());
    let files = [segment.file()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    let pushed = ancillary.push(SendAncillaryMessage::ScmRights(&files));
    debug_assert!(pushed, "the space is for one descriptor");
    rustix::net::sendmsg(
        socket,
        &[rustix::io::IoSlice::new(&words)],
        &mut ancillary,
        SendFlags::NOSIGNAL | SendFlags::DONTWAIT,
    )?;
    Ok(())
}

/// Receives a segment and maps it. An error says which segment it was about, if that much could be read.
pub(crate) fn receive_segment(socket: impl AsFd) -> Result<Arc<Segment>, (Option<u64>, String)> {
    let mut words = [0; 16];
    let (received, file) = receive(socket, &mut words).map_err(|why| (None, why))?;
    if received != words.len() {
        return Err((None, format!("a segment's message has {received} bytes")));
    }
    let word = |at: usize| u64::from_le_bytes(words[at..at + 8].try_into().expect("eight bytes"));
    let id = word(0);
    let lost = |why: String| (Some(id), why);
    let without = "it came without a descriptor: the child can open no more";
    let file = file.ok_or_else(|| lost(without.to_owned()))?;
    let len = usize::try_from(word(8)).map_err(|error| lost(error.to_string()))?;
    Segment::import(SegmentId(id), len, file).map_err(|error| lost(error.to_string()))
}

/// Receives one message and at most one descriptor.
pub(crate) fn receive(
    socket: impl AsFd,
    into: &mut [u8],
) -> Result<(usize, Option<OwnedFd>), String> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let message = loop {
        let received = rustix::net::recvmsg(
            &socket,
            &mut [IoSliceMut::new(into)],
            &mut ancillary,
            RecvFlags::CMSG_CLOEXEC,
        );
        match received {
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.to_string()),
            Ok(message) => break message,
        }
    };
    if message.bytes == 0 {
        return Err("the parent is gone".to_owned());
    }
    let file = ancillary.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut files) => files.next(),
        _ => None,
    });
    Ok((message.bytes, file))
}
