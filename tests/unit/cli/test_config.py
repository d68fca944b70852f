"""`tradewire config`."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from pathlib import Path

import pytest

import tradewire

TEXT = """\
exchanges:
  b:
    name: B
    api_key: canary1
    api_secret: ${S}
streaming: {providers: [{name: binance}]}
"""


class Command:
    def __init__(self, folder: Path) -> None:
        self.path = folder / "c" / "c.yaml"
        self.path.parent.mkdir()
        self.write(TEXT)
        plain = {name: os.environ[name] for name in ("PATH", "TRADEWIRE_CORE") if name in os.environ}
        package = str(Path(tradewire.__file__).parents[1])
        self.env = {**plain, "PYTHONPATH": package, "XDG_CONFIG_HOME": str(folder / "home"), "S": "canary2"}
        self.env["PYTHON_KEYRING_BACKEND"] = os.environ["PYTHON_KEYRING_BACKEND"]

    def write(self, text: str, mode: int = 0o600) -> None:
        self.path.write_text(text)
        self.path.chmod(mode)

    def __call__(self, *words: str, given: str = "") -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "tradewire", "config", *words]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=50, env=self.env, input=given, cwd=self.path.parent
        )
        assert "canary" not in done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done


@pytest.fixture
def config(tmp_path: Path) -> Command:
    return Command(tmp_path)


def test_check(config: Command) -> None:
    done = config("check", "c.yaml")
    assert done.returncode == 0
    assert "c.yaml: valid, 4 settings written, environment paper\n" in done.stdout
    assert "not encrypted: exchanges.b.api_key; `tradewire config encrypt c.yaml` encrypts them" in done.stdout


def test_check_lists_all_problems(config: Command) -> None:
    config.write("streming: 1\nconnection_pool: {max_connections: 0}\n")
    done = config("check", "c.yaml")
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "tradewire: 2 problems in the configuration:",
        "c.yaml:1: streming: is unknown: did you mean 'streaming'?",
        "c.yaml:2: connection_pool.max_connections: must be an integer from 1 to 1,000, was '0'",
    ]
    assert config("check", "none.yaml").returncode == 2


def test_check_asks_the_venues(config: Command) -> None:
    config.write("""\
streaming:
  symbols: [BTCUSDT]
  providers:
    - name: binance
      subscriptions: [trades, smells]
      stale_after: {tastes: 3}
      codec: msgpack
    - {name: alpaca, symbols: [AAPL], subscriptions: [book]}
""")
    done = config("check", "c.yaml")
    assert done.returncode == 2
    first, *lines = done.stderr.splitlines()
    assert first == "tradewire: 5 problems in the configuration:"
    assert [line.split(";")[0].partition(": ")[0] for line in lines] == [f"c.yaml:{n}" for n in (4, 5, 6, 8, 8)]
    for words in ("codec", "no channel 'smells'", "no channel 'tastes'", "no channel 'book'", "ALPACA_API_KEY"):
        assert words in done.stderr


def test_check_names_unknown_venues_beside_what_is_wrong(config: Command) -> None:
    config.write("streaming:\n  buffer_size: 0\n  providers:\n    - {name: krakn}\n")
    done = config("check", "c.yaml")
    assert done.returncode == 2
    first, *problems = done.stderr.splitlines()
    assert first.startswith("c.yaml: streaming.providers.krakn: ")
    assert first.endswith("registers a provider of this name; `tradewire stream` does not")
    assert [line.partition(": must be")[0] for line in problems] == ["tradewire: c.yaml:2: streaming.buffer_size"]
    config.write("streaming: 5\n")
    assert "krakn" not in config("check", "c.yaml").stderr


SYMBOLS = """\
streaming:
  symbols:
    - BTCUSDT
    - E*T
    - ETH-USDT
  providers:
    - name: binance
      subscriptions: [trades]
    - name: binance_spot
      symbols: [ETHUSDT,
        BTC/USD/T]
      subscriptions: [trades]
    - {name: alpaca_crypto, symbols: [BTC/USD, USD]}
