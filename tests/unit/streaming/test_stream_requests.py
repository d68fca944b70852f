"""What is asked of a venue on a connection, and what its answers mean; without a connection, on invented time."""

from __future__ import annotations

import itertools
from dataclasses import replace
from random import Random

import pytest

from tradewire.streaming.stream_requests import Refusal, StreamRequest, StreamRequests
from tradewire.venues.base import StreamLimits

SECOND = 1_000_000_000
LIMITS = StreamLimits(3, 1024, 1_000_000.0, 1_000)


@pytest.fixture
def requests() -> StreamRequests:
    return StreamRequests(LIMITS, itertools.count(1))


def take(requests: StreamRequests, now_ns: int = 0) -> StreamRequest | int | None:
    """What is due, which is sent."""
    due = requests.due(now_ns)
    if isinstance(due, StreamRequest):
        requests.sent(due, now_ns)
    return due


def sent(requests: StreamRequests, now_ns: int = 0) -> list[tuple[bool, tuple[str, ...]]]:
    """All that is due: (whether it subscribes, streams)."""
    found = []
    while isinstance(due := requests.due(now_ns), StreamRequest):
        requests.sent(due, now_ns)
        found.append((due.subscribes, due.streams))
    assert due is None
    return found


def test_what_is_wanted_is_asked_for_once_in_messages_of_bounded_size(requests: StreamRequests) -> None:
    for stream in "abcde":
        requests.add(stream)
    requests.add("a")
    assert (len(requests), "c" in requests, requests.wanted) == (5, True, list("abcde"))
    assert take(requests) == (1, ("a", "b", "c"), True)
    assert take(requests) == (2, ("d", "e"), True)
    assert take(requests) is None
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
    assert take(requests) == (1, ("a", "b", "c"), True)
    requests.settled(1, ())
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
    assert isinstance(take(requests), StreamRequest), "looking costs nothing"
    wait_ns = requests.due(0)
    assert isinstance(wait_ns, int)
    assert 0 < wait_ns <= 2 * SECOND
    assert requests.due(wait_ns - 1) == 1
    assert isinstance(take(requests, wait_ns), StreamRequest)
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
    assert requests.refused(1, 4, "no") == ("a",)
    assert requests.refused(1, 4, "no") == ()
    assert (requests.subscribed, requests.acknowledged, sent(requests)) == (set(), True, [])
    requests.add("a")
    assert sent(requests) == [(True, ("a",))]


def test_a_refusal_to_take_back_bars_nothing(requests: StreamRequests) -> None:
    requests.add("a")
    sent(requests)
    requests.discard("a")
    sent(requests)
    assert requests.refused(2, 4, "no") == ("a",)
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
    assert sent(requests) == [(False, ("a",)), (True, ("a",)), (True, ("c",))]
    assert requests.settled(2, ()) == requests.settled(3, ()) == set()
    assert requests.settled(4, ()) == {"c"}


def test_a_renewal_of_what_is_refused_meanwhile_holds_nothing_up(requests: StreamRequests) -> None:
    requests.add("a")
    sent(requests)
    requests.renew("a")
    requests.refused(1, 4, "no")
    requests.add("b")
    assert sent(requests) == [(True, ("b",))]


def test_a_request_without_an_answer_is_overdue(requests: StreamRequests) -> None:
    requests.add("a")
    sent(requests, now_ns=5)
    assert [requests.overdue(since_ns) for since_ns in (5, 6)] == [False, True]
    requests.settled(1, ())
    assert not requests.overdue(6)


class Venue:
    """Refuses a message as a whole: for a name that it does not know, or for more streams than it gives."""

    def __init__(self, unknown: str = "", most: int = 1_000) -> None:
        self.unknown = unknown
        self.most = most
        self.given: list[str] = []
        self.asked: list[str] = []
        self.told: list[tuple[str, ...]] = []

    def serve(self, requests: StreamRequests) -> None:
        while isinstance(due := take(requests), StreamRequest):
            self.asked.append("".join(due.streams))
            streams = [stream for stream in due.streams if stream not in self.given]
            if set(streams) & set(self.unknown) or len(self.given) + len(streams) > self.most:
                told = requests.refused(due.request_id, 400, "no")
                self.told += [told] if told is not None else []
            else:
                self.given += streams
                requests.settled(due.request_id, ())


