//! Scalars in their 64-bit slot.

/// A value that travels in a 64-bit scalar slot.
///
/// Its bytes lie at the low end and the rest is zero, also for negative numbers: a slot is not
/// sign-extended. Reading takes the low bytes and ignores the rest.
pub trait Scalar: Copy + sealed::Sealed {
    /// The slot that holds the value.
    #[must_use]
    fn to_slot(self) -> u64;

    /// The value a slot holds.
    #[must_use]
    fn from_slot(slot: u64) -> Self;
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! scalars {
    ($($ty:ty),+) => {$(
        impl sealed::Sealed for $ty {}
        impl Scalar for $ty {
            fn to_slot(self) -> u64 {
                let mut slot = [0; 8];
                let bytes = self.to_le_bytes();
                slot[..bytes.len()].copy_from_slice(&bytes);
                u64::from_le_bytes(slot)
            }

            fn from_slot(slot: u64) -> Self {
                let mut bytes = [0; size_of::<Self>()];
                let size = bytes.len();
                bytes.copy_from_slice(&slot.to_le_bytes()[..size]);
                Self::from_le_bytes(bytes)
            }
        }
    )+};
}

scalars!(i8, u8, i16, u16, i32, u32, i64, u64, f32, f64);

impl sealed::Sealed for bool {}
impl Scalar for bool {
    fn to_slot(self) -> u64 {
        u64::from(self)
    }

    fn from_slot(slot: u64) -> Self {
        u8::from_slot(slot) != 0
    }
}
