"""The pool in virtual time: every timeout, backoff and ejection takes its full length and no time."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any

import pytest

from pool_clients import Client, Unconnected, Venue
from tradewire.errors import NoConnectionError, QueryError, RateLimitError, RejectedError, StateError, UnsupportedError
from tradewire.transport.connection_pool import ConnectionPool
from virtual_time import in_virtual_time, now_ns


def _pool(venue: Venue, **options: Any) -> ConnectionPool[Client]:
    config = {"min_connections": 2, "max_connections": 4, "connection_timeout": 10, "idle_timeout": 60}
    config.update(options.pop("config", {}))
    return ConnectionPool(
        name="venue", create_client_func=venue.create, config=config, random=Random(1), clock=now_ns, **options
    )


async def _many(pool: ConnectionPool[Client], count: int, seconds: float = 1.0) -> list[Any]:
    return await asyncio.gather(*(pool.execute("work", index, seconds) for index in range(count)))


@in_virtual_time
async def test_both_forms_of_the_constructor() -> None:
    by_class = ConnectionPool(api_class=Unconnected, config={"key": 1}, min_connections=3, max_connections=10)
    await by_class.initialize()
    assert await by_class.execute_with_connection(lambda api: api.config) == {"key": 1}
    assert by_class.get_pool_stats()["total_connections"] == 3
    await by_class.shutdown()
    by_factory = ConnectionPool(name="p", create_client_func=Unconnected, config={"min_connections": 2})
    await by_factory.initialize()
    assert await by_factory.execute("add", 2, b=3) == 5
    assert by_factory.get_pool_stats()["name"] == "p"
    await by_factory.stop()


@in_virtual_time
async def test_a_factory_may_be_asynchronous() -> None:
    venue = Venue()

    async def create() -> Client:
        await asyncio.sleep(0.2)
        return venue.create()

    async with ConnectionPool(create_client_func=create, min_connections=2, random=Random(1), clock=now_ns) as pool:
        assert await pool.execute_with_connection(type) is Client
        assert [client.pings for client in venue.made] == [1, 1]
    assert venue.open == 0


@in_virtual_time
async def test_an_asynchronous_factory_has_as_long_as_a_connection() -> None:
    async def create() -> Client:
        await asyncio.sleep(60)
        raise AssertionError("given up before")

    begun = now_ns()
    pool = ConnectionPool(create_client_func=create, min_connections=1, connection_timeout=2, clock=now_ns)
    with pytest.raises(NoConnectionError, match="no connection could be opened: TimeoutError"):
        await pool.initialize()
    assert now_ns() - begun < 10e9


def test_settings_that_make_no_sense() -> None:
    with pytest.raises(TypeError, match="exactly one of api_class and create_client_func"):
        ConnectionPool()
    with pytest.raises(TypeError, match="exactly one"):
        ConnectionPool(api_class=Unconnected, create_client_func=Unconnected)
    with pytest.raises(ValueError, match="unknown connection pool setting 'min_conections'"):
        ConnectionPool(create_client_func=Unconnected, config={"min_conections": 2})
    with pytest.raises(ValueError, match="3 > 2"):
        ConnectionPool(api_class=Unconnected, min_connections=3, max_connections=2)


@in_virtual_time
async def test_warming_is_concurrent_and_pings() -> None:
    venue = Venue()
    venue.connect_s = 5.0
    begun = now_ns()
    async with _pool(venue, config={"min_connections": 4}):
        assert now_ns() - begun < 6e9
        assert [client.pings for client in venue.made] == [1] * 4
    assert venue.open == 0


@in_virtual_time
async def test_a_part_of_the_connections_is_enough_to_begin_and_the_rest_follows() -> None:
    venue = Venue()

    def create() -> Client:
        client = venue.create()
        if client.number == 0:
            client.ping_fault = ConnectionError("refused")
        return client

    told: list[tuple[str, str]] = []
    pool = ConnectionPool(name="v", create_client_func=create, min_connections=2, random=Random(1), clock=now_ns)
    pool.set_error_handler(lambda error, metrics: told.append((str(error), metrics["connection"])))
    await pool.initialize()
    assert pool.get_pool_stats()["total_connections"] == 1
    await asyncio.sleep(2)
    assert pool.get_pool_stats()["total_connections"] == 2
    assert pool.get_pool_stats()["failed_connects"] == 1
    assert told == [("refused", "v-1")]
    await pool.shutdown()
    assert venue.open == 0
    assert venue.made[0].closed, "a client that could not be connected is closed too"


@in_virtual_time
async def test_no_connection_at_all_is_an_error_and_leaves_nothing() -> None:
    venue = Venue()
    venue.connect_error = OSError("unreachable")
    pool = _pool(venue)
    with pytest.raises(NoConnectionError, match=r"pool venue: no connection could be opened: OSError\('unreachable'"):
        await pool.initialize()
    assert all(client.closed for client in venue.made)
    with pytest.raises(StateError, match="not open; make a new one"):
        await pool.execute("work")


@in_virtual_time
async def test_a_connect_that_hangs_is_given_up() -> None:
    venue = Venue()
    venue.connect_s = 3600
    with pytest.raises(NoConnectionError, match="TimeoutError"):
        await _pool(venue).initialize()


@in_virtual_time
async def test_states() -> None:
    pool = _pool(Venue())
    with pytest.raises(StateError, match=r"call initialize\(\) first"):
        await pool.execute("work")
    await pool.initialize()
    with pytest.raises(StateError, match="was initialized before"):
        await pool.initialize()
    await pool.shutdown()
    await pool.shutdown()


@in_virtual_time
async def test_grows_under_load_to_the_maximum_and_shrinks_when_idle() -> None:
    venue = Venue()
    async with _pool(venue) as pool:
        results = await _many(pool, 20)
        assert sorted(value for _, value in results) == list(range(20))
        assert pool.get_pool_stats()["total_connections"] == 4
        assert venue.most_open == 4
        await asyncio.sleep(125)
        assert pool.get_pool_stats()["total_connections"] == 2
        assert venue.open == 2


@in_virtual_time
async def test_without_a_minimum_connections_are_opened_when_needed() -> None:
    venue = Venue()
    async with _pool(venue, config={"min_connections": 0}) as pool:
        assert venue.made == []
        assert await pool.execute("work", 1) == (0, 1)
        await asyncio.sleep(125)
        assert venue.open == 0
        assert await pool.execute("work", 2) == (1, 2)


@in_virtual_time
async def test_does_not_shrink_below_what_is_used() -> None:
    venue = Venue()
    async with _pool(venue) as pool:
        for _ in range(300):
            await _many(pool, 3)
        assert pool.get_pool_stats()["total_connections"] == 3


@in_virtual_time
async def test_first_come_first_served() -> None:
    venue = Venue()
    order: list[int] = []
    async with _pool(venue, config={"min_connections": 1, "max_connections": 1}) as pool:

        async def call(index: int) -> None:
            await pool.execute("work", index, 0.5)
            order.append(index)

        await asyncio.gather(*(call(index) for index in range(10)))
    assert order == list(range(10))


@in_virtual_time
async def test_who_waits_for_a_peer_that_cannot_be_reached_hears_why() -> None:
    venue = Venue()
    venue.connect_error = ConnectionRefusedError("nobody listens")
    async with _pool(venue, config={"min_connections": 0, "max_connections": 2}) as pool:
        with pytest.raises(
            NoConnectionError, match=r"nothing was called; .* to connect failed: nobody listens"
        ) as told:
            await pool.execute("work")
        assert told.value.__cause__ is venue.connect_error
        venue.connect_error = None
        assert await pool.execute("work", 1) == (venue.made[-1].number, 1)
        long = [asyncio.create_task(pool.execute("work", 0, 100.0)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(NoConnectionError, match=r"nothing was called$"):
            await pool.execute("work")
        await asyncio.gather(*long)


@in_virtual_time
async def test_waiting_is_bounded_and_nothing_was_called() -> None:
    venue = Venue()
    async with _pool(venue, config={"min_connections": 1, "max_connections": 1}) as pool:
        long = asyncio.create_task(pool.execute("work", 0, 100.0))
        await asyncio.sleep(0)
        begun = now_ns()
        with pytest.raises(NoConnectionError, match=r"no connection free within 10 s \(1 busy, max_connections 1\)"):
            await pool.execute("work")
        assert now_ns() - begun == pytest.approx(10e9, rel=0.01)
        assert venue.made[0].calls == 1
        assert pool.get_pool_stats()["no_connection"] == 1
        assert pool.get_pool_stats()["waiting"] == 0
        await long


@in_virtual_time
async def test_a_failing_call_is_made_once_and_its_error_comes_out() -> None:
    venue = Venue()
    calls: list[int] = []

    async def fail(client: Client) -> None:
        calls.append(client.number)
        raise ConnectionResetError("lost")

    async with _pool(venue) as pool:
        with pytest.raises(ConnectionResetError, match="lost"):
            await pool.execute_with_connection(fail)
        assert len(calls) == 1
        stats = pool.get_pool_stats()
        assert (stats["total_requests"], stats["failed_requests"]) == (1, 1)


@in_virtual_time
async def test_a_link_in_doubt_is_pinged_before_it_serves_again() -> None:
    venue = Venue()
    async with _pool(venue, config={"min_connections": 1, "max_connections": 1}) as pool:
        client = venue.made[0]
        client.fault = ConnectionResetError("lost")
        with pytest.raises(ConnectionResetError):
            await pool.execute("work")
        client.fault = None
        before = client.pings
        assert await pool.execute("work", 7) == (0, 7)
        assert client.pings == before + 1


@in_virtual_time
async def test_a_cancelled_call_leaves_no_trace_and_no_verdict() -> None:
    venue = Venue()
    async with _pool(venue, config={"min_connections": 1, "max_connections": 1}) as pool:
        venue.made[0].fault = "silent"
        for _ in range(20):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(1):
                    await pool.execute("work")
        assert pool.get_pool_stats()["failed_requests"] == 0
        venue.made[0].fault = None
        assert await pool.execute("work", 1) == (0, 1)


@in_virtual_time
async def test_cancelling_one_who_waits_loses_no_connection() -> None:
    """Cancelled at every moment, that of the hand-over included."""
    venue = Venue()
    async with _pool(venue, config={"min_connections": 1, "max_connections": 1}) as pool:
        for turns in range(12):
            first = asyncio.create_task(pool.execute("work", 0, 0.0))
            second = asyncio.create_task(pool.execute("work", 1, 0.0))
            for _ in range(turns):
                await asyncio.sleep(0)
            second.cancel()
            await asyncio.gather(first, second, return_exceptions=True)
            assert await pool.execute("work", 2) == (0, 2)
        assert pool.get_pool_stats()["busy_connections"] == 0


@in_virtual_time
async def test_a_refused_request_says_nothing_against_the_connection() -> None:
    venue = Venue()
    async with _pool(venue) as pool:
        for client in venue.made:
            client.fault = RejectedError("no such symbol")
        for _ in range(50):
            with pytest.raises(RejectedError):
                await pool.execute("work")
        stats = pool.get_pool_stats()
        assert (stats["failed_requests"], stats["ejections"]) == (0, 0)
        assert stats["average_health_score"] == 1.0


@in_virtual_time
async def test_an_answer_that_a_limit_was_passed_says_the_connection_is_there() -> None:
    venue = Venue()
    async with _pool(venue) as pool:
        for client in venue.made:
            client.fault = QueryError("no book: HTTP 429", 1.0, status=429)
        for _ in range(50):
            with pytest.raises(QueryError):
                await pool.execute("work")
        stats = pool.get_pool_stats()
        assert (stats["failed_requests"], stats["ejections"], len(venue.made)) == (0, 0, 2)


@in_virtual_time
async def test_a_limit_on_this_side_says_nothing_about_the_connection() -> None:
    venue = Venue()
    async with _pool(venue) as pool:
        for _ in range(30):
            for fault in (OSError("gone"), RateLimitError("no room")):
                for client in venue.made:
                    client.fault = fault
                with pytest.raises(type(fault)):
                    await pool.execute("work")
        assert pool.get_pool_stats()["ejections"] > 0


@in_virtual_time
async def test_what_counts_as_failure_can_be_said() -> None:
    venue = Venue()
    async with _pool(venue, is_failure=lambda error: isinstance(error, OSError)) as pool:
        venue.made[0].fault = venue.made[1].fault = KeyError("mine")
        with pytest.raises(KeyError):
            await pool.execute("work")
        assert pool.get_pool_stats()["failed_requests"] == 0


@in_virtual_time
async def test_a_method_that_the_client_does_not_have() -> None:
    async with ConnectionPool(create_client_func=Unconnected, name="p") as pool:
        with pytest.raises(UnsupportedError, match="client Unconnected has no method 'get_market_data'"):
            await pool.execute("get_market_data", "BTC/USDT")
        assert pool.get_pool_stats()["failed_requests"] == 0


@in_virtual_time
async def test_a_connection_that_fails_five_times_is_ejected_and_replaced() -> None:
    venue = Venue()
    async with _pool(venue, config={"min_connections": 4}) as pool:
        bad = venue.made[0]
        bad.fault = TimeoutError("no answer")
        for _ in range(400):
            await asyncio.gather(pool.execute("work"), return_exceptions=True)
        assert bad.calls == 5
        stats = pool.get_pool_stats()
        assert stats["ejections"] == 1
        assert stats["ejected_connections"] == 1
        await asyncio.sleep(1)
        assert bad.closed
        assert pool.get_pool_stats()["replacements"] == 1
        assert len(venue.made) == 5


@in_virtual_time
async def test_a_slow_connection_gets_less_and_is_ejected() -> None:
    venue = Venue()
    async with _pool(venue, config={"min_connections": 4}, health_check_interval=4) as pool:
        slow = venue.made[0]
        slow.slow_s = 0.009
        for _ in range(1_000):
            await pool.execute("work")
        assert 1 < slow.calls < 120, "a quarter would be 250"
        assert pool.get_pool_stats()["connections"][0]["health_score"] == pytest.approx(0.2, rel=0.05)
        for _ in range(4_000):
            await pool.execute("work")
            await asyncio.sleep(0.005)
        assert pool.get_pool_stats()["ejections"] == 1
        assert slow.closed


@in_virtual_time
async def test_a_broken_connection_is_found_by_its_ping_and_replaced() -> None:
    venue = Venue()
    async with _pool(venue, health_check_interval=20) as pool:
        bad = venue.made[0]
        bad.ping_fault = "silent"
        await asyncio.sleep(60)
        assert bad.closed
        assert pool.get_pool_stats()["failed_pings"] == 1
        assert pool.get_pool_stats()["total_connections"] == 2
        assert venue.open == 2
    assert venue.open == 0


@in_virtual_time
async def test_a_call_overtaken_by_a_replacement_says_nothing_about_the_new_client() -> None:
    venue = Venue()
    async with _pool(venue, config={"min_connections": 1, "max_connections": 1}) as pool:
        old = venue.made[0]
        old.fault = old.ping_fault = ConnectionError("down")
        with pytest.raises(ConnectionError):
            await pool.execute("work")
        venue.connect_s = 2.0
        with pytest.raises(ConnectionError):
            await pool.execute("work", seconds=8.0)
        assert (pool.get_pool_stats()["replacements"], pool.get_pool_stats()["failed_requests"]) == (1, 2)
        link = pool.get_pool_stats()["connections"][0]
        assert (link["consecutive_failures"], link["failed_requests"]) == (0, 1)
        await asyncio.sleep(0.1)
        assert old.closed
        assert await pool.execute("work", 1) == (1, 1)


@in_virtual_time
@pytest.mark.parametrize("turns", range(8))
async def test_a_client_replaced_while_its_connection_is_handed_on_is_closed_all_the_same(turns: int) -> None:
    """The call before ends so many turns of the loop after the new client has begun to connect."""
    venue, free, ready = Venue(), asyncio.Event(), asyncio.Event()

    async def create() -> Client:
        if venue.made:
            await ready.wait()
        return venue.create()

    pool = ConnectionPool(create_client_func=create, min_connections=1, max_connections=1, random=Random(1))
    venue.connect_s = venue.latency_s = 0.0
    async with pool:
        venue.made[0].fault = venue.made[0].ping_fault = ConnectionError("down")
        with pytest.raises(ConnectionError):
            await pool.execute("work")
        venue.made[0].fault = None
        first = asyncio.create_task(pool.execute_with_connection(lambda _: free.wait()))
        second = asyncio.create_task(pool.execute("work"))
        await asyncio.sleep(5)
        ready.set()
        for _ in range(turns):
            await asyncio.sleep(0)
        free.set()
        await asyncio.gather(first, second)
        await asyncio.sleep(1)
        assert [client.closed for client in venue.made] == [True, False]
    assert venue.open == 0


@in_virtual_time
async def test_every_connection_is_pinged_about_once_an_interval() -> None:
    venue = Venue()
    async with _pool(venue, config={"min_connections": 4}, health_check_interval=20):
        await asyncio.sleep(200)
        assert all(9 <= client.pings <= 13 for client in venue.made), [client.pings for client in venue.made]


@in_virtual_time
async def test_when_all_are_broken_calls_still_go_out_and_reconnecting_backs_off() -> None:
    venue = Venue()
    async with _pool(venue) as pool:
        venue.connect_error = OSError("unreachable")
        for client in venue.made:
            client.fault, client.ping_fault = ConnectionError("down"), ConnectionError("down")
        for _ in range(60):
            with pytest.raises(ConnectionError, match="down"):
                await pool.execute("work")
            await asyncio.sleep(10)
        attempts = len(venue.made) - 2
        assert 2 * 8 <= attempts <= 2 * 20, "600 s of backoff up to 120 s, on two links"
        venue.connect_error = None
        await asyncio.sleep(150)
        assert (await pool.execute("work", 1))[1] == 1
        assert pool.get_pool_stats()["replacements"] == venue.open == 2
    assert venue.open == 0


@in_virtual_time
async def test_the_error_handler_is_told_in_order_and_may_fail() -> None:
    venue = Venue()
    told: list[tuple[str, Any]] = []

    async def handler(error: Exception, metrics: dict[str, Any]) -> None:
        told.append((str(error), metrics["consecutive_failures"]))
        await asyncio.sleep(1)
        raise RuntimeError("the handler's own trouble")

    async with _pool(venue, config={"min_connections": 1, "max_connections": 1}) as pool:
        pool.set_error_handler(handler)
        for index in range(3):
            venue.made[0].fault = ConnectionError(str(index))
            with pytest.raises(ConnectionError):
                await pool.execute("work")
        await asyncio.sleep(10)
    assert told == [("0", 1), ("1", 2), ("2", 3)]


@in_virtual_time
async def test_an_error_handler_may_shut_the_pool_down() -> None:
    venue = Venue()
    pool = _pool(venue)
    pool.set_error_handler(lambda error, metrics: pool.shutdown())
    await pool.initialize()
    venue.made[0].fault = venue.made[1].fault = ConnectionError("x")
    with pytest.raises(ConnectionError):
        await pool.execute("work")
    await asyncio.sleep(1)
    assert venue.open == 0


@in_virtual_time
async def test_shutdown_lets_calls_end_and_frees_those_who_wait() -> None:
    venue = Venue()
    pool = _pool(venue, config={"min_connections": 1, "max_connections": 1})
    await pool.initialize()
    running = asyncio.create_task(pool.execute("work", 1, 3.0))
    await asyncio.sleep(0)
    waiting = asyncio.create_task(pool.execute("work", 2, 1.0))
    await asyncio.sleep(0.5)
    await pool.shutdown()
    assert await running == (0, 1)
    with pytest.raises(StateError, match="shut down while the call waited"):
        await waiting
    assert venue.open == 0


@in_virtual_time
async def test_shutdown_does_not_wait_for_ever() -> None:
    venue = Venue()
    pool = _pool(venue)
    await pool.initialize()
    running = asyncio.create_task(pool.execute("work", 1, 1000.0))
    await asyncio.sleep(0)
    begun = now_ns()
    await pool.shutdown()
    assert now_ns() - begun < 6e9
    assert venue.open == 0
    await running


@in_virtual_time
async def test_shutdown_in_the_middle_of_everything() -> None:
    """Connecting, verifying, replacing, growing: cancelled at many moments, nothing stays open."""
    for moment in range(60):
        venue = Venue()
        pool = _pool(venue, health_check_interval=0.01)
        starting = asyncio.create_task(pool.initialize())
        await asyncio.sleep(0.0007 * moment)
        if not starting.done():
            starting.cancel()
            await asyncio.gather(starting, return_exceptions=True)
        else:
            venue.made[0].fault = venue.made[0].ping_fault = ConnectionError("x")
            calls = [asyncio.create_task(pool.execute("work", 0, 0.004)) for _ in range(6)]
            await asyncio.sleep(0.0003 * moment)
            await pool.shutdown()
            await asyncio.gather(*calls, return_exceptions=True)
        await asyncio.sleep(0)
        assert venue.open == 0, moment
        assert all(client.closed for client in venue.made), moment


@in_virtual_time
async def test_statistics_and_latency() -> None:
    venue = Venue()
    venue.latency_s = 0.004
    async with _pool(venue) as pool:
        for _ in range(10):
            await pool.execute("work")
        stats = pool.get_pool_stats()
        assert stats["total_requests"] == 10
        assert stats["average_latency_ms"] == pytest.approx(4, rel=0.01)
        assert stats["average_health_score"] == 1.0
        assert stats["idle_connections"] == 2
        assert sum(each["total_requests"] for each in stats["connections"]) == 10
        assert {each["connection"] for each in stats["connections"]} == {"venue-1", "venue-2"}
    assert pool.get_pool_stats()["total_requests"] == 10
