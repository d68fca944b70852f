"""Scoreboard row 22: keys, secrets and signatures that must turn up nowhere, through hundreds of provoked errors.

Listened to: our own log lines as they are; those of every library at DEBUG behind the `RedactingFilter`, tracebacks
with locals cleaned as such a handler writes them; standard output and error; events, errors, `repr`, pickle, JSON,
metrics, incidents.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import io
import json
import logging
import os
import pickle
import subprocess
import sys
import traceback
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from faulty_venues import Hasty
from tradewire import ConfigLoader, DataProviderAdapter, Secret, StreamingGateway
from tradewire.errors import ConfigError, TradewireError
from tradewire.monitoring import start_metrics_server
from tradewire.sim import AlpacaSim
from tradewire.telemetry.redaction import RedactingFilter, redacted
from tradewire.transport.auth import AuthManager, Credential
from tradewire.transport.http import HttpClient
from waiting import until

if TYPE_CHECKING:
    from campaign import Campaign

pytestmark = pytest.mark.timeout(600)


class Ear:
    """Everything that was said, and what must not be in it."""

    def __init__(self, campaign: Campaign) -> None:
        self._random = campaign.random
        self.canaries: set[str] = set()
        self.said: list[str] = []
        self.provoked = 0
        self.ours, self.everybodys = io.StringIO(), io.StringIO()

    def canary(self) -> str:
        text = f"canary{self._random.getrandbits(96):024x}"
        self.canaries.add(text)
        return text

    def credential(self, method: Any = "api_key") -> Credential:
        return Credential(Secret(self.canary()), Secret(self.canary()), method)

    def hear(self, *things: object) -> None:
        for thing in things:
            self.said += [str(thing), repr(thing)]

    def error(self, error: BaseException) -> None:
        self.provoked += 1
        self.hear(error)
        found: BaseException | None = error
        while found is not None:
            self.hear(*found.args)
            found = found.__cause__ or (None if found.__suppress_context__ else found.__context__)
        # Some locals of other libraries have no `repr`.
        with contextlib.suppress(ValueError):
            inner = error.__traceback__
            while inner is not None and inner.tb_frame.f_code.co_filename == __file__:
                inner = inner.tb_next  # what this test itself holds is no leak
            whole = traceback.TracebackException(type(error), error, inner, capture_locals=True)
            self.said.append(redacted("".join(whole.format())))
        self.said.append("".join(traceback.format_exception(error)))
        with contextlib.suppress(Exception):
            self.said.append(pickle.dumps(error).decode("latin-1"))
        logging.getLogger("somebody.else").error("failed", exc_info=error)

    @contextlib.contextmanager
    def provoke(self, *kinds: type[BaseException]) -> Iterator[None]:
        try:
            yield
        except kinds as error:
            self.error(error)
        else:
            pytest.fail("nothing was raised")

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        root = logging.getLogger()
        ours, everybodys = logging.StreamHandler(self.ours), logging.StreamHandler(self.everybodys)
        ours.addFilter(lambda record: record.name.startswith("tradewire"))
        everybodys.addFilter(RedactingFilter())
        level = root.level
        root.setLevel(logging.DEBUG)
        # Ours first: the other one cleans the record for all that come later.
        root.handlers[:0] = [ours, everybodys]
        try:
            yield
        finally:
            root.setLevel(level)
            root.removeHandler(ours)
            root.removeHandler(everybodys)

    def hits(self) -> list[str]:
        said = "\n".join([*self.said, self.ours.getvalue(), self.everybodys.getvalue()])
        found = []
        for canary in self.canaries:
            at = said.find(canary)
            if at >= 0:
                found.append(said[max(0, at - 400) : at + 60])
        return found


async def _refused_by_venue(ear: Ear, sim: AlpacaSim) -> None:
    """Bad keys, refused handshakes, refused calls, of a whole gateway with metrics."""
    gateway = StreamingGateway(
        venue="alpaca",
        url=sim.stream_url,
        rest_url=sim.rest_url,
        symbols=["AAPL"],
        channels=["trades"],
        credential=ear.credential(),
        random=Hasty(1),
    )
    seen: list[Any] = []
    gateway.on_status(seen.append)
    how = ear.provoked % 3
    if how == 0:
        sim.chaos.refuse_connect(401, n=1)
    elif how == 1:
        sim.chaos.accept_then_close(1, after="handshake")
    with start_metrics_server(gateway, 0) as server:
        async with gateway:
            await until(lambda: gateway.counters["alerts"])
            manager = gateway.managers["alpaca"]
            feed = gateway.feeds()[0]
            with ear.provoke(TradewireError):
                await manager.rest().last_trade(feed.channel, "AAPL")
            text = await asyncio.to_thread(_read, server.url)
            ear.hear(text, gateway, manager, manager.settings, manager.links, gateway.counters.group(""))
            ear.hear(*seen, *gateway.incidents())
            ear.provoked += len(seen)
    sim.chaos.clear()


def _read(url: str) -> str:
    with urllib.request.urlopen(url, timeout=20) as answer:  # noqa: S310 - loopback
        text: str = answer.read().decode()
        return text


async def _failed_request(ear: Ear, url: str) -> None:
    """A signed query with a key in a header, which nobody answers as it should."""
    credential = ear.credential("hmac")
    query = credential.signer().sign_query([("symbol", "BTCUSDT"), ("note", "a b")], 1_700_000_000_000)
    ear.canaries.add(query.rpartition(b"=")[2].decode())
    headers = credential.headers("X-MBX-APIKEY")
    async with HttpClient(timeout_s=0.3) as http:
        with ear.provoke(TradewireError):
            await http.request("GET", url, query=query, headers=headers)


@contextlib.asynccontextmanager
async def _bad_server() -> AsyncIterator[list[str]]:
    """Addresses: nobody listens; says nothing; hangs up; speaks no HTTP; a body that is cut."""
    answers = [
        None,
        b"",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: zstd\r\nContent-Length: 1\r\n\r\nx",
        b"HTTP/1.1 abc\r\n\r\n",
    ]

    def handler(answer: bytes | None) -> Callable[..., Awaitable[None]]:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                await reader.readuntil(b"\r\n\r\n")
                if answer is None:
                    await reader.read()
                else:
                    writer.write(answer)
                    await writer.drain()
            writer.close()

        return serve

    servers = [await asyncio.start_server(handler(answer), "127.0.0.1", 0) for answer in answers]
    ports = [server.sockets[0].getsockname()[1] for server in servers]
    closed = servers.pop()
    closed.close()
    try:
        yield [f"http://127.0.0.1:{port}/fapi/v1/order" for port in ports] + ["http://127.0.0.1:x/y"]
    finally:
        for server in servers:
            server.close()


def _wrong_configurations(ear: Ear, folder: Path) -> None:
    secret, key = ear.canary(), ear.canary()
    good = f"apis:\n  alpaca:\n    provider: alpaca\n    credentials: {{api_key: {key}, secret_key: {secret}}}\n"
    wrong = [
        good.replace("secret_key:", "secret_kee:"),
        good.replace(f"secret_key: {secret}", f"secret_key: [{secret}]"),
        good.replace(f"api_key: {key}", f"api_key: {{a: {key}}}"),
        good + "    enabled: perhaps\n",
        good.replace("{api_key", "{{api_key"),
        good + f"      {secret}\n",
        good.replace(secret, f"ENC[{secret}]"),
        good.replace(secret, f"'ENC[v1:{secret}"),
        good.replace(secret, f"${{{secret.upper()}}}"),
        good + good,
        good + "global_settings: {default_timeout_ms: -1}\n",
    ]
    for text in wrong:
        path = folder / "c.yaml"
        path.write_text(text)
        path.chmod(0o600)
        loader = ConfigLoader(path, env={"XDG_CONFIG_HOME": str(folder)}, env_file=None)
        with ear.provoke(ConfigError):
            loader.load()
    path.write_text(good)
    path.chmod(0o644)
    loader = ConfigLoader(path, env={"XDG_CONFIG_HOME": str(folder)}, env_file=None)
    with ear.provoke(ConfigError):
        loader.load()
    path.chmod(0o600)
    config = loader.load()
    ear.hear(config, config.dict(), config.apis["alpaca"], config.apis["alpaca"].dict())
    with ear.provoke(TypeError):
        json.dumps(config.dict())
    ear.hear(json.dumps(config.dict(), default=str))


class _Own(DataProviderAdapter):
    def _build_subscribe_message(self, channel: str, symbols: list[str]) -> Any:
        return {"channel": channel}


async def _keys_in_addresses(ear: Ear, folder: Path, server: str) -> None:
    """Keys in the queries and paths of addresses where nobody listens, and where the answer is none."""
    path = folder / "addresses.yaml"
    loader = ConfigLoader(None, env={"XDG_CONFIG_HOME": str(folder)}, env_file=None)
    lines = ["streaming:", "  symbols: [AAPL]", "  reconnect_attempts: 1", "  providers:"]
    for number, host in enumerate(("127.0.0.1:1", server)):
        address = loader.encrypt_value(f"ws://{host}/{ear.canary()}", f"streaming.providers.p{number}.websocket_url")
        for name, url in ((f"p{number}", address), (f"q{number}", f"ws://{host}/ws?k={ear.canary()}")):
            lines.append(f"    - {{name: {name}, venue: own_canary, subscriptions: [trades], websocket_url: '{url}'}}")
    path.write_text("\n".join(lines))
    path.chmod(0o600)
    StreamingGateway.register_provider("own_canary", _Own)
    try:
        config = ConfigLoader(path, env={"XDG_CONFIG_HOME": str(folder)}, env_file=None).load()
        gateway = StreamingGateway(config, random=Hasty(1))
        seen: list[Any] = []
        gateway.on_status(seen.append)
        async with gateway:
            await until(lambda: gateway.counters["alerts"] >= 4)
            ear.hear(config, gateway, *gateway.managers.values(), *seen, *gateway.incidents())
            ear.hear(*(manager.settings for manager in gateway.managers.values()))
        ear.provoked += len(seen)
    finally:
        del StreamingGateway.AdapterMap["own_canary"]


def _misused_secrets(ear: Ear) -> None:
    credential = ear.credential("hmac")
    environ = {"X_API_KEY": ear.canary(), "X_SECRET_KEY": ear.canary()}
    manager = AuthManager({"good": {"api_key": ear.canary()}, "bad": {"api_key": ear.canary(), "method": 3}}, environ)
    ear.hear(credential, manager, copy.deepcopy(credential), manager.credential("x"), credential.signer())
    for misuse in (
        lambda: pickle.dumps(credential),
        lambda: pickle.dumps(credential.secret_key),
        lambda: json.dumps(credential.secret_key),
        lambda: vars(credential.secret_key),
        lambda: credential.secret_key + "x",  # type: ignore[operator]
        lambda: int(credential.secret_key),  # type: ignore[call-overload]
        lambda: manager.credential("bad"),
        lambda: manager.credential("nobody"),
        lambda: credential.signer().sign_query([("a", object())], 0),
        lambda: credential.signer().sign_query([("a", float("nan"))], 0),
        lambda: Credential(credential.api_key, Secret(ear.canary()), "ed25519").signer(),
        lambda: pickle.dumps(credential.signer()),
    ):
        with ear.provoke(Exception):
            misuse()


def _command(ear: Ear, folder: Path, *words: str, text: str) -> None:
    """The command with canaries in its environment and in its file: what it prints."""
    path = folder / "d.yaml"
    path.write_text(text)
    path.chmod(0o600)
    env = {**os.environ, "ALPACA_API_KEY": ear.canary(), "ALPACA_SECRET_KEY": ear.canary()}
    env |= {"XDG_CONFIG_HOME": str(folder), "NO_COLOR": "1"}
    command = [sys.executable, "-m", "tradewire", *words, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, env=env, timeout=60)
    ear.provoked += done.returncode != 0
    ear.said += [done.stdout, done.stderr]


async def test_no_secret_is_ever_shown(campaign: Campaign, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    ear, wanted = Ear(campaign), campaign.size(60, 300)
    with ear.listening():
        async with AlpacaSim(symbols=("AAPL",), credentials={"good": "pair"}, rate=50) as sim, _bad_server() as bad:
            while ear.provoked < wanted:
                await _refused_by_venue(ear, sim)
                for url in bad:
                    await _failed_request(ear, url)
                _wrong_configurations(ear, tmp_path)
                _misused_secrets(ear)
            await _keys_in_addresses(ear, tmp_path, urlsplit(bad[3]).netloc)
        logging.getLogger("somebody.else").debug("> APCA-API-KEY-ID: %s", ear.canary())
    key, secret = ear.canary(), ear.canary()
    text = f"apis:\n  alpaca:\n    provider: alpaca\n    credentials: {{api_key: {key}, secret_key: {secret}}}\n"
    _command(ear, tmp_path, "config", "show", text=text)
    _command(ear, tmp_path, "config", "check", text=text + "    enabled: perhaps\n")
    _command(ear, tmp_path, "stream", "--config", text=text.replace("secret_key", "secret_kee"))
    out, err = capfd.readouterr()
    ear.said += [out, err]
    assert "APCA-API-KEY-ID: ***" in ear.everybodys.getvalue(), "other libraries' lines were listened to"
    assert not ear.hits(), "\n====\n".join(ear.hits())
    campaign.passed(22, ear.provoked, f"{ear.provoked} provoked errors, {len(ear.canaries)} canaries: 0 hits")
