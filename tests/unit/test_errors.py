"""The exception tree: documented whole, picklable, and as specific as its docstring says."""

from __future__ import annotations

import inspect
import pickle

import pytest

from tradewire import errors

CLASSES = [getattr(errors, name) for name in errors.__all__]


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_every_class_is_in_the_tree(cls: type[Exception]) -> None:
    assert issubclass(cls, errors.TradewireError)
    assert cls.__name__ in (errors.__doc__ or "")


def test_no_class_is_left_out_of_all() -> None:
    defined = {
        name for name, value in vars(errors).items() if inspect.isclass(value) and value.__module__ == errors.__name__
    }
    assert defined == set(errors.__all__)


def test_a_decode_error_says_where_and_survives_pickling() -> None:
    error = errors.DecodeError("binance", "trades", 17, "number", '{"p":"1_0"}')
    assert str(error) == 'binance trades: number at byte 17, near \'{"p":"1_0"}\''
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert copy == error
    assert hash(copy) == hash(error)
    assert (copy.venue, copy.channel, copy.offset, copy.reason) == ("binance", "trades", 17, "number")


def test_a_decode_error_differs_by_its_place() -> None:
    assert errors.DecodeError("v", "c", 1, "syntax", "") != errors.DecodeError("v", "c", 2, "syntax", "")


def test_a_protocol_error_carries_its_close_code() -> None:
    error = errors.ProtocolError(1009, "message too big")
    assert error.code == 1009
    assert "1009" in str(error)


@pytest.mark.parametrize(
    ("cls", "builtin"),
    [(errors.StateError, RuntimeError), (errors.PlanError, ValueError), (errors.FeedConnectionError, ConnectionError)],
)
def test_a_caller_who_knows_only_the_builtins_catches_it(cls: type[Exception], builtin: type[Exception]) -> None:
    assert issubclass(cls, builtin)
