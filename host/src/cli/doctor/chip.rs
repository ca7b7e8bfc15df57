//! `simpler doctor --device N`.
//!
//! Knows how the steps of a chip's self-test are said to a person. Refuses to know what they do.

use std::io::{self, Write};
use std::path::Path;

use platform::cann::Search;
use platform::onboard::{Family, FindError, Images, Progress, STEPS, SelfTest, Step, soc_name};

use crate::scene::model::{Platform, RuntimeKind};

/// What is asked about a chip.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// Where CANN's libraries are looked for.
    pub search: &'a Search,
    /// The device.
    pub device: i32,
    /// Its family; `None` asks the chip.
    pub platform: Option<Platform>,
    /// The runtime whose image is loaded.
    pub runtime: RuntimeKind,
    /// The folder of images, instead of the usual ones.
    pub images: Option<&'a Path>,
}

/// A family's ways, and its self-test.
type Known = (
    &'static Family,
    fn(&SelfTest<'_>, &mut dyn FnMut(Progress<'_>)) -> bool,
);

/// Families of this build.
const FAMILIES: &[Known] = &[
    #[cfg(feature = "a2a3")]
    (&platform_a2a3::FAMILY, |test, say| {
        test.run::<protocol::A2a3>(say)
    }),
    #[cfg(feature = "a5")]
    (&platform_a5::FAMILY, |test, say| {
        test.run::<protocol::A5>(say)
    }),
];

/// Goes through the self-test of a chip and writes down what is tried, found and meant; whether the chip can be
/// used.
///
/// # Errors
/// What was asked makes no sense, or the text cannot be written.
pub fn examine(question: &Question<'_>, out: &mut dyn Write) -> Result<bool, String> {
    let (family, test) = family(question)?;
    let images = Images::find(family.platform, question.runtime.name(), question.images);
    let examined = Examination {
        out,
        number: 0,
        failed: None,
        written: Ok(()),
    }
    .go(question, (family, test), &images);
    examined.map_err(|error| format!("cannot write: {error}"))
}

/// The family that was named, or that the chip says it is of.
fn family(question: &Question<'_>) -> Result<Known, String> {
    let names = || {
        let names: Vec<_> = FAMILIES.iter().map(|(it, _)| it.platform).collect();
        names.join(" or ")
    };
    if let Some(platform) = question.platform {
        let named = FAMILIES
            .iter()
            .find(|(it, _)| it.platform == platform.name());
        return named.copied().ok_or_else(|| {
            format!(
                "{platform} is no real chip of this build: use -p {}",
                names()
            )
        });
    }
    match soc_name(question.search, question.device) {
        Ok(name) => FAMILIES
            .iter()
            .find(|(it, _)| it.is_chip(&name))
            .copied()
            .ok_or_else(|| {
                format!(
                    "device {} calls itself {name}, which is no name of a family: say which it is with -p {}",
                    question.device,
                    names()
                )
            }),
        // The steps say what is wrong, and it is the same for every family.
        Err(_) => FAMILIES
            .first()
            .copied()
            .ok_or_else(|| "this build has no chip family".to_owned()),
    }
}

/// An examination while it goes on.
struct Examination<'a> {
    out: &'a mut dyn Write,
    /// Steps begun.
    number: usize,
    failed: Option<&'static Step>,
    written: io::Result<()>,
}

impl Examination<'_> {
    fn go(
        mut self,
        question: &Question<'_>,
        (family, test): Known,
        images: &Result<Images, FindError>,
    ) -> io::Result<bool> {
        let device = question.device;
        writeln!(self.out, "device {device} as {}\n", family.platform)?;
        let asked = SelfTest {
            search: question.search,
            device,
            family,
            images: images.as_ref().ok(),
        };
        let passed = test(&asked, &mut |progress| {
            if self.written.is_ok() {
                self.written = self.say(&progress, images.as_ref().err());
            }
        });
        self.written?;
        let steps = STEPS.len();
        if let (false, Some(failed)) = (passed, self.failed) {
            let rest: Vec<_> = STEPS[self.number..].iter().map(|it| it.name).collect();
            if !rest.is_empty() {
                writeln!(self.out, "not tried: {}", rest.join(", "))?;
            }
            writeln!(
                self.out,
                "\ndevice {device} cannot be used: step {} of {steps}, {}, failed",
                self.number, failed.name
            )?;
            return Ok(false);
        }
        match images {
            Ok(_) => writeln!(self.out, "\ndevice {device} is ready")?,
            Err(FindError::NotFound { .. }) => writeln!(
                self.out,
                "\ndevice {device} answers; build its images and ask again"
            )?,
            Err(_) => {
                writeln!(
                    self.out,
                    "\ndevice {device} answers, but its images cannot be used"
                )?;
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn say(&mut self, progress: &Progress<'_>, no_images: Option<&FindError>) -> io::Result<()> {
        match progress {
            Progress::Trying(step) => {
                // A step that is left out is not tried, and said with the one that comes after it.
                while STEPS[self.number].name != step.name {
                    self.begin(STEPS[self.number].name)?;
                    let why = no_images.map_or_else(String::new, ToString::to_string);
                    writeln!(self.out, "left out\n     {why}")?;
                }
                self.begin(step.name)
            }
            Progress::Done(step, Ok(found)) => {
                writeln!(self.out, "ok\n     {found}\n     shows: {}", step.shows)
            }
            Progress::Done(step, Err(why)) => {
                self.failed = Some(step);
                writeln!(self.out, "FAILED\n     {why}\n     means: {}", step.means)
            }
        }
    }

    fn begin(&mut self, name: &str) -> io::Result<()> {
        self.number += 1;
        write!(self.out, "{}/{}  {name} ... ", self.number, STEPS.len())?;
        // Should the step hang, its name is there.
        self.out.flush()
    }
}

#[cfg(all(test, feature = "a2a3", feature = "a5"))]
mod tests {
    use super::{Question, examine};
    use crate::scene::model::{Platform, RuntimeKind};
    use platform::cann::Search;
    use std::path::Path;

    fn ask(platform: Option<Platform>) -> (Result<bool, String>, String) {
        let search = Search::only(Path::new("/no/such/toolkit"));
        let question = Question {
            search: &search,
            device: 3,
            platform,
            runtime: RuntimeKind::Trb,
            images: Some(Path::new("/no/such/images")),
        };
        let mut text = Vec::new();
        let answer = examine(&question, &mut text);
        (answer, String::from_utf8_lossy(&text).into_owned())
    }

    #[test]
    fn without_cann_it_says_what_was_looked_for_and_where() {
        for platform in [None, Some(Platform::A5)] {
            let (answer, text) = ask(platform);
            assert_eq!(answer, Ok(false));
            for part in [
                "1/8  open CANN ... FAILED",
                "/no/such/toolkit/libascend_hal.so",
                "means: the driver package or CANN is not installed",
                "not tried: find the device's number, ",
                "device 3 cannot be used: step 1 of 8, open CANN, failed",
            ] {
                assert!(text.contains(part), "{part} in {text}");
            }
        }
    }

    #[test]
    fn a_simulated_chip_is_not_examined() {
        let (answer, _) = ask(Some(Platform::A5sim));
        let why = answer.expect_err("it has no device");
        assert!(why.contains("use -p a2a3 or a5"), "{why}");
    }
}
