"""The edit patterns of real editors and deployments, on real files."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tradewire import ConfigLoader
from tradewire.config import Change, Config, watcher
from tradewire.config.keys import new_key
from tradewire.config.watcher import Watcher, folders_of
from tradewire.errors import ConfigError

TEXT = "connection_pool: {{min_connections: {0}, max_connections: {0}}}\n# the end\n"
Eventually = Callable[..., Awaitable[None]]


class Watched:
    """A loader that watches, and everything that it told."""

    def __init__(self, path: Path) -> None:
        self.loader = ConfigLoader(path, env={}, env_file=None)
        self.changes: list[Change] = []
        self.loader.subscribe(self.changes.append)

    @property
    def count(self) -> int:
        return self.loader.config.connection_pool.max_connections

    def whole(self) -> bool:
        """No configuration that was ever seen was half of one."""
        seen: list[Config] = [self.loader.config, *(change.new for change in self.changes)]
        return all(each.connection_pool.min_connections == each.connection_pool.max_connections for each in seen)


@pytest.fixture
async def watched(tmp_path: Path) -> AsyncIterator[Watched]:
    path = tmp_path / "c.yaml"
    path.write_text(TEXT.format(1))
    found = Watched(path)
    await found.loader.start()
    yield found
    await found.loader.stop()


def path_of(watched: Watched) -> Path:
    assert watched.loader.path is not None
    return watched.loader.path


def _seen_gone(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files that a watcher looked at while they were not there, as it looks."""
    real, gone = watcher.fingerprint, list[Path]()

    def look(path: Path) -> Any:
        found = real(path)
        if found is None:
            gone.append(path)
        return found

    monkeypatch.setattr(watcher, "fingerprint", look)
    return gone


async def test_an_edit_in_place(watched: Watched, eventually: Eventually) -> None:
    path_of(watched).write_text(TEXT.format(2))
    await eventually(lambda: watched.count == 2)
    assert watched.whole()
    assert [change.paths for change in watched.changes] == [
        {"connection_pool.min_connections", "connection_pool.max_connections"}
    ]


async def test_an_atomic_rename(watched: Watched, eventually: Eventually) -> None:
    for count in (2, 3):
        other = path_of(watched).with_name("new")
        other.write_text(TEXT.format(count))
        other.replace(path_of(watched))
        await eventually(lambda count=count: watched.count == count)
    assert watched.whole()


