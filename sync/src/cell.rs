//! Single words that one thread publishes and others observe.
//!
//! *Publish* makes everything the publisher did before visible to whoever *observes* the word. *Own* reads are for
//! the thread that wrote the word last and order nothing.
//!
//! | part | writer | store | reader | load | makes visible |
//! |---|---|---|---|---|---|
//! | [`Flag`] | whoever sets | Release | anyone | Acquire | what the setter did before |
//! | [`Word32`], [`Word64`] | the publisher | Release | anyone | Acquire | what the publisher did before |
//! | [`Word32`], [`Word64`] | any updater | AcqRel | any updater | AcqRel | what all updaters before did |
//! | [`Latch`] | the first to latch | Release CAS | anyone | Acquire | what the first did before |
//! | [`Register`] | the one side | Release, or between full fences | the other side | Acquire, or between full fences | what the writer did before |

use crate::atomic::{AtomicI32, AtomicU32, AtomicU64, Ordering, fence};

/// Something that is either so or not yet so.
#[derive(Debug, Default)]
#[repr(transparent)]
pub struct Flag(AtomicU32);

// SAFETY: zero is a flag that is not set.
#[cfg(not(loom))]
unsafe impl bytemuck::Zeroable for Flag {}

impl Flag {
    /// A flag that is not set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the flag and says whether it was not set before: true for exactly one caller.
    #[inline]
    pub fn set(&self) -> bool {
        self.0.swap(1, Ordering::AcqRel) == 0
    }

    /// Takes the flag down, for its next use.
    #[inline]
    pub fn clear(&self) {
        self.0.store(0, Ordering::Release);
    }

    /// Takes the flag down and says whether it was set: true for exactly one caller per set.
    #[inline]
    #[must_use]
    pub fn take(&self) -> bool {
        self.0.load(Ordering::Relaxed) != 0 && self.0.swap(0, Ordering::AcqRel) != 0
    }

    /// Whether the flag is set; if so, what the setter did before is visible.
    #[inline]
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Acquire) != 0
    }
}

macro_rules! word {
    ($name:ident, $int:ident, $atomic:ident, $bits:literal) => {
        #[doc = concat!("A published word of ", $bits, " bits; all-zero memory is a zero.")]
        #[derive(Debug, Default)]
        #[repr(transparent)]
        pub struct $name($atomic);

        // SAFETY: zero is a value of the word.
        #[cfg(not(loom))]
        unsafe impl bytemuck::Zeroable for $name {}

        impl $name {
            /// A word that holds `value`.
            #[cfg(not(loom))]
            #[must_use]
            pub const fn new(value: $int) -> Self {
                Self($atomic::new(value))
            }

            /// A word that holds `value`; under loom words are made at run time.
            #[cfg(loom)]
            #[must_use]
            pub fn new(value: $int) -> Self {
                Self($atomic::new(value))
            }

            /// The word at `address`, in memory that other processes or foreign code change too.
            ///
            /// # Safety
            ///
            /// `address` is aligned to the word's size and stays readable and writable for `'a`; whoever
            /// else accesses it does so by whole, single accesses.
            #[cfg(not(loom))]
            #[must_use]
            pub unsafe fn at<'a>(address: *mut $int) -> &'a Self {
                // SAFETY: the caller's promise; a word has the layout of its integer.
                unsafe { &*address.cast::<Self>() }
            }

            /// Stores `value` and makes visible what this thread did before.
            #[inline]
            pub fn publish(&self, value: $int) {
                self.0.store(value, Ordering::Release);
            }

            /// Loads the word; what its publisher did before is visible.
            #[inline]
            #[must_use]
            pub fn observe(&self) -> $int {
                self.0.load(Ordering::Acquire)
            }

            /// Loads the word without ordering: for the thread that wrote it, and for hints.
            #[inline]
            #[must_use]
            pub fn own(&self) -> $int {
                self.0.load(Ordering::Relaxed)
            }

            /// Stores `value` without ordering: a later publish makes it visible.
            #[inline]
            pub fn set_own(&self, value: $int) {
                self.0.store(value, Ordering::Relaxed);
            }

            /// Adds `count` (wrapping) and yields the value before; orders all who do the same.
            #[inline]
            pub fn add(&self, count: $int) -> $int {
                self.0.fetch_add(count, Ordering::AcqRel)
            }

            /// Subtracts `count` (wrapping) and yields the value before; orders all who do the same.
            #[inline]
            pub fn sub(&self, count: $int) -> $int {
                self.0.fetch_sub(count, Ordering::AcqRel)
            }

            /// Sets the bits of `mask` and yields the value before; orders all who do the same.
            #[inline]
            pub fn insert(&self, mask: $int) -> $int {
                self.0.fetch_or(mask, Ordering::AcqRel)
            }

            /// Clears the bits of `mask` and yields the value before; orders all who do the same.
            #[inline]
            pub fn remove(&self, mask: $int) -> $int {
                self.0.fetch_and(!mask, Ordering::AcqRel)
            }

            /// Replaces the word and yields the value before; orders all who do the same.
            #[inline]
            pub fn replace(&self, value: $int) -> $int {
                self.0.swap(value, Ordering::AcqRel)
            }

            /// Replaces `from` by `to`: true for exactly one caller per change.
            ///
            /// # Errors
            ///
            /// The value that was there instead, with what its publisher did before visible.
            #[inline]
            pub fn change(&self, from: $int, to: $int) -> Result<(), $int> {
                self.0
                    .compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire)
                    .map(|_| ())
            }
        }
    };
}

