//! Frames cut anywhere, fragments, limits and close codes. Hostile ones: `tests/parity/test_wire_conformance.py`.

use proptest::prelude::*;

use super::{Outcome, Reader, Receiver};
use crate::sink::Full;
use crate::wire::Violation;

/// Takes everything; `room` messages fit until it is set again.
#[derive(Default)]
struct Taken {
    messages: Vec<Vec<u8>>,
    control: Vec<(u8, Vec<u8>)>,
    room: usize,
}

impl Receiver for Taken {
    fn message(&mut self, payload: &[u8]) -> Result<(), Full> {
        self.room = self.room.checked_sub(1).ok_or(Full)?;
        self.messages.push(payload.to_vec());
        Ok(())
    }
    fn control(&mut self, opcode: u8, payload: &[u8]) {
        self.control.push((opcode, payload.to_vec()));
    }
}

fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match payload.len() {
        length @ 0..=125 => bytes.push(length as u8),
        length @ 126..=0xFFFF => {
            bytes.push(126);
            bytes.extend((length as u16).to_be_bytes());
        }
        length => {
            bytes.push(127);
            bytes.extend((length as u64).to_be_bytes());
        }
    }
    bytes.extend(payload);
    bytes
}

/// Reads a stream that comes in pieces, with the tail offered again; `room` messages between two resumes.
fn run(stream: &[u8], pieces: &[usize], room: usize) -> (Taken, Outcome) {
    let mut reader = Reader::new(1000, 8);
    let mut taken = Taken { room, ..Taken::default() };
    let (mut held, mut rest) = (Vec::new(), stream);
    let mut outcome = Outcome::Drained;
    let mut pieces = pieces.iter().copied().cycle();
    while !rest.is_empty() {
        let (piece, later) = rest.split_at(pieces.next().unwrap().clamp(1, rest.len()));
        rest = later;
        held.extend_from_slice(piece);
        loop {
            let (count, now) = reader.read(&held, &mut taken);
            held.drain(..count);
            if !matches!(outcome, Outcome::Failed(_)) {
                outcome = now;
            }
            if now != Outcome::Full {
                break;
            }
            taken.room = room;
        }
    }
    (taken, outcome)
}

fn whole(stream: &[u8]) -> (Taken, Outcome) {
    run(stream, &[stream.len()], usize::MAX)
}

#[test]
fn messages_and_control_frames_come_in_order() {
    let stream = [
        frame(0x81, b"{}"),
        frame(0x01, b"ab"),
        frame(0x89, b"ping"),
        frame(0x00, b""),
        frame(0x80, "é".as_bytes()),
        frame(0x82, &[0xFF; 200]),
        frame(0x8A, b""),
        frame(0x88, &[3, 232, b'x']),
        b"never read".to_vec(),
    ]
    .concat();
    let (taken, outcome) = whole(&stream);
    assert_eq!(taken.messages, [b"{}".to_vec(), "abé".as_bytes().to_vec(), vec![0xFF; 200]]);
    assert_eq!(taken.control, [(9, b"ping".to_vec()), (10, Vec::new()), (8, vec![3, 232, b'x'])]);
    assert_eq!(outcome, Outcome::Closed);
}

#[test]
fn each_rule_is_named() {
    use Violation as V;
    let euro = "€".as_bytes();
    let cases: Vec<(Vec<u8>, V)> = vec![
        (frame(0xC1, b""), V::ReservedBit),
        (frame(0x93, b""), V::ReservedBit),
        (frame(0x83, b""), V::Opcode),
        (frame(0x8B, b""), V::Opcode),
        (vec![0x81, 0x80, 1, 2, 3, 4], V::Masked),
        (frame(0x09, b""), V::ControlFragmented),
        (frame(0x89, &[0; 126]), V::ControlLength),
        (frame(0x80, b"x"), V::NothingToContinue),
        ([frame(0x01, b"x"), frame(0x81, b"y")].concat(), V::Unfinished),
        (vec![0x81, 126, 0, 125], V::LengthForm),
        (vec![0x81, 127, 0, 0, 0, 0, 0, 0, 255, 255], V::LengthForm),
        (vec![0x81, 127, 128, 0, 0, 0, 0, 0, 0, 0], V::LengthRange),
        (vec![0x82, 127, 127, 255, 255, 255, 255, 255, 255, 255], V::Size),
        (vec![0x82, 126, 3, 233], V::Size),
        ([frame(0x01, &[b'a'; 900]), vec![0x80, 101]].concat(), V::Size),
        ([frame(0x02, b""), frame(0x00, b"").repeat(8)].concat(), V::Fragments),
        (frame(0x81, &euro[..2]), V::Text),
        ([frame(0x01, &euro[..2]), frame(0x80, b"")].concat(), V::Text),
        ([frame(0x01, &euro[..2]), frame(0x00, b"x")].concat(), V::Text),
        (frame(0x88, b"x"), V::ClosePayload),
        (frame(0x88, &1005_u16.to_be_bytes()), V::CloseCode),
        (frame(0x88, &[3, 232, 0xFF]), V::CloseReason),
    ];
    for (stream, violation) in cases {
        assert_eq!(whole(&stream).1, Outcome::Failed(violation), "{stream:?}");
    }
}

#[test]
fn a_message_at_the_limits_passes() {
    let at_limits = [frame(0x02, &[1; 993]), frame(0x00, b"x").repeat(6), frame(0x80, b"y")].concat();
    let (taken, outcome) = whole(&[frame(0x82, &[1; 1000]), at_limits].concat());
    assert_eq!((taken.messages[0].len(), taken.messages[1].len(), outcome), (1000, 1000, Outcome::Drained));
}

#[test]
fn nothing_is_kept_for_a_refused_header() {
    let mut reader = Reader::new(1000, 8);
    let mut taken = Taken { room: 9, ..Taken::default() };
    reader.read(&frame(0x02, &[0; 600]), &mut taken);
    assert_eq!(reader.held(), 600);
    assert_eq!(reader.read(&[0x80, 126, 1, 145], &mut taken), (4, Outcome::Failed(Violation::Size)));
    assert_eq!(reader.held(), 0);
    assert_eq!(reader.read(b"more", &mut taken), (4, Outcome::Closed));
}

fn any_frame() -> impl Strategy<Value = Vec<u8>> {
    let opcode = prop_oneof![
        8 => prop::sample::select(vec![0x81_u8, 0x82, 0x01, 0x00, 0x80, 0x89, 0x8A]),
        1 => any::<u8>(),
    ];
    let payload = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..4),
        ".{0,40}".prop_map(String::into_bytes),
        prop::collection::vec(Just(b'a'), 120..130),
    ];
    (opcode, payload).prop_map(|(first, payload)| frame(first, &payload))
}

proptest! {
    /// How the bytes arrive, and how often the receiver is full, changes nothing.
    #[test]
    fn pieces_do_not_matter(
        frames in prop::collection::vec(any_frame(), 1..12),
        pieces in prop::collection::vec(1..40_usize, 1..9),
        room in 1..4_usize,
    ) {
        let stream = frames.concat();
        let (one, outcome) = whole(&stream);
        for (pieces, room) in [(&pieces[..], usize::MAX), (&[1][..], room), (&pieces[..], room)] {
            let (other, other_outcome) = run(&stream, pieces, room);
            prop_assert_eq!(&one.messages, &other.messages);
            prop_assert_eq!(&one.control, &other.control);
            prop_assert_eq!(outcome, other_outcome);
        }
    }
}
