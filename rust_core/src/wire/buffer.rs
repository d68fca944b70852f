//! The receive buffer: memory that is lent out to be filled by a socket, with an unfinished frame kept in front of it.
#![allow(
    unsafe_code,
    reason = "the memory is written to by whoever holds a Memory, while this crate reads other parts"
)]

use std::ptr::NonNull;
use std::sync::Arc;

/// Room that `lend` gives.
pub const ROOM: usize = 128 * 1024;

/// Bytes at an address that never changes, alive as long as anybody holds them.
#[derive(Debug)]
pub struct Memory {
    bytes: NonNull<[u8]>,
}

// SAFETY: plain bytes, reached only through raw pointers; `Buffer` states who may touch which part when.
unsafe impl Send for Memory {}
// SAFETY: as above.
unsafe impl Sync for Memory {}

impl Memory {
    fn new(size: usize) -> Self {
        Self { bytes: NonNull::from(Box::leak(vec![0; size].into_boxed_slice())) }
    }

    /// Bytes held.
    #[expect(clippy::len_without_is_empty, reason = "never empty")]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The first byte.
    pub fn start(&self) -> *mut u8 {
        self.bytes.as_ptr().cast()
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: made by leaking this very box, and freed once.
        drop(unsafe { Box::from_raw(self.bytes.as_ptr()) });
    }
}

/// A window of unread bytes in a `Memory`, and room behind it.
///
/// Memory that was lent is never freed or moved by this buffer: when it grows, it takes new memory and lets go of the
/// old. Whoever fills the room must be done when a method here is called; what is written later is not seen, or is
/// taken for what the socket sent, but never leaves the memory's bounds.
#[derive(Debug)]
pub struct Buffer {
    memory: Arc<Memory>,
    start: usize,
    end: usize,
}

impl Default for Buffer {
    fn default() -> Self {
        Self { memory: Arc::new(Memory::new(ROOM)), start: 0, end: 0 }
    }
}

impl Buffer {
    /// The memory, and the offset in it from which [`ROOM`] bytes may be written. `most`: bytes that may be waiting in
    /// front of them, at most; memory doubles up to what that needs.
    pub fn lend(&mut self, most: usize) -> (&Arc<Memory>, usize) {
        self.make_room(ROOM, most + ROOM);
        (&self.memory, self.end)
    }

    /// `count` bytes (at most [`ROOM`]) were written to the lent room.
    pub fn filled(&mut self, count: usize) {
        assert!(count <= self.memory.len() - self.end, "Invariant: no more is filled than was lent");
        self.end += count;
    }

    /// Copies bytes in.
    pub fn append(&mut self, bytes: &[u8]) {
        self.make_room(bytes.len(), usize::MAX);
        // SAFETY: `make_room` left room for them behind `end`; `bytes` may be lent memory itself, hence `copy`.
        unsafe { std::ptr::copy(bytes.as_ptr(), self.memory.start().add(self.end), bytes.len()) };
        self.end += bytes.len();
    }

    /// The unread bytes.
    pub fn unread(&self) -> &[u8] {
        // SAFETY: inside the memory, and initialised since it was made; nobody writes while a method here runs.
        unsafe { std::slice::from_raw_parts(self.memory.start().add(self.start), self.end - self.start) }
    }

    /// The first `count` unread bytes are done with.
    pub fn consume(&mut self, count: usize) {
        self.start = (self.start + count).min(self.end);
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
    }

    /// Moves the unread bytes to the front, and into new memory if `room` is missing behind them: twice the old one, but
    /// no more than `most` unless it has to be.
    fn make_room(&mut self, room: usize, most: usize) {
        let kept = self.end - self.start;
        let needed = kept + room;
        let mut target = self.memory.start();
        let grown = (needed > self.memory.len()).then(|| {
            let memory = Memory::new(needed.max(most.min(2 * self.memory.len())));
            target = memory.start();
            memory
        });
        if self.start > 0 || grown.is_some() {
            // SAFETY: `kept` bytes fit in both; the two may overlap when they are the same memory.
            unsafe { std::ptr::copy(self.memory.start().add(self.start), target, kept) };
            (self.start, self.end) = (0, kept);
        }
        if let Some(memory) = grown {
            self.memory = Arc::new(memory);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Buffer, ROOM};
    use std::sync::Arc;

    fn fill(buffer: &mut Buffer, bytes: &[u8]) {
        let (memory, offset) = buffer.lend(1 << 20);
        assert!(memory.len() - offset >= ROOM);
        // SAFETY: just lent.
        unsafe { std::ptr::copy(bytes.as_ptr(), memory.start().add(offset), bytes.len()) };
        buffer.filled(bytes.len());
    }

    #[test]
    fn the_tail_is_kept_in_front() {
        let mut buffer = Buffer::default();
        fill(&mut buffer, b"abcdef");
        buffer.consume(4);
        fill(&mut buffer, b"gh");
        buffer.append(b"i");
        assert_eq!(buffer.unread(), b"efghi");
        buffer.consume(5);
        assert!(buffer.unread().is_empty());
        assert_eq!(buffer.lend(0).1, 0);
    }

    #[test]
    fn memory_doubles_and_lent_memory_outlives_it() {
        let mut buffer = Buffer::default();
        let lent = Arc::clone(buffer.lend(1 << 20).0);
        for _ in 0..3 {
            fill(&mut buffer, &vec![7; ROOM]);
        }
        assert_eq!((lent.len(), buffer.memory.len(), buffer.unread().len()), (ROOM, 4 * ROOM, 3 * ROOM));
        // SAFETY: still alive, whatever the buffer did; this is what a stale memoryview does.
        unsafe { lent.start().write(1) };
        assert!(buffer.unread().iter().all(|&byte| byte == 7));
    }

    #[test]
    fn memory_stays_within_what_may_wait() {
        let mut buffer = Buffer::default();
        for _ in 0..5 {
            let (memory, _) = buffer.lend(5 * ROOM);
            assert!(memory.len() <= 6 * ROOM);
            buffer.filled(ROOM);
        }
    }
}
