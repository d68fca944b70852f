"""HTTP requests to venues: one attempt each, everything bounded. aiohttp is loaded when it is needed.

Not a retry layer: what a failed request means (an order may have arrived) is for the caller to know.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Self

from tradewire.core import monotonic_ns, wall_ns
from tradewire.errors import FeedConnectionError
from tradewire.telemetry.origin import origin_of

from .policy.stay_away import told_by_header_s
from .tls import tls_context

if TYPE_CHECKING:
    import ssl

    import aiohttp

    from .adaptive_limit import AdaptiveRateLimiter

__all__ = ["HttpClient", "HttpResponse"]

#: zlib window bits for a gzip wrapper.
_GZIP = 31


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """A whole answer.

    Attributes:
        status: HTTP status.
        headers: names in lower case.
        body: decompressed.
        recv_ns: when the body was complete, ns since 1970.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    recv_ns: int


class HttpClient:
    """A keep-alive session. No proxy or credentials from the environment, no redirects, no cookies; TLS verified.

    Args:
        timeout_s: for one request as a whole.
        read_timeout_s: for each wait for bytes within it.
        max_body: bytes, as received and after decompression; a longer body is refused.
        max_inflated: bytes after decompression; None: four times `max_body`.
        max_headers: bytes of all header lines together.
        context: TLS settings other than `tls_context()`.

    Attributes:
        limiter: lets every request pass, and learns from its answer; None: nothing holds requests back here.
    """

    def __init__(
        self,
        *,
        timeout_s: float = 10.0,
        read_timeout_s: float = 10.0,
        max_body: int = 8 << 20,
        max_inflated: int | None = None,
        max_headers: int = 64 << 10,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._timeout_s = timeout_s
        self._read_timeout_s = read_timeout_s
        self._max_body = max_body
        self._max_inflated = 4 * max_body if max_inflated is None else max_inflated
        self._max_headers = max_headers
        self._context = context
        self._session: aiohttp.ClientSession | None = None
        self.limiter: AdaptiveRateLimiter | None = None

    @staticmethod
    def load() -> None:
        """Imports aiohttp now: in the first request it would hold up the event loop and its feeds for 100 ms."""
        import aiohttp  # noqa: F401 - for its effect

    async def get(self, url: str, params: Mapping[str, str] | None = None) -> HttpResponse:
        """One GET request, as `request`."""
        return await self.request("GET", url, params)

    async def request(
        self,
        method: str,
        url: str,
        params: Mapping[str, str] | None = None,
        *,
        query: bytes | str = b"",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> HttpResponse:
        """One request, one attempt. Any HTTP status is a result; a redirect is one too, and is not followed.

        Args:
            method: `GET`, `POST`, ...
            url: without a query.
            params: percent-encoded and appended.
            query: instead of `params`: already encoded, as `Signer.sign_query` gives it, and sent byte for byte.
            headers: besides the usual ones.
            body: as it is.

        Raises:
            ValueError: both `params` and `query`.
            RateLimitError: too many requests wait for `limiter` already; this one was not sent.
            FeedConnectionError: no answer, not in time, or over a limit. The text holds of address
                and headers only scheme, host and port. The request may have arrived all the same.
        """
        import aiohttp
        import yarl

        if self._session is None:
            self._session = self._open()
        # A path may be a key; who asks says what for.
        where = f"{method} {origin_of(url)}"
        encoded = query.decode("ascii") if isinstance(query, bytes) else query
        if encoded and params:
            raise ValueError("give params or query, not both: a signed query is sent as it was signed")
        target: yarl.URL | None
        try:
            target = yarl.URL(f"{url}?{encoded}", encoded=True) if encoded else yarl.URL(url)
            # Asked for here: of an address that is encoded already it is only looked at when it is needed.
            target = target if target.port is not None else None
        except ValueError:
            target = None
        if target is None:
            # Outside of `except`: the error's text holds the whole address with its signature.
            raise FeedConnectionError(f"{where}: not an HTTP address")
        limiter = self.limiter
        if limiter is not None:
            await limiter.acquire()
        began_ns = monotonic_ns()
        try:
            async with self._session.request(
                method, target, params=params, headers=headers, data=body, allow_redirects=False
            ) as response:
                self._check_headers(where, response.raw_headers)
                content = await self._read(where, response)
                lower = {name.lower(): value for name, value in response.headers.items()}
                if limiter is not None:
                    limiter.observe(
                        response.status,
                        latency_s=(monotonic_ns() - began_ns) / 1e9,
                        retry_after_s=told_by_header_s(lower.get("retry-after", ""), wall_ns()),
                    )
                return HttpResponse(response.status, lower, content, wall_ns())
        except TimeoutError as error:
            raise FeedConnectionError(f"{where}: no answer within {self._patience(error)}") from error
        except (aiohttp.ClientResponseError, aiohttp.InvalidURL) as error:
            # Their texts hold the whole address with its signature: neither quoted nor chained.
            reason = error.message if isinstance(error, aiohttp.ClientResponseError) else "not an HTTP address"
            raise FeedConnectionError(f"{where}: {' '.join(reason.split())[:200]}") from None
        except aiohttp.ClientError as error:
            raise FeedConnectionError(f"{where}: {error}") from error

    async def warm(self, url: str, connections: int = 1) -> int:
        """Opens keep-alive connections by asking for `url` that many times at once; the venue's ping is a good one.

        Returns:
            how many answers came, whatever their status.
        """
        answers = await asyncio.gather(*(self.get(url) for _ in range(connections)), return_exceptions=True)
        for answer in answers:
            if isinstance(answer, BaseException) and not isinstance(answer, FeedConnectionError):
                raise answer
        return sum(isinstance(answer, HttpResponse) for answer in answers)

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

    # inside

    def _open(self) -> aiohttp.ClientSession:
        import aiohttp

        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=self._context or tls_context()),
            timeout=aiohttp.ClientTimeout(total=self._timeout_s, sock_read=self._read_timeout_s),
            cookie_jar=aiohttp.DummyCookieJar(),
            # Decompressed here, where a bomb can be stopped half-way; so only what is decompressed here is asked for.
            auto_decompress=False,
            headers={"Accept-Encoding": "gzip"},
        )

    def _patience(self, error: TimeoutError) -> str:
        import aiohttp

        between_bytes = isinstance(error, aiohttp.SocketTimeoutError)
        return f"{self._read_timeout_s:g} s of waiting for bytes" if between_bytes else f"{self._timeout_s:g} s"

    def _check_headers(self, where: str, headers: tuple[tuple[bytes, bytes], ...]) -> None:
        # Each line, and their number, aiohttp bounds while it reads.
        if sum(len(name) + len(value) + 4 for name, value in headers) > self._max_headers:
            raise FeedConnectionError(f"{where}: headers over {self._max_headers} bytes")

    async def _read(self, where: str, response: aiohttp.ClientResponse) -> bytes:
        encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
        if encoding not in ("identity", "gzip", "x-gzip"):
            raise FeedConnectionError(f"{where}: Content-Encoding {encoding[:20]!r} was not asked for")
        inflate = zlib.decompressobj(_GZIP) if encoding != "identity" else None
        body, received = bytearray(), 0
        async for chunk in response.content.iter_chunked(1 << 16):
            received += len(chunk)
            if received > self._max_body:
                raise FeedConnectionError(f"{where}: body over {self._max_body} bytes")
            if inflate is None:
                body += chunk
                continue
            try:
                body += inflate.decompress(chunk, self._max_inflated + 1 - len(body))
            except zlib.error:
                raise FeedConnectionError(f"{where}: the body is not the gzip it says it is") from None
            if len(body) > self._max_inflated:
                raise FeedConnectionError(f"{where}: body over {self._max_inflated} bytes after decompression")
        if inflate is not None and received and (not inflate.eof or inflate.unused_data):
            raise FeedConnectionError(f"{where}: the gzip body ends too early or too late")
        return bytes(body)
