//! The names that an image of a simulated chip exports.
//!
//! Knows which of them a family and a runtime have. Refuses to do anything: each is one line into `inside` or
//! `state`.

/// Exports the AICPU program of one chip family with one runtime from the crate that says this.
#[macro_export]
macro_rules! export_sim_image {
    (a2a3 $runtime:ident) => {
        $crate::export_sim_image!(@runtime c"a2a3", protocol::A2a3, $runtime);

        /// Sets the address of the table of event registers.
        #[unsafe(no_mangle)]
        pub extern "C" fn set_platform_pmu_reg_addrs(table: u64) {
            $crate::image::STATE.pmu_regs.publish(table);
        }

        /// What [`set_platform_pmu_reg_addrs`] set.
        #[unsafe(no_mangle)]
        pub extern "C" fn get_platform_pmu_reg_addrs() -> u64 {
            $crate::image::STATE.pmu_regs.observe()
        }
    };
    (a5 $runtime:ident) => {
        $crate::export_sim_image!(@runtime c"a5", protocol::A5, $runtime);
    };
    (@runtime $family:literal, $arch:ty, trb) => {
        $crate::export_sim_image!(@image $family, $crate::image::Trb<$arch>, c"trb");

        /// Takes the runtime that orchestrations of this image are bound to: it holds none.
        #[unsafe(no_mangle)]
        pub extern "C" fn framework_bind_runtime(_runtime: *mut core::ffi::c_void) {}
    };
    (@runtime $family:literal, $arch:ty, hbg) => {
        $crate::export_sim_image!(@image $family, $crate::image::Hbg<$arch>, c"hbg");
    };
    (@image $family:literal, $program:ty, $name:literal) => {
        /// What both sides must have been built with.
        #[unsafe(no_mangle)]
        #[expect(non_upper_case_globals, reason = "a symbol's name")]
        pub static simpler_protocol_digest: u64 = protocol::PROTOCOL_DIGEST;

        /// The program.
        #[unsafe(no_mangle)]
        pub extern "C" fn simpler_aicpu_image() -> *const $crate::image::Program {
            static PROGRAM: $crate::image::Program =
                $crate::image::program::<$program>($family, $name);
            &raw const PROGRAM
        }

        /// Refused: a run of this image begins at its program.
        #[unsafe(no_mangle)]
        pub extern "C" fn aicpu_execute(_runtime: *mut core::ffi::c_void) -> core::ffi::c_int {
            $crate::image::refuse()
        }

        $crate::export_sim_image!(@words
            set_platform_regs get_platform_regs regs,
            set_platform_dump_base get_platform_dump_base dump_base,
            set_platform_l2_perf_base get_platform_l2_perf_base l2_perf_base,
            set_platform_pmu_base get_platform_pmu_base pmu_base,
        );
        $crate::export_sim_image!(@switches
            set_dump_tensor_enabled is_dump_tensor_enabled dump_tensor,
            set_l2_swimlane_enabled is_l2_swimlane_enabled l2_swimlane,
            set_pmu_enabled is_pmu_enabled pmu,
        );
        $crate::export_sim_image!(@logging);
    };
    (@words $($set:ident $get:ident $field:ident,)+) => {
        $(
            /// Sets an address.
            #[unsafe(no_mangle)]
            pub extern "C" fn $set(address: u64) {
                $crate::image::STATE.$field.publish(address);
            }

            /// What was set.
            #[unsafe(no_mangle)]
            pub extern "C" fn $get() -> u64 {
                $crate::image::STATE.$field.observe()
            }
        )+
    };
    (@switches $($set:ident $get:ident $field:ident,)+) => {
        $(
            /// Sets a switch.
            #[unsafe(no_mangle)]
            pub extern "C" fn $set(on: bool) {
                $crate::image::STATE.$field.publish(on.into());
            }

            /// What was set.
            #[unsafe(no_mangle)]
            pub extern "C" fn $get() -> bool {
                $crate::image::STATE.$field.observe() != 0
            }
        )+
    };
    (@logging) => {
        $crate::export_sim_image!(@flags
            g_is_log_enable_debug, g_is_log_enable_info, g_is_log_enable_warn, g_is_log_enable_error,
        );

        /// Information of this verbosity and above is kept.
        #[unsafe(no_mangle)]
        #[expect(non_upper_case_globals, reason = "a symbol's name")]
        pub static g_log_info_v: sync::Word32 = sync::Word32::new(5);

        /// Keeps lines of `level`, from 0 for everything to 4 for nothing, and above.
        #[unsafe(no_mangle)]
        pub extern "C" fn set_log_level(level: core::ffi::c_int) {
            g_is_log_enable_debug.publish((level <= 0).into());
            g_is_log_enable_info.publish((level <= 1).into());
            g_is_log_enable_warn.publish((level <= 2).into());
            g_is_log_enable_error.publish((level <= 3).into());
        }

        /// Sets how much information is kept.
        #[unsafe(no_mangle)]
        pub extern "C" fn set_log_info_v(verbosity: core::ffi::c_int) {
            g_log_info_v.publish(verbosity.clamp(0, 9).cast_unsigned());
        }

        /// What was set.
        #[unsafe(no_mangle)]
        pub extern "C" fn get_log_info_v() -> core::ffi::c_int {
            g_log_info_v.observe().cast_signed()
        }

        $crate::export_sim_image!(@lines
            unified_log_debug "runtime_trb_log_debug",
            unified_log_error "runtime_trb_log_error",
            unified_log_info_v "runtime_trb_log_info_v",
            unified_log_warn "runtime_trb_log_warn",
        );
    };
    (@flags $($name:ident,)+) => {
        $(
            /// Whether such lines are kept.
            #[unsafe(no_mangle)]
            #[expect(non_upper_case_globals, reason = "a symbol's name")]
            pub static $name: sync::Word32 = sync::Word32::new(1);
        )+
    };
    (@lines $($name:ident $target:literal,)+) => {
        $(
            /// A line of the log, formatted as C does.
            ///
            /// # Safety
            /// The arguments are those of the C function, which takes as many as its format says.
            #[unsafe(no_mangle)]
            #[unsafe(naked)]
            pub unsafe extern "C" fn $name() {
                // All arguments, however many, are where the function jumped to expects them.
                #[cfg(target_arch = "x86_64")]
                core::arch::naked_asm!(concat!("jmp ", $target));
                #[cfg(target_arch = "aarch64")]
                core::arch::naked_asm!(concat!("b ", $target));
            }
        )+
    };
}
