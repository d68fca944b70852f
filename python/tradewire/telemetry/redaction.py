"""Keeps secrets out of log lines: a filter for logging handlers. Not a licence to log them: `Secret` comes first.

On a handler it also sees what other libraries log, such as whole signed addresses. It knows the names under which
venues carry credentials, and the attributes that a record may bring along; what it does not know, it removes.
"""

from __future__ import annotations

import logging
import re
import traceback
from collections.abc import Iterable

__all__ = ["ALLOWED_FIELDS", "RedactingFilter", "redacted"]

_MASK = "***"
#: Names behind which credentials stand in headers, queries, JSON, `repr` and `key=value` texts.
_NAMES = (
    r"signature|x-mbx-apikey|apca-[a-z-]+|authorization|proxy-authorization|[a-z]{0,16}token|listenkey|"
    r"(?:api|access|auth)[_-]?key|api[_-]?secret|secret|secret[_-]?key|private[_-]?key|pem|password|passphrase"
)
#: Names that are words as well: only in quotes before a colon, in a query, or right before `=`.
_WORDS = r"""(?<=[?&"'])(?:key|sig|sign)(?=\\?["']?\s*[:=])|(?<=[?&])auth(?==)|(?<![A-Za-z0-9_-])(?:sig|sign)(?==)"""
#: name, separator, value. A value in quotes ends with its quote; a bare one with white space or a separator, but that
#: of `Authorization: Bearer x` or `Token x` has a word before it.
_VALUE = re.compile(
    rf"(?P<name>(?<![A-Za-z0-9_])(?:[a-z0-9]+_){{0,8}}(?:{_NAMES})|{_WORDS})(?P<between>\\?[\"']?(?:\s*[:=]\s*|,\s*(?=b?\\?[\"']))(?:b(?=\\?[\"']))?)"
    r"(?:(?P<quote>\\?[\"'])(?:(?!(?P=quote)).)*(?P=quote)"
    r"|(?:(?:bearer|token|basic|hmac)\s+)?[^\s\"'&,;)}\]]+)",
    re.IGNORECASE,
)
#: `Authorization` schemes wherever they stand.
_SCHEME = re.compile(r"\b(?P<scheme>bearer|token|basic)\s+(?P<value>[A-Za-z0-9._~+/=-]{16,})", re.IGNORECASE)
_COOKIE = re.compile(r"(?P<name>(?<![A-Za-z0-9])(?:set-)?cookie[\"']?)\s*[:=,]\s*[^\r\n]+", re.IGNORECASE)
_USER = re.compile(r"(?P<scheme>\b[a-z][a-z0-9+.-]*://)[^\s/@]+@", re.IGNORECASE)
_REFERENCE = re.compile(r"\$\{[A-Z][A-Z0-9_]*")
_PEM = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL)

#: Attributes of a record that logging itself sets.
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
#: Attributes (`extra=`) that may be written as they are; their texts are cleaned like the message.
ALLOWED_FIELDS = frozenset(
    {"venue", "channel", "symbol", "provider", "connection", "state", "reason", "code", "path", "seconds", "count"}
)


def redacted(text: str) -> str:
    """A text without the values of credentials."""
    text = _PEM.sub(f"-----{_MASK}-----", text)
    text = _USER.sub(rf"\g<scheme>{_MASK}@", text)
    text = _COOKIE.sub(rf"\g<name>: {_MASK}", text)
    text = _VALUE.sub(_masked, text)
    return _SCHEME.sub(rf"\g<scheme> {_MASK}", text)


def _masked(found: re.Match[str]) -> str:
    quote, between = found["quote"] or "", found["between"]
    before = found.string[max(found.start() - 2, 0) : found.start()]
    # Of our own: a path (`apis.x.credentials.api_key: must`), a variable (`$X_API_KEY: must`), a hint (`${X:-...}`).
    is_ours = (before.endswith((".", "$")) and between == ": ") or (before == "${" and between == ":")
    value = found[0].removeprefix(found["name"] + found["between"])
    # A reference is what stands in place of a secret: `token: ${HEALTH_TOKEN}`.
    is_reference = _REFERENCE.fullmatch(value) is not None and found.string[found.end() : found.end() + 1] == "}"
    if (is_ours and not quote) or is_reference:
        return found[0]
    return f"{found['name']}{found['between']}{quote}{_MASK}{quote}"


class RedactingFilter(logging.Filter):
    """Cleans each record that reaches a handler: message, traceback, attributes. Lets every record pass.

    Handlers share a record, so those that come later see it cleaned as well.

    Args:
        allowed: names of attributes that stay; all others but logging's own are masked.
    """

    def __init__(self, allowed: Iterable[str] = ALLOWED_FIELDS) -> None:
        super().__init__()
        self._allowed = frozenset(allowed)

    def filter(self, record: logging.LogRecord) -> bool:
        """Cleans the record; always True."""
        try:
            message = record.getMessage()
        except (TypeError, ValueError, KeyError):
            # logging would print the arguments as they are, in its complaint about them.
            message = f"{record.msg} (its arguments do not fit and are left out)"
        record.msg, record.args = redacted(message), None
        if record.exc_info and not record.exc_text:
            record.exc_text = "".join(traceback.format_exception(*record.exc_info)).rstrip("\n")
        if record.exc_text:
            record.exc_text = redacted(record.exc_text)
        # What is formatted is cleaned; a formatter that formats anew, with local variables, is given nothing to format.
        record.exc_info = None
        if record.stack_info:
            record.stack_info = redacted(record.stack_info)
        for name, value in vars(record).items():
            if name not in _STANDARD:
                vars(record)[name] = self._cleaned(name, value)
        return True

    def _cleaned(self, name: str, value: object) -> object:
        if name not in self._allowed:
            return _MASK
        return value if value is None or isinstance(value, int | float) else redacted(str(value))
