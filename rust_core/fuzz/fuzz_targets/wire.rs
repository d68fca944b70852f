//! Socket bytes: how they are cut into reads, and how often the ring is full, changes neither messages nor outcome.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tradewire_core::sink::Full;
use tradewire_core::wire::{Buffer, Outcome, Reader, Receiver};

const MAX_MESSAGE: usize = 500;
const MAX_FRAGMENTS: usize = 6;

#[derive(Default, PartialEq, Debug)]
struct Taken {
    frames: Vec<(u8, Vec<u8>)>,
    room: usize,
}

impl Receiver for Taken {
    fn message(&mut self, payload: &[u8]) -> Result<(), Full> {
        self.room = self.room.checked_sub(1).ok_or(Full)?;
        assert!(payload.len() <= MAX_MESSAGE);
        self.frames.push((0, payload.to_vec()));
        Ok(())
    }
    fn control(&mut self, opcode: u8, payload: &[u8]) {
        assert!(payload.len() <= 125);
        self.frames.push((opcode, payload.to_vec()));
    }
}

fn run(stream: &[u8], piece: usize, room: usize) -> (Vec<(u8, Vec<u8>)>, Option<Outcome>) {
    let mut reader = Reader::new(MAX_MESSAGE, MAX_FRAGMENTS);
    let mut buffer = Buffer::default();
    let mut taken = Taken { room, ..Taken::default() };
    let mut end = None;
    for piece in stream.chunks(piece) {
        buffer.append(piece);
        loop {
            let (count, outcome) = reader.read(buffer.unread(), &mut taken);
            buffer.consume(count);
            match outcome {
                Outcome::Full => taken.room = room,
                Outcome::Failed(_) => end = Some(outcome),
                Outcome::Closed => end = end.or(Some(outcome)),
                Outcome::Drained => {}
            }
            if outcome != Outcome::Full {
                break;
            }
        }
        assert!(reader.held() <= MAX_MESSAGE && buffer.unread().len() <= MAX_MESSAGE + 10);
    }
    (taken.frames, end)
}

fuzz_target!(|data: &[u8]| {
    let [piece, room, stream @ ..] = data else { return };
    let pieces = run(stream, usize::from(*piece).max(1), usize::from(*room % 4) + 1);
    assert_eq!(pieces, run(stream, stream.len().max(1), usize::MAX));
});
