"""The demo shop's events: as many as the summary says, in the shop's time, and beside all else."""

import hashlib
from pathlib import Path

import pandas as pd
import pytest

from orchestration.demo import DemoTruth, generate_demo_shop, read_demo_truth
from orchestration.demo.events import EVENT_TYPES

CUSTOMERS, MONTHS = 400, 8


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> DemoTruth:
    folder = tmp_path_factory.mktemp("shop")
    return generate_demo_shop(folder, customers=CUSTOMERS, months=MONTHS, events=True)


def _digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def test_all_else_is_as_without_events(shop: DemoTruth, tmp_path: Path) -> None:
    plain = generate_demo_shop(tmp_path, customers=CUSTOMERS, months=MONTHS)
    assert plain.event_rows == {}
    assert "event" not in (plain.truth_dir / "summary.json").read_text("utf-8")
    ours, theirs = _digests(shop.landing_dir), _digests(plain.landing_dir)
    assert ours.items() >= theirs.items()
    assert ours.keys() - theirs.keys() == shop.event_rows.keys()
    ours, theirs = _digests(shop.truth_dir), _digests(plain.truth_dir)
    del theirs["summary.json"]
    assert ours.items() >= theirs.items()

    # A shop without events takes the place of one with them, and the reverse.
    generate_demo_shop(tmp_path, customers=CUSTOMERS, months=MONTHS, events=True)
    assert _digests(tmp_path / "landing" / "canonical") == _digests(shop.landing_dir)
    generate_demo_shop(tmp_path, customers=50, months=2)
    assert list((tmp_path / "landing" / "canonical").glob("events*")) == []


def test_the_files_hold_what_the_summary_says(shop: DemoTruth) -> None:
    assert read_demo_truth(shop.target) == shop
    files = {
        name: pd.read_csv(shop.landing_dir / name, dtype={"customer_id": str})
        for name in shop.event_rows
    }
    assert {name: len(frame) for name, frame in files.items()} == shop.event_rows
    rows = pd.concat([frame.assign(file=name) for name, frame in files.items()])
    assert set(rows["event_type"]) == set(EVENT_TYPES)
    assert (rows["file"].str[7:14] == rows["occurred_at"].str[:7]).all()
    assert rows["occurred_at"].max() < "2023-08-21"
    events = rows.drop_duplicates()
    assert len(events) < len(rows)
    assert events["event_id"].is_unique
    assert (events["dwell_seconds"].notna() == (events["event_type"] == "view")).all()
    # Prospects look around too, and orders are those of the shop.
    known = pd.read_parquet(shop.truth_dir / "behaviour.parquet")
    assert known["event_count"].sum() == len(events)
    groups = pd.read_parquet(shop.truth_dir / "groups.parquet")
    seen = set(known.merge(groups, on="customer_id")["customer_group"])
    assert seen == {"prospect", "one_time", "departed", "continuing"}
    orders = pd.read_parquet(shop.truth_dir / "orders.parquet")
    ordered = events[events["event_type"] == "order"]
    moments = set(zip(orders["customer_id"], orders["ordered_at"].astype(str), strict=True))
    assert len(ordered) > 0.9 * orders["customer_id"].notna().sum()
    assert set(zip(ordered["customer_id"], ordered["occurred_at"], strict=True)) <= moments
