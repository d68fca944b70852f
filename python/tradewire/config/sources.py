"""One look at file, `.env`, environment and arguments: read, merged, converted, checked. Keeps nothing."""

from __future__ import annotations

import difflib
import logging
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tradewire.errors import ConfigError

from . import encryption
from .checks import check_whole, variables_of
from .convert import INVALID, Converter, put, tree_of
from .environment import PREFIX, Variables, entries_of, parse_env_file, setting_of
from .files import Fingerprint, exposure, fingerprint, read_whole
from .interpolation import interpolate
from .keys import KEY_VARIABLE, KeyRing, KeyStore
from .kinds import Kind, Mapped
from .nodes import Branch, Leaf, Node, compose
from .problem import Place, Problem, located, place_in
from .schema import Config, CredentialsConfig, ProviderConfig
from .secret import Secret
from .settings import NamedList, Nested, changed, settings

__all__ = ["Reading", "Secrets", "Sources", "explained"]

_logger = logging.getLogger(__name__)
_TOP = Nested(Config)
#: Variables of these names hold secrets: a `.env` file with one of them must be its owner's alone.
_SECRET_ENDINGS = ("_KEY", "_SECRET", "_TOKEN", "_PASSWORD", "_PASSPHRASE")


@dataclass(frozen=True, slots=True)
class Reading:
    """What one look at all sources gave.

    Attributes:
        config: the configuration.
        places: path -> where its value was written.
        tokens: path -> leaf of each encrypted value of the file.
        literals: path -> leaf of each secret that stands in the file as it is.
        defaults: paths of secrets for which a default stands in the file, not encrypted.
        concealed: paths of what was encrypted though its setting is not secret by itself: it is not shown either.
        secret_variables: names of environment variables that went into secrets.
        fingerprints: of the files as they were read.
        variables: of the process and the `.env` file.
    """

    config: Config
    places: Mapping[str, Place]
    tokens: Mapping[str, Leaf]
    literals: Mapping[str, Leaf]
    defaults: tuple[str, ...]
    concealed: frozenset[str]
    secret_variables: frozenset[str]
    fingerprints: tuple[Fingerprint, ...]
    variables: Variables

    def place(self, path: str) -> Place:
        """Where a path, or what it is in, was written."""
        return place_in(self.places, path)


@dataclass(frozen=True, slots=True)
class Secrets:
    """The secrets that stand in a file.

    Attributes:
        text: of the whole file; not in the `repr`, which tracebacks with locals show.
        tokens: path -> leaf of each encrypted value.
        literals: path -> leaf of each secret that stands there as it is.
        defaults: paths of secrets for which a default stands there, not encrypted.
        fingerprint: of the file as it was read.
    """

    text: str = field(repr=False)
    tokens: Mapping[str, Leaf]
    literals: Mapping[str, Leaf]
    defaults: tuple[str, ...]
    fingerprint: Fingerprint


@dataclass(frozen=True, slots=True)
class Sources:
    """Where a configuration comes from.

    Attributes:
        path: of the file, as it was given and is shown; None: there is none.
        env_path: of the `.env` file, as it was given; it need not exist.
        variables: of the process.
        overrides: by path.
        key: as `KeyStore` takes it.
        allowed_hosts: gives for an environment what `check_whole` takes.
        folder: that relative paths begin at, whatever folder the process is in later.
        misfits: as `ConfigLoader` takes it.
        warned: names of variables that were already said to mean nothing.
    """

    path: Path | None
    env_path: Path | None
    variables: Variables
    overrides: Mapping[str, object]
    key: Path | Secret | None
    allowed_hosts: Callable[[str], Mapping[str, frozenset[str]]] | None
    folder: Path
    misfits: Callable[[Config, Mapping[str, str]], Iterable[tuple[str, str]]] | None
    warned: set[str] = field(default_factory=set)

    @property
    def file(self) -> Path | None:
        """Where the file is."""
        return None if self.path is None else self.folder / self.path

    @property
    def env_file(self) -> Path | None:
        """Where the `.env` file is, if there is one."""
        return None if self.env_path is None else self.folder / self.env_path

    def read(self) -> Reading:
        """Reads and checks everything.

        Raises:
            ConfigError: everything that is wrong.
        """
        return _Look(self).reading()

    def environment(self) -> str:
        """`sim`, `paper`, `testnet` or `live`, whatever else is wrong."""
        return _Look(self).environment()

    def secrets(self) -> Secrets:
        """What there is to encrypt, whatever else is wrong, such as variables that are not set here.

        Raises:
            ConfigError: the file is no YAML or JSON, so that nothing can be found in it.
        """
        return _Look(self).secrets()

    def secrets_in(self, data: bytes) -> Secrets:
        """What there would be to encrypt if the file were so."""
        return _Look(self).secrets_in(data, None)

    def key_store(self) -> KeyStore:
        """Where the keys are."""
        return KeyStore(self.key, self.variables.get, apart_from=self.file, folder=self.folder)


