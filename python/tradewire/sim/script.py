"""Faults as text: one line is one fault, a file of lines is a script that runs beside a simulated venue.

Grammar (words are separated by blanks; `#` begins a comment):

    line    = [ "at" TIME | "every" TIME ] fault
    fault   = "mute" streams [ for ] [ "until" ( "reconnect" | "resubscribe" ) ]
            | ( "drop" | "duplicate" | "reorder" | "truncate" ) [ COUNT | PERCENT ] streams [ for ]
            | "drip" [ BYTES_PER_SECOND ] [ for ]
            | "half-open" [ for ] [ "until" "stopped" ]
            | "disconnect"
            | "accept-then-close" [ COUNT ] [ "after" ( "accept" | "handshake" ) ] [ for ]
            | ( "refuse-rest" | "refuse-connect" ) [ STATUS [ COUNT ] ] [ "retry-after" TIME ] [ "match" TEXT ] [ for ]
            | "expire-auth" [ COUNT ] [ for ]
            | "connection-limit" CONNECTIONS [ for ]
            | "restart" [ TIME ]
            | "skew" TIME [ for ]
            | "tell" NOTICE SYMBOL
            | "clear"
    streams = [ CHANNEL ] [ SYMBOL ] [ "match" TEXT ]
    for     = "for" TIME

TIME is a number with `ms`, `s`, `m` or `h`; `at` counts from when the venue is ready. What the faults do: `Chaos`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tradewire.sim.chaos import Chaos

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tradewire.sim.chaos import Notice
    from tradewire.sim.faults import Fault, Stream

__all__ = ["Script", "begin"]

_TIME = re.compile(r"(-?\d{1,6}(?:\.\d{1,6})?)(ms|s|m|h)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3_600.0}
_NUMBER = re.compile(r"\d{1,9}")
_PERCENT = re.compile(r"(\d{1,3}(?:\.\d{1,6})?)%")


@dataclass(frozen=True, slots=True)
class _Form:
    """What may follow the name of a fault: words and numbers in this order, one time, options, a choice of streams."""

    numbers: tuple[str, ...] = ()
    time: str | None = None
    options: frozenset[str] = frozenset()
    streams: bool = False
    words: tuple[str, ...] = ()


def _form(
    numbers: str = "", time: str | None = None, options: str = "", streams: bool = False, words: str = ""
) -> _Form:
    return _Form(tuple(numbers.split()), time, frozenset(options.split()), streams, tuple(words.split()))


_SOME = _form("n", options="for match", streams=True)
_REFUSE = "for retry-after"
_FORMS = {
    "mute": _form(options="for until match", streams=True),
    "drop": _SOME,
    "duplicate": _SOME,
    "reorder": _SOME,
    "truncate": _SOME,
    "drip": _form("bytes_per_s", options="for"),
    "half-open": _form(options="for until"),
    "disconnect": _form(),
    "accept-then-close": _form("n", options="for after"),
    "refuse-rest": _form("status n", options=f"{_REFUSE} match"),
    "refuse-connect": _form("status n", options=_REFUSE),
    "expire-auth": _form("n", options="for"),
    "connection-limit": _form("limit", options="for"),
    "restart": _form(time="down_s"),
    "skew": _form(time="ms", options="for"),
    "tell": _form(words="notice symbol"),
    "clear": _form(),
}
_ARGUMENTS = {"for": "for_s", "retry-after": "retry_after_s"}


def _seconds(word: str) -> float:
    found = _TIME.fullmatch(word)
    if found is None:
        raise ValueError(f"a time is a number with ms, s, m or h, such as 500ms, was {word!r}")
    return float(found[1]) * _SECONDS[found[2]]


def _later(word: str) -> float:
    seconds = _seconds(word)
    if seconds < 0:
        raise ValueError(f"a time to wait must not be negative, was {word}")
    return seconds


def _option(name: str, word: str) -> Any:
    if name == "for":
        return _later(word)
    if name == "retry-after":
        return round(_later(word))
    return word


class _Reader:
    """Collects the arguments of one fault from its words."""

    def __init__(self, name: str, form: _Form, channels: Sequence[str]) -> None:
        self._name = name
        self._form = form
        self._channels = channels
        self._numbers = list(form.numbers)
        self._words = list(form.words)
        self.arguments: dict[str, Any] = {}

    def read(self, words: list[str]) -> None:
        rest = iter(words)
        for word in rest:
            if word in self._form.options:
                value = next(rest, None)
                if value is None:
                    raise ValueError(f"{word!r} must be followed by a value")
                self._set(_ARGUMENTS.get(word, word), _option(word, value), word)
            else:
                self._one(word)
        if self._name == "connection-limit" and "limit" not in self.arguments:
            raise ValueError("connection-limit must be followed by a number of connections")
        if self._name == "skew" and "ms" not in self.arguments:
            raise ValueError("skew must be followed by a time, such as 250ms or -2s")
        if self._words:
            raise ValueError(f"{self._name} must be followed by {' and '.join(self._form.words)}, such as halt AAPL")

    def _one(self, word: str) -> None:
        percent = _PERCENT.fullmatch(word)
        if self._words:
            self._set(self._words.pop(0), word, word)
        elif percent and self._form.streams and self._numbers:
            self._numbers.clear()
            self._set("p", float(percent[1]) / 100, word)
        elif _NUMBER.fullmatch(word) and self._numbers:
            self._set(self._numbers.pop(0), int(word), word)
        elif self._form.time and _TIME.fullmatch(word):
            seconds = _seconds(word)
            self._set(self._form.time, round(seconds * 1000) if self._form.time == "ms" else seconds, word)
        elif self._form.streams and word in self._channels:
            self._set("channel", word, word)
        elif self._form.streams and word == word.upper() and not _NUMBER.fullmatch(word):
            self._set("symbol", word, word)
        else:
            known = [*sorted(self._form.options), *(self._channels if self._form.streams else ())]
            hint = f"; known are {', '.join(known)}" if known else ""
            raise ValueError(f"{self._name!r} does not take {word!r}{hint}")

    def _set(self, name: str, value: object, word: str) -> None:
        if name in self.arguments:
            raise ValueError(f"{word!r} is one {name} too many")
        self.arguments[name] = value


def _parse(
    words: list[str],
    channels: Sequence[str],
    symbols: Sequence[str],
    streams: Sequence[Stream],
    notices: Mapping[str, Notice],
) -> Callable[[Chaos], Fault | None]:
    """The fault that these words describe, to be begun later.

    Raises:
        ValueError: they describe none.
    """
    name, *rest = words
    form = _FORMS.get(name)
    if form is None:
        raise ValueError(f"fault must be one of {', '.join(_FORMS)}, was {name!r}")
    reader = _Reader(name, form, channels)
    reader.read(rest)

    def start(chaos: Chaos) -> Fault | None:
        result: Fault | None = getattr(chaos, name.replace("-", "_"))(**reader.arguments)
        return result

    unsaid = {notice: (channel, lambda _symbol: False) for notice, (channel, _) in notices.items()}
    start(
        Chaos(channels=channels, symbols=symbols, streams=streams, notices=unsaid)
    )  # ranges are checked where they are known, on a venue that nobody uses
    return start


def begin(line: str, chaos: Chaos) -> Fault | None:
    """Begin the fault of one line, without `at` and `every`; None after `clear`.

    Raises:
        ValueError: the line describes no fault.
    """
    words = line.partition("#")[0].split()
    if not words:
        raise ValueError(f"fault must be one of {', '.join(_FORMS)}, was empty")
    if words[0] in ("at", "every"):
        raise ValueError(f"{words[0]!r} belongs in a script; here a fault begins at once, so leave its time out")
    return _parse(words, chaos.channels, chaos.symbols, chaos.streams, chaos.notices)(chaos)


@dataclass(slots=True)
class _Step:
    due_s: float
    every_s: float | None
    start: Callable[[Chaos], Fault | None]


@dataclass
class Script:
    """Faults with times. Sans-I/O: the owner says how much time has passed.

    Attributes:
        steps: what is still to come.
    """

    steps: list[_Step] = field(default_factory=list)

    @classmethod
    def parse(
        cls,
        text: str,
        channels: Sequence[str],
        symbols: Sequence[str] = (),
        streams: Sequence[Stream] = (),
        notices: Mapping[str, Notice] | None = None,
    ) -> Script:
        """Read a script.

        Args:
            text: its lines.
            channels: neutral words that the venue's streams have.
            symbols: what the venue lists; none at all: any symbol is taken.
            streams: all that the venue has; none at all: any choice of streams is taken.
            notices: what it can be made to say, as in `Chaos`.

        Raises:
            ValueError: names every line that is wrong, and why.
        """
        steps: list[_Step] = []
        problems: list[str] = []
        for number, line in enumerate(text.splitlines(), 1):
            words = line.partition("#")[0].split()
            if not words:
                continue
            try:
                steps.append(_step(words, channels, symbols, streams, notices or {}))
            except ValueError as error:
                problems.append(f"line {number}: {error}")
        if problems:
            raise ValueError("script has errors\n" + "\n".join(problems))
        return cls(steps)

    def tick(self, elapsed_s: float, chaos: Chaos) -> None:
        """Begin what is due, in the order of times, then of lines."""
        for step in sorted((step for step in self.steps if step.due_s <= elapsed_s), key=lambda step: step.due_s):
            step.start(chaos)
            if step.every_s is None:
                self.steps.remove(step)
            else:  # times missed while the machine was busy are not made up for
                step.due_s += step.every_s * (1 + (elapsed_s - step.due_s) // step.every_s)


def _step(
    words: list[str],
    channels: Sequence[str],
    symbols: Sequence[str],
    streams: Sequence[Stream],
    notices: Mapping[str, Notice],
) -> _Step:
    if words[0] not in ("at", "every"):
        return _Step(0.0, None, _parse(words, channels, symbols, streams, notices))
    if len(words) < 3:
        raise ValueError(f"{words[0]!r} must be followed by a time and a fault")
    seconds = _later(words[1])
    if words[0] == "at":
        return _Step(seconds, None, _parse(words[2:], channels, symbols, streams, notices))
    if not seconds:
        raise ValueError("'every' must be followed by a time above 0")
    return _Step(seconds, seconds, _parse(words[2:], channels, symbols, streams, notices))
