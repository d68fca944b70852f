"""Scoreboard row 21: configuration files mutated, raced, bit-flipped and rotated under load. On real files."""

from __future__ import annotations

import asyncio
import base64
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tradewire import ConfigLoader, Secret
from tradewire.config import Config, files, rewrite
from tradewire.config.encryption import decrypt, encrypt
from tradewire.config.keys import KeyRing, new_key
from tradewire.errors import ConfigError

if TYPE_CHECKING:
    from campaign import Campaign

pytestmark = pytest.mark.timeout(600)
CANARY = "canary-of-row-21"
TEXT = """\
environment: paper
connection_pool: {min_connections: 3, max_connections: 10, health_check_interval: 30}
global_settings:
  timezone: "America/New_York"
  default_timeout_ms: 5000
apis:
  alpaca:
    provider: alpaca
    enabled: true
    credentials: {api_key: "${KEY}", secret_key: 'TOKEN'}
streaming:
  symbols: [AAPL, MSFT]
  providers:
    - name: alpaca
      websocket_url: wss://stream.data.alpaca.markets/v2/iex
      subscriptions: [trades, quotes]
      rate_limit: {default_rate: 100, burst_allowance: 50}
      stale_after: {trades: 60, quotes: 10.5}
      fallback: other
    - {name: other, standby: true}
  buffer_size: 10000
streaming_health:
  thresholds: {max_latency_ms: 100, max_queue_depth: 5000}
  alerts: {channels: [log, metrics], escalation_threshold: 3}
"""


class Place:
    def __init__(self, folder: Path) -> None:
        self.path = folder / "c" / "c.yaml"
        self.path.parent.mkdir()
        self.env = {"XDG_CONFIG_HOME": str(folder / "home"), "KEY": CANARY}
        token = self.loader().encrypt_value(CANARY, "apis.alpaca.credentials.secret_key")
        self.text = TEXT.replace("TOKEN", token)
        self.write(self.text.encode())

    def write(self, data: bytes) -> None:
        self.path.write_bytes(data)
        self.path.chmod(0o600)

    def loader(self) -> ConfigLoader:
        return ConfigLoader(self.path, env=self.env, env_file=None)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setattr(files, "_PAUSE_S", 0)
    return Place(tmp_path)


# mutated


def _cut(text: bytes, random: Random) -> bytes:
    return text[: random.randrange(len(text))]


def _flip(text: bytes, random: Random) -> bytes:
    at = random.randrange(len(text))
    return text[:at] + bytes([text[at] ^ 1 << random.randrange(8)]) + text[at + 1 :]


def _insert(text: bytes, random: Random) -> bytes:
    at = random.randrange(len(text))
    pieces = (
        b":",
        b"-",
        b"[",
        b"}",
        b"'",
        b'"',
        b"\t",
        b"\n",
        b"#",
        b"&a ",
        b"*a",
        b"!!int ",
        b"\x00",
        b"\xff",
        b"${",
        b"9" * 400,
    )
    return text[:at] + random.choice(pieces) + text[at:]


def _lines(change: Callable[[list[bytes], int, Random], None]) -> Callable[[bytes, Random], bytes]:
    def mutate(text: bytes, random: Random) -> bytes:
        lines = text.splitlines(keepends=True)
        change(lines, random.randrange(len(lines)), random)
        return b"".join(lines)

    return mutate


def _swap(lines: list[bytes], at: int, random: Random) -> None:
    other = random.randrange(len(lines))
    lines[at], lines[other] = lines[other], lines[at]


def _number(text: bytes, random: Random) -> bytes:
    numbers = (b"3", b"10", b"30", b"5000", b"100", b"50", b"60", b"10.5", b"10000")
    values = (b"-1", b"0", b"1e9", b"nan", b".inf", b"0x10", b"1_0", b"ten", b"''", b"[1]", b"{a: 1}", b"7", b"9" * 30)
    return text.replace(random.choice(numbers), random.choice(values), 1)


MUTATIONS: list[Callable[[bytes, Random], bytes]] = [
    _cut,
    _flip,
    _insert,
    _number,
    _lines(lambda lines, at, random: lines.pop(at) and None),
    _lines(lambda lines, at, random: lines.insert(at, random.choice(lines))),
    _lines(_swap),
    _lines(lambda lines, at, random: lines.__setitem__(at, b" " * random.randrange(1, 4) + lines[at])),
    _lines(lambda lines, at, random: lines.__setitem__(at, lines[at].lstrip(b" "))),
]


async def test_mutated_files_apply_whole_or_not_at_all(campaign: Campaign, place: Place) -> None:
    loader = place.loader()
    whole = loader.load()
    trials, applied = campaign.size(400, 5_000), 0
    for _ in range(trials):
        data = place.text.encode()
        for _ in range(campaign.random.choice((1, 1, 1, 2, 5))):
            data = campaign.random.choice(MUTATIONS)(data, campaign.random) or b"\n"
        place.write(data)
        before = loader.config
        refusal = await _refusal(loader)
        if refusal is None:
            applied += 1
            _says_the_same(yaml.safe_load(data), loader.config.dict())
        else:
            assert loader.config is before
            assert refusal.problems
            assert CANARY not in str(refusal)
    place.write(place.text.encode())
    await loader.reload()
    assert loader.config == whole
    assert 0 < applied < trials
    campaign.passed(
        21, trials, f"{trials:,} mutated files: {applied:,} still right and applied whole, the others refused"
    )


