//! Device memory by itself: allocate, copy there and back, free.
//!
//! ```text
//! 4096 bytes there and back: equal
//! 65536 bytes there and back: equal
//! 12345 bytes there and back: equal
//! three live buffers have three addresses: true
//! ```

use host::team::{Result, Worker};

fn main() -> Result<()> {
    let worker = Worker::builder(2).chips("a5sim", [0]).build()?;
    worker.init()?;
    let mut live = Vec::new();
    for bytes in [4096, 65536, 12345] {
        let buffer = worker.malloc(0, bytes)?;
        let pattern: Vec<u8> = (0..=250_u8)
            .cycle()
            .zip(0..bytes)
            .map(|(byte, _)| byte)
            .collect();
        worker.copy_to(&buffer, &pattern)?;
        let same = worker.copy_from::<u8>(&buffer)? == pattern;
        println!(
            "{bytes} bytes there and back: {}",
            if same { "equal" } else { "DIFFERENT" }
        );
        live.push(buffer);
    }
    let mut addresses: Vec<u64> = live.iter().map(|it| it.address()).collect();
    addresses.sort_unstable();
    addresses.dedup();
    println!(
        "three live buffers have three addresses: {}",
        addresses.len() == 3
    );
    for buffer in live {
        worker.free(buffer)?;
    }
    worker.close()
}