word!(Word32, u32, AtomicU32, "32");
word!(Word64, u64, AtomicU64, "64");

/// The first non-zero code anyone reports; all later ones are ignored.
#[derive(Debug, Default)]
#[repr(transparent)]
pub struct Latch(AtomicI32);

// SAFETY: zero is a latch with nothing in it.
#[cfg(not(loom))]
unsafe impl bytemuck::Zeroable for Latch {}

impl Latch {
    /// A latch with nothing in it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps `code` if it is the first that is not zero, and says whether it is: true for at most one caller.
    #[inline]
    pub fn latch(&self, code: i32) -> bool {
        code != 0
            && self
                .0
                .compare_exchange(0, code, Ordering::Release, Ordering::Acquire)
                .is_ok()
    }

    /// The latched code, or zero; if there is one, what its reporter did before is visible.
    #[inline]
    #[must_use]
    pub fn code(&self) -> i32 {
        self.0.load(Ordering::Acquire)
    }

    /// Whether a code has been latched.
    #[inline]
    #[must_use]
    pub fn is_latched(&self) -> bool {
        self.code() != 0
    }

    /// Empties the latch for its next use.
    pub fn clear(&self) {
        self.0.store(0, Ordering::Release);
    }
}

/// A 32-bit device register kept in memory.
///
/// The device's driver side puts a full fence before and after each access ([`read_fenced`](Self::read_fenced),
/// [`write_fenced`](Self::write_fenced)); its core side a load barrier after reads and a store barrier before writes
/// ([`read`](Self::read), [`write`](Self::write)). Whoever sleeps on a register rings a doorbell beside it.
#[derive(Debug, Default)]
#[repr(transparent)]
pub struct Register(AtomicU32);

// SAFETY: zero is a value of the register.
#[cfg(not(loom))]
unsafe impl bytemuck::Zeroable for Register {}

impl Register {
    /// A register that holds `value`.
    #[must_use]
    pub fn new(value: u32) -> Self {
        Self(AtomicU32::new(value))
    }

    /// The register at `address`, in memory that foreign code reads and writes too.
    ///
    /// # Safety
    ///
    /// `address` is aligned to 4 bytes and stays readable and writable for `'a`; whoever else accesses it
    /// does so by whole 32-bit accesses.
    #[cfg(not(loom))]
    #[must_use]
    pub unsafe fn at<'a>(address: *mut u32) -> &'a Self {
        // SAFETY: the caller's promise; a register has the layout of its word.
        unsafe { &*address.cast::<Self>() }
    }

