//! What can be registered, and how it is described to another process.
//!
//! Knows the description's bytes. Refuses to know who registered it.
//!
//! A description is a line of JSON and, after it, the images that the JSON counts.

mod images;

use std::sync::Arc;

use platform::{Kernel, Program, ProgramKernel};
use protocol::{ArgDirection, CoreType};
use serde::{Deserialize, Serialize};

use super::catalogue::{Catalogue, Function, GraphFunction};
use super::fault::{Fault, FaultKind};
use images::{ImageRef, image_of, orchestration_of};

/// Something registered, where it can be called.
#[derive(Clone)]
pub(crate) enum Target {
    Program(Arc<Program>),
    Function(Arc<Function>),
    Graph(Arc<GraphFunction>),
}

impl Target {
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::Program(_) => "chip program",
            Self::Function(_) => "host function",
            Self::Graph(_) => "graph function",
        }
    }
}

impl core::fmt::Debug for Target {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.kind())
    }
}

/// What can be sent to another process.
#[derive(Debug, Serialize, Deserialize)]
enum Description {
    Function(String),
    Graph(String),
    NamedProgram(String),
    Program(DescribedProgram),
}

/// A program of images; they follow in the order of their mention.
#[derive(Debug, Serialize, Deserialize)]
struct DescribedProgram {
    runtime: String,
    orchestration: usize,
    entry: String,
    config: String,
    signature: Vec<i32>,
    kernels: Vec<DescribedKernel>,
}

#[derive(Debug, Serialize, Deserialize)]
struct DescribedKernel {
    func_id: i32,
    core: Option<i32>,
    bytes: usize,
}

/// Describes a target by the name it has in the catalogue.
pub(crate) fn describe_named(target: &Target, name: &str) -> Vec<u8> {
    let name = name.to_owned();
    encode(&match target {
        Target::Function(_) => Description::Function(name),
        Target::Graph(_) => Description::Graph(name),
        Target::Program(_) => Description::NamedProgram(name),
    })
}

/// Describes a program that consists of images; `None` for one that has functions of this process.
pub(crate) fn describe_images(program: &Program) -> Option<Vec<u8>> {
    let ImageRef {
        runtime,
        bytes,
        entry,
        config,
    } = image_of(&program.orchestration)?;
    let mut images: Vec<&[u8]> = vec![bytes];
    let mut kernels = Vec::with_capacity(program.kernels.len());
    for kernel in &program.kernels {
        let Kernel::Image(image) = &kernel.kernel else {
            return None;
        };
        images.push(image);
        kernels.push(DescribedKernel {
            func_id: kernel.func_id,
            core: kernel.core.map(CoreType::to_wire),
            bytes: image.len(),
        });
    }
    let mut described = encode(&Description::Program(DescribedProgram {
        orchestration: bytes.len(),
        runtime: runtime.to_owned(),
        entry: entry.to_string_lossy().into_owned(),
        config: config.to_string_lossy().into_owned(),
        signature: program.signature.iter().map(|it| it.to_wire()).collect(),
        kernels,
    }));
    for image in images {
        described.extend_from_slice(image);
    }
    Some(described)
}

fn encode(description: &Description) -> Vec<u8> {
    let mut text = serde_json::to_vec(description).expect("names and numbers encode");
    text.push(b'\n');
    text
}

/// Finds or builds what a description describes.
pub(crate) fn resolve(described: &[u8], catalogue: &Catalogue) -> Result<Target, Fault> {
    let end = described.iter().position(|&byte| byte == b'\n');
    let end = end.ok_or_else(|| bad("has no end of line"))?;
    let description =
        serde_json::from_slice(&described[..end]).map_err(|_| bad("does not parse"))?;
    let unknown = |kind: &str, name: &str| {
        Fault::new(
            FaultKind::NotRegistered,
            format!(
                "{kind} `{name}` is not in the child's catalogue: give `child_main` the same one"
            ),
        )
    };
    match description {
        Description::Function(name) => catalogue
            .find_function(&name)
            .map(Target::Function)
            .ok_or_else(|| unknown("function", &name)),
        Description::Graph(name) => catalogue
            .find_graph(&name)
            .map(Target::Graph)
            .ok_or_else(|| unknown("graph function", &name)),
        Description::NamedProgram(name) => catalogue
            .find_program(&name)
            .map(|program| Target::Program(Arc::new(program)))
            .ok_or_else(|| unknown("program", &name)),
        Description::Program(described_program) => described_program
            .program(&described[end + 1..])
            .map(|program| Target::Program(Arc::new(program))),
    }
}

