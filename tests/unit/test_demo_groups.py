"""The demo shop's groups: written to the truth, and found again by clustering where planted."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from orchestration.analytics.clustering import ClusterOptions, assign, fit_clusters
from orchestration.analytics.k_selection import KSelectionOptions, choose_k, k_report
from orchestration.analytics.separation import adjusted_rand
from orchestration.demo import DemoTruth, generate_demo_shop
from orchestration.demo.habits import DRAWN_GROUPS, PLANTED_GROUPS

CUSTOMERS = 3_000


@pytest.fixture(scope="module")
def planted_shop(tmp_path_factory: pytest.TempPathFactory) -> DemoTruth:
    folder = tmp_path_factory.mktemp("planted")
    return generate_demo_shop(folder, customers=CUSTOMERS, months=18, planted_groups=True)


def features(shop: DemoTruth) -> pd.DataFrame:
    """Recency, frequency, monetary and group of who has an order that counts at the end."""
    orders = pd.read_parquet(shop.truth_dir / "orders.parquet")
    orders = orders[orders["customer_id"].notna() & (orders["value"] > 0)]
    frame = orders.groupby("customer_id", as_index=False).agg(
        last_date=("order_date", "max"), frequency=("order_id", "size"), monetary=("value", "sum")
    )
    days = pd.Timestamp(shop.last_date) - pd.to_datetime(frame["last_date"])
    frame["recency_days"] = days.dt.days
    groups = pd.read_parquet(shop.truth_dir / "groups.parquet")
    return frame.merge(groups, on="customer_id", validate="one_to_one")


def agreement(frame: pd.DataFrame, options: ClusterOptions) -> float:
    found = assign(fit_clusters(frame, options), frame)["cluster"].to_numpy()
    return adjusted_rand(found, pd.factorize(frame["customer_group"])[0])


def test_every_customer_of_a_shop_has_a_group(tmp_path: Path) -> None:
    shop = generate_demo_shop(tmp_path, customers=400, months=6)
    groups = pd.read_parquet(shop.truth_dir / "groups.parquet")
    assert groups["customer_id"].is_unique
    assert len(groups) == 400
    assert set(groups["customer_group"]) == set(DRAWN_GROUPS)
    orders = pd.read_parquet(shop.truth_dir / "orders.parquet").merge(groups, on="customer_id")
    kinds = orders.groupby("customer_id")["customer_group"].agg(["first", "size"])
    assert "prospect" not in set(kinds["first"])
    assert (kinds.loc[kinds["first"] == "one_time", "size"] == 1).all()


def test_planted_groups_are_drawn_in_their_shares_and_differ_from_the_ordinary_shop(
    planted_shop: DemoTruth, tmp_path: Path
) -> None:
    groups = pd.read_parquet(planted_shop.truth_dir / "groups.parquet")
    shares = groups["customer_group"].value_counts(normalize=True)
    for group in PLANTED_GROUPS:
        spread = 4 * np.sqrt(group.share * (1 - group.share) / CUSTOMERS)
        assert shares[f"planted_{group.name}"] == pytest.approx(group.share, abs=spread)
    assert planted_shop.prospects == 0
    again = generate_demo_shop(tmp_path, customers=CUSTOMERS, months=18, planted_groups=True)
    assert again.gross_revenue == planted_shop.gross_revenue
    pd.testing.assert_frame_equal(groups, pd.read_parquet(again.truth_dir / "groups.parquet"))


def test_planted_groups_are_recovered_better_than_by_plain_k_means_at_the_elbow(
    planted_shop: DemoTruth,
) -> None:
    frame = features(planted_shop)
    ours = KSelectionOptions(k_max=8, resamples=5)
    choice = choose_k(k_report(frame, ours), ours)
    assert (choice.k, choice.is_stable) == (len(PLANTED_GROUPS), True)
    recovered = agreement(frame, ClusterOptions(k=choice.k))

    raw = KSelectionOptions(clusters=ClusterOptions(transform="none"), k_max=8, resamples=1)
    elbow = choose_k(k_report(frame, raw), raw).elbow_k
    assert elbow is not None
    plain = agreement(frame, ClusterOptions(transform="none", k=elbow))
    assert recovered > 0.72
    assert recovered > plain + 0.15


@pytest.mark.parametrize("seeds", [6, pytest.param(20, marks=pytest.mark.soak)])
def test_seeds_agree_wherever_the_report_says_stable(planted_shop: DemoTruth, seeds: int) -> None:
    frame = features(planted_shop)[::3]
    report = k_report(frame, KSelectionOptions(k_max=5, resamples=5))
    stable = report.loc[report["is_stable"], "k"].tolist()
    assert stable
    for k in stable:
        labels = [
            fit_clusters(frame, ClusterOptions(k=k, seed=seed)).labels["cluster"]
            for seed in range(seeds)
        ]
        assert max((each != labels[0]).mean() for each in labels) <= 0.02
