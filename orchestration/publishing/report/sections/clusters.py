"""Behavioural clusters: how many, who is in them, what they are worth.

Belongs here: the choice of k, the scatter, box plots and profiles. Does not belong here: what the
clusters are good for (``cluster_uses.py``), RFM segments (``segments.py``).
"""

from typing import Any

from orchestration.publishing.report.exhibits import Exhibit, Figure, Rows, Section, Words, words
from orchestration.publishing.report.palette import series_color
from orchestration.publishing.report.parts import (
    axis,
    categories,
    drawn,
    share_bars,
)
from orchestration.publishing.report.sections.cluster_uses import (
    CLUSTER_USES,
    NAMES,
    cluster_names,
)
from orchestration.publishing.report.wording import count, fixed, percent

FEATURES: dict[str, Words] = {
    "recency_days": words("recency, days", "近度（天）"),
    "frequency": words("frequency, orders", "频度（订单）"),
    "monetary": words("monetary", "金额"),
    "avg_order_value": words("average order value", "客单价"),
    "customer_age_days": words("days since the first order", "距首次购买（天）"),
    "view_count": words("views", "浏览次数"),
    "click_count": words("clicks", "点击次数"),
    "cart_count": words("cart additions", "加购次数"),
    "fav_count": words("favourites", "收藏次数"),
    "active_days": words("active days", "活跃天数"),
    "cart_rate": words("carts per event", "加购占比"),
    "avg_dwell_seconds": words("mean stay, seconds", "平均停留（秒）"),
    "last_seen_days": words("days since last seen", "距最近到访（天）"),
}


def selection_figure(rows: Rows) -> Figure:
    """Inertia in the upper part, silhouette in the lower one, for every k tried."""
    k = rows.column("k")
    chosen = rows.column("is_chosen")
    traces = []
    for column, name, color, y_axis in (
        ("inertia", words("inertia (elbow)", "簇内平方和（肘部）"), "@blue", "y"),
        ("silhouette", words("silhouette", "轮廓系数"), "@vermillion", "y2"),
    ):
        traces.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "x": k,
                "y": rows.column(column),
                "name": name,
                "yaxis": y_axis,
                "line": {"color": color, "width": 2.5},
                "marker": {
                    "color": color,
                    "size": [14 if is_chosen else 7 for is_chosen in chosen],
                    "symbol": ["star" if is_chosen else "circle" for is_chosen in chosen],
                },
                "hovertemplate": "k = %{x}: %{y:,.4~g}",
            }
        )
    return drawn(
        traces,
        440,
        xaxis=axis(words("number of clusters k", "簇数 k"), anchor="y2", dtick=1),
        yaxis=axis(words("inertia", "平方和"), "number", domain=[0.55, 1], rangemode="tozero"),
        yaxis2=axis(words("silhouette", "轮廓系数"), domain=[0, 0.45]),
    )


def scatter_figure(rows: Rows) -> Figure:
    """A sample of customers on the two axes along which they differ most."""
    traces = []
    for number, cluster in enumerate(dict.fromkeys(rows.column("cluster_id"))):
        part = rows.where(cluster_id=cluster)
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "x": part.column("axis_1"),
                "y": part.column("axis_2"),
                "name": cluster_names(part)[0],
                "marker": {
                    "color": series_color(number),
                    "size": 5,
                    "opacity": 0.75,
                    "symbol": _SYMBOLS[number % len(_SYMBOLS)],
                },
                "hovertemplate": "%{x:.2f}, %{y:.2f}<extra>%{fullData.name}</extra>",
            }
        )
    return drawn(
        traces,
        460,
        xaxis=axis(words("first axis", "第一主轴"), zeroline=False),
        yaxis=axis(words("second axis", "第二主轴"), zeroline=False),
        showlegend=True,
    )


