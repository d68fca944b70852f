"""HTTP for snapshots, time and symbol data: small bodies, limits, no redirects. aiohttp is loaded when it is needed.

Not for orders: those have their own rules about repeating.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Self

from tradewire.core import wall_ns
from tradewire.errors import FeedConnectionError

if TYPE_CHECKING:
    import aiohttp

__all__ = ["HttpClient", "HttpResponse"]


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """A whole answer.

    Attributes:
        status: HTTP status.
        headers: names in lower case.
        body: decompressed, at most the client's `max_body` bytes.
        recv_ns: when the body was complete, ns since 1970.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    recv_ns: int


class HttpClient:
    """A keep-alive session. No proxy from the environment, no redirects, no cookies; TLS verified.

    Args:
        timeout_s: for one request as a whole.
        max_body: bytes, after decompression; a longer body is refused.
    """

    def __init__(self, *, timeout_s: float = 10.0, max_body: int = 8 << 20) -> None:
        self._timeout_s = timeout_s
        self._max_body = max_body
        self._session: aiohttp.ClientSession | None = None

    @staticmethod
    def load() -> None:
        """Imports aiohttp now: in the first request it would hold up the event loop and its feeds for 100 ms."""
        import aiohttp  # noqa: F401 - for its effect

    async def get(self, url: str, params: Mapping[str, str] | None = None) -> HttpResponse:
        """One GET request, one attempt. Any HTTP status is a result.

        Raises:
            FeedConnectionError: no answer, or a body over the limit.
        """
        import aiohttp

        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=self._timeout_s), cookie_jar=aiohttp.DummyCookieJar()
            )
        try:
            async with self._session.get(url, params=params, allow_redirects=False) as response:
                body = bytearray()
                async for chunk in response.content.iter_chunked(1 << 16):
                    body += chunk
                    if len(body) > self._max_body:
                        raise FeedConnectionError(f"GET {url}: body over {self._max_body} bytes")
                headers = {name.lower(): value for name, value in response.headers.items()}
                return HttpResponse(response.status, headers, bytes(body), wall_ns())
        except TimeoutError as error:
            raise FeedConnectionError(f"GET {url}: no answer within {self._timeout_s:g} s") from error
        except aiohttp.ClientError as error:
            raise FeedConnectionError(f"GET {url}: {error}") from error

    async def close(self) -> None:
        """Closes the connections; the next request would open new ones."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
