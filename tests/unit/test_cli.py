"""The command line: options, output formats, and errors in one line with a way out."""

import csv
import io
import json
from pathlib import Path

import duckdb
import pytest

from orchestration.settings import Settings
from tests.building import run_command


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of an empty home."""
    return Settings(home_dir=tmp_path / "home")


@pytest.fixture
def published(settings: Settings) -> Settings:
    """A publication with one small table."""
    settings.resolved_data_dir.mkdir(parents=True)
    con = duckdb.connect(str(settings.marts_path))
    con.execute(
        """
        create schema core;
        create table core.t as
        select * from (
            values (1, 2.5::decimal(18, 4), date '2024-02-29', 'a, "b"'), (2, null, null, null)
        ) as t (id, amount, day, note)
        """
    )
    con.close()
    return settings


def _error(arguments: list[str], settings: Settings) -> str:
    done = run_command(arguments, settings, check=False)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1
    return done.stderr


def test_help_lists_the_commands(settings: Settings) -> None:
    done = run_command(["--help"], settings)
    for command in ("demo", "run", "status", "profile", "query", "dev"):
        assert f"  {command} " in done.stdout


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["runn"], "No such command 'runn'. Did you mean 'run'"),
        (["run", "--colour"], "No such option"),
        (["run", "--basis", "both"], "'both' is not one of 'net', 'gross'"),
        (["run", "--as-of", "31.12.2011"], "does not match the format '%Y-%m-%d'"),
        (["run", "--timezone", "Mars"], "unknown time zone 'Mars'"),
        (["run", "--memory-limit", "lots"], "memory_limit"),
        (["run", "--landing", "/not/there"], "/not/there does not exist"),
        (["query", "select 1"], "Nothing is published at"),
        (["profile", "check", "/not/there", "--profile", "canonical"], "does not exist"),
        (["profile", "list", "--profiles-dir", "/not/there"], "/not/there"),
    ],
)
def test_errors_are_one_line(arguments: list[str], expected: str, settings: Settings) -> None:
    assert expected in _error(arguments, settings)


def test_a_wrong_landing_folder_leaves_nothing_behind(settings: Settings) -> None:
    _error(["run", "--landing", "/not/there"], settings)
    assert not settings.resolved_home_dir.exists()


def test_status_before_the_first_run(settings: Settings) -> None:
    done = run_command(["status"], settings, check=False)
    assert done.returncode == 1
    assert str(settings.resolved_data_dir) in done.stdout
    assert "Nothing is published" in done.stderr


def test_a_query_as_table(published: Settings) -> None:
    done = run_command(["query", "select id, note from core.t order by id"], published)
    assert 'a, "b"' in done.stdout
    assert "note" in done.stdout


def test_a_query_as_csv(published: Settings) -> None:
    done = run_command(["query", "from core.t order by id", "--csv"], published)
    rows = list(csv.reader(io.StringIO(done.stdout)))
    assert rows == [
        ["id", "amount", "day", "note"],
        ["1", "2.5000", "2024-02-29", 'a, "b"'],
        ["2", "", "", ""],
    ]


def test_a_query_as_json(published: Settings) -> None:
    done = run_command(["query", "from core.t order by id", "--json"], published)
    assert json.loads(done.stdout) == [
        {"id": 1, "amount": 2.5, "day": "2024-02-29", "note": 'a, "b"'},
        {"id": 2, "amount": None, "day": None, "note": None},
    ]
    done = run_command(["query", "from core.t where false", "--json"], published)
    assert json.loads(done.stdout) == []


def test_a_query_says_when_it_shows_only_the_first_rows(published: Settings) -> None:
    done = run_command(["query", "from core.t", "--limit", "1"], published)
    assert "The first 1 rows" in done.stdout


@pytest.mark.parametrize(
    "statement", ["drop table core.t", "insert into core.t values (3, 1, null, '')", "selec 1"]
)
def test_a_query_only_reads(published: Settings, statement: str) -> None:
    assert "The query was not accepted" in _error(["query", statement], published)


def test_status_and_query_find_the_last_run(published: Settings, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    published.resolved_data_dir.rename(elsewhere)
    published.current_pointer.write_text(f"{elsewhere}\n")
    done = run_command(["query", "select count(*) as n from core.t", "--csv"], published)
    assert done.stdout == "n\n2\n"


def test_demo_writes_landing_files_and_their_truth(settings: Settings) -> None:
    done = run_command(["demo", "--customers", "50", "--months", "3", "--seed", "7"], settings)
    assert str(settings.resolved_landing_dir) in done.stdout
    assert (settings.resolved_data_dir / "truth" / "summary.json").exists()


def test_profile_check_shows_rows_rejects_and_totals(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "order_lines.csv"
    file.write_text(
        "order_id,product_id,ordered_at,quantity,unit_price\n"
        "o1,p1,2024-01-02 10:00,2,1.50\n"
        "o2,p1,2024-01-03 10:00,x,1.50\n"
    )
    done = run_command(["profile", "check", str(file), "--profile", "canonical"], settings)
    assert "2 rows read, 1 kept, 1 rejected" in done.stdout
    assert "quantity" in done.stdout
    assert not settings.resolved_home_dir.exists()
