//! `libhcomm.so`, played.
//!
//! Knows groups of ranks, each a device of this process, that wait for one another without holding the world. As
//! the vendor's, it lets go of the calling thread's device.

use core::ffi::{CStr, c_char};
use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::world::{World, bound_call};

/// Results of the vendor's.
const INVALID: i32 = 1;
const NO_MEMORY: i32 = 3;
const NOT_FOUND: i32 = 6;
const LATE: i32 = 9;
/// How long a rank waits for the others.
const PATIENCE: Duration = Duration::from_secs(10);
const ROOT_INFO: usize = 4108;

/// How ranks are wired, which decides how windows are written down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Topology {
    /// Each to each: the windows' context lies on the device.
    #[default]
    Mesh,
    /// In a ring: records that lead to records.
    Ring,
}

pub(crate) const ENTRIES: &[*const ()] = &[
    get_root_info as *const (),
    comm_init_root_info as *const (),
    get_comm_name as *const (),
    barrier as *const (),
    comm_destroy as *const (),
    alloc_com_resource_by_tiling as *const (),
    get_comm_handle_by_group as *const (),
    get_l0_topo_type_ex as *const (),
];

/// Ranks of one communicator.
#[derive(Debug, Default)]
struct Group {
    ranks: u32,
    joined: BTreeMap<u32, i32>,
    /// Where each rank's window and the record of it are.
    windows: BTreeMap<u32, (u64, u64)>,
    waiting: u32,
    phase: u64,
}

/// A rank that joined.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    group: u64,
    rank: u32,
    device: i32,
    /// What was allocated for it.
    memory: Vec<u64>,
}

static GROUPS: Mutex<BTreeMap<u64, Group>> = Mutex::new(BTreeMap::new());
static CHANGED: Condvar = Condvar::new();

fn groups() -> MutexGuard<'static, BTreeMap<u64, Group>> {
    GROUPS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// No communicator is left from the session before.
pub(crate) fn forget() {
    groups().clear();
}

/// Waits until `done` holds for a group, at most as long as a rank does.
fn wait_for(group: u64, done: impl Fn(&Group) -> bool) -> i32 {
    let deadline = Instant::now() + PATIENCE;
    let mut all = groups();
    loop {
        match all.get(&group) {
            None => return NOT_FOUND,
            Some(group) if done(group) => return 0,
            Some(_) => {}
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return LATE;
        }
        (all, _) = CHANGED
            .wait_timeout(all, left)
            .unwrap_or_else(PoisonError::into_inner);
    }
}

/// Bytes that only a root that was copied whole has.
fn root_bytes(token: u64) -> Vec<u8> {
    let mut bytes = token.to_le_bytes().to_vec();
    let mut next = token;
    while bytes.len() < ROOT_INFO {
        next = next.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        bytes.push(next.to_le_bytes()[7]);
    }
    bytes
}