async def test_a_half_written_file_is_waited_for(
    watched: Watched, eventually: Eventually, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first half is valid by itself: taken alone it would be a configuration that nobody wrote."""
    looks: list[bool] = []
    real = watcher.being_written

    def look(path: Path) -> bool:
        found = real(path)
        looks.append(found)
        return found

    monkeypatch.setattr(watcher, "being_written", look)
    with path_of(watched).open("w") as file:
        file.write("connection_pool:\n  min_connections: 2\n")
        file.flush()
        await eventually(lambda: looks.count(True) > 2)
        assert watched.count == 1
        file.write("  max_connections: 2\n")
    await eventually(lambda: watched.count == 2)
    assert watched.whole()
    assert len(watched.changes) == 1
    assert not caplog.records


async def test_a_swapped_link(tmp_path: Path, eventually: Eventually, monkeypatch: pytest.MonkeyPatch) -> None:
    import watchfiles

    real, asked = watchfiles.awatch, []

    def awatch(*folders: Path, **options: Any) -> Any:
        asked.append(set(folders))
        return real(*folders, **options)

    monkeypatch.setattr(watchfiles, "awatch", awatch)
    # Only events count here, not the look that is taken now and then.
    monkeypatch.setattr("tradewire.config.watcher._AT_LEAST_MS", 600_000)
    targets = [tmp_path / "one" / "c.yaml", tmp_path / "two" / "c.yaml"]
    for count, target in enumerate(targets, 1):
        target.parent.mkdir()
        target.write_text(TEXT.format(count))
    link = tmp_path / "links" / "c.yaml"
    link.parent.mkdir()
    link.symlink_to(targets[0])
    watched = Watched(link)
    async with watched.loader:
        assert watched.count == 1
        await eventually(lambda: asked == [{link.parent, targets[0].parent}])
        other = link.with_name("new")
        other.symlink_to(targets[1])
        other.replace(link)
        await eventually(lambda: watched.count == 2)
        # The folder of the file that it leads to now is watched as well.
        await eventually(lambda: {link.parent, targets[1].parent} == asked[-1])
        targets[1].write_text(TEXT.format(3))
        await eventually(lambda: watched.count == 3)
    assert watched.whole()


async def test_a_swapped_folder_as_kubernetes_does_it(tmp_path: Path, eventually: Eventually) -> None:
    for count in (1, 2):
        (tmp_path / f"..{count}").mkdir()
        (tmp_path / f"..{count}" / "c.yaml").write_text(TEXT.format(count))
    (tmp_path / "..data").symlink_to("..1")
    (tmp_path / "c.yaml").symlink_to("..data/c.yaml")
    watched = Watched(tmp_path / "c.yaml")
    async with watched.loader:
        (tmp_path / "..new").symlink_to("..2")
        (tmp_path / "..new").replace(tmp_path / "..data")
        await eventually(lambda: watched.count == 2)
    assert watched.whole()


async def test_deleted_and_made_anew(
    watched: Watched, eventually: Eventually, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = _seen_gone(monkeypatch)
    path_of(watched).unlink()
    await eventually(lambda: len(gone) > 4)
    path_of(watched).write_text(TEXT.format(2))
    await eventually(lambda: watched.count == 2)
    assert watched.whole()
    assert not caplog.records


async def test_deleted_for_good_is_one_error_and_the_old_one_stays(
    watched: Watched, eventually: Eventually, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tradewire.config.watcher._PATIENCE_S", 0.2)
    path_of(watched).unlink()
    await eventually(lambda: caplog.records)
    assert watched.count == 1
    path_of(watched).write_text(TEXT.format(2))
    await eventually(lambda: watched.count == 2)
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert "cannot be read" in caplog.text


async def test_a_folder_deleted_and_made_anew(
    tmp_path: Path, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tradewire.config.watcher._AT_LEAST_MS", 100)
    monkeypatch.setattr("tradewire.config.watcher._PATIENCE_S", 0.2)
    path = tmp_path / "folder" / "c.yaml"
    path.parent.mkdir()
    path.write_text(TEXT.format(1))
    watched = Watched(path)
    async with watched.loader:
        path.unlink()
        path.parent.rmdir()
        path.parent.mkdir()
        path.write_text(TEXT.format(2))
        await eventually(lambda: watched.count == 2)
        path.unlink()
        path.parent.rmdir()
        assert watched.loader._watcher is not None
        await eventually(lambda: watched.loader._watcher._known == (None,))
        path.parent.mkdir()
        path.write_text(TEXT.format(3))
        await eventually(lambda: watched.count == 3)
    assert watched.whole()


async def test_a_wrong_file_is_one_error_and_a_right_one_heals(
    watched: Watched, eventually: Eventually, caplog: pytest.LogCaptureFixture
) -> None:
    path_of(watched).write_text("connection_pool: {max_connections: none}\n")
    await eventually(lambda: caplog.records)
    path_of(watched).write_text(TEXT.format(2))
    await eventually(lambda: watched.count == 2)
    assert len(caplog.records) == 1
    assert ":1: connection_pool.max_connections: must be an integer" in caplog.text
    assert watched.whole()


async def test_a_file_that_others_could_read_is_taken_when_they_no_longer_can(
    watched: Watched, eventually: Eventually, caplog: pytest.LogCaptureFixture
) -> None:
    """As the error asks: nothing in the file changes."""
    path = path_of(watched)
    path.write_text(f"{TEXT.format(2)}exchanges: {{b: {{name: B, api_key: hush}}}}\n")
    await eventually(lambda: caplog.records)
    assert "can be read or written by others" in caplog.text
    path.chmod(0o600)
    await eventually(lambda: watched.count == 2)
    assert len(caplog.records) == 1


async def test_a_fault_that_is_mended_elsewhere_is_found_out_and_told_once(
    tmp_path: Path, eventually: Eventually, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As the error asks: the key is put into its file, and the configuration's own file is as it was."""
    monkeypatch.setattr("tradewire.config.watcher._AT_LEAST_MS", 20)
    path, keys, written = tmp_path / "c" / "c.yaml", tmp_path / "keys" / "key", tmp_path / "keys" / "made"
    path.parent.mkdir()
    keys.parent.mkdir()
    written.write_text(new_key().secret.reveal())
    written.chmod(0o600)
    path.write_text(TEXT.format(1))
    loader = ConfigLoader(path, env={}, env_file=None, key=keys)
    token = ConfigLoader(path, env={}, env_file=None, key=written).encrypt_value("hush", "exchanges.b.api_key")
    looks, refusals, really = [0], list[ConfigError](), loader._reload

    async def reload() -> Change | None:
        looks[0] += 1
        return await really()

    monkeypatch.setattr(loader, "_reload", reload)
    loader.subscribe_to_refusals(refusals.append)
    async with loader:
        path.write_text(f"{TEXT.format(2)}exchanges: {{b: {{name: B, api_key: '{token}'}}}}\n")
        await eventually(lambda: looks[0] > 3)
        assert len(refusals) == len(caplog.records) == 1
        path.write_text(path.read_text() + "# the same\n")
        await eventually(lambda: len(refusals) == len(caplog.records) == 2)
        written.replace(keys)
        await eventually(lambda: loader.config.connection_pool.max_connections == 2)
        before = looks[0]
        path.write_text(TEXT.format(3))
        await eventually(lambda: loader.config.connection_pool.max_connections == 3)
        assert looks[0] == before + 1, "nothing is looked at again that is well"


async def test_other_files_in_the_folder_are_no_matter(watched: Watched, eventually: Eventually) -> None:
    calls: list[int] = []

    async def called(again: bool) -> bool:
        calls.append(1)
        return True

    path = path_of(watched)
    watcher = Watcher((path,), called, watched.loader.reading.fingerprints)
    watcher.start()
    for number in range(20):
        path.with_name(f"other{number}").write_text("x")
    path.write_text(TEXT.format(2))
    await eventually(lambda: calls)
    await watcher.stop()
    assert len(calls) == 1


async def test_a_change_before_the_watch_began_is_seen(tmp_path: Path, eventually: Eventually) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(TEXT.format(1))
    watched = Watched(path)
    watched.loader.load()
    path.write_text(TEXT.format(2))
    async with watched.loader:
        await eventually(lambda: watched.count == 2)


async def test_the_env_file_is_watched_too(tmp_path: Path, eventually: Eventually) -> None:
    path, env_file = tmp_path / "c.yaml", tmp_path / "env" / ".env"
    path.write_text("environment: paper\n")
    env_file.parent.mkdir()
    loader = ConfigLoader(path, env={}, env_file=env_file)
    async with loader:
        env_file.write_text("TRADING_CONNECTION_MAX_CONNECTIONS=7\n")
        await eventually(lambda: loader.config.connection_pool.max_connections == 7)


async def test_an_env_file_that_is_gone_holds_nothing_up(
    tmp_path: Path, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tradewire.config.watcher._PATIENCE_S", 3_600.0)
    path, env_file = tmp_path / "c.yaml", tmp_path / ".env"
    path.write_text(TEXT.format(1))
    env_file.write_text("TRADING_CONNECTION_MAX_CONNECTIONS=7\n")
    loader = ConfigLoader(path, env={}, env_file=env_file)
    async with loader:
        assert loader.config.connection_pool.max_connections == 7
        env_file.unlink()
        await eventually(lambda: loader.config.connection_pool.max_connections == 1)
        path.write_text(TEXT.format(2))
        await eventually(lambda: loader.config.connection_pool.max_connections == 2)


async def test_an_env_file_that_is_made_anew_was_never_gone(
    tmp_path: Path, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watcher, "_OPTIONAL_PATIENCE_S", 3_600.0)
    gone = _seen_gone(monkeypatch)
    path, env_file = tmp_path / "c.yaml", tmp_path / ".env"
    path.write_text(TEXT.format(1))
    env_file.write_text("TRADING_CONNECTION_MAX_CONNECTIONS=7\n")
    loader = ConfigLoader(path, env={}, env_file=env_file)
    seen: list[int] = []
    loader.subscribe(lambda change: seen.append(change.new.connection_pool.max_connections))
    async with loader:
        env_file.unlink()
        await eventually(lambda: len(gone) > 4)
        env_file.write_text("TRADING_CONNECTION_MAX_CONNECTIONS=8\n")
        await eventually(lambda: seen)
    assert seen == [8]


async def test_a_relative_path_is_watched_where_it_was(
    tmp_path: Path, eventually: Eventually, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "c.yaml"
    path.write_text(TEXT.format(1))
    watched = Watched(Path("c.yaml"))
    async with watched.loader:
        monkeypatch.chdir("elsewhere")
        path.write_text(TEXT.format(2))
        await eventually(lambda: watched.count == 2)
        path.write_text(TEXT.format("x"))
        await eventually(lambda: caplog.records)
    assert "\nc.yaml:1: connection_pool.max_connections" in caplog.text, "shown as it was given"


async def test_when_the_system_cannot_watch_it_polls(
    tmp_path: Path, eventually: Eventually, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    import watchfiles

    real, asked = watchfiles.awatch, []

    def awatch(*folders: Path, **options: Any) -> Any:
        asked.append(options["force_polling"])
        if not options["force_polling"]:
            raise OSError("OS file watch limit reached")
        return real(*folders, **options)

    monkeypatch.setattr(watchfiles, "awatch", awatch)
    path = tmp_path / "c.yaml"
    path.write_text(TEXT.format(1))
    watched = Watched(path)
    async with watched.loader:
        await eventually(lambda: len(asked) > 1)
        path.write_text(TEXT.format(2))
        await eventually(lambda: watched.count == 2)
    assert "by polling: OS file watch limit reached" in caplog.text


def test_nothing_is_left_when_the_loop_ends(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(TEXT.format(1))
    before = set(threading.enumerate())

    async def watch() -> None:
        await Watched(path).loader.start()
        stopped = Watched(path).loader
        await stopped.start()
        await stopped.stop()
        names = [task.get_name() for task in asyncio.all_tasks()]
        assert names.count("tradewire-config-watcher") == 1

    asyncio.run(watch())
    for thread in set(threading.enumerate()) - before:
        thread.join(10)
    assert set(threading.enumerate()) <= before


async def test_a_subscriber_may_stop_the_watching(watched: Watched, eventually: Eventually) -> None:
    stopped: list[Change] = []

    async def stop(change: Change) -> None:
        await watched.loader.stop()
        stopped.append(change)

    watched.loader.subscribe(stop)
    path_of(watched).write_text(TEXT.format(2))
    await eventually(lambda: stopped)
    await eventually(lambda: "tradewire-config-watcher" not in [task.get_name() for task in asyncio.all_tasks()])


async def test_stopping_while_waiting_for_a_writer(watched: Watched, eventually: Eventually) -> None:
    with path_of(watched).open("w") as file:
        file.write("half")
        file.flush()
        await watched.loader.stop()
    assert watched.count == 1


def test_the_folders_that_matter(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
    (tmp_path / "c" / "file").touch()
    (tmp_path / "b" / "link").symlink_to("../c/file")
    (tmp_path / "a" / "folder").symlink_to(tmp_path / "b")
    root = Path(os.path.realpath(tmp_path))
    assert folders_of(root / "a" / "folder" / "link") == {root / "a", root / "b", root / "c"}
    assert folders_of(root / "a" / "none") == {root / "a"}
    assert folders_of(root / "none" / "none") == frozenset()


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    assert Path(os.path.realpath(tmp_path)) in folders_of(tmp_path / "a")
