"""Clusters from one publication to the next: golden shop, lasting ids, events, the drift gate.

Everything runs on compiled models; ``test_clusters_run.py`` goes through dbt and Dagster.
"""

import re
import shutil
from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.cluster_model import ModelRequest, choose_model
from orchestration.errors import CustomerValueError
from orchestration.learned_tables import LEARNED_TABLES
from orchestration.progress import SilentReporter
from tests.clustered_shops import END, FREQUENT, GONE, SOMETIMES, ClusteredShop, Group

SHOP = (FREQUENT, SOMETIMES, GONE)

_DETAILS = "select detail_en, detail_zh from {c}.rpt_cluster_events order by event_number"

#: Worked out by hand from the groups: customers, share, revenue, mean days, orders, order value.
GOLDEN_PROFILES = [
    ("C1", "core value", 40, 0.235294, Decimal("42084.0000"), 2.875, 14.0, 75.15),
    ("C2", "average", 70, 0.411765, Decimal("7875.0000"), 70.0, 3.0, 37.5),
    ("C3", "dormant", 60, 0.352941, Decimal("900.6000"), 299.9, 1.0, 15.01),
]
#: Five numbers and the mean of the days since the last order.
GOLDEN_RECENCY = [
    ("C1", 0.0, 1.0, 3.0, 4.25, 6.0, 2.875),
    ("C2", 67.0, 68.0, 70.0, 72.0, 73.0, 70.0),
    ("C3", 297.0, 298.0, 300.0, 302.0, 303.0, 299.9),
]


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> ClusteredShop:
    """The planted shop after its first run; its tables are gone when the next shop is built."""
    shop = ClusteredShop(tmp_path_factory.mktemp("published"))
    outcome = shop.run(*SHOP)
    assert outcome.decision == "fitted"
    assert outcome.drift is None
    return shop


@pytest.fixture
def shop(published: ClusteredShop, tmp_path: Path) -> ClusteredShop:
    """The planted shop, published; the next run is its second one."""
    shutil.copyfile(published.settings().marts_path, tmp_path / "marts.duckdb")
    return ClusteredShop(tmp_path)


@pytest.fixture
def new_shop(published: ClusteredShop, tmp_path: Path) -> ClusteredShop:
    """A shop of which nothing is published."""
    return ClusteredShop(tmp_path)


def _groups(shop: ClusteredShop) -> dict[str, set[str]]:
    """Clusters that hold customers of each planted group."""
    found: dict[str, set[str]] = {}
    for customer, cluster in shop.members().items():
        found.setdefault(customer[0], set()).add(cluster)
    return found


def test_the_golden_shop(shop: ClusteredShop) -> None:
    assert shop.run(*SHOP).decision == "kept"
    assert _groups(shop) == {"F": {"C1"}, "S": {"C2"}, "G": {"C3"}}
    profiles = shop.rows(
        """
        select cluster_id, cluster_name, customers, round(customer_share, 6), revenue,
            round(mean_recency_days, 4), mean_frequency, round(avg_order_value, 4)
        from {c}.rpt_cluster_profiles order by cluster_id
        """
    )
    assert profiles == GOLDEN_PROFILES
    spread = shop.rows(
        """
        select cluster_id, minimum, lower_quartile, median, upper_quartile, maximum,
            round(mean, 4)
        from {c}.rpt_cluster_feature_quartiles where feature = 'recency_days' order by cluster_id
        """
    )
    assert spread == GOLDEN_RECENCY
    model = shop.rows(
        "select snapshot_date, algorithm, transform, k, seed, fitted_customers, chosen_by, "
        "is_stable from {c}.dim_cluster_models"
    )
    assert model == [(date(2024, 6, 27), "kmeans", "log1p", 3, 0, 170, "auto", True)]
    chosen = shop.rows("select k, is_best_silhouette from {c}.rpt_k_selection where is_chosen")
    assert chosen == [(3, True)]
    rules = shop.rows("select rule_precision, rule_coverage from {c}.dim_clusters")
    assert rules == [(1.0, 1.0)] * 3
    sample = shop.rows("select count(*), max(sample_number) from {c}.rpt_cluster_sample")
    assert sample == [(170, 170)]

    # The view by month says of the last snapshot what the table says.
    now = "select customer_id, cluster_id, cluster_name, distance from {c}.fct_customer_clusters"
    last = now.replace("fct_customer_clusters", "fct_customer_cluster_months") + (
        " where snapshot_date = (select max(snapshot_date) from {c}.fct_customer_clusters)"
    )
    assert sorted(shop.rows(now)) == sorted(shop.rows(last))
    months = shop.rows("select count(distinct snapshot_date) from {c}.fct_customer_cluster_months")
    assert months[0][0] > 10


