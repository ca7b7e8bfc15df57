//! CANN's functions as calls that can fail.
//!
//! Knows which call takes what, and under which number the driver knows a device. Refuses to know
//! an order of calls, except the one that everything depends on: a thread is bound to the device
//! before it calls anything. [`Bound`] is the proof of that, and stays on its thread.
//!
//! | calls | file |
//! | --- | --- |
//! | of the process: opening, logging, binding | here |
//! | for memory, streams, the device | `bound` |
//! | for code and launches | `launch` |
//! | for what a chip has, and mappings | `resources` |

mod bound;
mod launch;
mod resources;

use core::ffi::{CStr, c_void};
use core::fmt;
use core::marker::PhantomData;
use std::sync::Arc;

use sync::Flag;

use super::code::Code;
use super::error::Error;
use super::library::Library;
use super::sys;

pub(crate) use self::launch::{AicpuLaunch, CoreLaunch};

/// Calls a function of CANN through what proves that the thread is bound.
macro_rules! call {
    ($bound:expr, $library:ident.$function:ident($($argument:expr),* $(,)?)) => {{
        let found = &$bound.driver.library.$library;
        let function = found.require(stringify!($function), found.functions.$function)?;
        // SAFETY: the prototype is the header's, the arguments are what it asks for (each method
        // says what its caller owes), and the thread is bound to the device.
        let code = unsafe { function($($argument),*) };
        $bound.driver.check(stringify!($function), code)
    }};
}
use call;

/// One device as CANN knows it.
pub struct Driver {
    library: Arc<Library>,
    device: i32,
    /// What the driver package calls it: it does not know which devices are visible.
    hal_device: u32,
    /// A forced reset took everything away; handles from before mean nothing.
    lost: Flag,
}

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver")
            .field("device", &self.device)
            .field("hal_device", &self.hal_device)
            .field("lost", &self.lost.is_set())
            .finish_non_exhaustive()
    }
}

/// The number behind logical device `device`, given the list of visible devices.
pub(crate) fn physical(device: i32, visible: Option<&str>) -> Option<u32> {
    let logical = u32::try_from(device).ok()?;
    match visible.map(str::trim) {
        None | Some("") => Some(logical),
        Some(list) => list
            .split(',')
            .nth(usize::try_from(logical).ok()?)
            .and_then(|entry| entry.trim().parse().ok()),
    }
}

impl Driver {
    /// Device `device` of this process.
    ///
    /// # Errors
    /// [`Error::Answer`] if the list of visible devices has no such entry.
    pub fn new(library: Arc<Library>, device: i32) -> Result<Self, Error> {
        let visible = std::env::var("ASCEND_RT_VISIBLE_DEVICES").ok();
        let hal_device = physical(device, visible.as_deref()).ok_or_else(|| Error::Answer {
            function: "ASCEND_RT_VISIBLE_DEVICES",
            device,
            answer: visible.unwrap_or_default(),
            expected: "a list of device numbers with an entry for this device",
        })?;
        Ok(Self {
            library,
            device,
            hal_device,
            lost: Flag::new(),
        })
    }

    /// The libraries behind it.
    #[must_use]
    pub const fn library(&self) -> &Arc<Library> {
        &self.library
    }

    /// Its number.
    #[must_use]
    pub const fn device(&self) -> i32 {
        self.device
    }

    /// Its number in the driver package.
    pub(crate) const fn hal_device(&self) -> u32 {
        self.hal_device
    }

    /// Everything made so far is gone; from now on nothing of it is given back.
    pub(crate) fn set_lost(&self) {
        self.lost.set();
    }

    /// Whether everything made with it is gone.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.lost.is_set()
    }

    /// Binds the calling thread.
    ///
    /// # Errors
    /// What `rtSetDevice` returned.
    pub fn bind(&self) -> Result<Bound<'_>, Error> {
        let bound = Bound {
            driver: self,
            thread: PhantomData,
        };
        call!(bound, runtime.rtSetDevice(self.device))?;
        Ok(bound)
    }

    /// Sets the level of the vendor's own log, if its library is there.
    ///
    /// # Errors
    /// What `dlog_setlevel` returned.
    pub fn set_log_level(&self, level: i32) -> Result<(), Error> {
        let Some(set) = self
            .library
            .log
            .as_ref()
            .and_then(|log| log.functions.dlog_setlevel)
        else {
            return Ok(());
        };
        // SAFETY: the function takes three numbers.
        self.check("dlog_setlevel", unsafe {
            set(sys::LOG_ALL_MODULES, level, 0)
        })
    }

    /// Initialises ACL for this process, unless somebody has.
    ///
    /// # Errors
    /// What `aclInit` returned.
    pub fn init_acl(&self) -> Result<(), Error> {
        let found = &self.library.acl;
        let init = found.require("aclInit", found.functions.aclInit)?;
        // SAFETY: no configuration file is a valid choice.
        match Code(unsafe { init(core::ptr::null()) }) {
            Code::ALREADY_INITIALISED => Ok(()),
            Code(code) => {
                self.check("aclInit", code)?;
                self.library.own_acl();
                Ok(())
            }
        }
    }

    /// Finalises ACL, which nothing of CANN survives, if it is ours and this was the last device.
    ///
    /// # Errors
    /// What `aclFinalize` returned.
    pub fn finalize_acl(&self) -> Result<(), Error> {
        if !self.library.gives_acl_up() {
            return Ok(());
        }
        let found = &self.library.acl;
        let finalize = found.require("aclFinalize", found.functions.aclFinalize)?;
        // SAFETY: it takes nothing.
        self.check("aclFinalize", unsafe { finalize() })
    }

    pub(crate) fn check(&self, function: &'static str, code: i32) -> Result<(), Error> {
        if code == 0 {
            return Ok(());
        }
        Err(Error::Call {
            function,
            device: self.device,
            code: Code(code),
            message: self.recent_message(),
        })
    }

    /// What CANN says about its last error.
    fn recent_message(&self) -> String {
        let Some(recent) = self.library.acl.functions.aclGetRecentErrMsg else {
            return String::new();
        };
        // SAFETY: it takes nothing.
        let text = unsafe { recent() };
        if text.is_null() {
            return String::new();
        }
        // SAFETY: it returns a string of its own that stays until the thread's next call.
        unsafe { CStr::from_ptr(text) }
            .to_string_lossy()
            .into_owned()
    }
}

/// The calling thread, bound to a device.
#[derive(Debug)]
pub struct Bound<'a> {
    driver: &'a Driver,
    /// What is bound is this thread and no other.
    thread: PhantomData<*const ()>,
}

impl Bound<'_> {
    /// The device.
    #[must_use]
    pub const fn driver(&self) -> &Driver {
        self.driver
    }
}

/// A device address or handle as C wants it.
pub(super) fn pointer(address: u64) -> *mut c_void {
    let address = usize::try_from(address).expect("64-bit addresses");
    core::ptr::without_provenance_mut(address)
}

#[cfg(test)]
mod tests {
    use super::physical;

    #[test]
    fn visible_devices_are_counted_through() {
        assert_eq!(physical(1, None), Some(1));
        assert_eq!(physical(1, Some("")), Some(1));
        assert_eq!(physical(1, Some("4, 6,7")), Some(6));
        assert_eq!(physical(3, Some("4,6,7")), None);
        assert_eq!(physical(0, Some("x")), None);
        assert_eq!(physical(-1, None), None);
    }
}
