"""`BookSet` in Python: all books of a feed, fed from batches. Not for the books themselves: `book` has those."""

from __future__ import annotations

from tradewire.core.plan import SequenceRule
from tradewire.core.protocols import Batch, BookOutcome, BookSetProtocol
from tradewire.core.record import MORE, PARTIAL, SIDE, Kind, view

from .argument import integer
from .batch import message_ends, records
from .book import OrderBook
from .events import BookDelta
from .symbols import SymbolTable

__all__ = ["BookSet"]

_KINDS = (Kind.BOOK_DELTA, Kind.BOOK_SNAPSHOT)


class BookSet(BookSetProtocol):
    """All books of a feed."""

    def __init__(self, rule: SequenceRule | None, symbols: SymbolTable) -> None:
        if not isinstance(symbols, SymbolTable):
            raise TypeError(f"symbols must be a SymbolTable, was {type(symbols).__name__}")
        OrderBook(rule)  # checks the rule
        self._rule = rule
        self.symbols = symbols
        self._books: dict[int, OrderBook] = {}

    def apply(self, batch: Batch) -> tuple[list[int], list[tuple[int, int, BookOutcome]]]:
        self._check(records(batch))
        changed: dict[int, None] = {}
        incidents: list[tuple[int, int, BookOutcome]] = []
        start = 0
        for end in message_ends(batch):
            if batch["kind"][start] in _KINDS:
                symbol_id = int(batch["symbol"][start])
                outcome = self._apply(symbol_id, batch[start:end])
                if outcome in ("applied", "crossed"):
                    changed[symbol_id] = None
                if outcome not in ("applied", "buffered"):
                    incidents.append((start, symbol_id, outcome))
            start = end
        return [symbol_id for symbol_id in changed if self._books[symbol_id].state == "live"], incidents

    def _check(self, batch: Batch) -> None:
        """Refuses a batch before any of it is applied."""
        if len(batch) and batch["flags"][-1] & MORE:
            raise ValueError("the last message of the batch is incomplete")
        for row, (kind, symbol_id) in enumerate(zip(batch["kind"].tolist(), batch["symbol"].tolist(), strict=True)):
            if kind in _KINDS and symbol_id >= len(self.symbols):
                raise ValueError(f"record {row}: symbol id {symbol_id} is not in the table")

    def _apply(self, symbol_id: int, message: Batch) -> BookOutcome:
        symbol = self.symbols.lookup(symbol_id)[1]
        book = self._books.setdefault(symbol_id, OrderBook(self._rule, symbol=symbol))
        rows = message[message["kind"] == Kind.LEVEL]
        bids, asks = (
            list(zip(side["a"].tolist(), side["b"].tolist(), strict=True))
            for side in (rows[rows["flags"] & SIDE == 0], rows[rows["flags"] & SIDE != 0])
        )
        header = view(message[:1], Kind(message["kind"][0]))[0]
        seq, event_ns = int(header["seq"]), int(header["event_ns"])
        if header["kind"] == Kind.BOOK_SNAPSHOT:
            replace = book.replace_top if header["flags"] & PARTIAL else book.replace
            return replace(bids, asks, seq, event_ns)
        return book.apply(
            BookDelta(
                symbol=symbol,
                venue="",
                event_ns=event_ns,
                seq=seq,
                first_seq=int(header["first_seq"]),
                prev_seq=int(header["prev_seq"]),
                bids=bids,
                asks=asks,
            )
        )

    def book(self, symbol_id: int) -> OrderBook | None:
        return self._books.get(_symbol_id(symbol_id))

    def reset(self, symbol_id: int) -> None:
        book = self.book(symbol_id)
        if book is not None:
            book.reset()

    def ids(self) -> list[int]:
        return sorted(self._books)


def _symbol_id(symbol_id: int) -> int:
    return integer(symbol_id, "symbol_id", 0, 2**32 - 1)