def test_predictors_are_held_against_each_other(new_shop: ClusteredShop) -> None:
    # Every customer goes on as before, with 9 or 2 orders a quarter.
    steady = (
        Group("H", 30, 40, 80.0, 1, 10),
        Group("L", 50, 10, 20.0, 3, 45),
    )
    new_shop.run(*steady)
    rows = new_shop.rows("select * from {c}.rpt_cluster_prediction order by predictor")
    assert [row[0] for row in rows] == [
        "clusters", "last_quarter", "overall_mean",
        "rfm_fixed_bands", "rfm_mean_split", "rfm_quintile",
    ]  # fmt: skip
    assert {row[1:4] for row in rows} == {(date(2024, 2, 29), date(2024, 5, 31), 80)}
    assert sum(row[-1] for row in rows) == 1

    lines = [line for group in steady for line in group.lines(END)]
    before = _revenue(lines, date(2023, 11, 30), date(2024, 2, 29))
    after = _revenue(lines, date(2024, 2, 29), date(2024, 5, 31))
    error = sum(abs(after[name] - before[name]) for name in after) / len(after)
    errors = {row[0]: row[5] for row in rows}
    assert errors["last_quarter"] == pytest.approx(error, abs=1e-6)
    score = {row[0]: row[4] for row in rows}
    assert score["clusters"] > 0.8
    assert score["overall_mean"] < 0.01


def _revenue(lines: Iterable[dict[str, Any]], after: date, until: date) -> dict[str, float]:
    """Revenue by customer of the days after one date until another."""
    found: dict[str, float] = {}
    for line in lines:
        if after < line["ordered_at"].date() <= until:
            customer = line["customer_id"]
            found[customer] = found.get(customer, 0.0) + line["unit_price"]
    return found


def test_the_published_model_is_used_on_when_customers_change(shop: ClusteredShop) -> None:
    shop.run(*SHOP)
    learned = {
        name: rows for name, rows in shop.tables().items() if name.startswith(("dim_", "rpt_k"))
    }
    # Forty new customers who would make a cluster of their own.
    outcome = shop.run(*SHOP, Group("N", 40, 1, 9_000.0, 5))
    assert outcome.decision == "kept"
    assert {name: shop.tables()[name] for name in learned} == learned
    assert _groups(shop)["N"] <= {"C1", "C2", "C3"}
    assert len(shop.members()) == 210


def test_same_model_and_same_data_give_the_same_tables(shop: ClusteredShop, tmp_path: Path) -> None:
    shop.run(*SHOP)
    once = shop.tables()
    shop.run(*SHOP)
    assert shop.tables() == once
    # Fitted elsewhere, from rows in another order.
    other = ClusteredShop(tmp_path / "other")
    lines = [line for group in SHOP for line in group.lines(END)]
    assert other.run(lines[::-1]).decision == "fitted"
    assert other.tables() == once
    # And fitted again.
    assert other.run(GONE, FREQUENT, SOMETIMES, is_refit=True).decision == "unchanged"
    assert other.tables() == once


