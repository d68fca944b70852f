"""A server that is wrong in any one way is refused, by every client of the library; a right one is not."""

from __future__ import annotations

import asyncio
import ssl
import warnings
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from certificates import Authority
from tradewire.errors import FeedConnectionError
from tradewire.transport.http import HttpClient
from tradewire.transport.plain import connect_plain
from tradewire.transport.tls import tls_context
from tradewire.transport.websocket import connect


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture(autouse=True)
def _trusted(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The system's list of authorities is ours, so that the library's own settings are what is tested."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    tls_context.cache_clear()
    yield
    tls_context.cache_clear()


async def _over_http(url: str) -> None:
    async with HttpClient() as http:
        assert (await http.get(url.replace("wss://", "https://"))).body == b"ok"


async def _over_the_fast_link(url: str) -> None:
    owner = SimpleNamespace(on_read=lambda result, size: None, on_closed=lambda error: None)
    buffer = memoryview(bytearray(1 << 16))
    reader = SimpleNamespace(get_buffer=lambda _sizehint: buffer)
    connection = await connect(url, reader, owner)  # type: ignore[arg-type]
    connection.abort()


async def _over_the_plain_driver(url: str) -> None:
    async with connect_plain(url):
        pass


@pytest.fixture
async def serve(wire_server: Any) -> AsyncIterator[Any]:
    """Serves either protocol over TLS on `wire_server`."""
    serving: list[asyncio.Task[None]] = []

    async def answer(http: bool) -> None:
        peer = await wire_server.accept()
        if http:
            await peer.reader.readuntil(b"\r\n\r\n")
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
        else:
            await peer.handshake()
            await peer.close()

    async def start(context: ssl.SSLContext, *, http: bool) -> str:
        await wire_server.stop()
        await wire_server.start(ssl=context)
        serving.append(asyncio.create_task(answer(http)))
        return str(wire_server.url)

    yield start
    for task in serving:
        task.cancel()
    await asyncio.gather(*serving, return_exceptions=True)


CLIENTS = [_over_http, _over_the_fast_link, _over_the_plain_driver]
FAULTS = {
    "wrong host": "IP address mismatch",
    "expired": "certificate has expired",
    "self-signed": "self[- ]signed certificate",
    # The server ends the handshake; what is seen of that differs between event loops.
    "TLS 1.0": "(?i)cannot connect to",
}


@pytest.mark.parametrize("client", CLIENTS)
async def test_a_right_server_is_accepted(client: Any, authority: Authority, serve: Any) -> None:
    await client(await serve(authority.server(), http=client is _over_http))


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("client", CLIENTS)
async def test_a_wrong_server_is_refused(client: Any, fault: str, authority: Authority, serve: Any) -> None:
    url = await serve(authority.server(fault), http=client is _over_http)
    with pytest.raises(FeedConnectionError, match=FAULTS[fault]):
        await client(url)


async def test_the_old_server_does_serve_old_clients(authority: Authority, serve: Any) -> None:
    """So that the refusal above is ours, not a server that cannot speak at all."""
    url = await serve(authority.server("TLS 1.0"), http=True)
    old = ssl.create_default_context(cafile=str(authority.file))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        old.minimum_version = ssl.TLSVersion.TLSv1
    old.set_ciphers("ALL:@SECLEVEL=0")
    async with HttpClient(context=old) as http:
        assert (await http.get(url.replace("wss://", "https://"))).status == 200


def test_verified_1_2_or_newer_and_made_once() -> None:
    context = tls_context()
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert tls_context() is context


def test_nothing_in_the_sources_turns_verification_off() -> None:
    package = Path(__file__).resolve().parents[3] / "python" / "tradewire"
    off = ("CERT_NONE", "check_hostname = False", "ssl=False", "verify=False", "_create_unverified_context")
    for path in package.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert not [word for word in off if word in text], path.name
