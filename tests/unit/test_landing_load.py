"""What a load remembers: files skipped, replaced, gone, copied, and folders mixed up."""

import os
import random
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from orchestration.errors import CustomerValueError
from orchestration.landing.load import load_landing, plan_landing
from orchestration.landing.scans import Scan
from orchestration.landing.sources import OpenedFile
from orchestration.settings import Settings
from tests.unit.landing_folder import GOOD_LINE, LandingFolder, order_line


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[LandingFolder]:
    folder = LandingFolder(tmp_path)
    folder.write_lines("order_lines_1.csv", GOOD_LINE)
    folder.write_lines("order_lines_2.csv", order_line(order_id="1002"))
    yield folder
    folder.con.close()


def test_the_second_load_reads_nothing(folder: LandingFolder) -> None:
    first = folder.load()
    assert (first.loaded_count, first.rows_kept, first.is_changed) == (2, 2, True)
    plan = plan_landing(folder.con, folder.settings)
    assert plan.is_up_to_date

    second = folder.load()

    assert (second.loaded_count, second.unchanged_count, second.is_changed) == (0, 2, False)
    assert [file.rows_kept for file in second.files] == [1, 1]


def test_planning_a_new_warehouse_writes_nothing(folder: LandingFolder) -> None:
    plan = plan_landing(folder.con, folder.settings)
    assert [planned.step for planned in plan.to_load] == ["load", "load"]
    assert not plan.is_up_to_date
    assert folder.con.execute("select count(*) from duckdb_tables()").fetchone() == (0,)


