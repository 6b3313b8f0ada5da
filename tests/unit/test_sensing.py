"""The landing sensor's decisions, tick by tick, and why a schedule refreshes."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from orchestration.landing.files import find_landing_files
from orchestration.ledger_copy import (
    FileState,
    read_ledger_copy,
    unknown_files,
    write_ledger_copy,
)
from orchestration.sensing import MAX_FILES_SEEN, Tick, judge, look, why_refresh
from tests.unit.landing_folder import GOOD_LINE, LandingFolder, order_line


def _files(**sizes: int) -> dict[str, FileState]:
    """Unknown files by name, of a size each; another size is another time too."""
    return {
        name: (name, "order_lines", size, size * 1000, "read so") for name, size in sizes.items()
    }


class Ticks:
    """A sensor that looks again and again; remembers what it asked for."""

    def __init__(self) -> None:
        self.cursor: str | None = None
        self.keys: list[str] = []
        self.last: Tick | None = None

    def __call__(
        self, files: Mapping[str, FileState], load: str = "first", is_run_waiting: bool = False
    ) -> bool:
        self.last = judge(self.cursor, files, load, is_run_waiting)
        self.cursor = self.last.cursor
        if self.last.run_key is not None:
            self.keys.append(self.last.run_key)
        return self.last.run_key is not None


def test_nothing_new_asks_for_nothing() -> None:
    tick = Ticks()
    assert [tick({}) for _ in range(3)] == [False] * 3
    assert tick.last is not None
    assert "Nothing new" in tick.last.reason


def test_a_file_settles_when_two_looks_find_it_the_same() -> None:
    tick = Ticks()
    found = [tick(_files(a=size)) for size in (1, 2, 3, 3, 3, 3)]
    assert found == [False, False, False, True, False, False]


def test_files_that_settle_together_are_one_run_while_others_are_copied() -> None:
    tick = Ticks()
    assert not tick(_files(a=1, b=2, c=1))
    assert tick(_files(a=1, b=2, c=5))
    # The run has loaded a and b; c settles and gets a run of its own.
    assert tick(_files(c=5), load="second")
    assert not tick({}, load="third")
    assert len(set(tick.keys)) == 2


def test_a_run_that_waits_will_take_what_settles_meanwhile() -> None:
    tick = Ticks()
    tick(_files(a=1))
    assert tick(_files(a=1))
    assert not tick(_files(a=1, b=1), is_run_waiting=True)
    assert not tick(_files(a=1, b=1), is_run_waiting=True)
    # It left b, which had not settled when it began.
    assert tick(_files(b=1), load="second")


def test_what_a_failed_run_did_not_load_is_not_asked_for_over_and_over() -> None:
    tick = Ticks()
    tick(_files(a=1))
    assert tick(_files(a=1))
    assert not any(tick(_files(a=1)) for _ in range(5))
    assert tick.last is not None
    assert "asked for already" in tick.last.reason
    # Another file is a reason to try both, once it has settled.
    assert not tick(_files(a=1, b=1))
    assert tick(_files(a=1, b=1))


def test_what_a_load_has_left_out_is_asked_for_again() -> None:
    tick = Ticks()
    tick(_files(a=1))
    assert tick(_files(a=1))
    assert tick(_files(a=1), load="second")


def test_a_file_that_changes_back_and_forth_gets_a_run_each_time() -> None:
    tick = Ticks()
    for load, size in enumerate((1, 2, 1, 2)):
        tick(_files(a=size), load=str(load))
        assert tick(_files(a=size), load=str(load))
    assert len(set(tick.keys)) == 4


def test_a_tick_that_is_lost_after_asking_asks_for_the_same_run() -> None:
    """Dagster starts one run per key, so that asking twice is asking once."""
    tick = Ticks()
    tick(_files(a=1))
    before = tick.cursor
    assert tick(_files(a=1))
    tick.cursor = before
    assert tick(_files(a=1))
    assert len(set(tick.keys)) == 1


@pytest.mark.parametrize("cursor", ["", "not json", "[]", '{"seen": 3}', '{"pending": {}}'])
def test_a_cursor_of_another_form_is_as_none(cursor: str) -> None:
    tick = judge(cursor, _files(a=1), "first", is_run_waiting=False)
    assert tick.run_key is None
    assert judge(tick.cursor, _files(a=1), "first", is_run_waiting=False).run_key


def test_the_cursor_stays_small_however_many_files_come() -> None:
    many = _files(**{f"f{number:06}": number for number in range(3 * MAX_FILES_SEEN)})
    tick = Ticks()
    assert not tick(many)
    assert len(tick.cursor or "") < 25 * MAX_FILES_SEEN
    assert len(json.loads(tick.cursor or "")["seen"]) == MAX_FILES_SEEN
    assert tick(many)


@pytest.fixture
def folder(tmp_path: Path) -> LandingFolder:
    folder = LandingFolder(tmp_path)
    folder.settings.resolved_data_dir.mkdir()
    return folder


def _load(folder: LandingFolder) -> None:
    folder.load()
    write_ledger_copy(folder.con, folder.settings.ledger_copy_path)


def _unknown(folder: LandingFolder) -> list[str]:
    known = read_ledger_copy(folder.settings.ledger_copy_path)
    return [
        state[0] for state in unknown_files(find_landing_files(folder.settings), known).values()
    ]


def test_known_are_files_as_they_were_loaded_whatever_became_of_them(
    folder: LandingFolder,
) -> None:
    folder.write_lines("order_lines_1.csv", GOOD_LINE)
    folder.write_lines("order_lines_2.csv", GOOD_LINE)
    folder.write("order_lines_3.csv", "nonsense\n1\n")
    (folder.root / "order_lines_4.csv.part").write_text("half")
    assert len(_unknown(folder)) == 3
    _load(folder)
    assert _unknown(folder) == []
    known = read_ledger_copy(folder.settings.ledger_copy_path)
    assert known is not None
    assert [path for path, _ in known.failed] == ["order_lines_3.csv"]
    os.utime(folder.root / "order_lines_1.csv", (1_000_000_000, 1_000_000_000))
    assert _unknown(folder) == ["order_lines_1.csv"]


def test_looks_at_a_real_folder(folder: LandingFolder) -> None:
    folder.write_lines("order_lines_1.csv", GOOD_LINE)
    first = look(folder.settings, None, is_run_waiting=False)
    second = look(folder.settings, first.cursor, is_run_waiting=False)
    assert (first.run_key is None, second.run_key is None) == (True, False)
    _load(folder)
    third = look(folder.settings, second.cursor, is_run_waiting=False)
    assert third.run_key is None
    folder.write_lines("order_lines_1.csv", order_line(quantity="5"))
    fourth = look(folder.settings, third.cursor, is_run_waiting=False)
    assert look(folder.settings, fourth.cursor, is_run_waiting=False).run_key


def test_a_lost_copy_of_the_ledger_makes_all_unknown(folder: LandingFolder) -> None:
    folder.write_lines("order_lines_1.csv", GOOD_LINE)
    _load(folder)
    folder.settings.ledger_copy_path.write_text('{"files": ')
    assert read_ledger_copy(folder.settings.ledger_copy_path) is None
    assert _unknown(folder) == ["order_lines_1.csv"]
    assert why_refresh(folder.settings) == "nothing is published yet"
