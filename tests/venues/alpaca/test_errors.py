"""Stream errors: every code of the sheet has a meaning."""

from __future__ import annotations

import pytest

from tradewire.venues.alpaca.errors import Meaning, advice, meaning

#: Venue sheet section 3.7.
CODES = (400, 401, 402, 403, 404, 405, 406, 407, 408, 409, 410, 411, 412, 413, 500)


@pytest.mark.parametrize("code", CODES)
def test_every_code_of_the_sheet_has_a_meaning(code: int) -> None:
    assert isinstance(meaning(code), Meaning)


def test_a_code_of_nobodys() -> None:
    assert meaning(499) is None
    assert advice(499, "words") == "words"


def test_advice_stands_behind_the_venues_words() -> None:
    assert advice(402, "auth failed") == "auth failed: check ALPACA_API_KEY and ALPACA_SECRET_KEY"
    assert advice(500, "internal error") == "internal error"
