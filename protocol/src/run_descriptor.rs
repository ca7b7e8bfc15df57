//! The run descriptor: everything a run is, in the one object that host, AICPU and AICore share.
//!
//! Knows its bytes for both runtimes on both chip families. Refuses to know what a field makes
//! anyone do.
//!
//! A descriptor is the handshakes of all workers, which differ between families in number and
//! content, and behind them a body, which is the same on both:
//!
//! ```text
//! ┌────────────────────────────┬─────────────────────────────────┐
//! │ workers: [Handshake; N]    │ body: TrbBody or HbgBody        │
//! └────────────────────────────┴─────────────────────────────────┘
//! ```
//!
//! The descriptor of a host-built graph has 92 MB: it lives in memory the caller provides and is
//! never a value.

mod hbg;
mod trb;

use bytemuck::{Pod, Zeroable};

pub use hbg::{HbgBody, Task};
pub use trb::TrbBody;

use crate::handshake::{Handshake, HandshakeA2a3, HandshakeA5};
use crate::{A2a3, A5, Arch};

/// One tensor to copy back after the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct TensorPair {
    /// Host address to copy to.
    pub host_ptr: u64,
    /// Device address to copy from; freed afterwards.
    pub dev_ptr: u64,
    /// Bytes.
    pub size: u64,
}

crate::pin_layout!(TensorPair, 24 bytes, align 8, {
    0 => host_ptr: u64,
    8 => dev_ptr: u64,
    16 => size: u64,
});

/// Addresses of the host functions the runtime half calls; none takes a context.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct HostApi {
    /// `void *(size_t)`.
    pub device_malloc: u64,
    /// `void (void *)`.
    pub device_free: u64,
    /// `int (void *device, const void *host, size_t)`.
    pub copy_to_device: u64,
    /// `int (void *host, const void *device, size_t)`.
    pub copy_from_device: u64,
    /// `uint64_t (int func_id, const uint8_t *image, size_t)`.
    pub upload_kernel_binary: u64,
    /// `void (int func_id)`.
    pub remove_kernel_binary: u64,
}

crate::pin_layout!(HostApi, 48 bytes, align 8, {
    0 => device_malloc: u64,
    8 => device_free: u64,
    16 => copy_to_device: u64,
    24 => copy_from_device: u64,
    32 => upload_kernel_binary: u64,
    40 => remove_kernel_binary: u64,
});

macro_rules! run_descriptor {
    ($(#[$meta:meta])* $name:ident, $size:literal bytes, $arch:ty, $handshake:ty, $slots:tt,
        $body:ty, $body_at:literal) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Pod, Zeroable)]
        #[repr(C, align(64))]
        pub struct $name {
            /// One handshake per worker slot.
            pub workers: [$handshake; $slots],
            /// Everything else.
            pub body: $body,
        }

        crate::pin_layout!($name, $size bytes, align 64, {
            0 => workers: [$handshake; $slots],
            $body_at => body: $body,
        });

        const _: () = assert!(<$arch as Arch>::WORKER_SLOTS == $slots);
    };
}

run_descriptor!(
    /// A run of the device-built runtime on [`A2a3`].
    TrbRunDescriptorA2a3, 22400 bytes, A2a3, HandshakeA2a3, 72, TrbBody, 4608
);
run_descriptor!(
    /// A run of the device-built runtime on [`A5`].
    TrbRunDescriptorA5, 24704 bytes, A5, HandshakeA5, 108, TrbBody, 6912
);
run_descriptor!(
    /// A run of the host-built runtime on [`A2a3`]; too large to be a value.
    HbgRunDescriptorA2a3, 92555584 bytes, A2a3, HandshakeA2a3, 72, HbgBody, 4608
);
run_descriptor!(
    /// A run of the host-built runtime on [`A5`]; too large to be a value.
    HbgRunDescriptorA5, 92557888 bytes, A5, HandshakeA5, 108, HbgBody, 6912
);

/// A chip family whose run descriptors are known.
pub trait RunDescriptors: Handshake {
    /// Descriptor of the device-built runtime.
    type Trb: Pod + crate::Pinned + Send + Sync;
    /// Descriptor of the host-built runtime; too large to be a value.
    type Hbg: Pod + crate::Pinned + Send + Sync;
    /// Where in either descriptor the body starts; the handshakes are before it.
    const BODY_OFFSET: usize = Self::WORKER_SLOTS * size_of::<Self::Record>();

    /// The handshakes of a run of the device-built runtime.
    fn trb_workers(run: &Self::Trb) -> &[Self::Record];
    /// The body of a run of the device-built runtime.
    fn trb_body(run: &Self::Trb) -> &TrbBody;
    /// The body of a run of the device-built runtime, to be filled in.
    fn trb_body_mut(run: &mut Self::Trb) -> &mut TrbBody;
    /// The handshakes of a run of the host-built runtime.
    fn hbg_workers(run: &Self::Hbg) -> &[Self::Record];
    /// The body of a run of the host-built runtime.
    fn hbg_body(run: &Self::Hbg) -> &HbgBody;
    /// The body of a run of the host-built runtime, to be filled in.
    fn hbg_body_mut(run: &mut Self::Hbg) -> &mut HbgBody;
}

macro_rules! run_descriptors {
    ($arch:ty, $trb:ty, $hbg:ty) => {
        impl RunDescriptors for $arch {
            type Trb = $trb;
            type Hbg = $hbg;

            fn trb_workers(run: &Self::Trb) -> &[Self::Record] {
                &run.workers
            }
            fn trb_body(run: &Self::Trb) -> &TrbBody {
                &run.body
            }
            fn trb_body_mut(run: &mut Self::Trb) -> &mut TrbBody {
                &mut run.body
            }
            fn hbg_workers(run: &Self::Hbg) -> &[Self::Record] {
                &run.workers
            }
            fn hbg_body(run: &Self::Hbg) -> &HbgBody {
                &run.body
            }
            fn hbg_body_mut(run: &mut Self::Hbg) -> &mut HbgBody {
                &mut run.body
            }
        }

        const _: () = {
            assert!(<$arch as RunDescriptors>::BODY_OFFSET == core::mem::offset_of!($trb, body));
            assert!(<$arch as RunDescriptors>::BODY_OFFSET == core::mem::offset_of!($hbg, body));
        };
    };
}

run_descriptors!(A2a3, TrbRunDescriptorA2a3, HbgRunDescriptorA2a3);
run_descriptors!(A5, TrbRunDescriptorA5, HbgRunDescriptorA5);

#[cfg(test)]
mod tests {
    use super::*;

    fn body_is_behind_the_handshakes<A: RunDescriptors>() {
        let mut run = A::Trb::zeroed();
        A::trb_body_mut(&mut run).worker_count = 6;
        let bytes = bytemuck::bytes_of(&run);
        assert_eq!(bytes[A::BODY_OFFSET], 6);
        assert_eq!(A::trb_body(&run).worker_count, 6);
        assert_eq!(A::trb_workers(&run).len(), A::WORKER_SLOTS);
    }

    #[test]
    fn one_code_reaches_the_body_on_every_family() {
        body_is_behind_the_handshakes::<A2a3>();
        body_is_behind_the_handshakes::<A5>();
    }
}
