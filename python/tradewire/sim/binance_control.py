"""Control messages of Binance stream connections: SUBSCRIBE and its kin, with the venue's error replies. No sockets."""

from __future__ import annotations

import json
from typing import Any, Protocol
from urllib.parse import parse_qsl, unquote, urlsplit

from tradewire.sim.binance_topics import MARKET, PRIVATE, PUBLIC, UNROUTED

__all__ = ["Subscriber", "TooManyStreams", "answer", "has_fine_times", "parse_target"]

_METHODS = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY")
_LONGEST_ID = 36

_Id = int | str | None


class TooManyStreams(Exception):  # noqa: N818 # reason: an outcome of the venue's protocol, not an error of ours
    """The connection passed its limit of streams; it must be closed after the reply."""

    def __init__(self, reply: str) -> None:
        super().__init__(reply)
        self.reply = reply


class Subscriber(Protocol):
    """What a connection offers to its control messages."""

    combined: bool

    def subscribe(self, names: list[str]) -> bool:
        """Begin these streams (unknown names just stay silent); False if that were too many."""

    def unsubscribe(self, names: list[str]) -> None:
        """End these streams."""

    def subscriptions(self) -> list[str]:
        """All names asked for, in order."""

    def set_combined(self, combined: bool) -> None:
        """Wrap payloads in `{"stream":...,"data":...}`, or not."""


def has_fine_times(target: str) -> bool:
    """Whether a request target asks for times in microseconds, which Spot offers."""
    return ("timeUnit", "MICROSECOND") in [(key, value.upper()) for key, value in parse_qsl(urlsplit(target).query)]


def parse_target(target: str, *, routed: bool = True) -> tuple[str, bool, list[str]] | None:
    """Route, combined mode and stream names of a request target; None if the venue has no such path.

    On USD-M a path without a route gets public streams only; Spot has no routes.
    """
    parts = urlsplit(target)
    segments = [segment for segment in parts.path.split("/") if segment]
    route = PUBLIC if routed else UNROUTED
    if routed and segments and segments[0] in (PUBLIC, MARKET, PRIVATE):
        route = segments.pop(0)
    if segments == ["stream"]:
        asked = [value for key, value in parse_qsl(parts.query) if key == "streams"]
        return route, True, [name for value in asked for name in value.split("/") if name]
    if segments[:1] == ["ws"]:
        return route, False, [unquote(segment) for segment in segments[1:]]
    return None


def answer(subscriber: Subscriber, text: str, *, free_ids: bool = False) -> str:
    """Carry out one control message; the reply. USD-M takes unsigned ids only; with `free_ids` the rule is Spot's.

    Raises:
        TooManyStreams: the limit was passed; carries the reply.
    """
    try:
        request = json.loads(text)
    except (ValueError, RecursionError):
        return _error(3, "Invalid JSON: expected value at line 1 column 1", None)
    if not isinstance(request, dict):
        return _error(2, "Invalid request: expected an object", None)
    request_id = request.get("id")
    if free_ids:
        if not _is_free_id(request_id):
            return _error(2, "Invalid request: request ID must be an integer, a string or null", None)
    elif type(request_id) is not int or request_id < 0:
        return _error(2, "Invalid request: request ID must be an unsigned integer", None)
    method = request.get("method")
    if method is None:
        return _error(2, "Invalid request: missing field `method`", request_id)
    if method not in _METHODS:
        expected = ", ".join(f"`{name}`" for name in _METHODS)
        return _error(2, f"Invalid request: unknown variant `{method}`, expected one of {expected}", request_id)
    params = request.get("params", [])
    if method == "LIST_SUBSCRIPTIONS":
        return _result(subscriber.subscriptions(), request_id)
    if not isinstance(params, list):
        return _error(2, "Invalid request: params must be an array", request_id)
    if method in ("SUBSCRIBE", "UNSUBSCRIBE"):
        return _streams(subscriber, method, params, request_id)
    return _property(subscriber, method, params, request_id)


def _is_free_id(request_id: object) -> bool:
    if type(request_id) is int:
        return -(1 << 63) <= request_id < 1 << 63
    return request_id is None or (isinstance(request_id, str) and len(request_id) <= _LONGEST_ID)


def _streams(subscriber: Subscriber, method: str, params: list[Any], request_id: _Id) -> str:
    if not all(isinstance(name, str) for name in params):
        return _error(2, "Invalid request: stream name must be a string", request_id)
    if method == "UNSUBSCRIBE":
        subscriber.unsubscribe(params)
    elif not subscriber.subscribe(params):
        raise TooManyStreams(_error(4, "Too many subscriptions", request_id))
    return _result(None, request_id)


def _property(subscriber: Subscriber, method: str, params: list[Any], request_id: _Id) -> str:
    wanted = 2 if method == "SET_PROPERTY" else 1
    if len(params) > wanted:
        return _error(2, "Invalid request: too many parameters", request_id)
    if not params or not isinstance(params[0], str):
        return _error(2, "Invalid request: property name must be a string", request_id)
    if params[0] != "combined":
        return _error(0, "Unknown property", request_id)
    if method == "GET_PROPERTY":
        return _result(subscriber.combined, request_id)
    if len(params) < wanted or not isinstance(params[1], bool):
        return _error(1, "Invalid value type: expected Boolean", request_id)
    subscriber.set_combined(params[1])
    return _result(None, request_id)


def _result(result: object, request_id: _Id) -> str:
    return json.dumps({"result": result, "id": request_id}, ensure_ascii=False, separators=(",", ":"))


def _error(code: int, text: str, request_id: _Id) -> str:
    reply: dict[str, object] = {"error": {"code": code, "msg": text}}
    if request_id is not None:
        reply["id"] = request_id
    return json.dumps(reply, ensure_ascii=False, separators=(",", ":"))
