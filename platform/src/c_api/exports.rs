//! The names that a host runtime exports.

/// Exports the C interface of a host runtime for one [`Backend`](crate::c_api::Backend) from the crate
/// that says this, which becomes a shared object.
///
/// With `trb` before the backend, the name is exported as well that only the library of that runtime has.
#[macro_export]
macro_rules! export_host_runtime {
    (trb $backend:expr) => {
        $crate::export_host_runtime!($backend);

        /// Takes the runtime that orchestrations of this image are bound to: it holds none.
        #[unsafe(no_mangle)]
        pub extern "C" fn framework_bind_runtime(_runtime: *mut core::ffi::c_void) {}
    };
    ($backend:expr) => {
        static LIBRARY: $crate::c_api::Library = $crate::c_api::Library::new($backend);

        /// A context, or null.
        #[unsafe(no_mangle)]
        pub extern "C" fn create_device_context() -> *mut core::ffi::c_void {
            LIBRARY.create()
        }

        /// Finalizes a context and forgets it.
        #[unsafe(no_mangle)]
        pub extern "C" fn destroy_device_context(ctx: *mut core::ffi::c_void) {
            LIBRARY.destroy(ctx);
        }

        /// Bytes of the run buffer.
        #[unsafe(no_mangle)]
        pub extern "C" fn get_runtime_size() -> usize {
            LIBRARY.run_buffer()
        }

        /// Attaches a context to a chip and sets the log level.
        #[unsafe(no_mangle)]
        pub extern "C" fn simpler_init(
            ctx: *mut core::ffi::c_void,
            device_id: i32,
            log_level: i32,
            log_info_v: i32,
        ) -> i32 {
            LIBRARY.init(ctx, device_id, log_level, log_info_v)
        }

        /// Releases what a context holds.
        #[unsafe(no_mangle)]
        pub extern "C" fn finalize_device(ctx: *mut core::ffi::c_void) -> i32 {
            LIBRARY.finalize(ctx)
        }

        /// Device memory, or null.
        #[unsafe(no_mangle)]
        pub extern "C" fn device_malloc_ctx(
            ctx: *mut core::ffi::c_void,
            size: usize,
        ) -> *mut core::ffi::c_void {
            LIBRARY.malloc(ctx, size)
        }

        /// Gives device memory back.
        #[unsafe(no_mangle)]
        pub extern "C" fn device_free_ctx(
            ctx: *mut core::ffi::c_void,
            dev_ptr: *mut core::ffi::c_void,
        ) {
            LIBRARY.free(ctx, dev_ptr);
        }

        /// Copies to the device.
        ///
        /// # Safety
        /// `host_ptr` is null or readable for `size`.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn copy_to_device_ctx(
            ctx: *mut core::ffi::c_void,
            dev_ptr: *mut core::ffi::c_void,
            host_ptr: *const core::ffi::c_void,
            size: usize,
        ) -> i32 {
            // SAFETY: the caller's promise.
            unsafe { LIBRARY.copy_to(ctx, dev_ptr, host_ptr, size) }
        }

        /// Copies from the device.
        ///
        /// # Safety
        /// `host_ptr` is null or writable for `size`.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn copy_from_device_ctx(
            ctx: *mut core::ffi::c_void,
            host_ptr: *mut core::ffi::c_void,
            dev_ptr: *const core::ffi::c_void,
            size: usize,
        ) -> i32 {
            // SAFETY: the caller's promise.
            unsafe { LIBRARY.copy_from(ctx, host_ptr, dev_ptr, size) }
        }

        /// Loads a callable and registers it.
        ///
        /// # Safety
        /// `callable` is null or points to a whole image of a callable; each binary is null or readable for its size.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn prepare_callable(
            ctx: *mut core::ffi::c_void,
            callable_id: i32,
            callable: *const core::ffi::c_void,
            _device_id: i32,
            aicpu_binary: *const u8,
            aicpu_size: usize,
            aicore_binary: *const u8,
            aicore_size: usize,
        ) -> i32 {
            let images = [(aicpu_binary, aicpu_size), (aicore_binary, aicore_size)];
            let images = images.map(|(first, length)| $crate::c_api::Bytes { first, length });
            // SAFETY: the caller's promise.
            unsafe { LIBRARY.prepare(ctx, callable_id, callable, images) }
        }

        /// Runs a callable.
        ///
        /// # Safety
        /// `args` is null or points to an argument block, each of whose host tensors is readable, and
        /// writable unless it is an input; each binary is null or readable for its size; `output_prefix`
        /// is null or a string.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn run_prepared(
            ctx: *mut core::ffi::c_void,
            runtime: *mut core::ffi::c_void,
            callable_id: i32,
            args: *const core::ffi::c_void,
            block_dim: i32,
            aicpu_thread_num: i32,
            device_id: i32,
            aicpu_binary: *const u8,
            aicpu_size: usize,
            aicore_binary: *const u8,
            aicore_size: usize,
            enable_l2_swimlane: i32,
            enable_dump_tensor: i32,
            enable_pmu: i32,
            output_prefix: *const core::ffi::c_char,
        ) -> i32 {
            let call = $crate::c_api::RunCall {
                context: ctx,
                runtime,
                callable_id,
                args,
                block_dim,
                aicpu_thread_num,
                device_id,
                aicpu: $crate::c_api::Bytes {
                    first: aicpu_binary,
                    length: aicpu_size,
                },
                aicore: $crate::c_api::Bytes {
                    first: aicore_binary,
                    length: aicore_size,
                },
                enable_l2_swimlane,
                enable_dump_tensor,
                enable_pmu,
                output_prefix,
            };
            // SAFETY: the caller's promise.
            unsafe { LIBRARY.run(&call) }
        }

        /// Forgets a callable.
        #[unsafe(no_mangle)]
        pub extern "C" fn unregister_callable(
            ctx: *mut core::ffi::c_void,
            callable_id: i32,
        ) -> i32 {
            LIBRARY.unregister(ctx, callable_id)
        }

        /// Orchestrations loaded on the device.
        #[unsafe(no_mangle)]
        pub extern "C" fn get_aicpu_dlopen_count(ctx: *mut core::ffi::c_void) -> usize {
            LIBRARY.aicpu_dlopen_count(ctx)
        }

        /// Orchestrations loaded on the host.
        #[unsafe(no_mangle)]
        pub extern "C" fn get_host_dlopen_count(ctx: *mut core::ffi::c_void) -> usize {
            LIBRARY.host_dlopen_count(ctx)
        }

        /// Makes the vendor's runtime ready for ranks.
        #[unsafe(no_mangle)]
        pub extern "C" fn ensure_acl_ready_ctx(ctx: *mut core::ffi::c_void, device_id: i32) -> i32 {
            LIBRARY.ensure_acl_ready(ctx, device_id)
        }

        /// A stream for ranks, or null.
        #[unsafe(no_mangle)]
        pub extern "C" fn create_comm_stream_ctx(
            ctx: *mut core::ffi::c_void,
        ) -> *mut core::ffi::c_void {
            LIBRARY.create_comm_stream(ctx)
        }

        /// Gives a stream back.
        #[unsafe(no_mangle)]
        pub extern "C" fn destroy_comm_stream_ctx(
            ctx: *mut core::ffi::c_void,
            stream: *mut core::ffi::c_void,
        ) -> i32 {
            LIBRARY.destroy_comm_stream(ctx, stream)
        }

        /// A rank, or null.
        ///
        /// # Safety
        /// `rootinfo_path` is null or a string.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn comm_init(
            rank: i32,
            nranks: i32,
            stream: *mut core::ffi::c_void,
            rootinfo_path: *const core::ffi::c_char,
        ) -> *mut core::ffi::c_void {
            // SAFETY: the caller's promise.
            unsafe { LIBRARY.comm_init(rank, nranks, stream, rootinfo_path) }
        }

        /// Makes the windows of all ranks.
        ///
        /// # Safety
        /// `device_ctx_out` is null or writable.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn comm_alloc_windows(
            handle: *mut core::ffi::c_void,
            win_size: usize,
            device_ctx_out: *mut u64,
        ) -> i32 {
            // SAFETY: the caller's promise.
            unsafe { LIBRARY.comm_alloc_windows(handle, win_size, device_ctx_out) }
        }

        /// Own window.
        ///
        /// # Safety
        /// `base_out` is null or writable.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn comm_get_local_window_base(
            handle: *mut core::ffi::c_void,
            base_out: *mut u64,
        ) -> i32 {
            // SAFETY: the caller's promise.
            unsafe { LIBRARY.comm_window_base(handle, base_out) }
        }

        /// Bytes of a window.
        ///
        /// # Safety
        /// `size_out` is null or writable.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn comm_get_window_size(
            handle: *mut core::ffi::c_void,
            size_out: *mut usize,
        ) -> i32 {
            // SAFETY: the caller's promise.
            unsafe { LIBRARY.comm_window_size(handle, size_out) }
        }

        /// Waits for all ranks.
        #[unsafe(no_mangle)]
        pub extern "C" fn comm_barrier(handle: *mut core::ffi::c_void) -> i32 {
            LIBRARY.comm_barrier(handle)
        }

        /// Leaves together with all ranks.
        #[unsafe(no_mangle)]
        pub extern "C" fn comm_destroy(handle: *mut core::ffi::c_void) -> i32 {
            LIBRARY.comm_destroy(handle)
        }

        /// The words of the calling thread's last call, none if it went well; yields how many bytes there are.
        ///
        /// # Safety
        /// `text` is null or writable for `capacity`.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn simpler_last_error(
            text: *mut core::ffi::c_char,
            capacity: usize,
        ) -> usize {
            // SAFETY: the caller's promise.
            unsafe { LIBRARY.last_error(text.cast(), capacity) }
        }

        /// Settings of a context's coming runs.
        ///
        /// # Safety
        /// `settings` is null or points to a [`RunSettings`](protocol::extension::RunSettings); where those
        /// allow memory that the context does not know, it is there.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn simpler_run_settings(
            ctx: *mut core::ffi::c_void,
            settings: *const core::ffi::c_void,
        ) -> i32 {
            // SAFETY: the caller's promise.
            unsafe { LIBRARY.set_run_settings(ctx, settings.cast()) }
        }

        /// What a context's last run that went well did.
        ///
        /// # Safety
        /// `record` is null or has place for a [`RunRecord`](protocol::extension::RunRecord).
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn simpler_last_run(
            ctx: *mut core::ffi::c_void,
            record: *mut core::ffi::c_void,
        ) -> i32 {
            // SAFETY: the caller's promise.
            unsafe { LIBRARY.last_run(ctx, record.cast()) }
        }

        /// What a context holds.
        ///
        /// # Safety
        /// `holdings` is null or has place for [`Holdings`](protocol::extension::Holdings).
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn simpler_holdings(
            ctx: *mut core::ffi::c_void,
            holdings: *mut core::ffi::c_void,
        ) -> i32 {
            // SAFETY: the caller's promise.
            unsafe { LIBRARY.holdings(ctx, holdings.cast()) }
        }

        /// Makes a run under way copy back more.
        #[unsafe(no_mangle)]
        pub extern "C" fn record_tensor_pair(
            runtime: *mut core::ffi::c_void,
            host_ptr: *mut core::ffi::c_void,
            dev_ptr: *mut core::ffi::c_void,
            size: usize,
        ) {
            LIBRARY.record_tensor_pair(runtime, host_ptr, dev_ptr, size);
        }

        /// Refused: half of `prepare_callable`.
        #[unsafe(no_mangle)]
        pub extern "C" fn prepare_callable_impl(
            _runtime: *mut core::ffi::c_void,
            _callable: *const core::ffi::c_void,
        ) -> i32 {
            LIBRARY.internal("prepare_callable_impl", "prepare_callable")
        }

        /// Refused: a part of `run_prepared`.
        #[unsafe(no_mangle)]
        pub extern "C" fn bind_prepared_to_runtime_impl(
            _runtime: *mut core::ffi::c_void,
            _args: *const core::ffi::c_void,
        ) -> i32 {
            LIBRARY.internal("bind_prepared_to_runtime_impl", "run_prepared")
        }

        /// Refused: a part of `run_prepared`.
        #[unsafe(no_mangle)]
        pub extern "C" fn validate_runtime_impl(_runtime: *mut core::ffi::c_void) -> i32 {
            LIBRARY.internal("validate_runtime_impl", "run_prepared")
        }

        /// Name of the platform.
        #[unsafe(no_mangle)]
        pub extern "C" fn get_platform() -> *const core::ffi::c_char {
            LIBRARY.platform()
        }

        /// The compiler for kernels.
        #[unsafe(no_mangle)]
        pub extern "C" fn get_incore_compiler() -> i32 {
            LIBRARY.kernel_compiler()
        }

        /// The compiler for orchestrations.
        #[unsafe(no_mangle)]
        pub extern "C" fn get_orchestration_compiler() -> i32 {
            LIBRARY.orchestration_compiler()
        }
    };
}
