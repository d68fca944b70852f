"""`Secret` shows itself nowhere but in `reveal`."""

from __future__ import annotations

import copy
import dataclasses
import json
import logging
import pickle
import pprint
import traceback

import pytest

from tradewire import Secret

CANARY = "canary-7f3a"


@dataclasses.dataclass
class Holder:
    key: Secret


def test_reveal_is_the_text() -> None:
    assert Secret(CANARY).reveal() == CANARY


@pytest.mark.parametrize(
    "show",
    [
        repr,
        str,
        format,
        lambda s: f"{s!r:>20} {s!s} {s:>10}",
        lambda s: "%s %r" % (s, s),  # noqa: UP031 - this is what logging does
        lambda s: str([s, {"key": s}, Holder(s)]),
        lambda s: pprint.pformat(Holder(s)),
        lambda s: str(dataclasses.asdict(Holder(s))),
        lambda s: str(copy.copy(s)) + str(copy.deepcopy(s)),
        lambda s: str([getattr(s, name) for name in dir(s) if name != "reveal" and not name.startswith("__")]),
        lambda s: str({name: getattr(s, name, None) for name in s.__slots__}),
    ],
)
def test_nothing_else_shows_it(show: object) -> None:
    assert callable(show)
    assert CANARY not in show(Secret(CANARY))


def test_it_has_no_vars() -> None:
    with pytest.raises(TypeError):
        vars(Secret(CANARY))


def test_json_does_not_take_it() -> None:
    with pytest.raises(TypeError) as caught:
        json.dumps({"key": Secret(CANARY)})
    assert CANARY not in str(caught.value)
    assert CANARY not in json.dumps({"key": Secret(CANARY)}, default=str)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickle_is_refused(protocol: int) -> None:
    with pytest.raises(TypeError, match="cannot be pickled") as caught:
        pickle.dumps(Secret(CANARY), protocol)
    assert CANARY not in str(caught.value)


def test_logging_and_tracebacks_do_not_show_it(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("x").warning("key %s", Secret(CANARY), extra={"key": Secret(CANARY)})
    assert CANARY not in caplog.text
    try:
        _fail(Secret(CANARY))
    except ValueError as error:
        shown = traceback.TracebackException.from_exception(error, capture_locals=True)
        text = "".join(shown.format())
        assert "secret = Secret('***')" in text
        assert CANARY not in text


def _fail(secret: Secret) -> None:
    raise ValueError(f"{secret} is wrong")


def test_a_wrong_type_is_refused_without_showing_it() -> None:
    with pytest.raises(TypeError, match="was given a bytes") as caught:
        Secret(CANARY.encode())  # type: ignore[arg-type]
    assert CANARY not in str(caught.value)


def test_equality() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert Secret("é") == Secret("é")
    assert Secret("\udc80") != Secret("\udc81")


def test_it_has_no_hash() -> None:
    with pytest.raises(TypeError, match="unhashable"):
        hash(Secret("a"))


def test_it_cannot_be_changed() -> None:
    secret = Secret("a")
    with pytest.raises(AttributeError):
        secret.reveal = lambda: "b"  # type: ignore[method-assign]
    with pytest.raises(AttributeError):
        del secret._reveal
    assert secret.reveal() == "a"


def test_an_empty_one_is_false() -> None:
    assert Secret("a")
    assert not Secret("")
