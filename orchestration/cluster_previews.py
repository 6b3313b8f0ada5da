"""Pictures of the model in use, drawn once and kept with the warehouse.

Belongs here: which pictures there are, what they are drawn from, and keeping them. Does not belong
here: drawing (``assets/previews.py``).
"""

from typing import TYPE_CHECKING

import duckdb

from orchestration.assets.previews import (
    QUARTILES,
    draw_k_selection,
    draw_quartiles,
    draw_sample,
)
from orchestration.cluster_frames import read_customers, read_stored_model
from orchestration.layers import LEARNED_SCHEMA
from orchestration.learned_tables import table_of

if TYPE_CHECKING:
    import pandas as pd

_FIVE = (0.0, 0.25, 0.5, 0.75, 1.0)
_KEPT = f"{LEARNED_SCHEMA}.cluster_previews"


def previews_of(con: duckdb.DuckDBPyConnection, model_id: str) -> dict[str, str]:
    """Markdown with a picture by learned table; drawn when they are first asked for.

    Args:
        con: the warehouse, with the model in use in the learned tables.
        model_id: that model.
    """
    con.execute(
        f"create table if not exists {_KEPT} (model_id varchar, name varchar, markdown varchar)"
    )
    kept = con.execute(
        f"select name, markdown from {_KEPT} where model_id = ? order by name", [model_id]
    ).fetchall()
    if kept:
        return dict(kept)
    drawn = _draw(con)
    con.execute(f"delete from {_KEPT}")
    con.executemany(
        f"insert into {_KEPT} values (?, ?, ?)",
        [(model_id, name, markdown) for name, markdown in drawn.items()],
    )
    return drawn


def _draw(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    return {
        "cluster_k_selection": draw_k_selection(table_of(con, "cluster_k_selection")),
        "cluster_sample": draw_sample(table_of(con, "cluster_sample")),
        "clusters": draw_quartiles(_quartiles(con)),
    }


def _quartiles(con: duckdb.DuckDBPyConnection) -> "pd.DataFrame":
    """Five numbers of each feature by cluster, as ``draw_quartiles`` takes them."""
    import numpy as np
    import pandas as pd

    from orchestration.analytics.clustering import assign_to_centroids

    facts = con.execute(f"select transform from {LEARNED_SCHEMA}.cluster_model").fetchall()
    model = read_stored_model(con, facts[0][0])
    customers = read_customers(con, model.scaling.features)
    if customers.empty:
        return pd.DataFrame(columns=["cluster_id", "feature", "feature_number", *QUARTILES])
    numbers = assign_to_centroids(model.scaling, model.centroids, customers)["cluster"]
    rows = []
    for number, cluster_id in enumerate(model.cluster_ids, start=1):
        own = customers[(numbers == number).to_numpy()]
        for place, feature in enumerate(model.scaling.features):
            five = np.quantile(own[feature].to_numpy(), _FIVE) if len(own) else [np.nan] * 5
            values = dict(zip(QUARTILES, five, strict=True))
            rows.append(
                {
                    "cluster_id": cluster_id,
                    "feature": feature,
                    "feature_number": place + 1,
                    **values,
                }
            )
    return pd.DataFrame(rows)
