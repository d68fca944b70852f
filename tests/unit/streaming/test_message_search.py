"""Which streams are to blame where no message can be built; with a builder of the test's."""

from __future__ import annotations

import pytest

from tradewire.errors import RejectedError
from tradewire.streaming.message_search import MessageSearch


class Builder:
    """Refuses some names, and messages with more than so many."""

    def __init__(self, refused: str = "", most: int = 1_000) -> None:
        self.refused = refused
        self.most = most
        self.calls = 0

    def build(self, streams: tuple[str, ...]) -> str:
        self.calls += 1
        for stream in streams:
            if stream in self.refused:
                raise RejectedError(f"no {stream}")
        if len(streams) > self.most:
            raise RejectedError("too many")
        return "".join(streams)

    def search(self, streams: str) -> MessageSearch:
        search = MessageSearch(tuple(streams), "at first", self.build)
        while search.step():
            pass
        return search


@pytest.mark.parametrize(
    ("refused", "most", "parts"),
    [
        ("c", 1_000, ["ab", "d", "efgh"]),
        ("ch", 1_000, ["ab", "d", "ef", "g"]),
        ("abcdefgh", 1_000, []),
        ("", 3, ["ab", "cd", "ef", "gh"]),
        ("b", 1, list("acdefgh")),
    ],
)
def test_what_is_to_blame_stands_alone_and_the_rest_in_parts(refused: str, most: int, parts: list[str]) -> None:
    search = Builder(refused, most).search("abcdefgh")
    assert {stream: refusal.message for stream, refusal in search.guilty.items()} == {
        stream: f"no {stream}" for stream in refused
    }
    assert ["".join(part) for part in search.parts] == parts


def test_one_call_a_step_and_at_most_two_a_stream() -> None:
    builder = Builder(refused="".join(map(chr, range(1_000, 2_000))))
    search = MessageSearch(tuple(builder.refused), "at first", builder.build)
    steps = 0
    while search.step():
        steps += 1
        assert builder.calls == steps
    assert len(search.guilty) == 1_000
    assert steps < 2 * 1_000


def test_a_stream_that_is_alone_is_to_blame_unasked() -> None:
    builder = Builder()
    search = builder.search("a")
    assert (builder.calls, search.guilty, search.parts) == (0, {"a": (0, "at first")}, [])
