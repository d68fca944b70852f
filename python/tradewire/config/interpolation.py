"""`${VAR}` and `${VAR:-default}` in texts. Knows nothing of files or sections."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Interpolated", "interpolate"]

_REFERENCE = re.compile(r"\$(\$)?\{([^{}]*)\}")
_NAME = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Interpolated:
    """A text with its variables put in.

    Attributes:
        text: the result.
        names: the variables that were asked for.
        missing: those that are not set and have no default.
        malformed: a reference that is written wrongly.
        defaults: texts of the defaults that are not empty, taken or not.
    """

    text: str
    names: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    malformed: bool = False
    defaults: tuple[str, ...] = ()


def interpolate(text: str, variable: Callable[[str], str | None]) -> Interpolated:
    """Puts variables in. What a variable holds is never looked through again; `$${` stands for `${`.

    Args:
        text: as written.
        variable: the value of a name; None when it is not set. As in a shell, `:-` also replaces an empty one.
    """
    names: list[str] = []
    missing: list[str] = []
    defaults: list[str] = []
    malformed = "${" in _REFERENCE.sub("", text)

    def put(found: re.Match[str]) -> str:
        nonlocal malformed
        if found[1]:
            return f"${{{found[2]}}}"
        reference = _NAME.fullmatch(found[2])
        if reference is None:
            malformed = True
            return ""
        name, default = reference[1], reference[2]
        names.append(name)
        value = variable(name)
        if default:
            defaults.append(default)
        if default is not None:
            return value or default
        if value is None:
            missing.append(name)
            return ""
        return value

    result = _REFERENCE.sub(put, text)
    return Interpolated(result, tuple(names), tuple(missing), malformed, tuple(defaults))
