//! What host, AICPU and AICore agree on, byte for byte.
//!
//! Knows every layout, constant, limit, enum, error code and wire format that two programs share.
//! Refuses to know behaviour: nothing here allocates, waits, opens or prints.
#![no_std]
#![forbid(unsafe_code)]

pub mod layout;

const _: () = assert!(
    cfg!(target_endian = "little"),
    "every layout here is little-endian by decree"
);
