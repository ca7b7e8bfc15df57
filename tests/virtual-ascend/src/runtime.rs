//! `libruntime.so`, played.

use core::ffi::{CStr, c_char, c_void};
use core::time::Duration;

use crate::program::CoreProgram;
use crate::stream::Stream;
use crate::world::{
    Binary, Family, INVALID, NO_DEVICE, NO_MEMORY, OTHER_CONTEXT, World, bound_call, call, lock,
};

const NOT_COMPLETE: i32 = 507_004;
pub(crate) const TIMEOUT: i32 = 507_046;
const NO_STREAM: i32 = 207_008;
/// Streams a device has.
const STREAMS: usize = 64;

pub(crate) const ENTRIES: &[*const ()] = &[
    rt_set_device as *const (),
    rt_device_reset as *const (),
    rt_get_soc_version as *const (),
    rt_malloc as *const (),
    rt_free as *const (),
    rt_memcpy as *const (),
    rt_memset as *const (),
    rt_stream_create as *const (),
    rt_stream_destroy as *const (),
    rt_stream_synchronize as *const (),
    rt_stream_synchronize_with_timeout as *const (),
    rt_stream_query as *const (),
    rt_get_c2c_ctrl_addr as *const (),
    rt_register_all_kernel as *const (),
    rt_dev_binary_unregister as *const (),
    rt_kernel_launch_with_handle_v2 as *const (),
    rt_aicpu_kernel_launch_ex_with_args as *const (),
];

pub(crate) fn number(pointer: *const c_void) -> u64 {
    pointer.addr() as u64
}

/// A field of one of the vendor's structures.
///
/// # Safety
/// There is a `T` at offset `at` of what `structure` points to.
unsafe fn field<T>(structure: *const u8, at: usize) -> T {
    let place = structure.wrapping_add(at).cast::<T>();
    // SAFETY: the caller's promise.
    unsafe { place.read() }
}

extern "C" fn rt_set_device(device: i32) -> i32 {
    call(
        "rtSetDevice",
        &[u64::from(device.cast_unsigned())],
        |world| {
            let physical = world.physical(device).ok_or(NO_DEVICE)?;
            world.bind(physical);
            Ok(())
        },
    )
}

extern "C" fn rt_device_reset(device: i32) -> i32 {
    bound_call(
        "rtDeviceReset",
        &[u64::from(device.cast_unsigned())],
        |world, current| {
            if world.physical(device) != Some(current) {
                return Err(NO_DEVICE);
            }
            world.leaks(current);
            world.reset(current, false)
        },
    )
}

unsafe extern "C" fn rt_get_soc_version(version: *mut c_char, length: u32) -> i32 {
    bound_call(
        "rtGetSocVersion",
        &[number(version.cast()), u64::from(length)],
        |world, device| {
            let name = match world.devices[&device].family {
                Family::A2a3 => c"Ascend910B-virtual",
                Family::A5 => c"Ascend950-virtual",
            };
            if (length as usize) < name.count_bytes() + 1 {
                return Err(INVALID);
            }
            // SAFETY: the caller's buffer has `length` bytes, which was checked to suffice.
            unsafe { version.copy_from_nonoverlapping(name.as_ptr(), name.count_bytes() + 1) };
            Ok(())
        },
    )
}

unsafe extern "C" fn rt_malloc(pointer: *mut u64, size: u64, kind: u32, module: u16) -> i32 {
    bound_call(
        "rtMalloc",
        &[size, u64::from(kind), u64::from(module)],
        |world, device| {
            if let Some(code) = world.poisoned(device) {
                return Err(code);
            }
            if kind != 2 || size == 0 {
                return Err(INVALID);
            }
            let World { devices, arena, .. } = world;
            let memory = &mut devices.get_mut(&device).expect("current").memory;
            let address = memory.allocate(arena, size).ok_or(NO_MEMORY)?;
            // SAFETY: the caller's out parameter.
            unsafe { pointer.write(address) };
            Ok(())
        },
    )
}

extern "C" fn rt_free(address: u64) -> i32 {
    bound_call("rtFree", &[address], |world, device| {
        let World { devices, arena, .. } = world;
        let memory = &mut devices.get_mut(&device).expect("current").memory;
        if memory.free(arena, address) {
            return Ok(());
        }
        world.complain(format!(
            "rtFree of {address:#x}, which is no live allocation of device {device}"
        ));
        Err(INVALID)
    })
}