unsafe extern "C" fn get_root_info(root: *mut u8) -> i32 {
    bound_call("HcclGetRootInfo", &[], |world, _| {
        let token = world.handle();
        let bytes = root_bytes(token);
        // SAFETY: the caller's buffer is as long as a root's.
        unsafe { root.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
        Ok(())
    })
}

unsafe extern "C" fn comm_init_root_info(
    ranks: u32,
    root: *const u8,
    rank: u32,
    comm: *mut u64,
) -> i32 {
    // SAFETY: the caller's root is whole.
    let root = unsafe { core::slice::from_raw_parts(root, ROOT_INFO) };
    let token = u64::from_le_bytes(root[..8].try_into().expect("eight"));
    let mut handle = 0;
    let arguments = [u64::from(ranks), u64::from(rank)];
    let code = bound_call("HcclCommInitRootInfo", &arguments, |world, device| {
        if root != root_bytes(token) || rank >= ranks {
            return Err(INVALID);
        }
        let mut groups = groups();
        let group = groups.entry(token).or_default();
        if group.ranks != 0 && group.ranks != ranks {
            return Err(INVALID);
        }
        group.ranks = ranks;
        if group.joined.insert(rank, device).is_some() {
            return Err(INVALID);
        }
        handle = world.handle();
        let member = Member {
            group: token,
            rank,
            device,
            memory: Vec::new(),
        };
        world.members.insert(handle, member);
        Ok(())
    });
    if code != 0 {
        return code;
    }
    CHANGED.notify_all();
    let code = wait_for(token, |group| group.joined.len() == group.ranks as usize);
    World::unbind();
    if code == 0 {
        // SAFETY: the caller's out parameter.
        unsafe { comm.write(handle) };
    }
    code
}

unsafe extern "C" fn get_comm_name(comm: u64, name: *mut c_char) -> i32 {
    bound_call("HcclGetCommName", &[comm], |world, _| {
        let group = world.members.get(&comm).ok_or(NOT_FOUND)?.group;
        let text = format!("group-{group}\0");
        // SAFETY: the caller's buffer has 128 bytes.
        unsafe { name.copy_from_nonoverlapping(text.as_ptr().cast(), text.len()) };
        Ok(())
    })
}

/// The group of a name that [`get_comm_name`] gave out.
///
/// # Safety
/// It is a string.
unsafe fn group_of(name: *const c_char) -> Option<u64> {
    // SAFETY: the caller's promise.
    let name = unsafe { CStr::from_ptr(name) };
    name.to_str().ok()?.strip_prefix("group-")?.parse().ok()
}

unsafe extern "C" fn get_comm_handle_by_group(name: *const c_char, comm: *mut u64) -> i32 {
    // SAFETY: the caller's string.
    let group = unsafe { group_of(name) };
    bound_call("HcomGetCommHandleByGroup", &[], |world, device| {
        let found = world
            .members
            .iter()
            .find(|(_, it)| Some(it.group) == group && it.device == device);
        let (handle, _) = found.ok_or(NOT_FOUND)?;
        // SAFETY: the caller's out parameter.
        unsafe { comm.write(*handle) };
        Ok(())
    })
}

unsafe extern "C" fn get_l0_topo_type_ex(
    name: *const c_char,
    topology: *mut u32,
    set_device: u32,
) -> i32 {
    // SAFETY: the caller's string.
    let group = unsafe { group_of(name) };
    bound_call(
        "HcomGetL0TopoTypeEx",
        &[u64::from(set_device)],
        |world, _| {
            if group.is_none() || set_device != 0 {
                return Err(INVALID);
            }
            let kind = match world.topology {
                Topology::Mesh => 1,
                Topology::Ring => 0,
            };
            // SAFETY: the caller's out parameter.
            unsafe { topology.write(kind) };
            Ok(())
        },
    )
}

/// Whether a request is the one for windows.
fn is_request(request: &[u8; 344], name: &str) -> bool {
    let word = |at: usize| u32::from_le_bytes(request[at..at + 4].try_into().expect("four"));
    let text = |at: usize| CStr::from_bytes_until_nul(&request[at..at + 128]).ok();
    (word(0), word(4), word(8), word(336)) == (100, 1, 64, 18)
        && (request[44], request[46], request[67], request[77]) == (48, 4, 1, 3)
        && text(80).is_some_and(|it| it.to_bytes() == name.as_bytes())
        && text(208) == Some(c"BatchWrite=level0:fullmesh")
}

unsafe extern "C" fn alloc_com_resource_by_tiling(
    comm: u64,
    stream: u64,
    request: *const [u8; 344],
    context: *mut u64,
) -> i32 {
    // SAFETY: the caller's request is whole; nothing is known about its alignment.
    let request = unsafe { request.read_unaligned() };
    let mut member = None;
    let code = bound_call(
        "HcclAllocComResourceByTiling",
        &[comm, stream],
        |world, device| {
            let it = world.members.get(&comm).cloned().ok_or(NOT_FOUND)?;
            let known = world
                .streams
                .get(&stream)
                .is_some_and(|stream| stream.device == device);
            if !known || !is_request(&request, &format!("group-{}", it.group)) {
                world.complain("a request for windows that HCCL would refuse".to_owned());
                return Err(INVALID);
            }
            let window = world.allocate(device, world.window).ok_or(NO_MEMORY)?;
            let record = world.allocate(device, 64).ok_or(NO_MEMORY)?;
            world.write(record, &[0, window, window]);
            let all = &mut world.members.get_mut(&comm).expect("found").memory;
            all.extend([window, record]);
            groups()
                .entry(it.group)
                .or_default()
                .windows
                .insert(it.rank, (window, record));
            member = Some(it);
            Ok(())
        },
    );
    let Some(member) = member else {
        return code;
    };
    CHANGED.notify_all();
    let code = wait_for(member.group, |group| {
        group.windows.len() == group.ranks as usize
    });
    if code != 0 {
        return code;
    }
    let windows: Vec<(u64, u64)> = groups()[&member.group].windows.values().copied().collect();
    let mut written = Err(NOT_FOUND);
    if let Some(world) = crate::world::lock().as_mut() {
        written = write_context(world, comm, &member, &windows);
    }
    World::unbind();
    match written {
        Ok(address) => {
            // SAFETY: the caller's out parameter.
            unsafe { context.write(address) };
            0
        }
        Err(code) => code,
    }
}

/// Writes down where the windows are, as a topology does.
fn write_context(
    world: &mut World,
    comm: u64,
    member: &Member,
    windows: &[(u64, u64)],
) -> Result<u64, i32> {
    let ranks = u64::try_from(windows.len()).map_err(|_| INVALID)?;
    let rank = u64::from(member.rank);
    let head = [0x1111_0000, 16 << 10, rank | ranks << 32, world.window];
    let bytes = match world.topology {
        Topology::Mesh => 1056,
        Topology::Ring => 2984 + 16 * ranks,
    };
    let address = world.allocate(member.device, bytes).ok_or(NO_MEMORY)?;
    world.write(address, &head);
    let own = windows[member.rank as usize].0;
    match world.topology {
        Topology::Mesh => {
            let each: Vec<u64> = windows.iter().map(|(window, _)| *window).collect();
            world.write(address + 32, &each);
        }
        Topology::Ring => {
            world.write(address + 32, &[own, own]);
            for (index, (_, record)) in (0..).zip(windows) {
                // What it leads to lies on this device.
                let copy = world.allocate(member.device, 64).ok_or(NO_MEMORY)?;
                let window = windows[usize::try_from(index).expect("few")].0;
                world.write(copy, &[*record, window, window]);
                world.write(address + 2984 + 16 * index, &[0x2222_0000, copy]);
                world
                    .members
                    .get_mut(&comm)
                    .ok_or(NOT_FOUND)?
                    .memory
                    .push(copy);
            }
        }
    }
    let member = world.members.get_mut(&comm).ok_or(NOT_FOUND)?;
    member.memory.push(address);
    Ok(address)
}

extern "C" fn barrier(comm: u64, stream: u64) -> i32 {
    let mut group = None;
    let code = bound_call("HcclBarrier", &[comm, stream], |world, device| {
        let known = world
            .streams
            .get(&stream)
            .is_some_and(|stream| stream.device == device);
        if !known {
            return Err(INVALID);
        }
        group = Some(world.members.get(&comm).ok_or(NOT_FOUND)?.group);
        Ok(())
    });
    let Some(token) = group else {
        return code;
    };
    let phase = {
        let mut all = groups();
        let Some(group) = all.get_mut(&token) else {
            return NOT_FOUND;
        };
        let phase = group.phase;
        group.waiting += 1;
        if group.waiting == group.ranks {
            group.waiting = 0;
            group.phase += 1;
        }
        phase
    };
    CHANGED.notify_all();
    let code = wait_for(token, |group| group.phase != phase);
    World::unbind();
    code
}

extern "C" fn comm_destroy(comm: u64) -> i32 {
    bound_call("HcclCommDestroy", &[comm], |world, device| {
        let member = world.members.remove(&comm).ok_or(NOT_FOUND)?;
        if member.device != device {
            return Err(INVALID);
        }
        for address in member.memory {
            world.release(device, address);
        }
        Ok(())
    })
}