def test_a_refit_keeps_the_ids_of_clusters_that_change_rank(shop: ClusteredShop) -> None:
    # Those who bought sometimes now spend most: the numbers change places, the ids do not.
    changed = (FREQUENT, replace(SOMETIMES, amount=900.0), GONE)
    drifted = shop.run(*changed, is_refit=True)
    assert drifted.is_held_back
    assert "a centroid moved by" in drifted.verdict
    assert shop.run(*changed, is_drift_accepted=True).decision == "fitted"
    assert _groups(shop) == {"F": {"C1"}, "S": {"C2"}, "G": {"C3"}}
    numbers = shop.rows("select cluster_id from {c}.dim_clusters order by cluster_number")
    assert [name for (name,) in numbers] == ["C2", "C1", "C3"]
    kept = [("kept", f"C{number}", f"C{number}") for number in (2, 1, 3)]
    assert shop.events()[3:] == [*kept, ("drift_accepted", None, None)]


def test_a_refit_within_limits_is_published_and_told(shop: ClusteredShop) -> None:
    nearer = replace(SOMETIMES, amount=60.0, last_days=40)
    outcome = shop.run(FREQUENT, nearer, GONE, is_refit=True)
    assert outcome.decision == "fitted"
    assert outcome.drift == 0.0
    assert outcome.verdict.startswith("Within limits")
    assert [event for event, _, _ in shop.events()] == ["first_fit"] * 3 + ["kept"] * 3


SPLIT = (FREQUENT, replace(SOMETIMES, customers=35), Group("T", 35, 3, 900.0, 70, 40), GONE)
BEFORE_SPLIT = (FREQUENT, replace(SOMETIMES, customers=35), Group("T", 35, 3, 30.0, 70, 40), GONE)


#: Spending from low to high without a gap, where ``SPLIT`` has two groups.
_AMOUNTS = (30, 55, 100, 180, 330, 600)
MERGED = (
    FREQUENT,
    *(Group("STUVWX"[place], 12, 3, amount, 70, 40) for place, amount in enumerate(_AMOUNTS)),
    GONE,
)


def test_a_split_is_told_and_held_back(new_shop: ClusteredShop) -> None:
    shop = new_shop
    shop.run(*BEFORE_SPLIT)
    assert _groups(shop)["T"] == _groups(shop)["S"] == {"C2"}
    published = shop.tables()

    outcome = shop.run(*SPLIT, is_refit=True)
    assert outcome.decision == "held_back"
    assert "split off C2" in outcome.verdict
    assert any("split off C2" in event for event in outcome.events)
    assert outcome.drift is not None
    assert outcome.drift > 0.1
    # The learned tables are those of the last good model again.
    assert shop.tables()["dim_clusters"] == published["dim_clusters"]
    assert shop.tables()["rpt_cluster_events"] == published["rpt_cluster_events"]

    # An ordinary run goes on with it, and publishes.
    assert shop.run(*SPLIT).decision == "kept"
    assert shop.tables()["dim_cluster_models"] == published["dim_cluster_models"]

    accepted = shop.run(*SPLIT, is_drift_accepted=True)
    assert accepted.decision == "fitted"
    split = [event for event in shop.events() if event[0] == "split"]
    assert split == [("split", "C2", "C4")]
    assert shop.events()[-1] == ("drift_accepted", None, None)
    assert shop.events()[:3] == [("first_fit", None, f"C{number}") for number in (1, 2, 3)]
    assert _groups(shop)["S"] != _groups(shop)["T"]


def test_a_merge_is_told_and_its_id_is_never_used_again(new_shop: ClusteredShop) -> None:
    shop = new_shop
    shop.run(*SPLIT)
    assert set(shop.members().values()) == {"C1", "C2", "C3", "C4"}
    (ended,) = _groups(shop)["T"]
    outcome = shop.run(*MERGED, is_refit=True)
    assert outcome.is_held_back
    assert f"{ended} merged into" in outcome.verdict
    shop.run(*MERGED, is_drift_accepted=True)
    merged = [old for event, old, _ in shop.events() if event == "merged"]
    assert merged == [ended]
    assert len(set(shop.members().values())) == 3
    # Split again: the cluster is another one.
    shop.run(*SPLIT, is_drift_accepted=True)
    assert ended not in set(shop.members().values())
    assert "C5" in set(shop.members().values())


