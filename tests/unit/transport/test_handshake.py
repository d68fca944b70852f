"""The opening handshake, byte by byte."""

from __future__ import annotations

import traceback

import pytest

from frames import upgrade
from tradewire.errors import FeedConnectionError
from tradewire.transport.handshake import OpeningHandshake


def test_request_asks_for_the_path_and_offers_no_extension() -> None:
    request = OpeningHandshake("ws://localhost:8700/public/stream?streams=a@b").request()
    assert request.startswith(b"GET /public/stream?streams=a@b HTTP/1.1\r\nHost: localhost:8700\r\n")
    assert b"Extensions" not in request


def test_what_follows_the_response_is_handed_back_whole() -> None:
    handshake = OpeningHandshake("ws://localhost/")
    frames = b"\x81\x02{}" + b"\x81\x7e\x01"
    assert handshake.feed(upgrade(handshake.request()) + frames) == frames


def test_a_response_in_single_bytes() -> None:
    handshake = OpeningHandshake("ws://localhost/")
    response = upgrade(handshake.request())
    for index in range(len(response) - 1):
        assert handshake.feed(response[index : index + 1]) is None
    assert handshake.feed(response[-1:]) == b""


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        ("200", "offers no WebSocket"),
        ("401", "wants a key"),
        ("403", "firewall"),
        ("404", "check the URL"),
        ("418", "banned"),
        ("451", "location"),
        ("499", "offers no WebSocket"),
        ("500", "cannot serve now"),
        ("503", "cannot serve now"),
    ],
)
def test_refusals_say_what_to_do(status: str, advice: str) -> None:
    handshake = OpeningHandshake("ws://localhost/")
    handshake.request()
    with pytest.raises(FeedConnectionError, match=f"localhost answered HTTP {status}: .*{advice}"):
        handshake.feed(f"HTTP/1.1 {status} Whatever\r\nContent-Length: 5\r\n\r\nhello".encode())


BAN = b'{"code":-1003,"msg":"Way too many requests; IP banned until 1899999999999."}'


@pytest.mark.parametrize("status", [418, 429])
def test_the_body_of_a_refusal_that_may_say_for_how_long_is_waited_for(status: int) -> None:
    handshake = OpeningHandshake("ws://localhost/")
    head = b"HTTP/1.1 %d No\r\nContent-Length: %d\r\n\r\n" % (status, len(BAN))
    assert handshake.refusal() is None
    assert handshake.feed(head) is None
    assert handshake.feed(BAN[:-1]) is None
    with pytest.raises(FeedConnectionError) as refused:
        handshake.feed(BAN[-1:])
    assert (refused.value.status, refused.value.body, refused.value.retry_after_s) == (status, BAN, None)
    assert "1899999999999" not in str(refused.value)


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (b"Transfer-Encoding: chunked", b"4b\r\n" + BAN + b"\r\n0\r\n\r\n"),
        (b"Content-Length: 9999", BAN + b" " * 4096),
        (b"Server: x", BAN + b" " * 4096),
    ],
)
def test_no_more_than_is_wanted_of_a_body_is_waited_for(head: bytes, body: bytes) -> None:
    handshake = OpeningHandshake("ws://localhost/")
    with pytest.raises(FeedConnectionError) as refused:
        handshake.feed(b"HTTP/1.1 418 No\r\n" + head + b"\r\n\r\n" + body)
    assert BAN in refused.value.body
    assert len(refused.value.body) <= 4096


def test_a_refusal_is_known_though_its_body_never_ends() -> None:
    handshake = OpeningHandshake("ws://localhost/")
    assert handshake.feed(b"HTTP/1.1 418 No\r\nRetry-After: 7\r\n\r\n" + BAN) is None
    refused = handshake.refusal()
    assert refused is not None
    assert (refused.status, refused.retry_after_s, refused.body) == (418, 7.0, BAN)


def test_a_wrong_accept_key_is_refused() -> None:
    handshake = OpeningHandshake("ws://localhost/")
    other = upgrade(OpeningHandshake("ws://localhost/").request())
    handshake.request()
    with pytest.raises(FeedConnectionError, match="Sec-WebSocket-Accept"):
        handshake.feed(other)


def test_an_extension_that_was_not_offered_is_refused() -> None:
    handshake = OpeningHandshake("ws://localhost/")
    response = upgrade(handshake.request())
    with pytest.raises(FeedConnectionError, match="extensions"):
        handshake.feed(response[:-2] + b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n")


@pytest.mark.parametrize("text", [b"SSH-2.0-OpenSSH\r\n\r\n", b"HTTP/1.0 101 x\r\n\r\n"])
def test_another_protocol_is_refused(text: bytes) -> None:
    handshake = OpeningHandshake("ws://localhost/")
    handshake.request()
    with pytest.raises(FeedConnectionError, match="handshake failed"):
        handshake.feed(text)


def test_endless_headers_are_refused() -> None:
    handshake = OpeningHandshake("ws://localhost/")
    handshake.request()
    with pytest.raises(FeedConnectionError, match="over 16384 bytes"):
        handshake.feed(b"x" * 20_000)


@pytest.mark.parametrize("url", ["http://localhost/", "localhost:8700", "ws://", "ws://host:99999"])
def test_not_an_address(url: str) -> None:
    with pytest.raises(ValueError, match="url must be ws://"):
        OpeningHandshake(url)


@pytest.mark.parametrize("url", ["http://localhost/?token=s3cret", "ws://h#s3cret", "ws://me:s3cret@host:port/"])
def test_what_is_no_address_is_not_repeated(url: str) -> None:
    with pytest.raises(ValueError, match=r"was '.*\*\*\*") as caught:
        OpeningHandshake(url)
    assert "s3cret" not in "".join(traceback.format_exception(caught.value))
