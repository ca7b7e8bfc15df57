//! A second look at the headers: libclang's view of every shared type against ours, field by field.
#![cfg(feature = "libclang")]

use memoffset::span_of;
use static_assertions::{assert_eq_align, assert_eq_size};

/// The headers as libclang reads them for one family.
macro_rules! family {
    ($name:ident) => {
        #[allow(
            warnings,
            clippy::all,
            clippy::pedantic,
            clippy::undocumented_unsafe_blocks,
            clippy::missing_safety_doc,
            clippy::std_instead_of_core,
            unsafe_op_in_unsafe_fn,
            reason = "bindgen's text"
        )]
        mod $name {
            include!(concat!(env!("OUT_DIR"), "/", stringify!($name), ".rs"));
        }
    };
}

family!(a2a3);
family!(a5);

/// One type: size and alignment when this compiles, spans when it runs.
macro_rules! same {
    ($clang:path = $ours:path { $($member:ident = $field:ident),* $(,)? }) => {
        assert_eq_size!($clang, $ours);
        assert_eq_align!($clang, $ours);
        $(
            assert_eq!(
                span_of!($clang, $member),
                span_of!($ours, $field),
                "{}::{}", stringify!($ours), stringify!($field),
            );
        )*
    };
}

/// All types of one family. The two block fields have family names in C++.
macro_rules! every_type {
    ($family:ident, $block_idx:ident, $block_num:ident) => {{
        use aicore_abi::orchestration::{hbg, trb};
        use aicore_abi::{kernel, payload, tensor};
        same!($family::LocalContext = kernel::LocalContext {
            $block_idx = block_idx, $block_num = block_num, async_ctx = async_ctx,
        });
        same!($family::AsyncCtx = kernel::AsyncCtx {
            completion_count = completion_count, completion_error_code = completion_error_code,
            completion_entries = completion_entries, completion_capacity = completion_capacity,
            task_token = task_token,
        });
        same!($family::GlobalContext = kernel::GlobalContext { sub_block_id = sub_block_id });
        same!($family::PTO2DeferredCompletionEntry = kernel::DeferredCondition {
            addr = addr, expected_value = expected_value, engine = engine,
            completion_type = completion_type, _pad = pad,
        });
        same!($family::PTO2DeferredCompletionIngressBuffer = kernel::DeferredIngressBuffer {
            count = count, error_code = error_code, entries = entries,
        });
        same!($family::PTO2DispatchPayload = payload::DispatchPayload {
            function_bin_addr = function_bin_addr, args = args, local_context = local_context,
            global_context = global_context, reserved_payload_abi_pad = reserved,
        });
        same!($family::PTOBufferHandle = tensor::BufferHandle { addr = addr, size = size });
        same!($family::Tensor = tensor::Tensor {
            buffer = buffer, owner_task_id = owner_task_id, start_offset = start_offset,
            version = version, ndims = ndims, dtype = dtype, manual_dep = manual_dep,
            is_all_offset_zero = is_all_offset_zero, is_raw_eq_shapes = is_raw_eq_shapes,
            shapes = shapes, raw_shapes = raw_shapes, offsets = offsets,
        });
        same!($family::TensorCreateInfo = tensor::TensorCreateInfo {
            initial_value = initial_value, has_initial_value = has_initial_value,
            version = version, ndims = ndims, dtype = dtype, manual_dep = manual_dep,
            is_all_offset_zero = is_all_offset_zero, is_raw_eq_shapes = is_raw_eq_shapes,
            raw_shapes = raw_shapes,
        });
        same!($family::MixedKernels = trb::MixedKernels {
            aic_kernel_id = aic_kernel_id, aiv0_kernel_id = aiv0_kernel_id,
            aiv1_kernel_id = aiv1_kernel_id,
        });
        same!($family::PTO2LaunchSpec = trb::LaunchSpec {
            count_ = block_num, require_sync_start_ = require_sync_start,
        });
        // Its base class is a template: clang knows its size, bindgen not its members.
        same!($family::Arg = trb::Arg {
            has_error = has_error, error_msg = error_msg, launch_spec = launch_spec,
            explicit_deps_ = explicit_deps,
        });
        same!($family::Arg_ExplicitDeps = trb::ExplicitDeps { ids = ids, count = count });
        // The other members are private on our side; `headers_layout` compares them.
        same!($family::TaskOutputTensors = trb::TaskOutputTensors { task_id_ = task_id });
        same!($family::PTO2OrchestrationConfig = trb::OrchestrationConfig {
            expected_arg_count = expected_arg_count,
        });
        same!($family::PTO2Runtime = trb::Runtime {
            ops = ops, pending_scope_mode = pending_scope_mode,
        });
        same!($family::PTO2RuntimeOps = trb::Operations {
            submit_task = submit_task, scope_begin = scope_begin, scope_end = scope_end,
            orchestration_done = orchestration_done, is_fatal = is_fatal,
            report_fatal = report_fatal, log_error = log_error, log_warn = log_warn,
            log_debug = log_debug, log_info_v = log_info_v, get_tensor_data = get_tensor_data,
            set_tensor_data = set_tensor_data, alloc_tensors = alloc_tensors,
        });
        same!($family::OrchestrationRuntime = hbg::OrchestrationRuntime { ops = ops });
        same!($family::OrchestrationRuntimeOps = hbg::Operations {
            add_task = add_task, set_tensor_info_to_task = set_tensor_info_to_task,
            add_successor = add_successor, record_tensor_pair = record_tensor_pair,
            get_task_count = get_task_count, print_runtime = print_runtime,
            device_malloc = device_malloc, device_free = device_free,
            copy_to_device = copy_to_device,
        });
        same!($family::TensorInfo = hbg::TensorInfo {
            dtype = dtype, ndims = ndims, reserved = reserved, shapes = shapes,
            raw_shapes = raw_shapes, offsets = offsets,
        });
        same!($family::ContinuousTensor = protocol::ContinuousTensor {
            data = data, shapes = shapes, ndims = ndims, dtype = dtype,
            child_memory = child_memory,
        });
        same!($family::ChipStorageTaskArgs = protocol::ChipStorageTaskArgs {});
        same!($family::CallConfig = protocol::CallConfig {
            block_dim = block_dim, aicpu_thread_num = aicpu_thread_num,
            enable_l2_swimlane = enable_l2_swimlane, enable_dump_tensor = enable_dump_tensor,
            enable_pmu = enable_pmu, output_prefix = output_prefix,
        });
        same!($family::CoreCallable = protocol::CoreCallableHeader {
            signature_ = signature, sig_count_ = sig_count, binary_size_ = binary_size,
            resolved_addr_ = resolved_addr,
        });
        same!($family::ChipCallable = protocol::ChipCallableHeader {
            signature_ = signature, sig_count_ = sig_count, binary_size_ = binary_size,
            func_name_ = func_name, func_name_len_ = func_name_len,
            child_func_ids_ = child_func_ids, child_offsets_ = child_offsets,
            child_count_ = child_count, config_name_ = config_name,
            config_name_len_ = config_name_len,
        });
        same!($family::CommContext = protocol::comm::CommContext {
            workSpace = work_space, workSpaceSize = work_space_size, rankId = rank_id,
            rankNum = rank_num, winSize = win_size, windowsIn = windows_in,
            windowsOut = windows_out,
        });
    }};
}

#[test]
fn clang_lays_out_every_type_as_rust_does_on_a2a3() {
    every_type!(a2a3, block_idx, block_num);
}

#[test]
fn clang_lays_out_every_type_as_rust_does_on_a5() {
    every_type!(a5, s_block_idx, s_block_num);
}