async def _refusal(loader: ConfigLoader) -> ConfigError | None:
    try:
        await loader.reload()
    except ConfigError as error:
        return error
    return None


def _says_the_same(written: Any, made: Any) -> None:
    """Independent of our reader: every value that PyYAML finds in the file is in the configuration."""
    if isinstance(written, dict):
        for key, value in written.items():
            _says_the_same(value, made[key])
    elif isinstance(written, list):
        assert len(written) == len(made)
        for one, other in zip(written, made, strict=True):
            _says_the_same(one, other)
    elif written is not None and isinstance(written, str) == isinstance(made, str) and not isinstance(made, Secret):
        assert written == made


# raced

RACED = "connection_pool:\n  min_connections: {0}\n  max_connections: {0}\nstreaming:\n  buffer_size: {0}\n"


def _seen(place: Place) -> int | None:
    """The number of the version that a reader sees; None: it was told to try again."""
    try:
        config = place.loader().sources.read().config
    except ConfigError as error:
        found = error
    else:
        return _number_of(config)
    assert all("cannot be read" in problem.rule for problem in found.problems), found
    return None


def _number_of(config: Config) -> int:
    numbers = {
        config.connection_pool.min_connections,
        config.connection_pool.max_connections,
        config.streaming.buffer_size,
    }
    assert len(numbers) == 1, "half of one version"
    return numbers.pop()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells who writes")
def test_a_file_held_half_written_is_never_taken(campaign: Campaign, place: Place) -> None:
    """Wherever it is cut, also where the first part is valid by itself."""
    trials = campaign.size(60, 1_000)
    for trial in range(1, trials + 1):
        text = RACED.format(trial % 1_000 + 1).encode()
        cut = campaign.random.randrange(len(text))
        with place.path.open("wb" if trial % 3 else "r+b") as file:
            file.write(text[:cut])
            file.flush()
            assert _seen(place) is None
            file.write(text[cut:])
            file.truncate()
        assert _seen(place) == trial % 1_000 + 1
    campaign.passed(21, trials, f"{trials:,} files held open half written: none taken")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells who writes")
def test_only_whole_versions_are_seen_in_a_race(campaign: Campaign, place: Place) -> None:
    """A thread renames, rewrites in place, deletes and makes anew, as fast as it can, while another reads."""
    trials, done, random = campaign.size(100, 1_000), threading.Event(), Random(campaign.seed)
    version = 1
    place.write(RACED.format(version).encode())

    def write() -> None:
        nonlocal version
        while not done.is_set():
            version = version % 999 + 1
            text = RACED.format(version).encode()
            how = random.choice(("rename", "in place", "anew"))
            if how == "rename":
                other = place.path.with_name("new")
                other.write_bytes(text)
                other.replace(place.path)
                continue
            if how == "anew":
                place.path.unlink()
            with place.path.open("wb", buffering=0) as file:
                for begin in range(0, len(text), 20):
                    file.write(text[begin : begin + 20])
                    os.sched_yield()

    writer = threading.Thread(target=write)
    writer.start()
    seen: list[int] = []
    try:
        while len(seen) < trials:
            found = _seen(place)
            if found is not None:
                seen.append(found)
    finally:
        done.set()
        writer.join(60)
    assert len(set(seen)) > 2, "the writer wrote meanwhile"
    assert _seen(place) == version
    campaign.passed(21, trials, f"{trials:,} reads while a thread rewrites the file: every one whole")


# bit-flipped


def test_every_bit_of_a_token_counts(campaign: Campaign) -> None:
    ring, path = KeyRing([new_key()]), "exchanges.b.api_secret"
    plain = "".join(campaign.random.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=2_048 - 28))
    head, _, data = encrypt(plain, path, ring).removesuffix("]").rpartition(":")
    raw = base64.urlsafe_b64decode(data + "=" * (-len(data) % 4))
    assert len(raw) == 2_048
    refused = 0
    for bit in range(len(raw) * 8):
        changed = bytearray(raw)
        changed[bit // 8] ^= 1 << bit % 8
        token = f"{head}:{base64.urlsafe_b64encode(changed).rstrip(b'=').decode()}]"
        with pytest.raises(ValueError, match="was changed"):
            decrypt(token, path, ring)
        refused += 1
    assert refused == 16_384
    campaign.passed(21, refused, "16,384 single-bit flips of 2 KB: none accepted")


# rotated


async def test_rotation_under_load_fails_nobody(campaign: Campaign, place: Place) -> None:
    rotations, done, reads = campaign.size(5, 100), threading.Event(), 0

    def read() -> int:
        count = 0
        while not done.is_set():
            found = place.loader().load().apis["alpaca"].credentials.secret_key
            assert found is not None
            assert found.reveal() == CANARY
            count += 1
        return count

    readers = [asyncio.create_task(asyncio.to_thread(read)) for _ in range(2)]
    try:
        for _ in range(rotations):
            await asyncio.to_thread(rewrite.rotate, [place.loader().sources])
    finally:
        done.set()
        reads = sum(await asyncio.gather(*readers))
    ring = place.loader().sources.key_store().find()
    assert ring is not None
    assert len(ring.keys) == rotations + 1
    for key in ring.keys[1:]:
        rewrite.retire([place.loader().sources], key.id)
    secret = place.loader().load().apis["alpaca"].credentials.secret_key
    assert secret is not None
    assert secret.reveal() == CANARY
    assert reads > 0
    campaign.passed(21, reads, f"{rotations:,} rotations under load: {reads:,} reads, every one decrypted")