unsafe extern "C" fn rt_memcpy(to: u64, to_max: u64, from: u64, count: u64, kind: i32) -> i32 {
    let arguments = [to, to_max, from, count, u64::from(kind.cast_unsigned())];
    bound_call("rtMemcpy", &arguments, |world, device| {
        if let Some(code) = world.poisoned(device) {
            return Err(code);
        }
        if count > to_max {
            world.complain(format!("rtMemcpy of {count} bytes into {to_max}"));
            return Err(INVALID);
        }
        let ours = match kind {
            1 => to,
            2 => from,
            _ => return Err(INVALID),
        };
        if !world.devices[&device].memory.holds(ours, count) {
            world.complain(format!(
                "rtMemcpy: {count} bytes at {ours:#x} are not in one live allocation of device {device}"
            ));
            return Err(INVALID);
        }
        let bytes = usize::try_from(count).map_err(|_| INVALID)?;
        let host = |address: u64| {
            core::ptr::with_exposed_provenance_mut::<u8>(usize::try_from(address).unwrap_or(0))
        };
        let view = world.arena.view(ours);
        if kind == 1 {
            // SAFETY: the device range was checked; the host range is the caller's.
            unsafe { view.copy_from_nonoverlapping(host(from), bytes) };
        } else {
            // SAFETY: as above.
            unsafe { host(to).copy_from_nonoverlapping(view, bytes) };
        }
        Ok(())
    })
}

extern "C" fn rt_memset(address: u64, to_max: u64, value: u32, count: u64) -> i32 {
    bound_call(
        "rtMemset",
        &[address, to_max, u64::from(value), count],
        |world, device| {
            if let Some(code) = world.poisoned(device) {
                return Err(code);
            }
            if count > to_max || !world.devices[&device].memory.holds(address, count) {
                world.complain(format!(
                    "rtMemset: {count} bytes at {address:#x} are not in one allocation"
                ));
                return Err(INVALID);
            }
            let byte = u8::try_from(value).map_err(|_| INVALID)?;
            world.arena.fill(address, byte, count);
            Ok(())
        },
    )
}

unsafe extern "C" fn rt_stream_create(stream: *mut u64, priority: i32) -> i32 {
    bound_call(
        "rtStreamCreate",
        &[u64::from(priority.cast_unsigned())],
        |world, device| {
            if let Some(code) = world.poisoned(device) {
                return Err(code);
            }
            if world
                .streams
                .values()
                .filter(|stream| stream.device == device)
                .count()
                >= STREAMS
            {
                return Err(NO_STREAM);
            }
            let handle = world.handle();
            world.streams.insert(handle, Stream::new(device));
            // SAFETY: the caller's out parameter.
            unsafe { stream.write(handle) };
            Ok(())
        },
    )
}

extern "C" fn rt_stream_destroy(handle: u64) -> i32 {
    let mut gone = None;
    let code = bound_call("rtStreamDestroy", &[handle], |world, device| {
        stream_of(world, device, handle)?;
        gone = world.streams.remove(&handle);
        Ok(())
    });
    // Waits for its work, which must not be done under the lock.
    drop(gone);
    code
}

fn stream_of(world: &World, device: i32, handle: u64) -> Result<&Stream, i32> {
    let stream = world.streams.get(&handle).ok_or(107_017)?;
    if stream.device == device {
        Ok(stream)
    } else {
        Err(OTHER_CONTEXT)
    }
}

/// Waits for a stream without holding the world.
pub(crate) fn synchronize(function: &'static str, handle: u64, limit: Option<Duration>) -> i32 {
    let limit_ms = limit.map_or(u64::MAX, |limit| {
        u64::try_from(limit.as_millis()).unwrap_or(u64::MAX)
    });
    let mut waiter = None;
    let code = bound_call(function, &[handle, limit_ms], |world, device| {
        waiter = Some(stream_of(world, device, handle)?.waiter());
        Ok(())
    });
    let Some(wait) = waiter else {
        return code;
    };
    let code = wait(limit).unwrap_or(TIMEOUT);
    if let Some(call) = lock().as_mut().and_then(|world| {
        world
            .calls
            .iter_mut()
            .rev()
            .find(|call| call.function == function && call.arguments[0] == handle)
    }) {
        call.code = code;
    }
    code
}

extern "C" fn rt_stream_synchronize(handle: u64) -> i32 {
    synchronize("rtStreamSynchronize", handle, None)
}

extern "C" fn rt_stream_synchronize_with_timeout(handle: u64, milliseconds: i32) -> i32 {
    let limit = u64::try_from(milliseconds).ok().map(Duration::from_millis);
    synchronize("rtStreamSynchronizeWithTimeout", handle, limit)
}

