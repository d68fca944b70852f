"""What users may give in place of a venue's own address."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tradewire.transport.address import check_address


@pytest.mark.parametrize(
    "text", [None, "ws://127.0.0.1:9002", "wss://host", "ws://[::1]:80/path", "wss://me:word@host/"]
)
def test_what_passes(text: str | None) -> None:
    check_address("url", text, ("ws", "wss"))


@pytest.mark.parametrize(
    "text",
    ["", "bad", "http://host", "ws://", "ws://host:port", "ws://host:0", "ws://host:99999", "ws://a b"],
)
def test_what_does_not(text: str) -> None:
    expected = f"url must be ws://host[:port] or wss://host[:port], was {text!r}"
    with pytest.raises(ValueError, match=f"^{re.escape(expected)}$"):
        check_address("url", text, ("ws", "wss"))


def test_a_query_only_in_a_whole_address_and_it_is_not_repeated() -> None:
    check_address("url", "wss://host/feed?key=s3cret", ("wss",), whole=True)
    for text, shown in ("wss://host/feed?key=s3cret", "wss://host/feed?***"), ("wss://host#s3cret", "wss://host#***"):
        with pytest.raises(ValueError, match=re.escape(f"url must be wss://host[:port], was {shown!r}")):
            check_address("url", text, ("wss",))


def test_passwords_are_not_repeated() -> None:
    with pytest.raises(ValueError, match=re.escape("rest_url must be https://host[:port], was 'http://***@host'")):
        check_address("rest_url", "http://me:word@host", ("https",))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("ws://example.com/v2/iex", "ws://example.com/v2/iex"),
        ("ws://10.0.0.7:9002", "ws://10.0.0.7:9002"),
        ("ws://127.0.0.1.example.com", "ws://127.0.0.1.example.com"),
        ("ws://localhost@example.com", "ws://***@example.com"),
    ],
)
def test_unencrypted_addresses_are_of_this_machine(text: str, shown: str) -> None:
    expected = f"url must begin with wss:// (unencrypted only on loopback), was {shown!r}"
    with pytest.raises(ValueError, match=f"^{re.escape(expected)}$"):
        check_address("url", text, ("ws", "wss"))


def test_an_unencrypted_rest_address_too() -> None:
    check_address("rest_url", "http://localhost:9001", ("http", "https"))
    with pytest.raises(ValueError, match=r"^rest_url must begin with https:// \(unencrypted only on loopback\)"):
        check_address("rest_url", "http://example.com", ("http", "https"))


def test_encrypted_addresses_load_no_configuration() -> None:
    script = (
        "import sys; from tradewire.transport.address import check_address\n"
        "check_address('url', 'wss://example.com', ('ws', 'wss')); print(*sys.modules)"
    )
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert "tradewire.config" not in loaded
