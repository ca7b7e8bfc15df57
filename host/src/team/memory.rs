//! Device memory of children, from the host's side.
//!
//! Knows which child has what. Refuses to look behind an address.

use std::sync::Arc;

use aicore_abi::call::Element;

use super::frame::Request;
use super::graph::Graph;
use super::segment::{Commit, Segment};
use super::shared::Shared;
use super::tensor::{DeviceBuffer, Hold, Place, Tensor};
use super::worker::Worker;
use crate::error::{Error, Result};

impl Shared {
    fn device_port(&self, child: usize) -> Result<usize> {
        let chips = self.lock().next_count;
        if child < chips {
            return Ok(child);
        }
        Err(Error::refused(
            format!("invalid worker_id {child}"),
            format!("the worker has {chips} next-level children, numbered from 0"),
        ))
    }

    fn malloc(&self, child: usize, bytes: u64) -> Result<DeviceBuffer> {
        let port = self.device_port(child)?;
        let generation = self.lock().ports[port].generation;
        let [address, _] = self.ask(port, Request::Malloc, [bytes, 0, 0, 0], Vec::new())?;
        Ok(DeviceBuffer {
            port: u32::try_from(port).expect("children are few"),
            generation,
            owner: self.owner.clone(),
            address,
            bytes,
        })
    }

    /// The child that has a buffer, if it still does.
    fn holder(&self, buffer: &DeviceBuffer) -> Result<usize> {
        if buffer.owner != self.owner {
            return Err(Error::refused(
                "device memory of another worker",
                "use that worker",
            ));
        }
        let core = self.lock();
        let port = &core.ports[buffer.child()];
        if port.generation != buffer.generation {
            return Err(Error::refused(
                format!("device memory of {}", port.label),
                "it was lost when the child was restarted: allocate and fill it again",
            ));
        }
        Ok(buffer.child())
    }

    fn free(&self, buffer: &DeviceBuffer) -> Result<()> {
        let port = self.holder(buffer)?;
        self.ask(port, Request::Free, [buffer.address, 0, 0, 0], Vec::new())
            .map(drop)
    }

    fn transfer(&self, request: Request, buffer: &DeviceBuffer, tensor: &Tensor) -> Result<()> {
        let port = self.holder(buffer)?;
        let (Place::Host(hold) | Place::Ring { hold, .. }) = &tensor.place else {
            return Err(Error::refused(
                "a copy between devices",
                "copy through a host buffer",
            ));
        };
        let bytes = tensor.bytes();
        if bytes > buffer.bytes {
            return Err(Error::refused(
                format!("a copy of {bytes} bytes"),
                format!("the device buffer has {}", buffer.bytes),
            ));
        }
        let words = [
            buffer.address,
            hold.segment().id().0,
            tensor.record.data,
            bytes,
        ];
        self.ask(port, request, words, vec![hold.clone()]).map(drop)
    }

    fn staged<T: Element>(&self, elements: usize) -> Result<Tensor> {
        let bytes = elements * size_of::<T>();
        let segment: Arc<Segment> = Segment::create("a staging buffer", bytes, Commit::Now)?;
        let elements = u32::try_from(elements).map_err(|_| {
            Error::refused(
                format!("a copy of {elements} elements"),
                "copy from a buffer, or in parts",
            )
        })?;
        super::tensor::Buffer::new(Hold::new(segment, &self.dropped)).tensor::<T>(&[elements])
    }

    fn copy_to<T: Element>(&self, to: &DeviceBuffer, from: &[T]) -> Result<()> {
        let staged = self.staged::<T>(from.len())?;
        staged.store(from)?;
        self.transfer(Request::CopyTo, to, &staged)
    }

    fn copy_from<T: Element>(&self, from: &DeviceBuffer) -> Result<Vec<T>> {
        let elements = usize::try_from(from.bytes).unwrap_or(usize::MAX) / size_of::<T>();
        let staged = self.staged::<T>(elements)?;
        self.transfer(Request::CopyFrom, from, &staged)?;
        staged.load()
    }
}

macro_rules! memory_calls {
    ($owner:ty, $shared:expr) => {
        impl $owner {
            /// Allocates device memory of next-level child `child`, zeroed.
            ///
            /// # Errors
            /// There is no such child, it has no device, it has not enough, or it does not answer.
            pub fn malloc(&self, child: usize, bytes: u64) -> Result<DeviceBuffer> {
                ($shared)(self)?.malloc(child, bytes)
            }

            /// Frees device memory.
            ///
            /// # Errors
            /// The buffer is another worker's, freed, or lost with its child.
            pub fn free(&self, buffer: DeviceBuffer) -> Result<()> {
                ($shared)(self)?.free(&buffer)
            }

            /// Copies elements to device memory.
            ///
            /// # Errors
            /// The buffer is too small, another worker's, or lost with its child.
            pub fn copy_to<T: Element>(&self, to: &DeviceBuffer, from: &[T]) -> Result<()> {
                ($shared)(self)?.copy_to(to, from)
            }

            /// Copies all of a device buffer to the host.
            ///
            /// # Errors
            /// The buffer is another worker's, or lost with its child.
            pub fn copy_from<T: Element>(&self, from: &DeviceBuffer) -> Result<Vec<T>> {
                ($shared)(self)?.copy_from(from)
            }

            /// Copies a tensor in host memory to device memory, without a copy in between.
            ///
            /// # Errors
            /// As [`copy_to`](Self::copy_to).
            pub fn copy_tensor_to(&self, to: &DeviceBuffer, from: &Tensor) -> Result<()> {
                ($shared)(self)?.transfer(Request::CopyTo, to, from)
            }

            /// Copies device memory to a tensor in host memory, without a copy in between.
            ///
            /// # Errors
            /// As [`copy_from`](Self::copy_from).
            pub fn copy_tensor_from(&self, to: &Tensor, from: &DeviceBuffer) -> Result<()> {
                ($shared)(self)?.transfer(Request::CopyFrom, from, to)
            }

            /// Bytes of device memory that child `child` uses, its runtime's own included.
            ///
            /// # Errors
            /// There is no such child, or it has no device.
            pub fn device_memory_used(&self, child: usize) -> Result<u64> {
                let shared = ($shared)(self)?;
                let port = shared.device_port(child)?;
                let [bytes, _] = shared.ask(port, Request::MemoryUsed, [0; 4], Vec::new())?;
                Ok(bytes)
            }
        }
    };
}

memory_calls!(Worker, |worker: &Worker| worker.shared("device memory"));
memory_calls!(Graph<'_>, |graph: &Graph<'_>| Ok::<_, Error>(Arc::clone(
    graph.shared
)));
