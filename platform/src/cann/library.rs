//! The opened libraries.
//!
//! Knows their names, the order in which they are opened and that they are never closed: CANN does
//! not survive that.

use core::ffi::c_void;
use core::mem::ManuallyDrop;
use std::collections::BTreeMap;
use std::ffi::CString;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};

use libloading::os::unix::{Library as Handle, RTLD_GLOBAL, RTLD_NOW};
use sync::Flag;

use crate::lock::lock;

use super::error::Error;
use super::search::{Package, Search};
use super::sys::{Acl, Hal, Hccl, Log, Runtime};

const HAL: &[&str] = &["libascend_hal.so"];
const RUNTIME: &[&str] = &["libruntime.so"];
const ACL: &[&str] = &["libascendcl.so", "libacl_rt.so"];
const HCCL: &[&str] = &["libhcomm.so", "libhccl.so", "libhcom.so"];
const LOG: &[&str] = &["libunified_dlog.so", "libascendalog.so"];

/// CANN's libraries, as far as they are there.
#[derive(Debug)]
pub struct Library {
    pub(crate) hal: Found<Hal>,
    pub(crate) runtime: Found<Runtime>,
    pub(crate) acl: Found<Acl>,
    pub(crate) log: Option<Found<Log>>,
    /// Opened when the first rank asks for it.
    hccl: OnceLock<Result<Found<Hccl>, Error>>,
    search: Search,
    /// We have initialised ACL, so that we finalise it.
    acl_is_ours: Flag,
    tenants: Mutex<BTreeMap<i32, Tenants>>,
}

/// Who uses a device in this process, and what of it cannot be shared.
#[derive(Debug, Default)]
struct Tenants {
    attached: bool,
    /// Contexts so far.
    contexts: u64,
    /// The AICPU image that the vendor's loader has taken and keeps.
    image: Option<u64>,
}

/// One library, or several that share its functions, and what it has.
#[derive(Debug)]
pub(crate) struct Found<T> {
    pub(crate) functions: T,
    pub(crate) paths: Vec<PathBuf>,
}

impl Library {
    /// The libraries the environment leads to, opened once for the whole process.
    ///
    /// # Errors
    /// [`Error::Library`] names the one that was not found and where it was looked for.
    pub fn shared() -> Result<Arc<Self>, Error> {
        static SHARED: OnceLock<Result<Arc<Library>, Error>> = OnceLock::new();
        SHARED
            .get_or_init(|| Self::open(&Search::from_environment()).map(Arc::new))
            .clone()
    }

    /// Opens the libraries found by `search`.
    ///
    /// # Errors
    /// [`Error::Library`] names the one that was not found and where it was looked for.
    pub fn open(search: &Search) -> Result<Self, Error> {
        // The driver first: the runtime needs it and would take whichever the loader finds.
        let hal = open(search, Package::Driver, HAL)?;
        let runtime = open(search, Package::Toolkit, RUNTIME)?;
        let acl = open(search, Package::Toolkit, ACL)?;
        let log = open(search, Package::Toolkit, LOG).ok();
        Ok(Self {
            // SAFETY: the library of this name is the vendor's, with the functions of its headers.
            hal: Found::of(hal, |find| unsafe { Hal::probe(find) }),
            // SAFETY: as above.
            runtime: Found::of(runtime, |find| unsafe { Runtime::probe(find) }),
            // SAFETY: as above.
            acl: Found::of(acl, |find| unsafe { Acl::probe(find) }),
            // SAFETY: as above.
            log: log.map(|opened| Found::of(opened, |find| unsafe { Log::probe(find) })),
            hccl: OnceLock::new(),
            search: search.clone(),
            acl_is_ours: Flag::new(),
            tenants: Mutex::default(),
        })
    }

    /// The library for several chips.
    ///
    /// # Errors
    /// [`Error::Library`] names where it was looked for.
    pub(crate) fn hccl(&self) -> Result<&Found<Hccl>, Error> {
        let hccl = self.hccl.get_or_init(|| {
            let opened = open(&self.search, Package::Toolkit, HCCL)?;
            // SAFETY: as for the others.
            Ok(Found::of(opened, |find| unsafe { Hccl::probe(find) }))
        });
        hccl.as_ref().map_err(Clone::clone)
    }

    /// Takes note that ACL was initialised for this process by us.
    pub(crate) fn own_acl(&self) {
        self.acl_is_ours.set();
    }

