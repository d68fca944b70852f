"""Scoreboard row 16: hostile and unusual WebSocket frames, each read whole and in pieces. The cases are those of
`parity/test_wire_conformance.py`, where each is a test of its own on both cores."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from frames import PLAN
from tradewire import core

if TYPE_CHECKING:
    from campaign import Campaign


def test_every_case_brings_its_close_code(campaign: Campaign) -> None:
    conformance: Any = importlib.import_module("parity.test_wire_conformance")
    impl = core.load(core.IMPLEMENTATION)
    decoder = impl.Decoder(PLAN)
    # The ordinary run has them all in `parity`.
    cases = conformance.CASES if campaign.is_long else campaign.random.sample(conformance.CASES, 20)
    forms = sum(conformance.check(impl, decoder, case) for case in cases)
    campaign.passed(16, len(cases), f"{len(cases)} cases in {forms:,} forms: messages and close code as expected")