def quartiles_figure(rows: Rows) -> Figure:
    """A box for every cluster and feature, one row of boxes per feature."""
    features = list(dict.fromkeys(rows.column("feature")))
    clusters = list(dict.fromkeys(rows.column("cluster_id")))
    share = 1 / len(features)
    layout: dict[str, Any] = {}
    traces = []
    for number, feature in enumerate(features):
        of_feature = rows.where(feature=feature)
        suffix = "" if number == 0 else str(number + 1)
        top = 1 - number * share
        is_log = min(of_feature.column("minimum")) > 0
        layout[f"yaxis{suffix}"] = axis(
            FEATURES.get(feature, words(feature, feature)),
            domain=[top - share * 0.82, top],
            anchor=f"x{suffix}",
            type="log" if is_log else "linear",
        ) | _reach(of_feature, is_log)
        layout[f"xaxis{suffix}"] = categories(
            anchor=f"y{suffix}", showticklabels=number == len(features) - 1
        )
        for place, cluster in enumerate(clusters):
            part = of_feature.where(cluster_id=cluster)
            if len(part):
                traces.append(
                    {
                        "type": "box",
                        "x": cluster_names(part),
                        "lowerfence": part.column("minimum"),
                        "q1": part.column("lower_quartile"),
                        "median": part.column("median"),
                        "q3": part.column("upper_quartile"),
                        "upperfence": part.column("maximum"),
                        "mean": part.column("mean"),
                        "boxmean": True,
                        "name": cluster_names(part)[0],
                        "showlegend": False,
                        "marker": {"color": series_color(place)},
                        "line": {"width": 1.5},
                        "xaxis": f"x{suffix}",
                        "yaxis": f"y{suffix}",
                    }
                )
    return drawn(traces, 80 + 210 * len(features), showlegend=False, **layout)


def profiles_figure(rows: Rows) -> Figure:
    """Share of customers and of revenue of each cluster."""
    shares = (
        ("customer_share", words("share of customers", "客户占比"), "@sky"),
        ("revenue_share", words("share of revenue", "收入占比"), "@blue"),
    )
    return share_bars(cluster_names(rows), rows, shares, 130 + 48 * len(rows))


_SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "x", "star", "hexagon")


def _reach(rows: Rows, is_log: bool) -> dict[str, Any]:
    """A range that shows every box; whiskers to far values leave it and are seen by zooming out."""
    if is_log:
        return {"dtick": 1}
    low = min(0, min(rows.column("lower_quartile")))
    high = max(rows.column("upper_quartile"))
    reach = (high - low) or 1
    return {"range": [low - 0.08 * reach, high + 0.35 * reach]}


def _model_reading(rows: Rows) -> Words:
    model = rows.dicts()[0]
    return words(model["reason_en"], model["reason_zh"])


def _selection_reading(rows: Rows) -> Words:
    chosen = next((row for row in rows.dicts() if row["is_chosen"]), None)
    if chosen is None:
        return words("None of the k shown is the one in use.", "所示的 k 均未被采用。")
    best = next((row["k"] for row in rows.dicts() if row["is_best_silhouette"]), None)
    elbow = next((row["k"] for row in rows.dicts() if row["is_elbow"]), None)
    return words(
        f"{chosen['k']} clusters are used (silhouette {fixed(chosen['silhouette'], 3)}); the "
        f"elbow alone would say {elbow or 'nothing'}, the silhouette alone {best or 'nothing'}.",
        f"采用 {chosen['k']} 个簇（轮廓系数 {fixed(chosen['silhouette'], 3)}）；单看肘部为 "
        f"{elbow or '无'}，单看轮廓系数为 {best or '无'}。",
    )


def _scatter_reading(rows: Rows) -> Words:
    clusters = len(set(rows.column("cluster_id")))
    return words(
        f"{count(len(rows))} customers, drawn by chance, of {clusters} clusters.",
        f"随机抽取的 {count(len(rows))} 位客户，分属 {clusters} 个簇。",
    )


def _quartiles_reading(rows: Rows) -> Words:
    feature = rows.column("feature")[-1]
    part = rows.where(feature=feature).dicts()
    high = max(part, key=lambda row: (row["median"], row["cluster_id"]))
    low = min(part, key=lambda row: (row["median"], row["cluster_id"]))
    name = FEATURES.get(feature, words(feature, feature))
    medians = fixed(high["median"], 1), fixed(low["median"], 1)
    return words(
        f"The median of {name['en']} goes from {medians[1]} in {low['cluster_id']} to "
        f"{medians[0]} in {high['cluster_id']}.",
        f"{name['zh']}的中位数从 {low['cluster_id']} 的 {medians[1]} 到 {high['cluster_id']} 的 "
        f"{medians[0]}。",
    )


def _profiles_reading(rows: Rows) -> Words:
    best = max(rows.dicts(), key=lambda row: (row["revenue"], row["cluster_id"]))
    return words(
        f"{best['cluster_id']} {best['cluster_name']}: {percent(best['customer_share'])} of the "
        f"customers, {percent(best['revenue_share'])} of the revenue.",
        f"{best['cluster_id']} {best['cluster_name_zh']}：占客户的 "
        f"{percent(best['customer_share'])}，"
        f"占收入的 {percent(best['revenue_share'])}。",
    )