def made_of(streams: str, size: int = 8) -> StreamRequests:
    requests = StreamRequests(replace(LIMITS, names_per_message=size), itertools.count(1))
    for stream in streams:
        requests.add(stream)
    return requests


def test_a_refused_message_is_halved_until_the_guilty_stand_alone() -> None:
    requests, venue = made_of("abcdefgh"), Venue(unknown="c")
    venue.serve(requests)
    assert venue.asked == ["abcdefgh", "abcd", "ab", "cd", "c", "d", "efgh"]
    assert requests.subscribed == set("abdefgh")
    assert requests.acknowledged
    assert venue.told == [tuple("abcdefgh")], "once: what follows was to be expected"
    assert [stream for stream in "abcdefgh" if requests.refusal(stream)] == ["c"]


def test_a_plan_is_filled_up_to_its_limit() -> None:
    requests, venue = made_of("abcdefgh"), Venue(most=5)
    venue.serve(requests)
    assert len(requests.subscribed) == 5
    assert len(venue.asked) <= 2 * 8
    assert requests.acknowledged


def test_the_refused_never_cost_the_granted_their_place_after_a_reconnect() -> None:
    requests = made_of("abcd")
    venue = Venue(most=4)
    venue.serve(requests)
    for stream in "efg":
        requests.add(stream)
    venue.serve(requests)
    assert requests.subscribed == set("abcd")
    requests.add("h")
    requests.begin()
    again = Venue(most=4)
    again.serve(requests)
    assert again.asked == ["abcd", "h", "e", "f", "g"]
    assert requests.subscribed == set("abcd")
    assert again.told == [("h",)]
    assert requests.acknowledged


def test_what_was_in_doubt_when_the_connection_ended_stays_so() -> None:
    requests = made_of("abcd")
    take(requests)
    requests.refused(1, 400, "no")
    assert take(requests) == (2, ("a", "b"), True)
    requests.begin()
    assert not any(map(requests.stands_alone, "abcd"))
    venue = Venue(unknown="c")
    venue.serve(requests)
    assert sorted(venue.asked) == ["ab", "c", "cd", "d"]
    assert requests.subscribed == set("abd")
    assert [stream for stream in "abcd" if requests.stands_alone(stream)] == ["c"]
    assert requests.acknowledged


def test_what_is_refused_is_granted_when_the_venue_changes_its_mind() -> None:
    requests = made_of("ab")
    Venue(unknown="a").serve(requests)
    assert requests.refusal("a") == (400, "no")
    assert not requests.grants("a")
    requests.begin()
    Venue().serve(requests)
    assert requests.refusal("a") is None
    assert requests.grants("a")


def test_what_another_connection_was_refused_is_asked_for_alone_and_not_told_again() -> None:
    first, second = made_of("abcd"), made_of("ab")
    venue = Venue(unknown="d")
    venue.serve(first)
    again = Venue(unknown="d")
    again.serve(second)
    first.add("e")
    second.take_refused(first)
    second.take_refused(first)
    assert (second.wanted, second.refusal("d")) == (list("abd"), (400, "no"))
    again.serve(second)
    assert (again.asked, again.told) == (["ab", "d"], [])
    second.begin()
    allowing = Venue()
    allowing.serve(second)
    assert (allowing.asked, second.subscribed) == (["ab", "d"], set("abd"))


def test_streams_in_doubt_that_nobody_wants_any_more_are_not_asked_for() -> None:
    requests = made_of("abcd")
    take(requests)
    requests.refused(1, 400, "no")
    for stream in "abd":
        requests.discard(stream)
    assert sent(requests) == [(True, ("c",))]


def test_parts_are_no_longer_than_a_message_may_be_now() -> None:
    requests = made_of("abcdefgh")
    take(requests)
    requests.refused(1, 400, "no")
    requests.tune(LIMITS)
    assert sent(requests) == [(True, tuple(part)) for part in ("abc", "d", "efg", "h")]


