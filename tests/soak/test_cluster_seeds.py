"""Twenty seeds on Online Retail agree wherever the k report calls the clusters stable."""

from pathlib import Path

import pytest

from orchestration.analytics.clustering import ClusterOptions, fit_clusters
from orchestration.analytics.features import Transform
from orchestration.analytics.k_selection import KSelectionOptions, k_report
from tests.customer_features import online_retail

pytestmark = pytest.mark.soak


@pytest.mark.parametrize("transform", ["log1p", "none"])
def test_seeds_change_the_cluster_of_few_customers(uci_dir: Path, transform: Transform) -> None:
    frame = online_retail(uci_dir)
    options = KSelectionOptions(clusters=ClusterOptions(transform=transform))
    report = k_report(frame, options)
    stable = report.loc[report["is_stable"], "k"].tolist()
    assert stable
    for k in stable:
        labels = [
            fit_clusters(frame, ClusterOptions(transform=transform, k=k, seed=seed)).labels[
                "cluster"
            ]
            for seed in range(20)
        ]
        assert max((each != labels[0]).mean() for each in labels) <= 0.02