def test_a_high_limit_lets_customers_move_but_no_cluster_appear(shop: ClusteredShop) -> None:
    outcome = shop.run(*SPLIT, is_refit=True, cluster_drift_limit=1.0)
    assert outcome.is_held_back
    assert "changed cluster, more than" not in outcome.verdict


@pytest.mark.parametrize(
    ("options", "count"),
    [({"cluster_k": 2}, 2), ({"rfm_window_days": 90}, 3)],
)
def test_other_settings_make_other_clusters_that_are_not_compared(
    shop: ClusteredShop, options: dict[str, int], count: int
) -> None:
    outcome = shop.run(*SHOP, **options)
    assert outcome.decision == "fitted"
    assert outcome.drift is None
    names = set(shop.members().values())
    assert names == {f"C{number}" for number in range(4, 4 + count)}
    assert [event for event, _, _ in shop.events()] == ["first_fit"] * 3 + [
        "settings_changed"
    ] * count
    detail, _ = shop.rows(_DETAILS)[-1]
    assert "settings that clusters follow from have changed" in detail
    for english, chinese in shop.rows(_DETAILS):
        assert english.isascii()
        assert re.search(r"[\u4e00-\u9fff]", chinese)


def test_an_earlier_date_is_not_seen_with_a_later_model(
    shop: ClusteredShop, tmp_path: Path
) -> None:
    lines = [line for group in SHOP for line in group.lines(END)]
    early = [line for line in lines if line["ordered_at"].date() <= date(2024, 3, 31)]
    assert shop.run(early).decision == "fitted"
    assert shop.events()[3][:2] == ("settings_changed", None)
    detail, _ = shop.rows(_DETAILS)[-1]
    assert "as-of date lies before" in detail
    centers = "select feature, center from {c}.dim_cluster_centroids order by all"
    here = shop.rows(centers)
    # As if nothing later had ever been seen.
    alone = ClusteredShop(tmp_path / "alone")
    alone.run(early)
    assert alone.rows(centers) == here


def _one(customer: str, day: int, price: float) -> dict[str, Any]:
    return replace(GONE, name=customer, customers=1, amount=price, last_days=day).lines(END)[0]


def test_an_empty_shop(new_shop: ClusteredShop) -> None:
    assert new_shop.run().decision == "no_customers"
    assert all(rows == [] for rows in new_shop.tables().values())


def test_a_shop_that_has_lost_its_customers_keeps_their_model(shop: ClusteredShop) -> None:
    assert shop.run().decision == "no_customers"
    assert (
        shop.rows("select customers, revenue_share from {c}.rpt_cluster_profiles")
        == [(0, None)] * 3
    )


def test_one_customer(new_shop: ClusteredShop) -> None:
    new_shop.run([_one("A", 5, 10.0)])
    assert new_shop.members() == {"A0000": "C1"}
    assert new_shop.rows("select k, chosen_by from {c}.dim_cluster_models") == [(1, "auto")]
    shares = new_shop.rows("select customer_share, revenue_share from {c}.rpt_cluster_profiles")
    assert shares == [(1.0, 1.0)]


def test_two_customers(new_shop: ClusteredShop) -> None:
    new_shop.run([_one("A", 5, 10.0), _one("B", 200, 900.0)])
    assert set(new_shop.members()) == {"A0000", "B0000"}


def test_all_customers_alike(new_shop: ClusteredShop) -> None:
    new_shop.run([_one(name, 5, 10.0) for name in "ABCDEFGH"])
    assert set(new_shop.members().values()) == {"C1"}