"""


def test_a_symbol_that_its_venue_does_not_have_is_told_with_its_line(config: Command) -> None:
    config.env |= {"ALPACA_API_KEY": "k", "ALPACA_SECRET_KEY": "s"}
    config.write(SYMBOLS)
    said = config("check", "c.yaml").stderr.splitlines()
    rule, alpaca = "symbol must be like BTCUSDT or BTC/USDT, was", "streaming.providers.alpaca_crypto"
    assert said[1:] == [
        f"c.yaml:4: streaming.symbols.[1]: binance: {rule} 'E*T'",
        f"c.yaml:5: streaming.symbols.[2]: binance: {rule} 'ETH-USDT'",
        f"c.yaml:11: streaming.providers.binance_spot.symbols.[1]: binance_spot: {rule} 'BTC/USD/T'",
        f"c.yaml:13: {alpaca}.symbols.[1]: alpaca_crypto: symbol must be like BTC/USD, was 'USD'",
    ]
    command = [sys.executable, "-m", "tradewire", "stream", "--config", "c.yaml", "--seconds", "1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=50, env=config.env, cwd=config.path.parent)
    assert done.returncode == 2
    assert done.stderr.splitlines() == said


EVERYTHING = """\
connection_pool: {max_connections: x}
credentials: {alpaca: {api_key: "${NOT_SET_HERE}", secret_key: s}}
streaming:
  bufer: 1
  symbols: [BTCUSDT, E*T, "", "A B"]
  providers:
    - {name: binance, subscriptions: [trades, smells], codec: jsn}
    - {name: alpaca, symbols: [AAPL, 'A*'], subscriptions: [trades]}
    - {name: binance_spot, enabled: maybe, subscriptions: [smells]}
    - {name: alpaca_crypto, auth_method: api_key, symbols: [USD], venue: "a b"}
    - {venue: binance, subscriptions: [smells]}
