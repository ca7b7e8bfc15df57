//! How ranks of real chips find each other: files beside a path that all of them name.
//!
//! Knows the file with the root's bytes and the files by which ranks wait for one another. Refuses to know what
//! the bytes are for. Every wait ends after the patience that was given.
//!
//! | file | written by | says |
//! | --- | --- | --- |
//! | the path itself | rank 0, complete before it appears | token of this session, the root's bytes |
//! | `barrier_<name>_<tag>_<token>_<rank>.ready` | each rank | that it has come as far as the tag says |
//!
//! What a session before has left may look complete. So each rank writes a number of its own, and believes only a
//! rank 0 that has seen it.

use core::time::Duration;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use bytemuck::{Pod, Zeroable};

use crate::comm;
use crate::error::{Error, Result};

/// First word of the root's file.
const MAGIC: u64 = 0x5054_4f5f_4843_434c;
/// Tag of a rank that has the root's bytes.
const ARRIVED: &str = "rootinfo_ready";
/// Tag of rank 0 when it has seen all of them.
const COMPLETE: &str = "rootinfo_seen";
/// Pause between two looks for a file.
const GLANCE: Duration = Duration::from_millis(10);

/// The head of the root's file.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Head {
    magic: u64,
    token: u64,
    bytes: u32,
    reserved: u32,
}

protocol::pin_layout!(Head, 24 bytes, align 8, {
    0 => magic: u64,
    8 => token: u64,
    16 => bytes: u32,
    20 => reserved: u32,
});

/// One rank on its way to the others.
#[derive(Debug)]
pub(crate) struct Meeting {
    path: PathBuf,
    pub(crate) rank: u32,
    pub(crate) ranks: u32,
    patience: Duration,
    token: u64,
}

impl Meeting {
    /// Rank `rank` of the `ranks` that meet at `path`.
    pub(crate) fn new(rank: i32, ranks: i32, path: &[u8], patience: Duration) -> Result<Self> {
        let (own, count) = comm::place(rank, ranks, path)?;
        Ok(Self {
            path: PathBuf::from(String::from_utf8_lossy(path).into_owned()),
            rank: own,
            ranks: count,
            patience,
            token: 0,
        })
    }

    /// The root's bytes, of which there are `length`: rank 0 makes them, and all wait until all have them.
    pub(crate) fn root(
        &mut self,
        length: usize,
        make: impl FnOnce() -> Result<Vec<u8>>,
    ) -> Result<Vec<u8>> {
        let deadline = Instant::now() + self.patience;
        if self.rank == 0 {
            self.clean();
            let bytes = make()?;
            self.token = token(self.rank);
            self.publish(&bytes)?;
            self.gather(ARRIVED)?;
            let seen = (0..self.ranks).map(|rank| fs::read_to_string(self.marker(ARRIVED, rank)));
            let seen: Vec<String> = seen.map(Result::unwrap_or_default).collect();
            self.mark(COMPLETE, &seen.join("\n"))?;
            return Ok(bytes);
        }
        let own = format!("{:x}", token(self.rank));
        let mut bytes = Vec::new();
        loop {
            // What was read may be of a session before, whose rank 0 never comes to this one.
            if let Some((token, found)) = self.read_root(length)
                && token != self.token
            {
                self.token = token;
                bytes = found;
                self.mark(ARRIVED, &own)?;
            }
            let seen = fs::read_to_string(self.marker(COMPLETE, 0)).unwrap_or_default();
            if self.token != 0 && seen.lines().any(|number| number == own) {
                return Ok(bytes);
            }
            if Instant::now() >= deadline {
                return Err(self.late(ARRIVED));
            }
            thread::sleep(GLANCE);
        }
    }

    /// Waits until every rank has come to `tag`.
    pub(crate) fn gather(&self, tag: &str) -> Result<()> {
        let deadline = Instant::now() + self.patience;
        self.mark(tag, "1")?;
        while self.missing(tag).is_some() {
            if Instant::now() >= deadline {
                return Err(self.late(tag));
            }
            thread::sleep(GLANCE);
        }
        Ok(())
    }

    /// Leaves together with the others; rank 0 removes the files once nobody looks at them any more.
    pub(crate) fn leave(&self) -> Result<()> {
        self.gather("destroy")?;
        if self.rank == 0 {
            self.gather("left")?;
            self.clean();
            return Ok(());
        }
        self.mark("left", "1")
    }

