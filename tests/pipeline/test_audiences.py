"""Audience files: every customer of a segment in its file, and the manifest true of the files."""

import csv
import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.errors import CustomerValueError
from orchestration.publishing import audiences
from orchestration.settings import Settings
from tests.building import Built, run_command


@pytest.fixture(scope="module")
def manifest(demo: Built) -> dict[str, Any]:
    path = demo.settings.audiences_dir / audiences.MANIFEST
    return dict(json.loads(path.read_text(encoding="utf-8")))


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def test_files_hold_the_customers_of_the_report(demo: Built, manifest: dict[str, Any]) -> None:
    folder = demo.settings.audiences_dir
    written = {
        (entry["scheme"], entry["segment"]): _rows(folder / entry["file"])
        for entry in manifest["files"]
    }
    reported = demo.marts(
        """
        select scheme, segment, customers, revenue from rfm.rpt_segments
        where snapshot_date = (select snapshot_date from rfm.dim_snapshots where is_as_of)
        """
    )
    assert {(scheme, segment) for scheme, segment, *_ in reported} == written.keys()
    for scheme, segment, customers, revenue in reported:
        rows = written[scheme, segment]
        assert len(rows) == customers
        assert sum(round(float(row["monetary"]) * 10_000) for row in rows) == revenue * 10_000
        assert {row["segment"] for row in rows} <= {segment}


def test_customers_are_in_one_file_of_each_scheme(demo: Built, manifest: dict[str, Any]) -> None:
    counted: Counter[tuple[str, str]] = Counter()
    for entry in manifest["files"]:
        rows = _rows(demo.settings.audiences_dir / entry["file"])
        ids = [row["customer_id"] for row in rows]
        assert ids == sorted(ids)
        counted.update((entry["scheme"], customer_id) for customer_id in ids)
    assert counted
    assert set(counted.values()) == {1}


def test_manifest_is_true_of_the_files(demo: Built, manifest: dict[str, Any]) -> None:
    folder = demo.settings.audiences_dir
    [(run_id, number)] = demo.marts("select run_id, publication_number from meta.run_manifest")
    assert (manifest["run_id"], manifest["publication_number"]) == (run_id, number)
    named = {entry["file"] for entry in manifest["files"]}
    assert named == {path.relative_to(folder).as_posix() for path in folder.rglob("*.csv")}
    for entry in manifest["files"]:
        content = (folder / entry["file"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == entry["sha256"]
        assert content.count(b"\n") == entry["customers"] + 1


def _publication(tmp_path: Path, demo: Built) -> Settings:
    settings = Settings(data_dir=tmp_path / "data")
    settings.resolved_data_dir.mkdir()
    settings.marts_path.write_bytes(demo.marts_path.read_bytes())
    return settings


def test_earlier_files_are_replaced_as_a_whole(tmp_path: Path, demo: Built) -> None:
    settings = _publication(tmp_path, demo)
    stale = settings.audiences_dir / "quintile" / "gone.csv"
    stale.parent.mkdir(parents=True)
    stale.write_text("customer_id\nA\n")
    audiences.write_audiences(settings)
    assert not stale.exists()
    assert [path.name for path in sorted(settings.resolved_data_dir.iterdir())] == [
        "audiences",
        "marts.duckdb",
    ]


def test_earlier_files_stay_when_writing_fails(
    tmp_path: Path, demo: Built, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = _publication(tmp_path, demo)
    audiences.write_audiences(settings)
    kept = (settings.audiences_dir / audiences.MANIFEST).read_bytes()

    def full_disk(path: Path) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(audiences, "_digest", full_disk)
    with pytest.raises(CustomerValueError, match="No space left") as caught:
        audiences.write_audiences(settings)
    assert "customer-value audiences" in caught.value.way_out
    assert (settings.audiences_dir / audiences.MANIFEST).read_bytes() == kept


def test_command_writes_them_again(tmp_path: Path, demo: Built) -> None:
    settings = _publication(tmp_path, demo)
    done = run_command(["audiences", "--data-dir", str(settings.resolved_data_dir)])
    assert "23 files" in done.stdout
    assert (settings.audiences_dir / "quintile" / "champions.csv").exists()


def test_every_segment_of_every_scheme_has_a_strategy(demo: Built) -> None:
    unserved = demo.marts(
        """
        select segments.scheme, segments.segment
        from rfm.dim_rfm_cells as segments
        left join rfm.dim_segment_strategies as strategies
            on
                segments.scheme = strategies.scheme
                and segments.segment = strategies.segment
        where strategies.offer_en is null or strategies.offer_zh is null
        """
    )
    assert unserved == []
    [(strategies,)] = demo.marts("select count(*) from rfm.dim_segment_strategies")
    assert strategies == 23


def test_nothing_published_is_said(tmp_path: Path) -> None:
    with pytest.raises(CustomerValueError, match="Nothing is published"):
        audiences.write_audiences(Settings(data_dir=tmp_path))


def test_segment_names_that_people_write_become_file_names() -> None:
    assert audiences._file_name("a/b c") == "a_b_c"
    assert audiences._file_name("重要价值") == "重要价值"


def test_file_can_be_read_back_with_its_types(demo: Built) -> None:
    path = demo.settings.audiences_dir / "fixed_bands" / "general.csv"
    with duckdb.connect() as con:
        types = con.execute(f"describe select * from read_csv('{path}')").fetchall()
    assert [name for name, *_ in types] == list(audiences.COLUMNS)
    assert {name: kind for name, kind, *_ in types}["snapshot_date"] == "DATE"
