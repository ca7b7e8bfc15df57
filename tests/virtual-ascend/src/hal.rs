//! `libascend_hal.so`, played.

use core::ffi::c_void;

use crate::arena::registers_of;
use crate::runtime::number;
use crate::world::{Family, call};

const INVALID_VALUE: i32 = 3;
const NOT_OPEN: i32 = 4;
const NOT_SUPPORTED: i32 = 0xfffe;
const NO_PROCESS: i32 = 62;

pub(crate) const ENTRIES: &[*const ()] = &[
    get_device_info_by_buff as *const (),
    get_device_info as *const (),
    mem_ctl as *const (),
    res_map as *const (),
    host_register as *const (),
    host_unregister as *const (),
];

/// A call about a device that some thread has opened.
fn device_call(
    function: &'static str,
    device: u32,
    arguments: &[u64],
    play: impl FnOnce(&mut crate::world::World, i32) -> Result<(), i32>,
) -> i32 {
    let mut all = vec![u64::from(device)];
    all.extend(arguments);
    call(function, &all, |world| {
        let device = i32::try_from(device).map_err(|_| INVALID_VALUE)?;
        if !world.devices.contains_key(&device) {
            return Err(INVALID_VALUE);
        }
        if world.current().is_none() {
            return Err(NOT_OPEN);
        }
        play(world, device)
    })
}

unsafe extern "C" fn get_device_info_by_buff(
    device: u32,
    module: i32,
    info: i32,
    buffer: *mut u64,
    size: *mut i32,
) -> i32 {
    let arguments = [module, info].map(|it| u64::from(it.cast_unsigned()));
    device_call(
        "halGetDeviceInfoByBuff",
        device,
        &arguments,
        |world, device| {
            // SAFETY: the caller's in-out parameter.
            if (module, info) != (4, 8) || unsafe { size.read() } < 16 {
                return Err(NOT_SUPPORTED);
            }
            // SAFETY: the buffer has at least 16 bytes.
            unsafe { buffer.write(world.devices[&device].clusters) };
            Ok(())
        },
    )
}

unsafe extern "C" fn get_device_info(device: u32, module: i32, info: i32, value: *mut i64) -> i32 {
    let arguments = [module, info].map(|it| u64::from(it.cast_unsigned()));
    device_call("halGetDeviceInfo", device, &arguments, |world, device| {
        if (module, info) != (1, 8) {
            return Err(NOT_SUPPORTED);
        }
        let usable = ((1_i64 << world.devices[&device].processors) - 1) << 2;
        // On the larger family the host counts some that only the chip's system may use.
        let mask = match world.devices[&device].family {
            Family::A2a3 => usable,
            Family::A5 => usable | usable << 1 | usable >> 1,
        };
        // SAFETY: the caller's out parameter.
        unsafe { value.write(mask) };
        Ok(())
    })
}

unsafe extern "C" fn mem_ctl(
    kind: i32,
    input: *const [u32; 2],
    input_size: usize,
    output: *mut [u64; 2],
    _output_size: *mut usize,
) -> i32 {
    if input_size != 8 {
        return INVALID_VALUE;
    }
    // SAFETY: the caller's question has eight bytes.
    let [address_kind, device] = unsafe { input.read() };
    let arguments = [u64::from(kind.cast_unsigned()), u64::from(address_kind)];
    device_call("halMemCtl", device, &arguments, |world, device| {
        if kind != 0
            || world.devices[&device].family != Family::A2a3
            || !matches!(address_kind, 2 | 3)
        {
            return Err(NOT_SUPPORTED);
        }
        let offset = if address_kind == 2 { 0 } else { 25 * 0x80_0000 };
        // SAFETY: the caller's answer has two words.
        unsafe { output.write([registers_of(device) + offset, 25 * 0x80_0000]) };
        Ok(())
    })
}

unsafe extern "C" fn res_map(
    device: u32,
    info: *const u32,
    address: *mut u64,
    length: *mut u32,
) -> i32 {
    // SAFETY: the caller's question has five words.
    let question = unsafe { info.cast::<[u32; 5]>().read() };
    let arguments = question.map(u64::from);
    device_call("halResMap", device, &arguments, |world, device| {
        if world.devices[&device].poisoned.is_set() {
            return Err(NO_PROCESS);
        }
        let [process, resource, cluster, flag, reserved] = question;
        // SAFETY: the caller's in-out parameter.
        let wanted = unsafe { length.read() };
        if (process, resource, flag, reserved) != (0, 0, 0, 0)
            || cluster >= 36
            || wanted > 0x30_0000
            || world.devices[&device].family != Family::A5
        {
            return Err(INVALID_VALUE);
        }
        // SAFETY: the caller's out parameter.
        unsafe { address.write(registers_of(device) + u64::from(cluster) * 0x30_0000) };
        // SAFETY: as above.
        unsafe { length.write(0x30_0000) };
        Ok(())
    })
}

unsafe extern "C" fn host_register(
    source: u64,
    size: u64,
    flag: u32,
    device: u32,
    out: *mut *mut c_void,
) -> i32 {
    device_call(
        "halHostRegister",
        device,
        &[source, size, u64::from(flag)],
        |world, device| {
            if flag != 2 || !world.devices[&device].memory.holds(source, size) {
                return Err(INVALID_VALUE);
            }
            world.views.insert(source, device);
            // Another address than the device's: whoever mixes them up faults.
            let view = world.arena.view(source);
            // SAFETY: the caller's out parameter.
            unsafe { out.write(view.cast()) };
            Ok(())
        },
    )
}

extern "C" fn host_unregister(source: *const c_void, device: u32) -> i32 {
    let source = number(source);
    device_call("halHostUnregister", device, &[source], |world, _| {
        world.views.remove(&source).map(|_| ()).ok_or(INVALID_VALUE)
    })
}