NO_MESSAGE = Refusal(0, "no message")


def ask(requests: StreamRequests) -> StreamRequest:
    """What is due, and not sent."""
    due = requests.due(0)
    assert isinstance(due, StreamRequest)
    return due


def test_what_has_no_message_costs_none_of_the_limit_and_the_rest_goes_without_it() -> None:
    requests = StreamRequests(replace(LIMITS, messages_per_s=1.0, message_burst=1), itertools.count(1))
    for stream in "abc":
        requests.add(stream)
    parts = [("a",), ("c",)]
    assert requests.unsendable(ask(requests), {"b": NO_MESSAGE}, parts) == ("b",)
    assert (requests.stands_alone("b"), requests.refusal("b"), requests.refusal("a")) == (True, NO_MESSAGE, None)
    assert not requests.overdue(SECOND), "nothing was sent"
    assert sent(requests) == [(True, ("a", "c"))]
    requests.settled(2, ())
    assert requests.acknowledged
    requests.begin()
    assert take(requests) == (3, ("a", "c"), True)
    requests.tune(LIMITS)
    assert requests.unsendable(ask(requests), {"b": NO_MESSAGE}, []) == (), "known"
    assert requests.stands_alone("b")
    requests.settled(3, ())
    assert requests.acknowledged
    requests.add("b")
    assert sent(requests) == [(True, ("b",))]


def test_where_no_stream_is_to_blame_messages_are_shorter_on_this_connection() -> None:
    requests = made_of("abcdefgh")
    assert requests.unsendable(ask(requests), {}, [("a", "b", "c"), ("d",), ("e", "f"), ("g", "h")]) == ()
    assert [requests.refusal(stream) for stream in "abcdefgh"] == [None] * 8
    assert [streams for _, streams in sent(requests)] == [tuple("abc"), tuple("def"), tuple("gh")]
    requests.begin()
    assert sent(requests) == [(True, tuple("abcdefgh"))]


def test_parts_of_a_refused_message_may_have_no_message_either() -> None:
    requests = made_of("abcd")
    take(requests)
    requests.refused(1, 400, "no")
    due = ask(requests)
    assert due.streams == ("a", "b")
    assert requests.unsendable(due, {"a": NO_MESSAGE}, [("b",)]) == ()
    assert sent(requests) == [(True, ("b",)), (True, ("c", "d"))]
    assert requests.refusal("a") == NO_MESSAGE


def test_what_nobody_wants_any_more_is_not_told_of() -> None:
    requests = made_of("ab")
    due = ask(requests)
    requests.discard("a")
    assert requests.unsendable(due, {"a": NO_MESSAGE, "b": NO_MESSAGE}, []) == ("b",)
    assert requests.acknowledged


def test_taking_back_without_a_message_is_told_and_done() -> None:
    requests = made_of("ab")
    take(requests)
    requests.settled(1, ())
    requests.discard("a")
    requests.renew("b")
    due = ask(requests)
    assert requests.unsendable(due, {}, []) == ("a", "b")
    assert sent(requests) == [(True, ("b",))]


@pytest.mark.parametrize("unknown", ["", "gh"])
@pytest.mark.parametrize("seed", range(20))
def test_whatever_happens_what_is_wanted_comes_about(requests: StreamRequests, seed: int, unknown: str) -> None:
    random = Random(seed)
    open_requests: list[StreamRequest] = []
    given: set[str] = set()

    def answer() -> None:
        request = open_requests.pop(0)
        if request.subscribes and set(request.streams) & set(unknown):
            requests.refused(request.request_id, 400, "no")
            return
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
                if isinstance(due := take(requests), StreamRequest):
                    open_requests.append(due)
    while isinstance(due := take(requests), StreamRequest) or open_requests:
        if isinstance(due, StreamRequest):
            open_requests.append(due)
        else:
            answer()
    assert given == requests.subscribed == set(requests.wanted).difference(unknown)
    assert requests.acknowledged
