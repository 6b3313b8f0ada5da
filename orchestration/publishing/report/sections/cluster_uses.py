"""What clusters say: of segments, of the next quarter, and from one fit to the next.

Belongs here: their overlap with RFM segments, prediction, events. Does not belong here: what the
clusters are (``clusters.py``).
"""

from orchestration.publishing.report.exhibits import Exhibit, Figure, Rows, Words, words
from orchestration.publishing.report.names import PREDICTORS, named
from orchestration.publishing.report.parts import categories, crossed, drawn, heat_map
from orchestration.publishing.report.wording import fixed, percent

#: Ids and names of the clusters in both languages.
NAMES = """select cluster_id, cluster_number, cluster_name, cluster_name_zh
    from clusters.dim_clusters"""


def cluster_names(rows: Rows) -> list[Words]:
    """Ids and names of clusters in both languages."""
    return [
        words(f"{cluster} {en}", f"{cluster} {zh}")
        for cluster, en, zh in zip(
            rows.column("cluster_id"),
            rows.column("cluster_name"),
            rows.column("cluster_name_zh"),
            strict=True,
        )
    ]


def overlap_figure(rows: Rows) -> Figure:
    """Where the customers of each segment stand among the clusters."""
    _, _, shares = crossed(rows, "cluster_number", "segment_order", "share_of_segment")
    clusters = dict(zip(rows.column("cluster_number"), cluster_names(rows), strict=True))
    segments = {row["segment_order"]: words(row["name_en"], row["name_zh"]) for row in rows.dicts()}
    return drawn(
        [
            heat_map(
                [clusters[number] for number in sorted(clusters)],
                [segments[order] for order in sorted(segments)],
                shares,
                "percent",
                words(
                    "%{y}: %{z:.1%} in %{x}<extra></extra>",
                    "%{y}：%{z:.1%} 属于 %{x}<extra></extra>",
                ),
                words("share of segment", "分层内占比"),
            )
        ],
        120 + 32 * len(segments),
        xaxis=categories(side="top"),
        yaxis=categories(autorange="reversed"),
        margin={"l": 12, "r": 8, "t": 64, "b": 8},
    )


def _overlap_reading(rows: Rows) -> Words:
    most = max(
        rows.dicts(),
        key=lambda row: (row["share_of_segment"], -row["segment_order"], -row["cluster_number"]),
    )
    share = percent(most["share_of_segment"])
    return words(
        f"{share} of {most['name_en']} are in {most['cluster_id']} {most['cluster_name']}.",
        f"{most['name_zh']}中有 {share} 属于 {most['cluster_id']} {most['cluster_name_zh']}。",
    )


def _prediction_reading(rows: Rows) -> Words:
    best = rows.dicts()[0]
    predictor = named(PREDICTORS, best["predictor"])
    return words(
        f"Next quarter's revenue is told best by {predictor['en']}: R² "
        f"{fixed(best['r_squared'], 3)}, mean error {fixed(best['mean_absolute_error'])}.",
        f"预测下一季度收入最好的是{predictor['zh']}：R² {fixed(best['r_squared'], 3)}，"
        "平均绝对误差 "
        f"{fixed(best['mean_absolute_error'])}。",
    )


def _events_reading(rows: Rows) -> Words:
    last = rows.dicts()[0]
    return words(
        f"The latest of the {len(rows)} events shown, of {last['snapshot_date']}: "
        f"{last['detail_en']}.",
        f"所示 {len(rows)} 个事件中最近的一个（{last['snapshot_date']}）：{last['detail_zh']}。",
    )


CLUSTER_USES: tuple[Exhibit, ...] = (
    Exhibit(
        "cluster-segments",
        words("Clusters and RFM segments", "聚类与 RFM 分层"),
        f"""with segments as (
    select distinct segment, segment_order, name_en, name_zh
    from rfm.rpt_segments
    where scheme = 'quintile'
)

select segments.segment_order, overlap.segment, segments.name_en, segments.name_zh,
    names.cluster_number, overlap.cluster_id, names.cluster_name, names.cluster_name_zh,
    overlap.customers, overlap.share_of_segment, overlap.share_of_cluster
from clusters.rpt_cluster_segments as overlap
inner join segments on overlap.segment = segments.segment
inner join (
    {NAMES}
) as names on overlap.cluster_id = names.cluster_id
where overlap.scheme = 'quintile'
order by segments.segment_order, names.cluster_number""",
        _overlap_reading,
        words(
            "Share of the customers of a segment who are in a cluster; a row adds up to 100%.",
            "某分层的客户中属于某簇的比例；每行合计为 100%。",
        ),
        overlap_figure,
    ),
    Exhibit(
        "cluster-prediction",
        words("What the clusters are good for", "聚类的预测能力"),
        """select predictor, from_date, to_date, customers, r_squared, mean_absolute_error,
    rank_correlation, is_best
from clusters.rpt_cluster_prediction
order by is_best desc nulls last, r_squared desc nulls last, predictor""",
        _prediction_reading,
        words(
            "Group means learned on an earlier quarter foretell the next one. R²: share of the "
            "variation explained; below 0 is worse than the plain mean.",
            "用较早季度的组均值预测下一季度。R²：可解释的方差比例，低于 0 表示不如总体均值。",
        ),
    ),
    Exhibit(
        "cluster-events",
        words("What changed between fits", "历次拟合的变化"),
        """select snapshot_date, event_number, event, from_cluster_id, to_cluster_id,
    customers, share, detail_en, detail_zh
from clusters.rpt_cluster_events
order by snapshot_date desc, event_number desc
limit 30""",
        _events_reading,
        words(
            "Clusters kept, new, split, merged or vanished when the model was fitted anew.",
            "重新拟合时保留、新增、拆分、合并或消失的簇。",
        ),
    ),
)