extern "C" fn rt_stream_query(handle: u64) -> i32 {
    bound_call(
        "rtStreamQuery",
        &[handle],
        |world, device| match stream_of(world, device, handle)?.query() {
            None => Err(NOT_COMPLETE),
            Some(0) => Ok(()),
            Some(code) => Err(code),
        },
    )
}

unsafe extern "C" fn rt_get_c2c_ctrl_addr(address: *mut u64, length: *mut u32) -> i32 {
    bound_call("rtGetC2cCtrlAddr", &[], |_, _| {
        // SAFETY: the caller's out parameters.
        unsafe { address.write(0xff75_0000_0000) };
        // SAFETY: as above.
        unsafe { length.write(0x1000) };
        Ok(())
    })
}

unsafe extern "C" fn rt_register_all_kernel(binary: *const u8, handle: *mut u64) -> i32 {
    // SAFETY: the caller's structure starts with the magic and the version.
    let [magic, version] = unsafe { field::<[u32; 2]>(binary, 0) };
    // SAFETY: the data are at 8.
    let data = unsafe { field::<*const u8>(binary, 8) };
    // SAFETY: their length is at 16.
    let length = unsafe { field::<u64>(binary, 16) };
    bound_call(
        "rtRegisterAllKernel",
        &[u64::from(magic), length],
        |world, device| {
            if let Some(code) = world.poisoned(device) {
                return Err(code);
            }
            if magic != 0x4355_4245 || version != 0 {
                return Err(INVALID);
            }
            let bytes = usize::try_from(length).map_err(|_| INVALID)?;
            // SAFETY: the caller's data has this length.
            let file = unsafe { core::slice::from_raw_parts(data, bytes) };
            let program = match CoreProgram::read(file) {
                Ok(program) => program,
                Err(why) => {
                    world.complain(format!("a program of cores is registered, but {why}"));
                    return Err(INVALID);
                }
            };
            let size = length.max(program.image.len() as u64);
            let memory = world.allocate(device, size).ok_or(NO_MEMORY)?;
            let place = world.arena.view(memory);
            // SAFETY: as much was allocated there.
            unsafe { place.copy_from_nonoverlapping(program.image.as_ptr(), program.image.len()) };
            let entries = program.entries.map(|entries| entries.map(|at| memory + at));
            let new = world.handle();
            let binary = Binary {
                device,
                memory,
                entries: entries.unwrap_or_default(),
            };
            world.binaries.insert(new, binary);
            // SAFETY: the caller's out parameter.
            unsafe { handle.write(new) };
            Ok(())
        },
    )
}

extern "C" fn rt_dev_binary_unregister(handle: u64) -> i32 {
    bound_call("rtDevBinaryUnRegister", &[handle], |world, device| {
        let binary = world.binaries.remove(&handle).ok_or(107_017)?;
        if binary.device != device {
            return Err(OTHER_CONTEXT);
        }
        world.release(device, binary.memory);
        Ok(())
    })
}

unsafe extern "C" fn rt_kernel_launch_with_handle_v2(
    handle: u64,
    tiling_key: u64,
    blocks: u32,
    args: *const u8,
    shared_memory: u64,
    stream: u64,
    config: *const u8,
) -> i32 {
    // SAFETY: the caller's arguments start with a pointer.
    let argument = unsafe { field::<*const u8>(args, 0) };
    // SAFETY: what it points to are the arguments, which begin with a word.
    let argument = unsafe { field::<u64>(argument, 0) };
    // SAFETY: the size of the arguments is at 16.
    let size = unsafe { field::<u32>(args, 16) };
    // SAFETY: the schedule mode is at 2 of the configuration.
    let mode = unsafe { field::<u8>(config, 2) };
    let arguments = [
        handle,
        tiling_key,
        u64::from(blocks),
        argument,
        stream,
        u64::from(mode),
    ];
    bound_call("rtKernelLaunchWithHandleV2", &arguments, |world, device| {
        let binary = world.binaries.get(&handle);
        let entries = binary.filter(|binary| binary.device == device);
        let entries = entries.ok_or(107_017)?.entries;
        let working = world.devices[&device].clusters.count_ones();
        if tiling_key != 0
            || blocks == 0
            || blocks > working
            || size != 8
            || shared_memory != 0
            || mode != 1
        {
            world.complain(format!(
                "a launch of cores that a chip would refuse: {arguments:x?}"
            ));
            return Err(INVALID);
        }
        if !world.devices[&device].memory.holds(argument, 96) {
            world.complain(format!(
                "cores are launched with {argument:#x}, which is not device memory"
            ));
            return Err(INVALID);
        }
        stream_of(world, device, stream)?;
        let work = world
            .devices
            .get_mut(&device)
            .expect("current")
            .core_work(blocks, argument, entries);
        world.streams[&stream].push(Box::new(work));
        Ok(())
    })
}