/// A complaint about a description.
fn bad(text: &str) -> Fault {
    Fault::new(FaultKind::Malformed, format!("a description {text}"))
}

impl DescribedProgram {
    /// The program, whose images lie one after the other in `images`.
    fn program(self, images: &[u8]) -> Result<Program, Fault> {
        let mut rest = images;
        let mut image = |bytes: usize| {
            let (image, behind) = rest
                .split_at_checked(bytes)
                .ok_or_else(|| bad("is shorter than its images"))?;
            rest = behind;
            Ok::<_, Fault>(image)
        };
        let wire = |_| bad("has an unknown direction or kind of core");
        let orchestration = image(self.orchestration)?;
        let orchestration =
            orchestration_of(&self.runtime, orchestration, &self.entry, &self.config)
                .map_err(|text| bad(&text))?;
        let signature = self.signature.into_iter().map(ArgDirection::from_wire);
        let signature: Result<Vec<_>, _> = signature.collect();
        let kernel = |kernel: DescribedKernel| {
            let core = kernel.core.map(CoreType::from_wire);
            Ok(ProgramKernel {
                func_id: kernel.func_id,
                core: core.transpose().map_err(wire)?,
                kernel: Kernel::Image(image(kernel.bytes)?.into()),
            })
        };
        let kernels: Result<Vec<_>, Fault> = self.kernels.into_iter().map(kernel).collect();
        Ok(Program {
            orchestration,
            signature: signature.map_err(wire)?,
            kernels: kernels?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{
        ArgDirection, Catalogue, CoreType, DescribedProgram, Description, Kernel, Program,
        ProgramKernel, Target, describe_images, describe_named, encode, images, orchestration_of,
        resolve,
    };

    fn program(runtime: &str) -> Program {
        Program {
            orchestration: orchestration_of(runtime, b"orchestration", "go", "")
                .expect("the build has the runtime"),
            signature: vec![ArgDirection::In, ArgDirection::Inout],
            kernels: vec![ProgramKernel {
                func_id: 7,
                core: Some(CoreType::Aiv),
                kernel: Kernel::Image((*b"ker\nnel").into()),
            }],
        }
    }

    #[test]
    fn a_program_of_images_arrives_whole() {
        for runtime in images::names() {
            let sent = program(runtime);
            let described = describe_images(&sent).expect("it has images only");
            let target = resolve(&described, &Catalogue::new()).expect("it is whole");
            let Target::Program(arrived) = target else {
                panic!("{target:?}");
            };
            assert_eq!(format!("{arrived:?}"), format!("{sent:?}"));
            let Kernel::Image(image) = &arrived.kernels[0].kernel else {
                panic!("{arrived:?}");
            };
            assert_eq!(image[..], *b"ker\nnel");
            for cut in [0, 10, described.len() - 1] {
                assert!(
                    resolve(&described[..cut], &Catalogue::new()).is_err(),
                    "{cut}"
                );
            }
        }
    }

    #[test]
    fn a_runtime_that_is_not_there_is_named() {
        let described = encode(&Description::Program(DescribedProgram {
            runtime: "abacus".to_owned(),
            orchestration: 0,
            entry: "go".to_owned(),
            config: String::new(),
            signature: Vec::new(),
            kernels: Vec::new(),
        }));
        let error = resolve(&described, &Catalogue::new()).expect_err("no build has it");
        assert!(error.message.contains("`abacus`"), "{error}");
    }

    #[test]
    fn names_are_looked_up() {
        let catalogue = Catalogue::new().function("f", |_| Ok(()));
        let target = Target::Function(catalogue.find_function("f").expect("just put in"));
        let described = describe_named(&target, "f");
        assert!(matches!(
            resolve(&described, &catalogue),
            Ok(Target::Function(_))
        ));
        let error = resolve(&described, &Catalogue::new()).expect_err("it is not there");
        assert!(
            error
                .message
                .contains("`f` is not in the child's catalogue")
        );
    }
}
