"""Texts that came out of `ENC[...]` in settings that are not secret by themselves, such as an address with a key in
its path. Decrypts nothing; of secret settings `Secret` takes care.
"""

from __future__ import annotations

import re
from dataclasses import replace

from .problem import Problem
from .secret import Secret

__all__ = ["MASK", "Concealed"]

MASK = "***"
#: What may be a key within an address.
_PART = re.compile(r"[^/?#&=@:,\s]{8,}")
#: Shorter texts are words that rules may hold anyway; they are masked only in rules about the setting itself.
_TELLING = 4


class Concealed:
    """What was decrypted, by path."""

    def __init__(self) -> None:
        self._texts: dict[str, Secret] = {}

    @property
    def paths(self) -> frozenset[str]:
        """Where it stands."""
        return frozenset(self._texts)

    def add(self, path: str, text: str) -> None:
        """Takes note of one."""
        self._texts[path] = Secret(text)

    def within(self, path: str) -> bool:
        """Whether something at a path, or in what is there, was decrypted."""
        return any(each == path or each.startswith(f"{path}.") for each in self._texts)

    def told(self, problem: Problem) -> Problem:
        """A problem whose rule does not repeat what was decrypted: rules name symbols, hosts, addresses."""
        rule = problem.rule
        for path, secret in self._texts.items():
            text = secret.reveal()
            wanted = {*_PART.findall(text), *(each.strip() for each in (text, *text.split(",")))} - {""}
            is_own = f"{problem.path}.".startswith(f"{path}.")
            for each in sorted((each for each in wanted if is_own or len(each) >= _TELLING), key=len, reverse=True):
                # Host names come back in lower case.
                rule = re.sub(rf"(?<!\w){re.escape(each)}(?!\w)", MASK, rule, flags=re.IGNORECASE)
        value = None if self.within(problem.path) else problem.value
        return problem if (rule, value) == (problem.rule, problem.value) else replace(problem, rule=rule, value=value)
