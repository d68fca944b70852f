"""One GET request to Binance within the address's limits, and what its refusal means. Knows no answer's content."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from tradewire.core import wall_ns
from tradewire.errors import FeedConnectionError, QueryError
from tradewire.transport.policy.stay_away import FIREWALL_S, longest_told_s, told_by_header_s
from tradewire.transport.rate_limit import Priority, RateLimitManager

from .errors import refusal
from .limits import ban_ends_ms

if TYPE_CHECKING:
    from tradewire.transport.http import HttpClient, HttpResponse

    from .limits import Cost

__all__ = ["BinanceCalls"]


class BinanceCalls:
    """Market data calls of one address, each asked once.

    Args:
        http: the session.
        base: address up to the calls (`https://fapi.binance.com/fapi/v1`).
        costs: of the calls.
        limits: of the address; knows `venue` and the quotas that `costs` name.
        venue: as `limits` calls it.
    """

    def __init__(
        self, http: HttpClient, base: str, costs: Mapping[str, Cost], *, limits: RateLimitManager, venue: str
    ) -> None:
        http.load()
        self._http = http
        self._base = base
        self._costs = costs
        self._limits = limits
        self._venue = venue

    async def get(self, call: str, params: Mapping[str, str | int], what: str, *, url: str = "") -> HttpResponse:
        """One request; waits for its limits, and for the end of a ban, before it asks.

        Args:
            call: as `costs` names it.
            params: of the query.
            what: is asked for, in words.
            url: where the call does not live under `base`.

        Raises:
            QueryError: no answer, or one that may be another one later; with the time to stay away, where it is known.
            VenueRejectedError: the request is wrong.
        """
        cost, limit = self._costs[call], params.get("limit")
        weight = cost.of(int(limit) if limit is not None else None, every="symbol" not in params)
        await self._limits.acquire(f"{self._venue}/{cost.quota}", weight, priority=Priority.DATA)
        query = {name: str(value) for name, value in params.items()}
        try:
            response = await self._http.get(url or f"{self._base}/{call}", query)
        except FeedConnectionError as error:
            raise QueryError(f"no {what}: {error}", error.retry_after_s, status=error.status) from error
        status = response.status
        if status == 200:
            self._limits.observe(self._venue, status, response.headers)
            return response
        ban_ms = ban_ends_ms(response.body)
        told_s = longest_told_s(ban_ms / 1_000 - wall_ns() / 1e9 if ban_ms is not None else None)
        self._limits.observe(self._venue, status, response.headers, told_s=told_s)
        if told_s is not None:
            self._limits.close(self._venue, told_s)
        elif status == 403:
            self._limits.close(self._venue, FIREWALL_S)
        closed_s = self._limits.statistics(self._venue).closed_for_s
        raise refusal(self._venue, what, status, response.body, _told(response) or closed_s or None)


def _told(response: HttpResponse) -> float | None:
    return told_by_header_s(response.headers.get("retry-after", ""), response.recv_ns)
