"""RFM scores and segments at the as-of date, and their sizes over time.

Belongs here: the heat map of scores, sizes and values of segments, their history, and what to do
with them. Does not belong here: movements between segments (``migration.py``).
"""

from orchestration.publishing.report.exhibits import Exhibit, Figure, Rows, Section, Words, words
from orchestration.publishing.report.palette import ordered_colors
from orchestration.publishing.report.parts import (
    axis,
    categories,
    crossed,
    drawn,
    heat_map,
    share_bars,
)
from orchestration.publishing.report.sections.migration import migration_exhibits
from orchestration.publishing.report.wording import count, fixed, money, percent

#: Scoring schemes that the report can show, the first one at first.
SCHEMES: dict[str, Words] = {
    "quintile": words("quintiles, 11 segments", "五等分，11 个分层"),
    "mean_split": words("high or low, 8 groups", "高低二分，8 个群组"),
    "fixed_bands": words("fixed bands, 4 tiers", "固定区间，4 个层级"),
}


def segment_names(rows: Rows) -> list[Words]:
    """Names of segments in both languages, as the table has them."""
    return [
        words(en, zh) for en, zh in zip(rows.column("name_en"), rows.column("name_zh"), strict=True)
    ]


def scores_figure(rows: Rows) -> Figure:
    """Customers by recency and frequency score."""
    recency, frequency, customers = crossed(rows, "r_score", "f_score", "customers")
    _, _, mean = crossed(rows, "r_score", "f_score", "mean_monetary")
    return drawn(
        [
            heat_map(
                [f"R{score}" for score in recency],
                [f"F{score}" for score in frequency],
                customers,
                "count",
                words(
                    "%{x} %{y}: %{z:,.0f} customers, mean monetary %{customdata:,.2f}"
                    "<extra></extra>",
                    "%{x} %{y}：%{z:,.0f} 位客户，平均金额 %{customdata:,.2f}<extra></extra>",
                ),
                words("customers", "客户数"),
                customdata=mean,
            )
        ],
        max(300, 90 + 56 * len(frequency)),
        xaxis=categories(words("recency score (higher: more recent)", "近度得分（越高越近）")),
        yaxis=categories(words("frequency score (higher: more often)", "频度得分（越高越多）")),
    )


def segments_figure(rows: Rows) -> Figure:
    """Share of customers and of revenue of each segment, best segment first."""
    names = segment_names(rows)
    shares = (
        ("customer_share", words("share of customers", "客户占比"), "@sky"),
        ("revenue_share", words("share of revenue", "收入占比"), "@blue"),
    )
    return share_bars(names, rows, shares, 120 + 44 * len(names))


def treemap_figure(rows: Rows) -> Figure:
    """Segments by size, coloured by what a customer of them is worth."""
    return drawn(
        [
            {
                "type": "treemap",
                "labels": segment_names(rows),
                "parents": [""] * len(rows),
                "ids": rows.column("segment"),
                "values": rows.column("customers"),
                "customdata": [
                    list(pair)
                    for pair in zip(
                        rows.column("customer_share"), rows.column("mean_monetary"), strict=True
                    )
                ],
                "marker": {
                    "colors": rows.column("mean_monetary"),
                    "colorscale": "@heat",
                    "showscale": True,
                    "line": {"width": 2, "color": "@paper"},
                    "pad": {"t": 0, "l": 0, "r": 0, "b": 0},
                    "colorbar": {
                        "title": {
                            "text": words("mean monetary", "平均金额"),
                            "side": "top",
                            "font": {"size": 12},
                        },
                        "thickness": 12,
                        "outlinewidth": 0,
                        "tickformat": ",.3~s",
                    },
                },
                "pathbar": {"visible": False},
                "tiling": {"pad": 0},
                "texttemplate": "<b>%{label}</b><br>%{value:,.0f}<br>%{customdata[0]:.1%}",
                "hovertemplate": words(
                    "%{label}: %{value:,.0f} customers (%{customdata[0]:.1%}), mean monetary "
                    "%{customdata[1]:,.2f}<extra></extra>",
                    "%{label}：%{value:,.0f} 位客户（%{customdata[0]:.1%}），平均金额 "
                    "%{customdata[1]:,.2f}<extra></extra>",
                ),
            }
        ],
        420,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        uniformtext={"minsize": 10, "mode": "hide"},
    )