    /// Whether ACL is to be finalised now: by whoever initialised it, when nobody is on a device any more.
    pub(crate) fn gives_acl_up(&self) -> bool {
        let tenants = lock(&self.tenants);
        let last = tenants.values().all(|it| !it.attached) && self.acl_is_ours.is_set();
        if last {
            self.acl_is_ours.clear();
        }
        last
    }

    /// Makes the caller the one context on `device`; a number that no other context of the process has
    /// had there, or `None` if somebody else is on it.
    pub(crate) fn enter(&self, device: i32) -> Option<u64> {
        let mut tenants = lock(&self.tenants);
        let here = tenants.entry(device).or_default();
        if here.attached {
            return None;
        }
        here.attached = true;
        here.contexts += 1;
        Some(here.contexts)
    }

    /// The context on `device` has gone.
    pub(crate) fn leave(&self, device: i32) {
        lock(&self.tenants).entry(device).or_default().attached = false;
    }

    /// Makes `image` the one of `device`; `false` if it has another, which the loader would go on using.
    pub(crate) fn claim_image(&self, device: i32, image: u64) -> bool {
        *lock(&self.tenants)
            .entry(device)
            .or_default()
            .image
            .get_or_insert(image)
            == image
    }

    /// The device was reset: it has no image any more.
    pub(crate) fn forget_image(&self, device: i32) {
        lock(&self.tenants).entry(device).or_default().image = None;
    }

    /// The files that were opened.
    #[must_use]
    pub fn paths(&self) -> Vec<PathBuf> {
        let log = self.log.iter().flat_map(|found| &found.paths);
        [&self.hal.paths, &self.runtime.paths, &self.acl.paths]
            .into_iter()
            .flatten()
            .chain(log)
            .cloned()
            .collect()
    }
}

impl<T> Found<T> {
    fn of(
        opened: Vec<Opened>,
        probe: impl FnOnce(&dyn Fn(&str) -> Option<*mut c_void>) -> T,
    ) -> Self {
        let find = |name: &str| opened.iter().find_map(|library| library.find(name));
        Self {
            functions: probe(&find),
            paths: opened.into_iter().map(|library| library.path).collect(),
        }
    }

    /// A function that must be there now.
    pub(crate) fn require<F: Copy>(
        &self,
        function: &'static str,
        address: Option<F>,
    ) -> Result<F, Error> {
        address.ok_or_else(|| Error::Function {
            function,
            searched: self.paths.clone(),
        })
    }
}

struct Opened {
    path: PathBuf,
    handle: ManuallyDrop<Handle>,
}

impl Opened {
    fn find(&self, name: &str) -> Option<*mut c_void> {
        let name = CString::new(name).ok()?;
        // SAFETY: only the address is taken.
        let symbol = unsafe { self.handle.get::<*mut c_void>(name.as_bytes_with_nul()) }.ok()?;
        let address = symbol.into_raw();
        (!address.is_null()).then_some(address)
    }
}

/// Opens the library under each of its `names` that is there; one must be.
fn open(
    search: &Search,
    package: Package,
    names: &'static [&'static str],
) -> Result<Vec<Opened>, Error> {
    let mut tried = Vec::new();
    let mut opened = Vec::new();
    for name in names {
        for path in search.candidates(package, name) {
            // SAFETY: the initialisers are the vendor's, which whoever asks for the device trusts.
            match unsafe { Handle::open(Some(&path), RTLD_NOW | RTLD_GLOBAL) } {
                Ok(handle) => {
                    log::debug!("CANN: opened {}", path.display());
                    let handle = ManuallyDrop::new(handle);
                    opened.push(Opened { path, handle });
                    break;
                }
                Err(error) => {
                    let why = core::error::Error::source(&error)
                        .map_or_else(|| error.to_string(), ToString::to_string);
                    tried.push((path, why));
                }
            }
        }
    }
    if opened.is_empty() {
        return Err(Error::Library { names, tried });
    }
    Ok(opened)
}

#[cfg(test)]
mod tests {
    use super::{Library, Search};
    use crate::cann::Error;
    use std::path::Path;

    #[test]
    fn a_missing_library_is_named_with_every_place_tried() {
        let error = Library::open(&Search::only(Path::new("/nowhere"))).expect_err("not there");
        let text = error.to_string();
        assert!(matches!(error, Error::Library { .. }));
        assert!(text.contains("/nowhere/libascend_hal.so"), "{text}");
        assert!(text.contains("ASCEND_HOME_PATH"), "{text}");
    }
}