def test_more_clusters_than_there_are_different_customers_is_said(
    new_shop: ClusteredShop,
) -> None:
    with pytest.raises(CustomerValueError) as caught:
        new_shop.run([_one(name, 5, 10.0) for name in "ABC"], cluster_k=3)
    assert "3" in caught.value.problem


def test_a_single_giant_does_not_make_a_cluster_of_his_own(new_shop: ClusteredShop) -> None:
    new_shop.run(*SHOP, [_one("Z", 1, 5_000_000.0)])
    smallest = new_shop.rows("select min(customers) from {c}.rpt_cluster_profiles")[0][0]
    assert smallest > 1


def test_nothing_is_learned_where_that_is_set(shop: ClusteredShop) -> None:
    # What the models then make of it is compiled with the variants of all other tests.
    shop.run(*SHOP)
    off = shop.settings(clustering=False)
    outcome = choose_model(shop.con, off, ModelRequest(is_refit=True), SilentReporter())
    assert outcome.decision == "off"
    for name in LEARNED_TABLES:
        assert shop.rows(f"select count(*) from ml.{name}") == [(0,)]


def test_a_publication_of_an_older_form_counts_as_none(shop: ClusteredShop) -> None:
    with duckdb.connect(str(shop.settings().marts_path)) as con:
        con.execute("alter table clusters.dim_clusters drop column rule_zh")
    assert shop.run(*SHOP).reason == "fitted anew, none are published"


#: What is done to a cluster table for each check of it; keys follow from their kind. Checks
#: that read segments or months, too, are seen to fail in ``test_clusters_run.py``.
_DAMAGES = {
    "assert_cluster_profiles_add_up": (
        "update {c}.rpt_cluster_profiles set customers = customers + 1 where rowid = 0"
    ),
    "assert_clusters_are_those_of_one_model": "update {c}.dim_cluster_models set k = k + 1",
    "assert_every_customer_has_one_cluster": (
        "delete from {c}.fct_customer_clusters where rowid = 0"
    ),
    "centroid_is_of_a_cluster": (
        "update {c}.dim_cluster_centroids set cluster_id = 'C9' where rowid = 0"
    ),
    "cluster_event_is_known": "update {c}.rpt_cluster_events set event = 'left'",
    "cluster_has_a_name_and_a_number": "update {c}.dim_clusters set cluster_number = 0",
    "customer_is_in_a_known_cluster": (
        "update {c}.fct_customer_clusters set cluster_id = 'C9' where rowid = 0"
    ),
    "distance_is_a_number": (
        "update {c}.fct_customer_clusters set distance = 'nan'::double where rowid = 0"
    ),
    "model_has_clusters": "update {c}.dim_cluster_models set k = 0",
    "quartiles_are_in_order": (
        "update {c}.rpt_cluster_feature_quartiles set median = maximum + 1 where rowid = 0"
    ),
    "scale_can_be_divided_by": ("update {c}.dim_cluster_centroids set scale = 0 where rowid = 0"),
}


def test_every_check_of_clusters_is_seen_to_fail(shop: ClusteredShop) -> None:
    shop.run(*SHOP)
    of_clusters = {
        check.name: check.sql
        for check in shop.checks
        if '"clusters"."' in check.sql and "rpt_cluster_segments" not in check.sql
    }
    damages = dict(_DAMAGES)
    for name, sql in of_clusters.items():
        if name.startswith("primary_key_"):
            relation = sql.split('"clusters"."')[1].split('"')[0]
            damages[name] = f"insert into {{c}}.{relation} from {{c}}.{relation} limit 1"
    assert damages.keys() == of_clusters.keys()
    missed = []
    for name, damage in damages.items():
        shop.con.execute("begin")
        try:
            relation = re.findall(r"{c}\.\w+", damage)[0]
            first = f"rowid = (select min(rowid) from {relation})"
            shop.rows(damage.replace("rowid = 0", first))
            if not shop.con.execute(of_clusters[name]).fetchall():
                missed.append(name)
        finally:
            shop.con.execute("rollback")
    assert missed == []
    assert shop.failed_checks() == {}
