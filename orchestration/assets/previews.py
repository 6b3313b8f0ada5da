"""Small pictures for the Dagster UI, as markdown with the picture inside.

Belongs here: drawing tables. Does not belong here: computing them, and the pictures that are
published (the report draws its own).
"""

import base64
import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

#: Colours that people with any kind of colour vision can tell apart (Okabe and Ito).
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#F0E442", "#000000")
QUARTILES = ("minimum", "lower_quartile", "median", "upper_quartile", "maximum")


def draw_k_selection(report: "pd.DataFrame") -> str:
    """Inertia with its elbow, and silhouette, by number of clusters.

    Args:
        report: rows of ``ml.cluster_k_selection``.
    """
    figure = _figure(6.4, 2.6)
    left, right = figure.subplots(1, 2)
    for axes, measure, flag, words in (
        (left, "inertia", "is_elbow", "elbow"),
        (right, "silhouette", "is_best_silhouette", "best"),
    ):
        axes.plot(report["k"], report[measure], marker="o", markersize=3, color=_COLOURS[0])
        for column, label, colour in (
            (flag, words, _COLOURS[4]),
            ("is_chosen", "taken", _COLOURS[1]),
        ):
            for k in report["k"][report[column]]:
                axes.axvline(k, color=colour, linewidth=1, label=f"{label}: {k}")
        axes.set_xlabel("clusters")
        axes.set_title(measure)
        if axes.get_legend_handles_labels()[1]:
            axes.legend(frameon=False)
    return _markdown(figure, "Inertia and silhouette by number of clusters")


def draw_quartiles(quartiles: "pd.DataFrame") -> str:
    """A box plot per feature: how its values are spread in each cluster.

    Args:
        quartiles: cluster_id, feature, feature_number and the five numbers of
            ``clusters.rpt_cluster_feature_quartiles``, ordered by cluster.
    """
    features = quartiles.sort_values("feature_number")["feature"].unique()
    figure = _figure(2.4 * max(1, len(features)), 2.6)
    for place, feature in enumerate(features):
        axes = figure.add_subplot(1, len(features), place + 1)
        rows = quartiles[quartiles["feature"] == feature]
        boxes = [
            dict(zip(("whislo", "q1", "med", "q3", "whishi"), values, strict=True))
            for values in rows[list(QUARTILES)].itertuples(index=False, name=None)
        ]
        axes.bxp(
            [{**box, "label": name} for box, name in zip(boxes, rows["cluster_id"], strict=True)],
            showfliers=False,
        )
        axes.set_yscale("symlog")
        axes.set_title(feature)
    return _markdown(figure, "Spread of each feature by cluster")


def draw_sample(sample: "pd.DataFrame") -> str:
    """The sampled customers in the plane of the two principal axes, coloured by cluster.

    Args:
        sample: rows of ``ml.cluster_sample``.
    """
    figure = _figure(4.2, 3.2)
    axes = figure.subplots()
    for place, (name, rows) in enumerate(sample.groupby("cluster_id", sort=True)):
        colour = _COLOURS[place % len(_COLOURS)]
        axes.scatter(rows["axis_1"], rows["axis_2"], s=3, color=colour, label=str(name))
    axes.set_xlabel("first axis")
    axes.set_ylabel("second axis")
    if axes.get_legend_handles_labels()[1]:
        axes.legend(frameon=False, markerscale=3)
    return _markdown(figure, "Sampled customers by cluster")


def _figure(width: float, height: float) -> "Figure":
    """An empty figure of that size in inches; it draws itself without a screen."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=80, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _markdown(figure: "Figure", title: str) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    encoded = base64.b64encode(buffer.getvalue()).decode("ascii")
    return f"![{title}](data:image/png;base64,{encoded})"