def explained(error: Exception) -> str:
    """An error's own words; of files only what is wrong, since the place is told apart."""
    if isinstance(error, OSError):
        return f"{error.filename}: {error.strerror}"
    return str(error)


class _Look:
    """One look at all sources."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._problems: list[Problem] = []
        self._fingerprints: list[Fingerprint] = []
        self._variables = sources.variables
        self._ring: KeyRing | None = None
        self._key_problem: str | None = None
        self._unbound: list[str] = []
        self._data = b""

    def environment(self) -> str:
        tree, _ = self._tree()
        written = _text(tree.entries.get("environment"))
        return interpolate(written, self._variables.get).text if written else "paper"

    def secrets(self) -> Secrets:
        self._file()
        if self._problems:
            raise ConfigError(self._problems)
        return self.secrets_in(self._data, self._fingerprints[0])

    def secrets_in(self, data: bytes, of: Fingerprint) -> Secrets:
        tree, problems = compose(data, str(self._sources.path))
        if problems:
            raise ConfigError(problems)
        converter = Converter(self._variables.get, lambda token, path: "")
        converter.section(Config, tree)
        return Secrets(data.decode("utf-8-sig"), converter.tokens, converter.literals, tuple(converter.defaults), of)

    def reading(self) -> Reading:
        tree, status = self._tree()
        readable = not self._problems
        converter = Converter(self._variables.get, self._decrypt)
        config = converter.section(Config, tree)
        self._problems += converter.problems
        credentials = [*converter.literals, *converter.defaults]
        if credentials and status is not None:
            wrong = exposure(status)
            if wrong is not None:
                rule = f"holds credentials ({', '.join(credentials)}) and {wrong}"
                self._problems.append(Problem(str(self._sources.path), None, "", None, rule))
        self._check(converter, tree)
        if self._variables.get(KEY_VARIABLE):
            converter.secret_variables.add(KEY_VARIABLE)
        if not self._problems:
            config = self._with_credentials(config, converter)
        if readable and config is not INVALID and self._sources.misfits is not None:
            # One problem for each value: what is no text at all is no symbol either.
            told = {problem.path for problem in self._problems}
            found = located(
                self._sources.misfits(config, self._variables.plain()), lambda path: place_in(converter.places, path)
            )
            self._problems += [problem for problem in found if problem.path not in told]
        if self._problems:
            masked = {converter.concealed.told(problem) for problem in self._problems}
            raise ConfigError(sorted(masked, key=lambda each: (each.file, each.line or 0, each.path)))
        assert config is not INVALID  # noqa: S101 - Invariant: what could not be converted left a problem
        return Reading(
            config,
            converter.places,
            converter.tokens,
            converter.literals,
            tuple(converter.defaults),
            converter.concealed.paths,
            frozenset(converter.secret_variables),
            tuple(self._fingerprints),
            self._variables,
        )

    def _tree(self) -> tuple[Branch, os.stat_result | None]:
        tree, status = self._file()
        self._env_file()
        self._overlay(tree)
        return tree, status

    def _file(self) -> tuple[Branch, os.stat_result | None]:
        path, file = self._sources.path, self._sources.file
        if file is None:
            return Branch(Place("defaults")), None
        try:
            whole = read_whole(file)
        except OSError as error:
            self._fingerprints.append(fingerprint(file))
            self._problems.append(Problem(str(path), None, "", None, f"cannot be read: {error.strerror}"))
            return Branch(Place(str(path))), None
        self._fingerprints.append(whole.fingerprint)
        self._data = whole.data
        tree, problems = compose(whole.data, str(path))
        self._problems += problems
        return tree, whole.status

    def _env_file(self) -> None:
        path, file = self._sources.env_path, self._sources.env_file
        if file is None:
            return
        try:
            whole = read_whole(file)
            text = whole.data.decode("utf-8-sig")
        except FileNotFoundError:
            self._fingerprints.append(None)
            return
        except (OSError, UnicodeDecodeError) as error:
            self._fingerprints.append(fingerprint(file))
            rule = f"cannot be read: {error.strerror}" if isinstance(error, OSError) else "must be UTF-8"
            self._problems.append(Problem(str(path), None, "", None, rule))
            return
        self._fingerprints.append(whole.fingerprint)
        found, problems = parse_env_file(text, str(path))
        self._problems += problems
        wrong = exposure(whole.status)
        if wrong is not None and any(name.endswith(_SECRET_ENDINGS) and each.value for name, each in found.items()):
            self._problems.append(Problem(str(path), None, "", None, f"holds credentials and {wrong}"))
        self._variables = self._variables.with_file(found)

    def _overlay(self, tree: Branch) -> None:
        for name, variable in self._variables.named(PREFIX).items():
            path = setting_of(name, _TOP, tree)
            if path is not None:
                put(tree, path, Leaf(variable.value.reveal(), variable.place, given=True))
            elif name not in self._sources.warned:
                self._sources.warned.add(name)
                known = [_variable_name(path) for path in _plain_paths(Nested(Config), tree, ())]
                close = difflib.get_close_matches(name.removeprefix(PREFIX), known, n=1, cutoff=0.7)
                hint = f"did you mean {PREFIX}{close[0]}?" if close else "see docs/reference/configuration.md"
                _logger.warning("%s names no setting and is left alone: %s", name, hint)
        for path, node in tree_of(self._sources.overrides, Place("argument")):
            put(tree, path, node)

    def _decrypt(self, token: str, path: str) -> str:
        if self._ring is None and self._key_problem is None:
            store = self._sources.key_store()
            try:
                self._ring = store.find()
                self._key_problem = None if self._ring else store.missing
            except (ValueError, OSError) as error:
                self._key_problem = f"cannot be decrypted: {explained(error)}"
        if self._ring is None:
            raise ValueError(self._key_problem)
        text = encryption.decrypt(token, path, self._ring)
        if encryption.is_unbound(token):
            self._unbound.append(path)
        return text

    def _check(self, converter: Converter, tree: Branch) -> None:
        top = converter.sections[""]
        # What could not be read is taken as what complains least.
        environment = getattr(top, "environment", None)
        unsafe = getattr(top, "unsafe_hosts", environment != "live")
        if environment == "live":
            for path in self._unbound:
                converter.complain(
                    path, "is bound to no setting, which live refuses: `tradewire config encrypt` binds it"
                )
        names = tree.entries.get("credentials")
        hosts = self._sources.allowed_hosts
        # Also where it is left out: its default is the safe one, which live must contradict in so many words.
        general = getattr(top, "global_settings", None)
        for path, rule in check_whole(
            converter.sections if general is None else {"global_settings": general, **converter.sections},
            environment,
            unsafe_hosts=unsafe,
            allowed_hosts=None if hosts is None or environment is None else hosts(environment),
            credentials=frozenset(names.entries) if isinstance(names, Branch) else frozenset(),
            is_set=lambda name: bool(self._variables.get(name)),
        ):
            converter.complain(path, rule)
        self._problems += [problem for problem in converter.problems if problem not in self._problems]

    def _with_credentials(self, config: Config, converter: Converter) -> Config:
        """Providers that authenticate and were given no credentials take those that variables name after them."""

        def filled(provider: ProviderConfig) -> ProviderConfig:
            named = provider.credential
            if provider.auth_method == "none" or provider.credentials is not None or named in config.credentials:
                return provider
            variables = dict(zip(("api_key", "secret_key"), variables_of(named or provider.name), strict=True))
            found = {name: self._variables.get(variable) for name, variable in variables.items()}
            if not found["api_key"]:
                return provider
            values: dict[str, Any] = {name: Secret(value) for name, value in found.items() if value}
            converter.secret_variables.update(variables[name] for name in values)
            for name in values:
                path = f"streaming.providers.{provider.name}.credentials.{name}"
                converter.places[path] = self._variables.place(variables[name])
            return changed(provider, credential=None, credentials=CredentialsConfig(**values))

        providers = tuple(filled(provider) for provider in config.streaming.providers)
        return changed(config, streaming=changed(config.streaming, providers=providers))


def _text(node: object) -> str | None:
    return node.text if isinstance(node, Leaf) else None


def _variable_name(path: tuple[str, ...]) -> str:
    return "_".join(path).upper().replace("-", "_")


def _plain_paths(kind: Kind, node: Node | None, path: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Of all settings, those of entries (providers, APIs) as far as the file names these."""
    if isinstance(kind, NamedList | Mapped):
        item = Nested(kind.section) if isinstance(kind, NamedList) else kind.item
        return [each for name, entry in entries_of(node).items() for each in _plain_paths(item, entry, (*path, name))]
    if not isinstance(kind, Nested):
        return [path]
    below = node.entries if isinstance(node, Branch) else {}
    return [
        each
        for setting in settings(kind.section).values()
        for each in _plain_paths(setting.kind, below.get(setting.name), (*path, setting.name))
    ]
