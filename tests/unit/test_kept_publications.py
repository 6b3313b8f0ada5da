"""Earlier publications: kept without a copy, listed, put back, whatever is interrupted."""

import errno
import os
from pathlib import Path

import duckdb
import pytest

from orchestration.errors import CustomerValueError
from orchestration.fingerprint import Fingerprint
from orchestration.landing.load import ensure_raw_tables
from orchestration.publishing import run_manifest
from orchestration.publishing.kept import (
    choose_kept,
    keep_published,
    kept_publications,
    next_number,
    published_manifest,
    restore_publication,
)
from orchestration.restoring import restore
from orchestration.settings import Settings

MADE_FROM = Fingerprint(inputs="files", settings="settings", code="code")


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(run_manifest, "code_version", lambda: "1.0")
    return Settings(data_dir=tmp_path, keep_publications=2)


def _publish(settings: Settings, times: int = 1) -> None:
    """Publish files that hold nothing but their number."""
    for _ in range(times):
        last = published_manifest(settings)
        number = next_number(settings, last.publication_number) if last else 1
        with duckdb.connect() as con:
            ensure_raw_tables(con)
            con.execute("create schema changes")
            con.execute(f"create table changes.publication as select {number} publication_number")
            con.execute(f"attach '{settings.marts_build_path}' as marts")
            con.execute("create schema marts.core")
            con.execute(f"create table marts.core.fct_orders as select {number} as order_id")
            run_manifest.write_run_manifest(con, "marts", settings, MADE_FROM, "run", {})
        keep_published(settings)
        settings.marts_build_path.replace(settings.marts_path)


def _published(settings: Settings) -> int:
    with duckdb.connect(str(settings.marts_path), read_only=True) as con:
        return int(con.execute("from core.fct_orders").fetchall()[0][0])


def _numbers(settings: Settings) -> list[int]:
    return [one.number for one in kept_publications(settings)]


def test_the_last_ones_are_kept_and_older_ones_go(settings: Settings) -> None:
    _publish(settings)
    assert _numbers(settings) == []
    _publish(settings, times=4)
    assert _published(settings) == 5
    assert _numbers(settings) == [4, 3]
    assert sorted(path.name for path in settings.publications_dir.iterdir()) == [
        "3.duckdb",
        "4.duckdb",
    ]


def test_what_is_kept_is_the_very_file_that_was_published(settings: Settings) -> None:
    _publish(settings)
    published = settings.marts_path.stat().st_ino
    _publish(settings)
    assert kept_publications(settings)[0].path.stat().st_ino == published


def test_none_is_kept_where_none_is_wanted(settings: Settings) -> None:
    _publish(settings, times=2)
    _publish(settings.model_copy(update={"keep_publications": 0}))
    assert _numbers(settings) == []
    assert list(settings.publications_dir.iterdir()) == []


def test_where_files_have_one_name_only_they_are_copied(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(source: Path, target: Path) -> None:
        raise OSError(errno.EPERM, "Operation not permitted", str(target))

    monkeypatch.setattr(os, "link", refuse)
    _publish(settings, times=2)
    assert restore(settings).number == 1
    assert _published(settings) == 1


def test_restoring_goes_back_and_forth(settings: Settings) -> None:
    _publish(settings, times=3)
    assert restore(settings).number == 2
    assert (_published(settings), _numbers(settings)) == (2, [3, 1])
    assert restore(settings, 3).number == 3
    assert (_published(settings), _numbers(settings)) == (3, [2, 1])
    assert restore(settings, 1).number == 1
    assert (_published(settings), _numbers(settings)) == (1, [3, 2])


def test_numbers_are_never_given_twice(settings: Settings) -> None:
    _publish(settings, times=3)
    restore(settings, 1)
    _publish(settings)
    assert _published(settings) == 4
    # One is the oldest of those that could be kept.
    assert _numbers(settings) == [3, 2]


@pytest.mark.parametrize("number", [None, 7])
def test_what_is_not_kept_cannot_be_restored(settings: Settings, number: int | None) -> None:
    _publish(settings)
    with pytest.raises(CustomerValueError, match="to restore: none is kept") as caught:
        restore(settings, number)
    assert "CUSTOMER_VALUE_KEEP_PUBLICATIONS" in caught.value.way_out
    _publish(settings, times=2)
    with pytest.raises(CustomerValueError, match="no publication 7 to restore: kept are 2, 1"):
        restore(settings, 7)
    assert _published(settings) == 3


@pytest.mark.parametrize("killed_at", ["replace", "unlink"])
def test_a_restore_that_is_killed_leaves_one_of_the_two(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, killed_at: str
) -> None:
    _publish(settings, times=3)
    chosen = choose_kept(settings, 2)
    real = getattr(Path, killed_at)

    def kill(self: Path, *args: object, **options: object) -> object:
        is_time = self.name == "marts.restoring.duckdb" and killed_at == "replace"
        if is_time or (self == chosen.path and killed_at == "unlink"):
            raise KeyboardInterrupt
        return real(self, *args, **options)

    monkeypatch.setattr(Path, killed_at, kill)
    with pytest.raises(KeyboardInterrupt):
        restore_publication(settings, chosen)
    monkeypatch.undo()
    published = 3 if killed_at == "replace" else 2
    assert _published(settings) == published
    assert _numbers(settings) == [number for number in (3, 2, 1) if number != published]
    _publish(settings)
    assert _published(settings) == 4
    assert _numbers(settings) == [3, 2]


def test_a_publication_that_is_killed_after_keeping_keeps_nothing_twice(
    settings: Settings,
) -> None:
    _publish(settings, times=2)
    keep_published(settings)
    assert _numbers(settings) == [1]
    _publish(settings)
    assert _numbers(settings) == [2, 1]
    assert sorted(path.name for path in settings.publications_dir.iterdir()) == [
        "1.duckdb",
        "2.duckdb",
    ]
