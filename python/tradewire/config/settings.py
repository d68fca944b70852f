"""How a section of the configuration declares its settings. The sections themselves are in `schema.py`.

A section is a frozen dataclass whose fields are made by `setting`: type, range, default and description stand once, and
the loader, the checks, the environment names and the reference page are all read from there.
"""

from __future__ import annotations

import builtins
import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ParamSpec, TypeVar, cast, dataclass_transform

from tradewire.telemetry.origin import masked_address

from .concealed import MASK
from .kinds import Address, Kind, Listed, Mapped, SecretText

__all__ = [
    "NamedList",
    "Nested",
    "Section",
    "Setting",
    "answered",
    "changed",
    "conceal",
    "holds_secrets",
    "incomplete",
    "section",
    "setting",
    "settings",
]


class Nested(Kind):
    """A section within a section."""

    __slots__ = ("allowed", "section")

    def __init__(self, section: type[Section]) -> None:
        self.section = section
        self.allowed = f"a mapping with {', '.join(settings(section))}"

    def check(self, value: Any) -> Any:
        """The section itself."""
        if not isinstance(value, self.section):
            raise ValueError(f"must be a {self.section.__name__}")
        return value


class NamedList(Nested):
    """A list of sections that have a `name` each, which stands in their paths."""

    __slots__ = ()

    def __init__(self, section: type[Section]) -> None:
        super().__init__(section)
        self.allowed = f"a list, each {self.allowed}"

    def check(self, value: Any) -> Any:
        """A tuple of sections."""
        if not isinstance(value, list | tuple) or not all(isinstance(each, self.section) for each in value):
            raise ValueError(f"must be a list of {self.section.__name__}")
        return tuple(value)


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the schema.

    Attributes:
        name: the key.
        kind: of its values.
        doc: what it is, one sentence.
        required: it has no default.
        default: a call that gives it.
    """

    name: str
    kind: Kind
    doc: str
    required: bool
    default: Callable[[], Any]

    @property
    def optional(self) -> bool:
        """Whether it may be left empty (`null`)."""
        return not self.required and self.default() is None


_REQUIRED: Any = object()


def setting(kind: Kind, doc: str, *, default: Any = _REQUIRED) -> Any:
    """A field of a section.

    Args:
        kind: of its values.
        doc: what it is, one sentence.
        default: immutable; without it the setting is required.
    """
    metadata = {"kind": kind, "doc": doc}
    if default is _REQUIRED:
        return dataclasses.field(metadata=metadata)
    if isinstance(default, Mapping | Section):
        return dataclasses.field(default_factory=lambda: default, metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


S = TypeVar("S", bound="type[Section]")
Made = TypeVar("Made", bound="Section")


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(setting,))
def section(cls: S) -> S:
    """Makes a section of a class: a frozen dataclass with keyword arguments, its values checked when it is made."""
    return cast(S, dataclass(frozen=True, kw_only=True, slots=True, repr=False)(cls))


class Section:
    """Base of all sections: immutable, its values checked when it is made.

    Raises:
        ValueError: a value that is not allowed; the text names section and setting, never the value of a secret.
    """

    # Names of settings whose values were encrypted; not set: none.
    __slots__ = ("_concealed",)

    def __post_init__(self) -> None:
        for found in settings(type(self)).values():
            value = getattr(self, found.name)
            if value is None and found.optional:
                continue
            try:
                checked = found.kind.check(value)
            except ValueError as error:
                raise ValueError(f"{type(self).__name__}.{found.name} {error}") from None
            object.__setattr__(self, found.name, checked)

    def __repr__(self) -> str:
        """Also of an `incomplete` one: tracebacks that show local variables meet it."""
        known = (found for found in settings(type(self)).values() if hasattr(self, found.name))
        return f"{type(self).__name__}({', '.join(f'{found.name}={self._shown(found)}' for found in known)})"

    def _shown(self, found: Setting) -> str:
        value = getattr(self, found.name)
        if found.name in _concealed(self):
            return MASK
        return repr(masked_address(value) if isinstance(found.kind, Address) and value is not None else value)

    def rules(self) -> Iterator[tuple[str, str]]:
        """What is wrong with values together: (setting, what to do) each. Only the loader asks.

        Each rule is `answered` by itself, so that it holds also where a setting of another one could not be read.
        """
        return iter(())

    def dict(self) -> builtins.dict[str, Any]:
        """Plain dicts and lists all the way down; secrets stay `Secret`."""
        return {name: _plain(getattr(self, name)) for name in settings(type(self))}


def conceal(made: Section, names: Iterable[str]) -> None:
    """`repr` shows the values of these settings as `***`: they were encrypted where they stood."""
    object.__setattr__(made, "_concealed", frozenset(names))


def changed(made: Made, **values: Any) -> Made:
    """A section with some other values; what is concealed stays so."""
    # Every section is a dataclass, which the type of the base cannot say.
    other = dataclasses.replace(made, **values)  # type: ignore[type-var]
    conceal(other, _concealed(made))
    return other


def _concealed(made: Section) -> frozenset[str]:
    found: frozenset[str] = getattr(made, "_concealed", frozenset())
    return found


def incomplete(cls: type[Section], values: Mapping[str, Any]) -> Section:
    """A section with something wrong in it. Only for rules, by `answered`: it has no settings but the given ones.

    Args:
        cls: which.
        values: of the settings that could be read.
    """
    made = object.__new__(cls)
    for name, value in values.items():
        object.__setattr__(made, name, value)
    return made


def is_complete(value: Any) -> bool:
    """Whether every setting of a section, or of sections in a list or by name, could be read."""
    if isinstance(value, Section):
        return all(hasattr(value, name) and is_complete(getattr(value, name)) for name in settings(type(value)))
    if isinstance(value, Mapping):
        return all(map(is_complete, value.values()))
    return not isinstance(value, tuple) or all(map(is_complete, value))


P = ParamSpec("P")


def answered(
    rule: Callable[P, Iterator[tuple[str, str]]], *args: P.args, **kwargs: P.kwargs
) -> Iterator[tuple[str, str]]:
    """What a rule says; nothing, when it looks at a setting that could not be read."""
    try:
        yield from rule(*args, **kwargs)
    except AttributeError as error:
        if not isinstance(error.obj, Section) or error.name not in settings(type(error.obj)):
            raise


def _plain(value: Any) -> Any:
    if isinstance(value, Section):
        return value.dict()
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return value


_SETTINGS: dict[type[Section], Mapping[str, Setting]] = {}


def settings(cls: type[Section]) -> Mapping[str, Setting]:
    """The settings of a section, in order."""
    found = _SETTINGS.get(cls)
    if found is None:
        # Every section is a dataclass, which `type[Section]` cannot say.
        fields = dataclasses.fields(cls)  # type: ignore[arg-type]
        found = _SETTINGS[cls] = MappingProxyType({field.name: _setting(field) for field in fields})
    return found


def _setting(field: dataclasses.Field[Any]) -> Setting:
    value, factory = field.default, field.default_factory
    required = value is dataclasses.MISSING and factory is dataclasses.MISSING

    def default() -> Any:
        return value if factory is dataclasses.MISSING else factory()

    return Setting(field.name, field.metadata["kind"], field.metadata["doc"], required, default)


def holds_secrets(kind: Kind) -> bool:
    """Whether a secret may stand in a value of a kind: also in what is written by mistake where a section belongs."""
    if isinstance(kind, Nested):
        return any(holds_secrets(found.kind) for found in settings(kind.section).values())
    if isinstance(kind, Mapped | Listed):
        return holds_secrets(kind.item)
    return isinstance(kind, SecretText)
