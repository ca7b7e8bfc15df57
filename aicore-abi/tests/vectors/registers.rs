//! `registers.json`: status words and what they say about tokens in flight.

use aicore_abi::registers::{
    Status, Token, Transition, acknowledge_word, finish_word, says_finished, token_bits,
};
use serde_json::Value;

use crate::support::{flag, int, list, number, parse, same, text};

fn file() -> Value {
    parse(include_str!("../../../tests/vectors/registers.json"))
}

#[test]
fn encoders() {
    let file = file();
    let vectors = list(&file["status_encoders"]);
    for vector in vectors {
        let token = number(&vector["token"]);
        same(acknowledge_word(token), &vector["ack"]);
        same(finish_word(token), &vector["fin"]);
    }
    assert_eq!(vectors.len(), 51);
}

#[test]
fn decoders() {
    let file = file();
    let vectors = list(&file["status_decoders"]);
    for vector in vectors {
        // One vector hands in 64 bits; a register has 32.
        let word = u32::try_from(int(&vector["cond"]) & 0xffff_ffff).expect("masked");
        same(token_bits(word), &vector["token"]);
        same(u32::from(says_finished(word)), &vector["state"]);
        assert_eq!(Status::decode(word).encode(), word);
        let (token, finished) = (Token::new(token_bits(word)), says_finished(word));
        let expected = match token {
            _ if word == u32::MAX => Status::Idle,
            _ if word == u32::MAX - 1 => Status::Exited,
            Some(token) if finished => Status::Finished(token),
            Some(token) => Status::Acknowledged(token),
            None => Status::Unknown(word),
        };
        assert_eq!(Status::decode(word), expected);
    }
    assert_eq!(vectors.len(), 52);
}

/// What the reference's scheduler does on a transition: matched, running done, pending done, running
/// place freed, pending place freed.
fn reference_reading(transition: Transition) -> [bool; 5] {
    match transition {
        Transition::Nothing | Transition::RunningFinishedPendingLoaded => [false; 5],
        Transition::RunningStarted => [true, false, false, false, true],
        Transition::RunningFinished => [true, true, false, true, false],
        Transition::PendingStarted => [true, true, false, true, true],
        Transition::BothFinished => [true; 5],
    }
}

#[test]
fn slot_transitions() {
    let file = file();
    let vectors = list(&file["slot_transitions"]);
    for vector in vectors {
        let token = number(&vector["token"]);
        let status = Status::decode(match number(&vector["state"]) {
            0 => acknowledge_word(token),
            _ => finish_word(token),
        });
        // An empty place is -1, which is no token.
        let place = |key: &str| u32::try_from(int(&vector[key])).ok().and_then(Token::new);
        let transition = Transition::of(status, place("running"), place("pending"));
        let expected = [
            "matched",
            "running_done",
            "pending_done",
            "running_freed",
            "pending_freed",
        ]
        .map(|key| flag(&vector[key]));
        assert_eq!(
            reference_reading(transition),
            expected,
            "{}: {transition:?}",
            text(&vector["name"])
        );
    }
    assert_eq!(vectors.len(), 47);
}