CLUSTERS = Section(
    "clusters",
    words("Clusters", "聚类"),
    (
        Exhibit(
            "cluster-profiles",
            words("Who is in each cluster", "各簇客户画像"),
            """select profiles.cluster_id, names.cluster_name, names.cluster_name_zh,
    profiles.customers, profiles.customer_share, profiles.revenue, profiles.revenue_share,
    profiles.mean_recency_days, profiles.mean_frequency, profiles.mean_monetary,
    profiles.avg_order_value, names.rule_en, names.rule_zh
from clusters.rpt_cluster_profiles as profiles
inner join clusters.dim_clusters as names using (cluster_id)
order by names.cluster_number""",
            _profiles_reading,
            words(
                "Customers grouped by k-means: by recency, frequency and monetary, or by what the "
                "settings name, such as views and carts. "
                "Ids stay the same from fit to fit; the name says how the centre of the cluster "
                "compares with all customers, the rule in the table describes it in a sentence.",
                "以 k-means 聚成的客户群：默认按近度、频度、金额，"
                "也可按设置所列的特征，如浏览与加购。编号在历次拟合间保持不变；"
                "名称说明簇中心与全体客户相比的特点，"
                "表中的规则用一句话描述该簇。",
            ),
            profiles_figure,
        ),
        Exhibit(
            "cluster-model",
            words("The model in use", "采用的模型"),
            """select model_id, snapshot_date, algorithm, transform, k, chosen_by, fitted_customers,
    is_stable, reason_en, reason_zh
from clusters.dim_cluster_models
order by model_id""",
            _model_reading,
            words(
                "Which algorithm was fitted, when and on how many customers, and why with so many "
                "clusters. It stays in use until it is fitted anew; customers are assigned to "
                "it in "
                "every run.",
                "采用的算法、拟合日期和客户数，以及簇数的理由。模型在重新拟合之前一直使用，"
                "每次运行都按其分配客户。",
            ),
        ),
        Exhibit(
            "cluster-selection",
            words("How many clusters: elbow and silhouette", "簇数的选择：肘部与轮廓系数"),
            """select k, inertia, silhouette, davies_bouldin, calinski_harabasz,
    smallest_cluster_customers, min_bootstrap_jaccard, is_stable, is_elbow, is_best_silhouette,
    is_chosen
from clusters.rpt_k_selection
order by k""",
            _selection_reading,
            words(
                "Inertia: sum of squared distances to the centres; the elbow is where it stops "
                "falling fast. Silhouette: how much nearer customers are to their own cluster than "
                "to the next, -1 to 1. The star is the k in use: of those whose clusters "
                "all come back in resamples, the one with the best silhouette.",
                "簇内平方和：到簇中心距离的平方和，肘部是其不再快速下降之处。轮廓系数："
                "客户与本簇相比邻簇的接近程度，-1 到 1。"
                "星号为采用的 k：在各簇经重抽样仍稳定的 k 中，轮廓系数最高者。",
            ),
            selection_figure,
        ),
        Exhibit(
            "cluster-scatter",
            words("Customers and their clusters", "客户与所属簇"),
            f"""select names.cluster_id, names.cluster_name, names.cluster_name_zh, points.axis_1,
    points.axis_2
from clusters.rpt_cluster_sample as points
inner join (
    {NAMES}
) as names using (cluster_id)
order by names.cluster_number, points.sample_number
limit 2000""",
            _scatter_reading,
            words(
                "At most 2,000 customers, drawn by chance, on the two principal axes of the "
                "scaled features. Near points are customers who behave alike.",
                "至多 2，000 位随机抽取的客户，按标准化特征的前两个主轴绘制。点越近，行为越相似。",
            ),
            scatter_figure,
            max_rows=2_000,
        ),
        Exhibit(
            "cluster-quartiles",
            words("Features of each cluster", "各簇的特征分布"),
            f"""select quartiles.feature, names.cluster_id, names.cluster_name,
    names.cluster_name_zh,
    quartiles.minimum, quartiles.lower_quartile, quartiles.median, quartiles.upper_quartile,
    quartiles.maximum, quartiles.mean
from clusters.rpt_cluster_feature_quartiles as quartiles
inner join (
    {NAMES}
) as names using (cluster_id)
order by quartiles.feature_number, quartiles.feature, names.cluster_number""",
            _quartiles_reading,
            words(
                "The box holds the middle half of the cluster's customers, its line is the median, "
                "the dashed line the mean; whiskers reach to the smallest and largest value (zoom "
                "out to see them). Axes go by powers of ten where all values are above zero.",
                "箱体为该簇中间一半的客户，实线为中位数，虚线为平均值；"
                "须线延伸到最小值和最大值（缩小可见）。"
                "全部为正值时纵轴为对数刻度。",
            ),
            quartiles_figure,
        ),
        *CLUSTER_USES,
    ),
)
