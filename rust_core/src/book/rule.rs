//! Sequence rules as data: whether a delta continues a book. Meaning: `SequenceRule` in `core/plan.py`, word for word.

/// Which delta may follow a snapshot with last sequence `L`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum First {
    /// `first_seq <= L <= last_seq`.
    Straddle,
    /// `first_seq <= L + 1 <= last_seq`.
    StraddleNext,
}

/// How later deltas chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// `prev_seq` is the `last_seq` of the delta before.
    PrevLink,
    /// `first_seq <= last + 1 <= last_seq`.
    Contiguous,
    /// Nothing is numbered; order of arrival is all there is.
    None,
}

/// How the deltas of a book chain to its snapshot and to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SequenceRule {
    /// Which delta may follow a snapshot.
    pub first: First,
    /// How later deltas chain.
    pub next: Next,
    /// Deltas kept while waiting for a snapshot; beyond it the oldest are dropped.
    pub buffer: usize,
}

/// Numbers of a delta.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    /// -1: absent.
    pub first_seq: i64,
    pub last_seq: u64,
    /// -1: absent.
    pub prev_seq: i64,
    pub event_ns: i64,
}

/// How a delta stands to a book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Link {
    /// It is the next one.
    Next,
    /// The book already holds it.
    Old,
    /// Something between the book and it is missing.
    Broken,
}

impl SequenceRule {
    /// How the first delta after a snapshot with last sequence `snapshot` stands to it.
    #[inline]
    pub(super) fn first(&self, snapshot: u64, delta: Span) -> Link {
        let wanted = match (self.next, self.first) {
            (Next::None, _) => return Link::Next,
            (_, First::Straddle) => i128::from(snapshot),
            (_, First::StraddleNext) => i128::from(snapshot) + 1,
        };
        if i128::from(delta.last_seq) < wanted {
            Link::Old
        } else if i128::from(delta.first_seq) <= wanted {
            Link::Next
        } else {
            Link::Broken
        }
    }

    /// How a delta stands to a book whose last delta was `last_seq`, of time `event_ns`.
    #[inline]
    pub(super) fn next(&self, last_seq: u64, event_ns: i64, delta: Span) -> Link {
        match self.next {
            Next::None => Link::Next,
            Next::PrevLink if delta.last_seq > last_seq => {
                if u64::try_from(delta.prev_seq) == Ok(last_seq) {
                    Link::Next
                } else {
                    Link::Broken
                }
            }
            // An old number under a new time is a venue that started to count again, not a repetition.
            Next::PrevLink if delta.event_ns > event_ns => Link::Broken,
            Next::PrevLink => Link::Old,
            Next::Contiguous if delta.last_seq <= last_seq => Link::Old,
            Next::Contiguous if i128::from(delta.first_seq) <= i128::from(last_seq) + 1 => Link::Next,
            Next::Contiguous => Link::Broken,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{First, Link, Next, SequenceRule, Span};

    const USDM: SequenceRule = SequenceRule { first: First::Straddle, next: Next::PrevLink, buffer: 1 };
    const SPOT: SequenceRule = SequenceRule { first: First::StraddleNext, next: Next::Contiguous, buffer: 1 };
    const UNNUMBERED: SequenceRule = SequenceRule { first: First::Straddle, next: Next::None, buffer: 1 };

    fn span(first_seq: i64, last_seq: u64, prev_seq: i64) -> Span {
        Span { first_seq, last_seq, prev_seq, event_ns: 5 }
    }

    #[test]
    fn the_first_delta_straddles_the_snapshot() {
        for (first_seq, last_seq, usdm, spot) in [
            (90, 99, Link::Old, Link::Old),
            (90, 100, Link::Next, Link::Old),
            (90, 101, Link::Next, Link::Next),
            (100, 100, Link::Next, Link::Old),
            (101, 105, Link::Broken, Link::Next),
            (102, 105, Link::Broken, Link::Broken),
        ] {
            let delta = span(first_seq, last_seq, -1);
            assert_eq!((USDM.first(100, delta), SPOT.first(100, delta)), (usdm, spot), "{delta:?}");
            assert_eq!(UNNUMBERED.first(100, delta), Link::Next);
        }
    }

    #[test]
    fn later_deltas_chain() {
        for (first_seq, last_seq, prev_seq, usdm, spot) in [
            (150, 160, 100, Link::Next, Link::Broken),
            (101, 110, 99, Link::Broken, Link::Next),
            (95, 110, -1, Link::Broken, Link::Next),
            (90, 100, 80, Link::Old, Link::Old),
            (90, 95, 100, Link::Old, Link::Old),
            (102, 110, 101, Link::Broken, Link::Broken),
        ] {
            let delta = span(first_seq, last_seq, prev_seq);
            assert_eq!((USDM.next(100, 5, delta), SPOT.next(100, 5, delta)), (usdm, spot), "{delta:?}");
            assert_eq!(UNNUMBERED.next(100, 5, delta), Link::Next);
        }
    }

    #[test]
    fn linked_numbers_that_start_again_are_a_break() {
        assert_eq!(USDM.next(100, 4, span(1, 5, 0)), Link::Broken);
        assert_eq!(USDM.next(100, 5, span(1, 5, 0)), Link::Old);
    }
}
