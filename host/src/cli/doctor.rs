//! `simpler doctor`.
//!
//! Knows what to look for on a machine and how to get what is missing. Refuses to install anything.

#[cfg(feature = "onboard")]
pub mod chip;

use core::fmt::Write as _;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use crate::scene::build::Builder;
use crate::scene::build::compiler::{Compiler, REMEDY};

/// One thing that was looked for.
struct Finding {
    what: &'static str,
    /// What is there, or how to get it.
    answer: Result<String, String>,
    /// True if simulated chips can do without it.
    optional: bool,
}

/// What this machine can do, as text.
#[must_use]
pub fn report() -> String {
    let mut text = String::new();
    let findings = findings();
    for finding in &findings {
        let (mark, answer) = match &finding.answer {
            Ok(answer) => ("ok     ", answer),
            Err(answer) if finding.optional => ("absent ", answer),
            Err(answer) => ("MISSING", answer),
        };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{mark}  {:<16} {answer}", finding.what);
    }
    let missing = |optional| {
        findings
            .iter()
            .filter(|f| f.answer.is_err() && f.optional == optional)
            .count()
    };
    let _ = writeln!(
        text,
        "\nsimulated chips: {}\nreal chips: {}",
        if missing(false) == 0 {
            "ready"
        } else {
            "see MISSING above; scenes and demos with Rust kernels need no compiler"
        },
        if missing(true) == 0 {
            "everything found"
        } else {
            "see absent above"
        },
    );
    text
}

impl Finding {
    /// Something that simulated chips need.
    const fn needed(what: &'static str, answer: Result<String, String>) -> Self {
        Self {
            what,
            answer,
            optional: false,
        }
    }

    /// Something that they can do without.
    const fn extra(what: &'static str, answer: Result<String, String>) -> Self {
        Self {
            what,
            answer,
            optional: true,
        }
    }
}

fn findings() -> Vec<Finding> {
    let builder = Builder::from_environment();
    let mut all = for_simulation(&builder);
    all.extend(for_chips(&builder));
    all
}

fn for_simulation(builder: &Builder) -> Vec<Finding> {
    vec![
        Finding::needed(
            "C++ compiler",
            Compiler::find(&builder.environment)
                .map(|compiler| compiler.title().to_owned())
                .map_err(|_| REMEDY.to_owned()),
        ),
        Finding::needed(
            "headers",
            builder
                .roots
                .as_ref()
                .map(|roots| roots.ours.display().to_string())
                .map_err(Clone::clone),
        ),
        Finding::needed("cache", writable(&builder.cache.folder)),
        Finding::needed("temporary files", writable(&env::temp_dir())),
        Finding::needed("/dev/shm", writable(Path::new("/dev/shm"))),
        Finding::needed("processors", processors()),
        Finding::needed("memory", memory()),
    ]
}

fn for_chips(builder: &Builder) -> Vec<Finding> {
    let program = |names: &[&str], remedy: &str| {
        names
            .iter()
            .find_map(|name| builder.environment.program(name))
            .map(|path| path.display().to_string())
            .ok_or_else(|| remedy.to_owned())
    };
    let cann = cann();
    let in_cann = |below: &[&str], what: &str| match &cann {
        Err(_) => Err(format!("comes with CANN ({what})")),
        Ok(root) => below
            .iter()
            .map(|path| root.join(path))
            .find(|path| path.exists())
            .map(|path| path.display().to_string())
            .ok_or_else(|| format!("not below {}; reinstall CANN's toolkit", root.display())),
    };
    vec![
        Finding::extra(
            "PTO-ISA",
            env::var("PTO_ISA_ROOT")
                .ok()
                .filter(|root| Path::new(root).join("include/pto").is_dir())
                .ok_or_else(|| {
                    "set PTO_ISA_ROOT to a checkout, for kernels that include <pto/…>".to_owned()
                }),
        ),
        Finding::extra(
            "cross compiler",
            program(
                &["aarch64-linux-gnu-g++", "aarch64-target-linux-gnu-g++"],
                "`apt install g++-aarch64-linux-gnu`, or use CANN's",
            ),
        ),
        Finding::extra(
            "CANN",
            cann.as_ref()
                .map(|root| root.display().to_string())
                .map_err(Clone::clone),
        ),
        Finding::extra(
            "CANN g++",
            in_cann(
                &[
                    "tools/hcc/bin/aarch64-target-linux-gnu-g++",
                    "toolkit/toolchain/hcc/bin/aarch64-target-linux-gnu-g++",
                ],
                "orchestrations for the chip",
            ),
        ),
        Finding::extra("CANN ccec", in_cann(&["bin/ccec"], "kernels for the chip")),
        Finding::extra(
            "chips",
            match device_files() {
                0 => {
                    Err("no /dev/davinci*; install the driver on a machine with a chip".to_owned())
                }
                count => Ok(format!("{count} device files")),
            },
        ),
    ]
}