"""


def test_what_the_schema_and_what_the_venues_refuse_come_at_once(config: Command) -> None:
    """And nothing is said of what depends on something that could not be read, such as half a key."""
    config.write(EVERYTHING)
    first, *lines = config("check", "c.yaml").stderr.splitlines()
    assert first == "tradewire: 12 problems in the configuration:"
    assert [" ".join(line.split()[:2]).removesuffix(":") for line in lines] == [
        "c.yaml:1: connection_pool.max_connections",
        "c.yaml:2: credentials.alpaca.api_key",
        "c.yaml:4: streaming.bufer",
        "c.yaml:5: streaming.symbols.[1]",
        "c.yaml:5: streaming.symbols.[2]",
        "c.yaml:5: streaming.symbols.[3]",
        "c.yaml:7: streaming.providers.binance.codec",
        "c.yaml:7: streaming.providers.binance.subscriptions.[1]",
        "c.yaml:8: streaming.providers.alpaca.symbols.[1]",
        "c.yaml:9: streaming.providers.binance_spot.enabled",
        "c.yaml:10: streaming.providers.alpaca_crypto.venue",
        "c.yaml:11: streaming.providers.[4].name",
    ]


def test_check_names_venues_that_only_a_program_can_know(config: Command) -> None:
    config.write("streaming: {providers: [{name: bynance, subscriptions: [smells]}]}\n")
    done = config("check", "c.yaml")
    assert done.returncode == 0
    said = done.stderr.strip()
    assert said.startswith("c.yaml:1: streaming.providers.bynance: venue must be one of ")
    assert "; did you mean 'binance'?; valid only for a program that registers a provider of this name" in said
    assert "c.yaml: valid" in done.stdout


def test_show_tells_where_each_value_comes_from(config: Command) -> None:
    config.env["TRADING_CONNECTION_MAX_CONNECTIONS"] = "12"
    lines = [line.split("  # ") for line in config("show", "c.yaml").stdout.splitlines()]
    shown = {setting.strip(): place for setting, place in lines}
    assert shown["connection_pool.max_connections = 12"] == "$TRADING_CONNECTION_MAX_CONNECTIONS"
    assert shown["connection_pool.min_connections = 3"] == "default"
    assert shown["exchanges.b.api_key = ***"] == "c.yaml:4"
    assert shown["exchanges.b.api_secret = ***"] == "c.yaml:5"
    assert shown["streaming.providers.binance.enabled = true"] == "default"
    assert shown["streaming.symbols ="] == "default"
    assert shown["apis = {}"] == "default"


def test_show_does_not_show_what_was_encrypted(config: Command) -> None:
    path = "streaming.providers.own.websocket_url"
    token = config("encrypt", "c.yaml", "--path", path, given="wss://host/canary\n").stdout.strip()
    provider = f"{{name: own, websocket_url: '{token}', rest_url: 'https://host/a?k=canary'}}"
    symbols = config("encrypt", "c.yaml", "--path", "streaming.symbols.[0]", given="canary\n")
    assert symbols.returncode == 2, "entries of a list have no paths of their own"
    config.write(f"streaming: {{symbols: [A, B], providers: [{provider}]}}\n")
    shown = config("show", "c.yaml").stdout
    assert f"{path} = ***" in shown
    assert "own.rest_url = https://host/a?*** " in shown
    assert "streaming.symbols = A, B " in shown


def test_a_secret_that_stands_there_as_a_default_is_named(config: Command) -> None:
    config.write("exchanges: {b: {name: B, api_key: '${X:-canary}', timeout: '${X:-7}'}}\n", mode=0o644)
    told = (
        "not encrypted: the default of exchanges.b.api_key; write ${NAME:-ENC[...]} with what "
        "`tradewire config encrypt c.yaml --path exchanges.b.api_key` prints\n"
    )
    done = config("encrypt", "c.yaml")
    assert done.stdout == f"c.yaml: nothing to encrypt\n{told}"
    assert "was readable by others: change exchanges.b.api_key at the venue" in done.stderr
    config.path.chmod(0o600)
    assert config("check", "c.yaml").stdout.endswith(told)
    token = config("encrypt", "c.yaml", "--path", "exchanges.b.api_key", given="canary").stdout.strip()
    config.write(f"exchanges: {{b: {{name: B, api_key: '${{X:-{token}}}'}}}}\n")
    assert "not encrypted" not in config("check", "c.yaml").stdout


def test_encrypt_and_rotate(config: Command) -> None:
    done = config("encrypt", "c.yaml")
    assert "c.yaml: encrypted exchanges.b.api_key" in done.stdout
    assert "made a configuration key in" in done.stderr
    assert "canary" not in config.path.read_text()
    assert config("encrypt", "c.yaml").stdout == "c.yaml: nothing to encrypt\n"
    old = config.path.read_text().split("ENC[v1:")[1][:8]
    said = config("rotate", "c.yaml").stdout
    assert f"; still readable: {old}" in said
    assert config("check", "c.yaml").returncode == 0
    new = said.split()[1]
    assert config("rotate", "--retire", old, "c.yaml").stdout == f"key {new} encrypts\n"
    assert config("check", "c.yaml").returncode == 0
    assert config("rotate", "--retire", new, "c.yaml").returncode == 2


def test_the_key_in_the_keyring_of_the_system(config: Command, tmp_path: Path) -> None:
    """As the how-to page says it: every process finds what another one stored."""
    # The backend that a machine without a desktop has.
    config.env |= {"PYTHON_KEYRING_BACKEND": "keyrings.alt.file.PlaintextKeyring", "XDG_DATA_HOME": str(tmp_path)}

    def stored(*words: str, given: str = "") -> str:
        command = [sys.executable, "-m", "keyring", *words, "tradewire", "config-key"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=50, env=config.env, input=given)
        assert done.returncode == 0, done.stderr
        return done.stdout

    stored("set", given=base64.b64encode(bytes(range(32))).decode() + "\n")
    done = config("encrypt", "c.yaml")
    assert "c.yaml: encrypted exchanges.b.api_key" in done.stdout
    assert "made a configuration key" not in done.stderr
    assert not (tmp_path / "home").exists()
    assert config("check", "c.yaml").returncode == 0
    old = config.path.read_text().split("ENC[v1:")[1][:8]
    new = config("rotate", "c.yaml").stdout.split()[1]
    assert len(stored("get").strip().strip(",").split(",")) == 2
    assert f"ENC[v1:{new}" in config.path.read_text()
    assert config("check", "c.yaml").returncode == 0
    assert config("rotate", "--retire", old, "c.yaml").stdout == f"key {new} encrypts\n"
    assert len(stored("get").strip().strip(",").split(",")) == 1
    assert config("check", "c.yaml").returncode == 0
    config.env["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"
    done = config("check", "c.yaml")
    assert done.returncode == 2
    assert "c.yaml:4: exchanges.b.api_key: is encrypted and there is no key" in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="files have no such rights")
def test_what_others_could_read_is_to_be_changed(config: Command) -> None:
    config.write(TEXT, mode=0o644)
    done = config("encrypt", "c.yaml")
    assert done.returncode == 0
    assert "c.yaml was readable by others: change exchanges.b.api_key at the venue\n" in done.stderr
    config.write(TEXT)
    assert "readable" not in config("encrypt", "c.yaml").stderr


def test_encrypt_a_value_from_a_pipe(config: Command) -> None:
    done = config("encrypt", "c.yaml", "--path", "exchanges.b.api_secret", given="canary3\n")
    assert done.stdout.startswith("ENC[v1:")
    assert config.path.read_text() == TEXT
    config.write(TEXT.replace("${S}", f"'{done.stdout.strip()}'"))
    assert config("check", "c.yaml").returncode == 0
    assert "the value is empty" in config("encrypt", "c.yaml", "--path", "exchanges.b.api_key").stderr


def test_a_token_that_was_changed_is_not_passed_over_and_the_command_that_is_named_works(config: Command) -> None:
    config("encrypt", "c.yaml")
    text = config.path.read_text()
    end = text.index(']"')
    config.write(text[: end - 1] + ("A" if text[end - 1] != "A" else "E") + text[end:])
    done = config("encrypt", "c.yaml")
    assert (done.returncode, done.stdout) == (2, "")
    assert "c.yaml:4: exchanges.b.api_key: was changed" in done.stderr
    assert "`tradewire config encrypt FILE --path exchanges.b.api_key`" in done.stderr
    token = config("encrypt", "c.yaml", "--path", "exchanges.b.api_key", given="canary5\n").stdout.strip()
    config.write(text[: text.index("ENC[")] + token + text[end + 1 :])
    assert config("check", "c.yaml").returncode == 0


def test_a_value_for_a_file_that_is_not_there_says_so(config: Command) -> None:
    done = config("encrypt", "new.yaml", "--path", "exchanges.b.api_key", given="canary\n")
    assert done.stdout.startswith("ENC[v1:")
    assert "new.yaml: does not exist yet" in done.stderr
    assert "does not exist" not in config("encrypt", "c.yaml", "--path", "exchanges.b.api_key", given="canary\n").stderr


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("exchanges.b.api_sekret", "exchanges.b.api_sekret: is unknown: did you mean 'api_secret'?"),
        ("exchanges.b", "exchanges.b: holds several values; name one: exchanges.b.api_key, exchanges.b.api_secret"),
    ],
)
def test_a_value_is_encrypted_only_for_a_setting_that_there_is(config: Command, path: str, said: str) -> None:
    # Before a value is asked for: none is given here.
    done = config("encrypt", "c.yaml", "--path", path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"tradewire: argument: {said}\n"


def test_a_key_file_of_its_own(config: Command) -> None:
    key = config.path.parent.parent / "own.key"
    assert config("encrypt", "c.yaml", "--key-file", str(key)).returncode == 0
    assert config("check", "c.yaml").returncode == 2
    assert config("check", "c.yaml", "--key-file", str(key)).returncode == 0