def history_figure(rows: Rows) -> Figure:
    """Share of customers in each segment at each snapshot, stacked."""
    segments = list(dict.fromkeys(rows.column("segment")))
    colors = ordered_colors(len(segments))
    traces = []
    for segment, color in zip(segments, colors, strict=True):
        part = rows.where(segment=segment)
        traces.append(
            {
                "type": "bar",
                "x": part.column("snapshot_date"),
                "y": part.column("customer_share"),
                "name": segment_names(part)[0],
                "marker": {"color": color},
                "customdata": part.column("customers"),
                "hovertemplate": "%{y:.1%} (%{customdata:,.0f})",
            }
        )
    return drawn(
        traces,
        460,
        hovermode="x unified",
        barmode="stack",
        bargap=0.1,
        xaxis=categories(),
        yaxis=axis(words("share of customers", "客户占比"), "percent", range=[0, 1]),
        legend={"orientation": "v", "font": {"size": 12}},
    )


def _scores_reading(rows: Rows) -> Words:
    fullest = max(rows.dicts(), key=lambda row: (row["customers"], row["r_score"], row["f_score"]))
    total = sum(rows.column("customers"))
    share = percent(fullest["customers"] / total)
    return words(
        f"Most customers stand at R{fullest['r_score']} F{fullest['f_score']}: "
        f"{count(fullest['customers'])} of {count(total)} ({share}), each worth "
        f"{money(fullest['mean_monetary'])} on average.",
        f"客户最多的格子是 R{fullest['r_score']} F{fullest['f_score']}：{count(total)} 位中的 "
        f"{count(fullest['customers'])} 位（{share}），平均金额 "
        f"{money(fullest['mean_monetary'])}。",
    )


def _segments_reading(rows: Rows) -> Words:
    best = max(rows.dicts(), key=lambda row: (row["revenue"], -row["segment_order"]))
    return words(
        f"{best['name_en']}: {percent(best['customer_share'])} of the customers, "
        f"{percent(best['revenue_share'])} of the revenue.",
        f"{best['name_zh']}：占客户的 {percent(best['customer_share'])}，占收入的 "
        f"{percent(best['revenue_share'])}。",
    )


def _treemap_reading(rows: Rows) -> Words:
    largest = max(rows.dicts(), key=lambda row: (row["customers"], -row["segment_order"]))
    return words(
        f"The largest segment is {largest['name_en']} with {count(largest['customers'])} "
        f"customers: mean recency {fixed(largest['mean_recency_days'], 0)} days, "
        f"{fixed(largest['mean_frequency'], 1)} orders, {money(largest['mean_monetary'])}.",
        f"最大的分层是{largest['name_zh']}，共 {count(largest['customers'])} 位客户：平均近度 "
        f"{fixed(largest['mean_recency_days'], 0)} 天，"
        f"{fixed(largest['mean_frequency'], 1)} 张订单，"
        f"金额 {money(largest['mean_monetary'])}。",
    )


def _history_reading(rows: Rows) -> Words:
    best = rows.where(segment=rows.column("segment")[0]).dicts()
    first, last = best[0], best[-1]
    shares = percent(first["customer_share"]), percent(last["customer_share"])
    return words(
        f"{last['name_en']} went from {shares[0]} of the customers at {first['snapshot_date']} to "
        f"{shares[1]} at {last['snapshot_date']}.",
        f"{last['name_zh']}在客户中的占比从 {first['snapshot_date']} 的 {shares[0]} 变为 "
        f"{last['snapshot_date']} 的 {shares[1]}。",
    )


def _strategies_reading(rows: Rows) -> Words:
    return words(
        f"{len(rows)} segments, each with a goal, an offer, its limit and a channel.",
        f"{len(rows)} 个分层，各有目标、优惠、上限和触达渠道。",
    )


