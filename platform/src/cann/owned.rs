//! What CANN lends, given back when dropped.
//!
//! Knows one owner per thing. Refuses to fail on the way out: what cannot be given back is logged, and
//! after a forced reset there is nothing to give back.

use std::sync::Arc;

use super::driver::{Bound, Driver};
use super::error::Error;

/// Gives one thing back on a thread that may not be bound.
fn release(driver: &Driver, what: &str, give: impl FnOnce(&Bound<'_>) -> Result<(), Error>) {
    if driver.is_lost() {
        return;
    }
    if let Err(error) = driver.bind().and_then(|bound| give(&bound)) {
        log::warn!("cannot give back {what}: {error}");
    }
}

/// Device memory.
#[derive(Debug)]
pub struct Buffer {
    driver: Arc<Driver>,
    address: u64,
    bytes: u64,
}

impl Buffer {
    /// Allocates `bytes`.
    ///
    /// # Errors
    /// What the driver said.
    pub fn allocate(driver: &Arc<Driver>, bytes: u64) -> Result<Self, Error> {
        let address = driver.bind()?.malloc(bytes.max(1))?;
        let buffer = Self {
            driver: Arc::clone(driver),
            address,
            bytes,
        };
        // Whoever breaks this promise gives memory that no kernel header fits into.
        if !address.is_multiple_of(64) {
            return Err(Error::Answer {
                function: "rtMalloc",
                device: driver.device(),
                answer: format!("{address:#x}"),
                expected: "an address aligned to 64 bytes",
            });
        }
        Ok(buffer)
    }

    /// Allocates a buffer that holds `content`.
    ///
    /// # Errors
    /// What the driver said.
    pub fn upload(driver: &Arc<Driver>, content: &[u8]) -> Result<Self, Error> {
        let buffer = Self::allocate(driver, content.len() as u64)?;
        buffer.write(0, content)?;
        Ok(buffer)
    }

    /// Where it is.
    #[must_use]
    pub const fn address(&self) -> u64 {
        self.address
    }

    /// How long it is.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Copies `content` to `offset`.
    ///
    /// # Errors
    /// What the driver said.
    ///
    /// # Panics
    /// If it does not fit.
    pub fn write(&self, offset: u64, content: &[u8]) -> Result<(), Error> {
        self.assert_inside(offset, content.len());
        let bound = self.driver.bind()?;
        // SAFETY: the slice is readable for its length.
        unsafe {
            bound.copy_in(
                self.address + offset,
                content.as_ptr(),
                content.len() as u64,
            )
        }
    }

    /// Copies what is at `offset`.
    ///
    /// # Errors
    /// What the driver said.
    ///
    /// # Panics
    /// If it reaches beyond the end.
    pub fn read(&self, offset: u64, into: &mut [u8]) -> Result<(), Error> {
        self.assert_inside(offset, into.len());
        let bound = self.driver.bind()?;
        // SAFETY: the slice is writable for its length.
        unsafe { bound.copy_out(into.as_mut_ptr(), self.address + offset, into.len() as u64) }
    }

    /// Fills `bytes` from `offset` on with zeros.
    ///
    /// # Errors
    /// What the driver said.
    ///
    /// # Panics
    /// If they reach beyond the end.
    pub fn clear(&self, offset: u64, bytes: u64) -> Result<(), Error> {
        assert!(
            bytes <= self.bytes && offset <= self.bytes - bytes,
            "within the buffer"
        );
        self.driver.bind()?.fill(self.address + offset, 0, bytes)
    }

    fn assert_inside(&self, offset: u64, length: usize) {
        let length = length as u64;
        assert!(
            length <= self.bytes && offset <= self.bytes - length,
            "within the buffer"
        );
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        release(&self.driver, "device memory", |bound| {
            bound.free(self.address)
        });
    }
}

/// Device memory as the host sees it.
#[derive(Debug)]
pub struct HostView {
    buffer: Buffer,
    view: *mut u8,
}

// SAFETY: the view is memory that several threads may reach; who does so through it uses whole-word accesses.
unsafe impl Send for HostView {}
// SAFETY: as above.
unsafe impl Sync for HostView {}

impl HostView {
    /// Makes `buffer` visible to the host.
    ///
    /// # Errors
    /// What the driver said; the buffer is given back then.
    pub fn of(buffer: Buffer) -> Result<Self, Error> {
        let view = buffer
            .driver
            .bind()?
            .host_register(buffer.address, buffer.bytes)?;
        Ok(Self { buffer, view })
    }

    /// The device's address of it.
    #[must_use]
    pub const fn buffer(&self) -> &Buffer {
        &self.buffer
    }

    /// The host's address of it, which is another.
    #[must_use]
    pub const fn as_ptr(&self) -> *mut u8 {
        self.view
    }
}

impl Drop for HostView {
    fn drop(&mut self) {
        let address = self.buffer.address;
        release(&self.buffer.driver, "a host view", |bound| {
            bound.host_unregister(address)
        });
    }
}

/// What a stream is for; messages name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamKind {
    /// Launches of control CPUs.
    Aicpu,
    /// Launches of compute cores.
    Aicore,
    /// What ranks of several chips tell each other.
    Comm,
}

/// A queue of work.
#[derive(Debug)]
pub struct Stream {
    driver: Arc<Driver>,
    kind: StreamKind,
    handle: u64,
}

impl Stream {
    /// Makes a stream.
    ///
    /// # Errors
    /// What the driver said.
    pub fn create(driver: &Arc<Driver>, kind: StreamKind) -> Result<Self, Error> {
        let handle = driver.bind()?.stream_create()?;
        Ok(Self {
            driver: Arc::clone(driver),
            kind,
            handle,
        })
    }

    /// What it is for.
    #[must_use]
    pub const fn kind(&self) -> StreamKind {
        self.kind
    }

    pub(crate) const fn handle(&self) -> u64 {
        self.handle
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        release(&self.driver, "a stream", |bound| {
            bound.stream_destroy(self.handle)
        });
    }
}

/// The AICore ELF, registered.
#[derive(Debug)]
pub struct Binary {
    driver: Arc<Driver>,
    handle: u64,
    /// The runtime loads it at the first launch, from here.
    _elf: Arc<[u8]>,
}

impl Binary {
    /// Registers an AICore ELF.
    ///
    /// # Errors
    /// What the driver said.
    pub fn register(driver: &Arc<Driver>, elf: Arc<[u8]>) -> Result<Self, Error> {
        let handle = driver.bind()?.register_binary(&elf)?;
        Ok(Self {
            driver: Arc::clone(driver),
            handle,
            _elf: elf,
        })
    }

    pub(crate) const fn handle(&self) -> u64 {
        self.handle
    }
}

impl Drop for Binary {
    fn drop(&mut self) {
        release(&self.driver, "the core program", |bound| {
            bound.unregister_binary(self.handle)
        });
    }
}
