//! What `simpler doctor --device` says about a played chip.

#[path = "support/images.rs"]
mod images;

use std::path::PathBuf;

use host::cli::doctor::chip::{Question, examine};
use host::scene::model::{Platform, RuntimeKind};
use images::{Runtime, aicpu_image, core_program, name, root};
use platform::cann::Search;
use virtual_ascend::{Config, Family, Session};

/// A folder of images as a user has one, with a core program that nobody runs.
fn folder_of_images(family: Family) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("doctor");
    let chip = folder.join(name(family));
    std::fs::create_dir_all(chip.join("trb")).expect("a writable folder");
    let image = aicpu_image(family, Runtime::Trb, "native");
    std::fs::write(chip.join("trb/libaicpu_kernel.so"), image).expect("a writable folder");
    std::fs::write(chip.join("aicore_kernel.o"), core_program()).expect("a writable folder");
    folder
}

fn ask(session: &Session, question: &Question<'_>) -> (bool, String) {
    let mut text = Vec::new();
    let good = examine(question, &mut text).expect("a question that makes sense");
    let text = String::from_utf8(text).expect("text");
    // The place of the played libraries is another one for each build.
    (
        good,
        text.replace(&session.libraries().display().to_string(), "LIB"),
    )
}

#[test]
fn a_good_chip_is_ready_and_the_guide_shows_what_is_said() {
    let session = Session::begin(&Config::new(Family::A2a3));
    let search = Search::only(session.libraries());
    let images = folder_of_images(Family::A2a3);
    let question = Question {
        search: &search,
        device: 0,
        platform: None,
        runtime: RuntimeKind::Trb,
        images: Some(&images),
    };
    let (good, text) = ask(&session, &question);
    assert!(good, "{text}");
    assert!(text.contains("8/8  reset the device ... ok"), "{text}");
    assert!(text.ends_with("device 0 is ready\n"), "{text}");
    let guide = std::fs::read_to_string(root().join("docs/onboard.md")).expect("the guide");
    for line in text.lines() {
        assert!(
            guide.contains(line),
            "docs/onboard.md does not show: {line}\n{text}"
        );
    }
    assert_eq!(session.complaints(), Vec::<String>::new());
}

#[test]
fn a_step_that_fails_is_explained_and_what_follows_is_named() {
    let session = Session::begin(&Config::new(Family::A5));
    let search = Search::only(session.libraries());
    let question = Question {
        search: &search,
        device: 0,
        platform: Some(Platform::A5),
        runtime: RuntimeKind::Trb,
        images: Some(&PathBuf::from("/no/such/images")),
    };
    session.fail("halResMap", 3, 62);
    let (good, text) = ask(&session, &question);
    assert!(!good);
    for part in [
        "4/8  map the cores' registers ... FAILED",
        "halResMap on device 0 returned 62",
        "means: a virtual (split) device",
        "not tried: write and read device memory, create streams, load the images, reset the device",
        "device 0 cannot be used: step 4 of 8, map the cores' registers, failed",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let (good, text) = ask(&session, &question);
    assert!(good, "{text}");
    assert!(
        text.contains(
            "7/8  load the images ... left out\n     there is no a5/trb/libaicpu_kernel.so"
        ),
        "{text}"
    );
    assert!(text.ends_with("build its images and ask again\n"), "{text}");
}
