//! Kernel code that several programs share.
//!
//! Knows code by its bytes, never by function id: two programs may use one id for different kernels,
//! and both keep working. Code is unloaded with the last program that uses it.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use protocol::content_id;

use crate::error::Result;
use crate::machine::Machine;
use crate::program::Kernel;

/// Code that is loaded, and the bytes it came from.
#[derive(Debug)]
struct Cached<M: Machine> {
    bytes: Arc<[u8]>,
    code: Weak<M::Code>,
}

/// The loaded kernel code of one context.
#[derive(Debug)]
pub(crate) struct KernelCache<M: Machine> {
    by_id: HashMap<u64, Vec<Cached<M>>>,
}

impl<M: Machine> KernelCache<M> {
    pub(crate) fn new() -> Self {
        Self {
            by_id: HashMap::new(),
        }
    }

    /// The code of `kernel`, loaded now if no program uses the same bytes already.
    pub(crate) fn code(
        &mut self,
        machine: &M,
        func_id: i32,
        kernel: &Kernel,
    ) -> Result<Arc<M::Code>> {
        let Kernel::Image(bytes) = kernel else {
            return machine.load_code(func_id, kernel).map(Arc::new);
        };
        self.forget_unused();
        let cached = self.by_id.entry(content_id(bytes)).or_default();
        let known = cached
            .iter()
            .find(|known| *known.bytes == **bytes)
            .and_then(|known| known.code.upgrade());
        if let Some(code) = known {
            return Ok(code);
        }
        let code = Arc::new(machine.load_code(func_id, kernel)?);
        cached.push(Cached {
            bytes: Arc::clone(bytes),
            code: Arc::downgrade(&code),
        });
        Ok(code)
    }

    /// How many different kernels are loaded.
    pub(crate) fn loaded(&mut self) -> usize {
        self.forget_unused();
        self.by_id.values().map(Vec::len).sum()
    }

    fn forget_unused(&mut self) {
        self.by_id.retain(|_, cached| {
            cached.retain(|it| it.code.strong_count() > 0);
            !cached.is_empty()
        });
    }
}