    /// Removes what this or an earlier session has left.
    pub(crate) fn clean(&self) {
        let mut stale = vec![self.path.clone()];
        let prefix = format!("barrier_{}_", self.name());
        if let Ok(entries) = fs::read_dir(self.folder()) {
            stale.extend(entries.flatten().filter_map(|entry| {
                let name = entry.file_name();
                let name = name.to_string_lossy();
                (name.starts_with(&prefix) && name.ends_with(".ready")).then(|| entry.path())
            }));
        }
        for file in stale {
            match fs::remove_file(&file) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    log::warn!("{} stays: {error}", file.display());
                }
                _ => {}
            }
        }
    }

    /// An error of this rank.
    pub(crate) fn error(&self, text: String) -> Error {
        Error::Comm {
            rank: self.rank,
            ranks: self.ranks,
            text,
        }
    }

    fn publish(&self, bytes: &[u8]) -> Result<()> {
        let head = Head {
            magic: MAGIC,
            token: self.token,
            bytes: u32::try_from(bytes.len()).expect("a few thousand bytes"),
            reserved: 0,
        };
        let mut fresh = self.path.clone().into_os_string();
        fresh.push(format!(".tmp.{}", std::process::id()));
        let content = [bytemuck::bytes_of(&head), bytes].concat();
        fs::write(&fresh, content)
            .and_then(|()| fs::rename(&fresh, &self.path))
            .map_err(|error| self.error(format!("{}: {error}", self.path.display())))
    }

    /// Token and bytes of the root's file, if it is one.
    fn read_root(&self, length: usize) -> Option<(u64, Vec<u8>)> {
        let content = fs::read(&self.path).ok()?;
        let (head, bytes) = content.split_at_checked(size_of::<Head>())?;
        let head: Head = bytemuck::pod_read_unaligned(head);
        let good = head.magic == MAGIC && head.bytes as usize == length && bytes.len() == length;
        good.then(|| (head.token, bytes.to_vec()))
    }

    /// Writes this rank's file for `tag`, complete before it appears.
    fn mark(&self, tag: &str, content: &str) -> Result<()> {
        let file = self.marker(tag, self.rank);
        let fresh = file.with_extension("tmp");
        fs::write(&fresh, content)
            .and_then(|()| fs::rename(&fresh, &file))
            .map_err(|error| self.error(format!("{}: {error}", file.display())))
    }

    /// A rank that has not come to `tag`.
    fn missing(&self, tag: &str) -> Option<u32> {
        (0..self.ranks).find(|&rank| !self.marker(tag, rank).exists())
    }

    fn late(&self, tag: &str) -> Error {
        let missing: Vec<String> = (0..self.ranks)
            .filter(|&rank| !self.marker(tag, rank).exists())
            .map(|rank| rank.to_string())
            .collect();
        self.error(format!(
            "rank {} did not come to {tag} within {:?}: start every rank with the path {}",
            missing.join(", "),
            self.patience,
            self.path.display()
        ))
    }

    fn marker(&self, tag: &str, rank: u32) -> PathBuf {
        let name = self.name();
        self.folder().join(format!(
            "barrier_{name}_{tag}_{:x}_{rank}.ready",
            self.token
        ))
    }

    fn folder(&self) -> &Path {
        match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        }
    }

    fn name(&self) -> String {
        let name = self.path.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }
}

/// A number that no other session has; never 0.
fn token(rank: u32) -> u64 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let nanos = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
    (nanos ^ u64::from(std::process::id()) << 16 ^ u64::from(rank)).max(1)
}

#[cfg(test)]
mod tests {
    use super::Meeting;
    use core::time::Duration;
    use std::fs;
    use std::path::PathBuf;
    use std::thread;

    const LENGTH: usize = 7;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("meeting-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a writable folder");
        folder
    }

    fn rank(path: &std::path::Path, rank: i32, ranks: i32, patience: u64) -> Meeting {
        let path = path.to_str().expect("text").as_bytes();
        Meeting::new(rank, ranks, path, Duration::from_millis(patience)).expect("good numbers")
    }

    #[test]
    fn all_ranks_get_the_bytes_of_the_root_and_leave_nothing_behind() {
        let folder = folder("whole");
        let path = folder.join("root");
        // A session before has left its file, with other bytes and a marker.
        let mut before = rank(&path, 0, 1, 1000);
        before
            .root(LENGTH, || Ok(b"earlier".to_vec()))
            .expect("alone");
        thread::scope(|scope| {
            let ranks: Vec<_> = [2, 1, 0]
                .into_iter()
                .map(|number| {
                    let path = &path;
                    scope.spawn(move || {
                        if number == 0 {
                            // The others have read the old file by now.
                            thread::sleep(Duration::from_millis(50));
                        }
                        let mut own = rank(path, number, 3, 20_000);
                        let bytes = own.root(LENGTH, || Ok(b"present".to_vec()))?;
                        own.gather("windows")?;
                        own.leave()?;
                        Ok::<_, crate::Error>(bytes)
                    })
                })
                .collect();
            for rank in ranks {
                let bytes = rank.join().expect("no panic").expect("all ranks come");
                assert_eq!(bytes, b"present");
            }
        });
        assert_eq!(fs::read_dir(&folder).expect("a folder").count(), 0);
        fs::remove_dir(folder).expect("empty");
    }

    #[test]
    fn a_rank_that_never_comes_is_named() {
        let folder = folder("late");
        let path = folder.join("root");
        let mut own = rank(&path, 0, 3, 60);
        let error = own
            .root(LENGTH, || Ok(vec![0; LENGTH]))
            .expect_err("it is alone");
        let text = error.to_string();
        assert!(
            text.contains("rank 1, 2 did not come to rootinfo_ready"),
            "{text}"
        );
        let mut other = rank(&folder.join("nothing"), 1, 2, 60);
        let error = other.root(LENGTH, || Ok(Vec::new())).expect_err("no root");
        assert!(
            error.to_string().contains("rank 0, 1 did not come"),
            "{error}"
        );
        own.clean();
        fs::remove_dir(folder).expect("empty");
    }

    #[test]
    fn numbers_that_make_no_sense_are_refused() {
        for (rank, ranks, path) in [
            (0, 0, "x"),
            (2, 2, "x"),
            (-1, 2, "x"),
            (0, 65, "x"),
            (0, 1, ""),
        ] {
            let refused = Meeting::new(rank, ranks, path.as_bytes(), Duration::ZERO);
            assert!(refused.is_err(), "{rank} {ranks} {path}");
        }
    }
}