unsafe extern "C" fn rt_aicpu_kernel_launch_ex_with_args(
    kernel_type: u32,
    op_name: *const c_char,
    blocks: u32,
    args: *const u8,
    shared_memory: u64,
    stream: u64,
    flags: u32,
) -> i32 {
    // SAFETY: the caller's structure starts with the pointer to the block.
    let blob = unsafe { field::<*const u8>(args, 0) };
    // SAFETY: the block's size is at 24.
    let size = unsafe { field::<u32>(args, 24) } as usize;
    // SAFETY: the offsets of the library's and the kernel's name are at 32 and 36.
    let [so_at, kernel_at] = unsafe { field::<[u32; 2]>(args, 32) }.map(|at| at as usize);
    // SAFETY: the caller's string.
    let op_name = unsafe { CStr::from_ptr(op_name) };
    // SAFETY: the caller's block has this size.
    let blob = unsafe { core::slice::from_raw_parts(blob, size) };
    let name = |at: usize| -> Option<String> {
        let text = CStr::from_bytes_until_nul(blob.get(at..)?).ok()?;
        Some(text.to_string_lossy().into_owned())
    };
    let (kernel, library) = (name(kernel_at), name(so_at));
    let arguments = [
        u64::from(kernel_type),
        u64::from(blocks),
        size as u64,
        stream,
    ];
    bound_call(
        "rtAicpuKernelLaunchExWithArgs",
        &arguments,
        |world, device| {
            let (Some(kernel), Some(library)) = (kernel, library) else {
                world.complain("a launch of control CPUs without names".to_owned());
                return Err(INVALID);
            };
            if kernel_type != 5
                || op_name != c"AST_DYN_AICPU"
                || !(1..=65_535).contains(&blocks)
                || shared_memory != 0
                || flags != 0
            {
                world.complain(format!(
                    "a launch of control CPUs that a chip would refuse: {arguments:x?}"
                ));
                return Err(INVALID);
            }
            stream_of(world, device, stream)?;
            // The device has a copy of its own.
            let World { devices, arena, .. } = world;
            let device = devices.get_mut(&device).expect("current");
            let copy = device
                .memory
                .allocate(arena, size as u64)
                .ok_or(NO_MEMORY)?;
            let into = arena.view(copy);
            // SAFETY: the allocation has this size.
            unsafe { into.copy_from_nonoverlapping(blob.as_ptr(), size) };
            let number = device.number;
            let work = device.cpu_work(blocks, copy, &kernel, &library);
            world.streams[&stream].push(Box::new(move || {
                let code = work();
                if let Some(World { devices, arena, .. }) = lock().as_mut()
                    && let Some(device) = devices.get_mut(&number)
                {
                    device.memory.free(arena, copy);
                }
                code
            }));
            Ok(())
        },
    )
}

impl World {
    /// Complains about what is left on a device that is given back.
    fn leaks(&mut self, device: i32) {
        let streams = self
            .streams
            .values()
            .filter(|stream| stream.device == device)
            .count();
        let live = self.devices[&device].memory.live();
        if streams != 0 || live != 0 {
            self.complain(format!(
                "device {device} is given back with {live} allocations and {streams} streams"
            ));
        }
    }

    /// Takes everything off a device.
    pub(crate) fn reset(&mut self, device: i32, force: bool) -> Result<(), i32> {
        let played = self.devices.get_mut(&device).expect("checked");
        if played.wrong == Some(crate::Misbehaviour::ResetFails) {
            return Err(507_899);
        }
        if played.poisoned.is_set() && !force {
            // A plain reset in the same process does not clear the poison.
            return Ok(());
        }
        played.reset();
        let gone: Vec<u64> = self
            .streams
            .iter()
            .filter(|(_, stream)| stream.device == device)
            .map(|(handle, _)| *handle)
            .collect();
        for handle in gone {
            if let Some(stream) = self.streams.remove(&handle) {
                // Its last work wants the world.
                std::thread::spawn(move || drop(stream));
            }
        }
        self.binaries.retain(|_, binary| binary.device != device);
        self.views.retain(|_, owner| *owner != device);
        Ok(())
    }
}
