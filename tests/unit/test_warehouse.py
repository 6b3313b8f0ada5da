"""The warehouse: one writer at a time, limits, and errors that say who holds it."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from orchestration.errors import CustomerValueError
from orchestration.settings import Settings
from orchestration.warehouse import (
    WarehouseInUseError,
    connect_marts,
    connect_warehouse,
    engine_limits,
    lock_holder,
    lock_path,
    warehouse_lock,
)

_HOLD = """
import sys
from orchestration.settings import Settings
from orchestration.warehouse import warehouse_lock
with warehouse_lock(Settings(data_dir=sys.argv[1]), "testing"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "with space")


def test_a_second_process_is_told_who_holds_the_warehouse(settings: Settings) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(settings.data_dir)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    try:
        assert holder.stdout.readline() == "held\n"
        assert lock_holder(settings) is not None
        with (
            pytest.raises(CustomerValueError, match=rf"process {holder.pid} \(testing") as caught,
            warehouse_lock(settings, "more"),
        ):
            pass
        assert "--data-dir" in caught.value.way_out
        holder.kill()
        holder.wait()
        with warehouse_lock(settings, "after a kill"):
            pass
    finally:
        holder.kill()
        holder.communicate()
    assert lock_holder(settings) is None


def test_a_program_that_knows_nothing_of_the_lock_is_named_too(settings: Settings) -> None:
    with connect_warehouse(settings, "making it"):
        pass
    script = (
        "import duckdb, sys; con = duckdb.connect(sys.argv[1]); print('open', flush=True);"
        "sys.stdin.read()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", script, str(settings.warehouse_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert other.stdout is not None
    try:
        assert other.stdout.readline() == "open\n"
        with (
            pytest.raises(WarehouseInUseError, match=rf"another program: .*{other.pid}"),
            connect_warehouse(settings, "more", wait_seconds=0),
        ):
            pass
        other.communicate()
        with connect_warehouse(settings, "more"):
            pass
    finally:
        other.kill()
        other.wait()


def test_a_folder_that_may_not_be_written_to_is_named(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, flags: int, mode: int = 0o777) -> int:
        raise OSError(errno.EROFS, "Read-only file system", str(path))

    monkeypatch.setattr(os, "open", refuse)
    with (
        pytest.raises(CustomerValueError, match=r"with space cannot be written to \(Read-only"),
        warehouse_lock(settings, "testing"),
    ):
        pass


def test_the_lock_nests_in_one_process(settings: Settings) -> None:
    with warehouse_lock(settings, "outer"), warehouse_lock(settings, "inner"):
        assert lock_path(settings).exists()
    assert lock_holder(settings) is None


def test_connections_work_in_utc_within_the_limits(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, threads=1, memory_limit="300MB")
    with connect_warehouse(settings, "testing") as con:
        row = con.execute(
            """
            select
                current_setting('TimeZone'), current_setting('threads'),
                current_setting('memory_limit'), current_setting('temp_directory')
            """
        ).fetchall()[0]
    assert row == ("UTC", 1, "286.1 MiB", str(tmp_path / "tmp"))
    assert engine_limits(settings) == (1, "300MB")


def test_unset_limits_are_those_of_the_engine(tmp_path: Path) -> None:
    threads, memory_limit = engine_limits(Settings(data_dir=tmp_path))
    assert threads >= 1
    con = duckdb.connect(config={"memory_limit": memory_limit})
    con.close()


def test_a_file_that_is_no_database_is_named(settings: Settings) -> None:
    settings.warehouse_path.parent.mkdir(parents=True)
    settings.warehouse_path.write_text("not a database " * 1000)
    with (
        pytest.raises(CustomerValueError, match=r"warehouse\.duckdb cannot be opened") as caught,
        connect_warehouse(settings, "testing"),
    ):
        pass
    assert "move it away" in caught.value.way_out
    assert lock_holder(settings) is None


def test_marts_that_are_not_there_yet(tmp_path: Path) -> None:
    with (
        pytest.raises(CustomerValueError, match="Nothing is published"),
        connect_marts(tmp_path / "marts.duckdb"),
    ):
        pass