def test_an_unchanged_file_is_not_even_hashed(
    folder: LandingFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    from orchestration.landing import plan

    folder.load()
    hashed: list[str] = []
    original = plan.hash_file

    def note(path: Path) -> str:
        hashed.append(path.name)
        return original(path)

    monkeypatch.setattr(plan, "hash_file", note)
    os.utime(folder.root / "order_lines_2.csv", (1_000_000_000, 1_000_000_000))

    assert folder.load().unchanged_count == 2
    assert hashed == ["order_lines_2.csv"]
    folder.load()
    assert hashed == ["order_lines_2.csv"]


def test_a_changed_file_replaces_its_own_rows_and_rejects_only(folder: LandingFolder) -> None:
    bad = order_line(quantity="x")
    folder.write_lines("order_lines_1.csv", GOOD_LINE, bad)
    folder.write_lines("order_lines_2.csv", order_line(order_id="1002"), bad)
    folder.load()
    folder.write_lines("order_lines_1.csv", *[order_line(order_id="7")] * 2)

    load = folder.load()

    assert folder.report("order_lines_1.csv", load).action == "replaced"
    assert (load.loaded_count, load.unchanged_count) == (1, 1)
    assert folder.rows("order_id") == [("1002",), ("7",), ("7",)]
    assert [reject[0] for reject in folder.rejects()] == ["order_lines_2.csv"]
    assert folder.rows("path, status, rows_kept", "loaded_files") == [
        ("order_lines_1.csv", "loaded", 2),
        ("order_lines_2.csv", "loaded", 1),
    ]


def test_a_new_file_is_loaded_alone(folder: LandingFolder) -> None:
    folder.load()
    folder.write_lines("order_lines_3.csv", order_line(order_id="1003"))
    load = folder.load()
    assert (load.loaded_count, load.unchanged_count, load.rows_kept) == (1, 2, 1)


def test_a_removed_file_is_reported_and_its_rows_stay(folder: LandingFolder) -> None:
    folder.load()
    (folder.root / "order_lines_1.csv").unlink()
    assert not plan_landing(folder.con, folder.settings).is_up_to_date

    load = folder.load()

    assert load.gone == ("order_lines_1.csv",)
    assert not load.is_changed
    assert len(folder.rows("order_id")) == 2
    assert folder.rows("path, status", "loaded_files")[0] == ("order_lines_1.csv", "gone")
    assert plan_landing(folder.con, folder.settings).is_up_to_date

    folder.write_lines("order_lines_1.csv", GOOD_LINE)
    load = folder.load()
    assert (load.loaded_count, load.gone) == (0, ())
    assert folder.rows("path, status", "loaded_files")[0] == ("order_lines_1.csv", "loaded")


def test_the_same_content_under_another_name_is_not_loaded_twice(folder: LandingFolder) -> None:
    folder.write_lines("order_lines_copy.csv", GOOD_LINE)

    load = folder.load()
    report = folder.report("order_lines_copy.csv", load)

    assert report.action == "duplicate_content"
    assert "order_lines_1.csv" in str(report.error)
    assert len(folder.rows("order_id")) == 2
    assert folder.load().loaded_count == 0

    folder.write_lines("order_lines_1.csv", order_line(order_id="9"))
    load = folder.load()
    assert folder.report("order_lines_copy.csv", load).action == "loaded"
    assert folder.rows("order_id") == [("1001",), ("1002",), ("9",)]


def test_a_file_that_becomes_a_copy_of_another_loses_its_rows(folder: LandingFolder) -> None:
    folder.load()
    folder.write_lines("order_lines_2.csv", GOOD_LINE)
    assert not plan_landing(folder.con, folder.settings).is_up_to_date

    load = folder.load()

    assert folder.report("order_lines_2.csv", load).action == "duplicate_content"
    assert plan_landing(folder.con, folder.settings).is_up_to_date
    assert load.is_changed
    assert folder.rows("order_id") == [("1001",)]


def test_two_files_that_exchange_their_contents_change_nothing(folder: LandingFolder) -> None:
    folder.load()
    folder.write_lines("order_lines_2.csv", GOOD_LINE)
    folder.write_lines("order_lines_1.csv", order_line(order_id="1002"))
    folder.load()
    assert folder.rows("order_id") == [("1001",), ("1002",)]


def test_a_changed_profile_reads_the_files_anew(folder: LandingFolder, tmp_path: Path) -> None:
    text = (
        "name: own\ndescription: d\nfiles:\n  - dataset: order_lines\n    pattern: '*.csv'\n"
        "    columns:\n      order_id: order_id\n      product_id: product_id\n"
        "      ordered_at: ordered_at\n      quantity: quantity\n      unit_price: unit_price\n"
    )
    profile = tmp_path / "own.yml"
    profile.write_text(text, encoding="utf-8")
    assert folder.load(profile=str(profile)).loaded_count == 2
    assert folder.load(profile=str(profile)).loaded_count == 0
    profile.write_text(text.replace("description: d", "description: other"), encoding="utf-8")
    assert folder.load(profile=str(profile)).loaded_count == 0

    profile.write_text(text + "      country: {expression: \"'UK'\"}\n", encoding="utf-8")
    load = folder.load(profile=str(profile))

    assert [file.action for file in load.files] == ["replaced", "replaced"]
    assert folder.rows("order_id, country") == [("1001", "UK"), ("1002", "UK")]


def test_another_folder_is_refused_unless_most_of_the_old_one_is_there(
    folder: LandingFolder, tmp_path: Path
) -> None:
    folder.load()
    (tmp_path / "other").mkdir()
    other = LandingFolder(tmp_path / "other")
    other.write_lines("order_lines_9.csv", order_line(order_id="9"))

    with pytest.raises(CustomerValueError) as raised:
        folder.load(landing_dir=other.root)
    assert str(folder.root) in raised.value.problem
    assert str(other.root) in raised.value.problem
    assert "--data-dir" in raised.value.way_out

    # One file in common is no proof: shops may share a list of products.
    shutil.copy(folder.root / "order_lines_1.csv", other.root)
    with pytest.raises(CustomerValueError, match="of its 2 files 1 is in"):
        folder.load(landing_dir=other.root)

    shutil.copy(folder.root / "order_lines_2.csv", other.root)  # the folder has moved
    load = folder.load(landing_dir=other.root)
    assert (load.loaded_count, load.unchanged_count) == (1, 2)
    other.con.close()


def test_a_folder_whose_files_were_all_archived_takes_new_ones(folder: LandingFolder) -> None:
    folder.load()
    for path in folder.root.iterdir():
        path.unlink()
    assert len(folder.load().gone) == 2
    folder.write_lines("order_lines_3.csv", order_line(order_id="1003"))
    load = folder.load()
    assert (load.loaded_count, len(load.gone)) == (1, 2)
    assert len(folder.rows("order_id")) == 3


def test_files_that_are_not_meant_are_left_alone(folder: LandingFolder) -> None:
    for name in (
        ".hidden.csv",
        "~$order_lines.xlsx",
        "order_lines_4.csv.part",
        ".git/order_lines.csv",
    ):
        folder.write(name, "x")
    folder.write("readme.md", "x")
    folder.write("order_lines_notes.pdf", "x")

    load = folder.load()

    assert (load.loaded_count, load.failed) == (2, ())
    assert load.ignored_files == ("order_lines_notes.pdf", "readme.md")


def test_a_load_of_one_dataset_leaves_the_others_alone(folder: LandingFolder) -> None:
    folder.write("customers.csv", "customer_id\nC1\n")
    load = load_landing(folder.con, folder.settings, datasets=["customers"])
    assert [file.path for file in load.files] == ["customers.csv"]
    assert folder.rows("count(*)") == [(0,)]
    load = folder.load()
    assert (load.loaded_count, load.unchanged_count, load.gone) == (2, 1, ())


def test_order_split_and_names_of_files_change_no_row(tmp_path: Path) -> None:
    lines = [order_line(order_id=str(number % 40), quantity=str(number)) for number in range(100)]
    results = []
    for trial in range(3):
        shuffled = lines.copy()
        random.Random(trial).shuffle(shuffled)
        (tmp_path / str(trial)).mkdir()
        folder = LandingFolder(tmp_path / str(trial))
        size = (100, 7, 33)[trial]
        for start in range(0, 100, size):
            folder.write_lines(f"order_lines_{99 - start}.csv", *shuffled[start : start + size])
        folder.load()
        results.append(folder.rows("* exclude (_file_id)"))
        folder.con.close()
    assert len(results[0]) == 100
    assert results[0] == results[1] == results[2]


@pytest.mark.parametrize(
    ("landing", "profile", "paths"),
    [
        (".", None, ["canonical/order_lines.csv", "crm_purchases/a.csv"]),
        ("canonical", None, ["order_lines.csv"]),
        ("canonical", "canonical", ["order_lines.csv"]),
        ("crm_purchases/a.csv", None, ["a.csv"]),
        ("crm_purchases/a.csv", "crm_purchases", ["a.csv"]),
        (".", "crm_purchases", ["canonical/order_lines.csv", "crm_purchases/a.csv"]),
    ],
)
def test_a_landing_source_is_a_root_a_folder_or_a_file(
    tmp_path: Path, landing: str, profile: str | None, paths: list[str]
) -> None:
    folder = LandingFolder(tmp_path)
    folder.write_lines("canonical/order_lines.csv", GOOD_LINE)
    folder.write(
        "crm_purchases/a.csv", "customer_id,purchase_date,product_id,amount\n1,2024-01-01,P,5\n"
    )
    folder.write("other/x.csv", "a\n")
    load = folder.load(landing_dir=folder.root / landing, profile=profile)
    found = [file.path for file in load.files if not file.path.startswith("other")]
    assert found == paths
    folder.con.close()


def test_one_file_may_feed_two_datasets(tmp_path: Path) -> None:
    folder = LandingFolder(tmp_path)
    profile = tmp_path / "both.yml"
    profile.write_text(
        "name: both\ndescription: d\nfiles:\n"
        "  - {dataset: order_lines, pattern: '*.csv'}\n"
        "  - {dataset: customers, pattern: '*.csv', columns: {customer_id: customer_id}}\n",
        encoding="utf-8",
    )
    folder.write_lines("a.csv", GOOD_LINE)
    load = folder.load(profile=str(profile))
    assert [(file.dataset, file.rows_kept) for file in load.files] == [
        ("customers", 1),
        ("order_lines", 1),
    ]
    assert folder.rows("customer_id", "customers") == [("C1",)]
    folder.con.close()


def test_progress_is_told_and_the_connection_is_left_as_it_was(folder: LandingFolder) -> None:
    told: list[str] = []
    load_landing(folder.con, folder.settings, progress=told.append)
    assert any("order_lines" in text for text in told)
    assert folder.con.execute("select current_setting('preserve_insertion_order')").fetchone() == (
        False,
    )


def test_settings_for_a_file_named_outright_need_no_pattern(tmp_path: Path) -> None:
    folder = LandingFolder(tmp_path, profile="uci_online_retail")
    path = folder.write(
        "export.txt", "InvoiceNo,StockCode,InvoiceDate,Quantity,UnitPrice\nC1,2,2011-01-01,-1,3\n"
    )
    settings = Settings(landing_dir=path, profile="uci_online_retail", data_dir=tmp_path / "w")
    load = load_landing(folder.con, settings)
    assert (load.rows_kept, load.files[0].path) == (1, "export.txt")
    assert folder.rows("order_id, status") == [("C1", "cancellation")]
    folder.con.close()


def test_files_of_one_layout_are_read_in_one_scan(
    folder: LandingFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    from orchestration.landing import batch

    for number in range(3, 40):
        folder.write_lines(f"order_lines_{number}.csv", order_line(order_id=str(number)))
    sizes: list[int] = []
    original = batch.scan_files

    def count(opened: Sequence[OpenedFile]) -> Scan:
        sizes.append(len(opened))
        return original(opened)

    monkeypatch.setattr(batch, "scan_files", count)
    assert folder.load().loaded_count == 39
    assert sizes == [39]
