"""The contract of reading is what both cores have."""

from __future__ import annotations

import inspect

import pytest

from tradewire import core
from tradewire.core import reading

CONTRACTS = [name for name in reading.__all__ if name.endswith("Protocol")]


@pytest.mark.parametrize("core_name", ["native", "pure"])
@pytest.mark.parametrize("name", CONTRACTS)
def test_each_class_has_what_its_contract_names(core_name: str, name: str) -> None:
    contract, made = getattr(reading, name), getattr(core.load(core_name), name.removesuffix("Protocol"))
    members = {member for member in vars(contract) if not member.startswith("_")}
    assert members == {member for member in dir(made) if not member.startswith("_")}
    for member in members:
        promised = inspect.getattr_static(contract, member)
        if inspect.isfunction(promised):
            names = list(inspect.signature(promised).parameters)[1:]
            assert list(inspect.signature(getattr(made, member)).parameters)[1:] == names
