//! The smallest worker: one chip, some of its memory, no program.
//!
//! ```text
//! started a worker of level 2
//! 4096 bytes of device memory, zeroed: true
//! closed
//! ```

use host::team::{Result, Worker};

fn main() -> Result<()> {
    let worker = Worker::builder(2).chips("a2a3sim", [0]).build()?;
    worker.init()?;
    println!("started a worker of level {}", worker.level());
    let memory = worker.malloc(0, 4096)?;
    let bytes = worker.copy_from::<u8>(&memory)?;
    let zeroed = bytes.iter().all(|&byte| byte == 0);
    println!(
        "{} bytes of device memory, zeroed: {zeroed}",
        memory.bytes()
    );
    worker.free(memory)?;
    worker.close()?;
    println!("closed");
    Ok(())
}
