//! Which compiler a platform wants for user code.
//!
//! Knows the numbers the C API answers with. Refuses to know where a compiler is installed.

use crate::wire_enum::wire_enum;

wire_enum! {
    /// A compiler for kernels or orchestrations.
    pub enum Toolchain: u32 as "toolchain" {
        /// The vendor's compiler for AICore code.
        Ccec = 0 => "ccec",
        /// The host's g++ 15.
        HostGxx15 = 1 => "host g++-15",
        /// The host's default g++.
        HostGxx = 2 => "host g++",
        /// A g++ that produces aarch64 code.
        Aarch64Gxx = 3 => "aarch64 cross g++",
    }
}