/// The toolkit that the environment or the usual places name.
fn cann() -> Result<PathBuf, String> {
    let named = ["ASCEND_HOME_PATH", "ASCEND_TOOLKIT_HOME"];
    let usual = [
        "/usr/local/Ascend/cann",
        "/usr/local/Ascend/ascend-toolkit/latest",
    ];
    named
        .iter()
        .filter_map(env::var_os)
        .map(PathBuf::from)
        .chain(usual.iter().map(PathBuf::from))
        .find(|root| root.is_dir())
        .ok_or_else(|| {
            "install the CANN toolkit and source its set_env.sh, which sets ASCEND_HOME_PATH"
                .to_owned()
        })
}

fn device_files() -> usize {
    fs::read_dir("/dev").map_or(0, |entries| {
        entries
            .flatten()
            .filter(|entry| {
                let name = entry.file_name();
                let number = name.to_str().and_then(|name| name.strip_prefix("davinci"));
                number.is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
            })
            .count()
    })
}

/// Writes a file and removes it again.
fn writable(folder: &Path) -> Result<String, String> {
    let probe = folder.join(format!(".simpler-doctor-{}", std::process::id()));
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(&probe, [0; 4096]))
        .and_then(|()| fs::remove_file(&probe))
        .map(|()| format!("{} is writable", folder.display()))
        .map_err(|error| {
            format!(
                "{}: {error}; free space or fix permissions",
                folder.display()
            )
        })
}

fn processors() -> Result<String, String> {
    thread::available_parallelism()
        .map(|cores| match cores.get() {
            1 => "1 core".to_owned(),
            many => format!("{many} cores"),
        })
        .map_err(|error| error.to_string())
}

fn memory() -> Result<String, String> {
    let unknown = || "/proc/meminfo does not say".to_owned();
    let text = fs::read_to_string("/proc/meminfo").map_err(|_| unknown())?;
    let of = |key: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(key))?;
        line.split_whitespace().next()?.parse::<u64>().ok()
    };
    match (of("MemTotal:"), of("MemAvailable:")) {
        (Some(total), Some(free)) => Ok(format!(
            "{} MiB, {} MiB available",
            total / 1024,
            free / 1024
        )),
        _ => Err(unknown()),
    }
}

#[cfg(test)]
mod tests {
    use super::{report, writable};
    use std::path::Path;

    #[test]
    fn every_finding_is_one_line_with_an_answer() {
        let text = report();
        for what in ["C++ compiler", "headers", "/dev/shm", "CANN", "memory"] {
            let line = text
                .lines()
                .find(|line| line.get(9..).is_some_and(|l| l.starts_with(what)));
            assert!(line.is_some_and(|line| line.len() > 28), "{what} in {text}");
        }
        assert!(text.contains("simulated chips: "), "{text}");
    }

    #[test]
    fn a_folder_that_cannot_be_is_not_writable() {
        let problem = writable(Path::new("/proc/nothing")).expect_err("no folder there");
        assert!(problem.starts_with("/proc/nothing: "), "{problem}");
    }
}