    /// Reads; what the writer did before is visible, and nothing after happens before.
    #[inline]
    #[must_use]
    pub fn read(&self) -> u32 {
        self.0.load(Ordering::Acquire)
    }

    /// Writes; makes visible what this thread did before.
    #[inline]
    pub fn write(&self, value: u32) {
        self.0.store(value, Ordering::Release);
    }

    /// Reads between two full fences.
    #[inline]
    #[must_use]
    pub fn read_fenced(&self) -> u32 {
        fence(Ordering::SeqCst);
        let value = self.0.load(Ordering::Relaxed);
        fence(Ordering::SeqCst);
        value
    }

    /// Writes between two full fences.
    #[inline]
    pub fn write_fenced(&self, value: u32) {
        fence(Ordering::SeqCst);
        self.0.store(value, Ordering::Relaxed);
        fence(Ordering::SeqCst);
    }
}

#[cfg(all(test, loom))]
mod loom_tests {
    use super::{Flag, Latch, Register, Word32, Word64};
    use crate::slots::Slot;
    use loom::sync::Arc;
    use loom::thread;

    /// One thread writes a payload and signals; who sees the signal sees the payload.
    fn passes_a_message<S: Sync + Send + 'static>(
        make: fn() -> S,
        signal: fn(&S),
        seen: fn(&S) -> bool,
    ) {
        loom::model(move || {
            let shared = Arc::new((make(), Slot::new(0)));
            let sender = {
                let shared = Arc::clone(&shared);
                thread::spawn(move || {
                    // SAFETY: the receiver reads only after the signal.
                    unsafe { *shared.1.get_mut() = 3 };
                    signal(&shared.0);
                })
            };
            let seen_early = seen(&shared.0);
            if seen_early {
                // SAFETY: signalled, and written no more.
                assert_eq!(unsafe { *shared.1.get() }, 3);
            }
            sender.join().expect("the sender ends");
            assert!(seen_early || seen(&shared.0));
        });
    }

    macro_rules! words_pass_messages {
        ($name:ident, $word:ident) => {
            #[test]
            fn $name() {
                let zero = || $word::new(0);
                passes_a_message(zero, |word| word.publish(1), |word| word.observe() == 1);
                passes_a_message(
                    zero,
                    |word| assert_eq!(word.add(1), 0),
                    |word| word.add(0) == 1,
                );
                passes_a_message(
                    || $word::new(2),
                    |word| assert_eq!(word.sub(1), 2),
                    |word| word.sub(0) == 1,
                );
                passes_a_message(
                    zero,
                    |word| assert_eq!(word.insert(1), 0),
                    |word| word.insert(0) == 1,
                );
                passes_a_message(
                    || $word::new(1),
                    |word| assert_eq!(word.remove(1), 1),
                    |word| word.remove(0) == 0,
                );
                passes_a_message(
                    zero,
                    |word| assert_eq!(word.replace(1), 0),
                    |word| word.replace(0) == 1,
                );
                let signal = |word: &$word| assert_eq!(word.change(0, 1), Ok(()));
                passes_a_message(zero, signal, |word| word.change(1, 2) == Ok(()));
                passes_a_message(zero, signal, |word| word.change(2, 3) == Err(1));
            }
        };
    }

    words_pass_messages!(words_of_32_bits_pass_messages, Word32);
    words_pass_messages!(words_of_64_bits_pass_messages, Word64);

    #[test]
    fn flags_pass_messages() {
        let set = |flag: &Flag| drop_sign(flag.set());
        passes_a_message(Flag::new, set, Flag::is_set);
        passes_a_message(Flag::new, set, Flag::take);
        passes_a_message(Flag::new, set, |flag| !flag.set());
        let up = || {
            let flag = Flag::new();
            flag.set();
            flag
        };
        passes_a_message(up, Flag::clear, |flag| !flag.is_set());
        passes_a_message(up, |flag| assert!(flag.take()), |flag| !flag.is_set());
    }

    /// Who was first does not matter to the message.
    fn drop_sign(_was_first: bool) {}

    #[test]
    fn latches_pass_messages() {
        let latch = |latch: &Latch| drop_sign(latch.latch(-5));
        passes_a_message(Latch::new, latch, Latch::is_latched);
        passes_a_message(Latch::new, latch, |latch| !latch.latch(9));
    }

    #[test]
    fn registers_pass_messages() {
        let zero = Register::default;
        passes_a_message(
            zero,
            |register| register.write(1),
            |register| register.read() == 1,
        );
        passes_a_message(
            zero,
            |register| register.write_fenced(1),
            |register| register.read_fenced() == 1,
        );
    }

    #[test]
    fn a_flag_is_taken_once() {
        loom::model(|| {
            let flag = Arc::new(Flag::new());
            flag.set();
            let other = {
                let flag = Arc::clone(&flag);
                thread::spawn(move || flag.take())
            };
            let mine = flag.take();
            assert!(mine != other.join().expect("the taker ends"));
        });
    }

    #[test]
    fn the_first_code_stays() {
        loom::model(|| {
            let latch = Arc::new(Latch::new());
            let other = {
                let latch = Arc::clone(&latch);
                thread::spawn(move || latch.latch(1))
            };
            let mine = latch.latch(2);
            let theirs = other.join().expect("the reporter ends");
            assert!(mine != theirs);
            assert_eq!(latch.code(), if mine { 2 } else { 1 });
        });
    }

    /// Each side writes its register, then reads the other's: one of them sees the other.
    #[test]
    fn fenced_accesses_do_not_pass_each_other() {
        loom::model(|| {
            let sides = Arc::new([Register::new(0), Register::new(0)]);
            let other = {
                let sides = Arc::clone(&sides);
                thread::spawn(move || {
                    sides[1].write_fenced(1);
                    sides[0].read_fenced()
                })
            };
            sides[0].write_fenced(1);
            let seen = sides[1].read_fenced();
            assert!(seen + other.join().expect("the other side ends") != 0);
        });
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{Flag, Latch, Register, Word64};

    #[test]
    fn a_flag_is_set_once_and_taken_once() {
        let flag = Flag::new();
        assert_eq!((flag.take(), flag.set(), flag.set()), (false, true, false));
        assert_eq!(
            (flag.is_set(), flag.take(), flag.is_set()),
            (true, true, false)
        );
        flag.set();
        flag.clear();
        assert!(!flag.is_set());
    }

    #[test]
    fn a_latch_keeps_the_first_code_that_is_not_zero() {
        let latch = Latch::new();
        assert_eq!((latch.latch(0), latch.is_latched()), (false, false));
        assert_eq!(
            (latch.latch(-7), latch.latch(3), latch.code()),
            (true, false, -7)
        );
        latch.clear();
        assert_eq!((latch.code(), latch.latch(3)), (0, true));
    }

    #[test]
    fn a_word_counts_and_keeps_bits() {
        let word = Word64::new(5);
        assert_eq!((word.add(2), word.sub(1), word.own()), (5, 7, 6));
        assert_eq!(
            (word.insert(9), word.remove(2), word.replace(1)),
            (6, 15, 13)
        );
        assert_eq!(
            (word.change(0, 4), word.change(1, 4), word.observe()),
            (Err(1), Ok(()), 4)
        );
        word.set_own(8);
        assert_eq!(word.own(), 8);
    }

    #[test]
    fn a_word_is_the_memory_it_lies_in() {
        let mut memory = [1_u64, 2];
        // SAFETY: an aligned word of ours, not accessed otherwise while it is used.
        let word = unsafe { Word64::at(&raw mut memory[1]) };
        assert_eq!((word.add(5), word.observe()), (2, 7));
        assert_eq!(memory, [1, 7]);
    }

    #[test]
    fn a_register_is_the_memory_it_lies_in() {
        let mut memory = [0_u32, 1, 2];
        // SAFETY: an aligned word of ours, not accessed otherwise while the register is used.
        let register = unsafe { Register::at(&raw mut memory[1]) };
        assert_eq!((register.read(), register.read_fenced()), (1, 1));
        register.write(9);
        assert_eq!(register.read_fenced(), 9);
        register.write_fenced(10);
        assert_eq!(memory, [0, 10, 2]);
    }
}
