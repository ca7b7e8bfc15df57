//! `libhcomm.so`, older `libhccl.so`.

use core::ffi::{c_char, c_void};

use super::library;

library! {
    /// `libhcomm.so`, older `libhccl.so`: several chips.
    #[expect(non_snake_case, reason = "the vendor's names, which messages repeat")]
    Hccl {
        /// What ranks are to know of the one with number 0.
        fn HcclGetRootInfo(root: *mut c_void) -> i32;
        /// Makes a communicator of so many ranks; waits for all.
        fn HcclCommInitRootInfo(
            ranks: u32,
            root: *const c_void,
            rank: u32,
            comm: *mut *mut c_void,
        ) -> i32;
        /// A communicator's name, in 128 bytes.
        fn HcclGetCommName(comm: *mut c_void, name: *mut c_char) -> i32;
        /// Waits for all ranks.
        fn HcclBarrier(comm: *mut c_void, stream: *mut c_void) -> i32;
        /// Gives a communicator back.
        fn HcclCommDestroy(comm: *mut c_void) -> i32;
        /// Memory that all ranks reach. Not in the public interface.
        fn HcclAllocComResourceByTiling(
            comm: *mut c_void,
            stream: *mut c_void,
            request: *mut c_void,
            context: *mut *mut c_void,
        ) -> i32;
        /// A communicator, by its name. Not in the public interface.
        fn HcomGetCommHandleByGroup(group: *const c_char, comm: *mut *mut c_void) -> i32;
        /// How its ranks are wired. Not in the public interface.
        fn HcomGetL0TopoTypeEx(group: *const c_char, topology: *mut u32, set_device: u32) -> i32;
    }
}
