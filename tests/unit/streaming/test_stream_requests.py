"""What is asked of a venue on a connection, and what its answers mean; without a connection, on invented time."""

from __future__ import annotations

import itertools
from dataclasses import replace
from random import Random

import pytest

from tradewire.streaming.stream_requests import StreamRequest, StreamRequests
from tradewire.venues.base import StreamLimits

SECOND = 1_000_000_000
LIMITS = StreamLimits(3, 1024, 1_000_000.0, 1_000)


@pytest.fixture
def requests() -> StreamRequests:
    return StreamRequests(LIMITS, itertools.count(1))


def sent(requests: StreamRequests, now_ns: int = 0) -> list[tuple[bool, tuple[str, ...]]]:
    """All that is due: (whether it subscribes, streams)."""
    found = []
    while isinstance(due := requests.due(now_ns), StreamRequest):
        found.append((due.subscribes, due.streams))
    assert due is None
    return found


def test_what_is_wanted_is_asked_for_once_in_messages_of_bounded_size(requests: StreamRequests) -> None:
    for stream in "abcde":
        requests.add(stream)
    requests.add("a")
    assert (len(requests), "c" in requests, requests.wanted) == (5, True, list("abcde"))
    assert requests.due(0) == (1, ("a", "b", "c"), True)
    assert requests.due(0) == (2, ("d", "e"), True)
    assert requests.due(0) is None
    assert requests.subscribed == set("abcde")


def test_what_is_not_wanted_any_more_is_taken_back_after_all_that_is(requests: StreamRequests) -> None:
    requests.add("a")
    assert sent(requests) == [(True, ("a",))]
    requests.discard("a")
    requests.add("b")
    assert sent(requests) == [(True, ("b",)), (False, ("a",))]
    assert requests.subscribed == {"b"}


def test_a_new_connection_is_asked_for_everything(requests: StreamRequests) -> None:
    for stream in "abc":
        requests.add(stream)
    assert requests.due(0) == (1, ("a", "b", "c"), True)
    requests.refused(1)
    requests.renew("a")
    requests.begin()
    assert requests.subscribed == set()
    assert sent(requests) == [(True, ("a", "b", "c"))]
    assert requests.settled(1, ()) is None, "an answer to the connection before"


def test_the_limits_hold_requests_back() -> None:
    requests = StreamRequests(
        replace(LIMITS, names_per_message=1, messages_per_s=1.0, message_burst=1), itertools.count(1)
    )
    requests.add("a")
    requests.add("b")
    assert isinstance(requests.due(0), StreamRequest)
    wait_ns = requests.due(0)
    assert isinstance(wait_ns, int)
    assert 0 < wait_ns <= 2 * SECOND
    assert requests.due(wait_ns - 1) == 1
    assert isinstance(requests.due(wait_ns), StreamRequest)
    requests.tune(LIMITS)
    requests.add("c")
    assert isinstance(requests.due(wait_ns), StreamRequest), "other limits hold at once"


def test_answers_in_any_order_acknowledge(requests: StreamRequests) -> None:
    assert requests.acknowledged
    for stream in "abcd":
        requests.add(stream)
    assert not requests.acknowledged
    sent(requests)
    assert requests.settled(2, ()) == {"d"}
    assert not requests.acknowledged
    assert requests.settled(1, ()) == {"a", "b", "c"}
    assert requests.acknowledged
    assert requests.settled(1, ()) is None
    assert requests.settled(99, ()) is None


def test_what_an_answer_leaves_out_is_refused(requests: StreamRequests) -> None:
    for stream in "abc":
        requests.add(stream)
    sent(requests)
    assert requests.settled(1, ("b",)) == {"a", "c"}
    assert (requests.subscribed, requests.acknowledged, sent(requests)) == ({"a", "c"}, True, [])


def test_what_is_refused_is_asked_for_again_when_it_is_added_again(requests: StreamRequests) -> None:
    requests.add("a")
    sent(requests)
    assert requests.refused(1) == ("a",)
    assert requests.refused(1) == ()
    assert (requests.subscribed, requests.acknowledged, sent(requests)) == (set(), True, [])
    requests.add("a")
    assert sent(requests) == [(True, ("a",))]


def test_a_refusal_to_take_back_bars_nothing(requests: StreamRequests) -> None:
    requests.add("a")
    sent(requests)
    requests.discard("a")
    sent(requests)
    assert requests.refused(2) == ("a",)
    requests.add("a")
    assert sent(requests) == [(True, ("a",))]


def test_a_reconnect_begins_and_ends_no_stream(requests: StreamRequests) -> None:
    requests.add("a")
    sent(requests)
    assert requests.settled(1, ()) == {"a"}
    requests.begin()
    sent(requests)
    assert requests.settled(2, ()) == set()
    requests.discard("a")
    sent(requests)
    assert requests.settled(3, ()) == {"a"}


def test_a_renewal_begins_and_ends_no_stream(requests: StreamRequests) -> None:
    requests.renew("a")
    requests.add("a")
    requests.add("b")
    sent(requests)
    requests.settled(1, ())
    requests.renew("a")
    requests.add("c")
    assert sent(requests) == [(False, ("a",)), (True, ("a", "c"))]
    assert requests.settled(2, ()) == set()
    assert requests.settled(3, ()) == {"c"}


def test_a_renewal_of_what_is_refused_meanwhile_holds_nothing_up(requests: StreamRequests) -> None:
    requests.add("a")
    sent(requests)
    requests.renew("a")
    requests.refused(1)
    requests.add("b")
    assert sent(requests) == [(True, ("b",))]


def test_a_request_without_an_answer_is_overdue(requests: StreamRequests) -> None:
    requests.add("a")
    sent(requests, now_ns=5)
    assert [requests.overdue(since_ns) for since_ns in (5, 6)] == [False, True]
    requests.settled(1, ())
    assert not requests.overdue(6)


@pytest.mark.parametrize("seed", range(20))
def test_whatever_happens_what_is_wanted_comes_about(requests: StreamRequests, seed: int) -> None:
    random = Random(seed)
    open_requests: list[StreamRequest] = []
    given: set[str] = set()

    def answer() -> None:
        request = open_requests.pop(0)
        assert requests.settled(request.request_id, ()) is not None
        given.update(request.streams) if request.subscribes else given.difference_update(request.streams)

    for _ in range(500):
        stream = random.choice("abcdefgh")
        match random.randrange(6):
            case 0:
                requests.add(stream)
            case 1:
                requests.discard(stream)
            case 2:
                requests.renew(stream)
            case 3 if random.random() < 0.1:
                requests.begin()
                open_requests.clear()
                given.clear()
            case 4 if open_requests:
                answer()
            case _:
                if isinstance(due := requests.due(0), StreamRequest):
                    open_requests.append(due)
    while isinstance(due := requests.due(0), StreamRequest):
        open_requests.append(due)
    while open_requests:
        answer()
    assert given == requests.subscribed == set(requests.wanted)
    assert requests.acknowledged