_OF_SEGMENTS = words(
    "Customers of the segment at the as-of date and the revenue they brought in the window that "
    "RFM looks back at. What the segments are stands in the table and in the definitions below.",
    "截至统计日该分层的客户，以及他们在 RFM 回看窗口内带来的收入。各分层的含义见数据表与下方定义。",
)


def _of_scheme(scheme: str) -> tuple[Exhibit, ...]:
    name = scheme.replace("_", "-")
    last = f"""select segment_order, segment, name_en, name_zh, customers, customer_share, revenue,
    revenue_share, mean_recency_days, mean_frequency, mean_monetary
from rfm.rpt_segments
where scheme = '{scheme}'
    and snapshot_date = (select max(snapshot_date) from rfm.rpt_segments)"""
    return (
        Exhibit(
            f"scores-{name}",
            words("Recency and frequency scores", "近度与频度得分"),
            f"""select r_score, f_score, cast(sum(customers) as bigint) as customers,
    sum(revenue) / sum(customers) as mean_monetary
from rfm.rpt_score_cells
where scheme = '{scheme}'
group by r_score, f_score
order by r_score, f_score""",
            _scores_reading,
            words(
                "Recency: days since the last order that counts. Frequency: orders that count in "
                "the window. Each is scored by the scheme's thresholds; higher is better.",
                "近度：距最近一次有效订单的天数。频度：窗口内的有效订单数。"
                "两者按方案的阈值打分，越高越好。",
            ),
            scores_figure,
            scheme=scheme,
        ),
        Exhibit(
            f"segments-{name}",
            words("Segments: customers and revenue", "分层：客户与收入"),
            f"{last}\norder by segment_order",
            _segments_reading,
            _OF_SEGMENTS,
            segments_figure,
            scheme=scheme,
        ),
        Exhibit(
            f"treemap-{name}",
            words("Segments by size and value", "分层的规模与价值"),
            f"{last}\n    and customers > 0\norder by segment_order",
            _treemap_reading,
            words(
                "The area is the number of customers, the colour their mean monetary: the revenue "
                "of the window per customer.",
                "面积为客户数，颜色为平均金额，即窗口内每位客户的收入。",
            ),
            treemap_figure,
            scheme=scheme,
        ),
        Exhibit(
            f"history-{name}",
            words("Segments over time", "分层的变化"),
            f"""select snapshot_date, segment_order, segment, name_en, name_zh, customers,
    customer_share
from rfm.rpt_segments
where scheme = '{scheme}'
    and customer_share is not null
    and snapshot_date > (
        select max(snapshot_date) - interval 25 month from rfm.rpt_segments
    )
order by segment_order, snapshot_date""",
            _history_reading,
            words(
                "Share of the customers in each segment at each month end and at the as-of date, "
                "the last 25 of them.",
                "各月末及统计日各分层的客户占比（最近 25 个时点）。",
            ),
            history_figure,
            scheme=scheme,
        ),
        *migration_exhibits(scheme),
        Exhibit(
            f"strategies-{name}",
            words("What to do with each segment", "各分层的策略"),
            f"""select segment, name_en, name_zh, goal_en, goal_zh, offer_en, offer_zh,
    coalesce(
        cast(cast(max_discount_amount as integer) as varchar),
        cast(cast(round(100 * max_discount_share) as integer) as varchar) || ' %'
    ) as max_discount,
    contact_interval_days, channel, target_metric, target_increase
from rfm.dim_segment_strategies
where scheme = '{scheme}'
order by segment_order""",
            _strategies_reading,
            words(
                "What to bring about, the offer and its limit (an amount or a share of the "
                "order), the fewest days between two messages, the channel, and the metric that "
                "tells whether it works. People edit this in seeds/segment_strategies.csv.",
                "目标、优惠及其上限（金额或订单占比）、两次触达的最短间隔天数、渠道，以及衡量效果的指标。"
                "由业务人员在 seeds/segment_strategies.csv 中维护。",
            ),
            scheme=scheme,
        ),
    )


SEGMENTS = Section(
    "segments",
    words("RFM segments", "RFM 分层"),
    tuple(exhibit for scheme in SCHEMES for exhibit in _of_scheme(scheme)),
)
