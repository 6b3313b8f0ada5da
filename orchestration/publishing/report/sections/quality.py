"""How far the figures can be trusted: reconciliation, checks, drift, restatements, rejects.

Belongs here: what ``quality`` publishes. Does not belong here: business figures.
"""

from typing import Any

from orchestration.publishing.report.exhibits import Exhibit, Figure, Rows, Section, Words, words
from orchestration.publishing.report.names import CAUSES, METRICS, REJECT_REASONS, named
from orchestration.publishing.report.parts import axis, categories, drawn, whole_ticks
from orchestration.publishing.report.wording import Number, count, fixed, month

_STATUSES = (
    ("passed", words("passed", "通过"), "@green"),
    ("warned", words("warned", "警告"), "@amber"),
    ("failed", words("failed", "失败"), "@vermillion"),
    ("skipped", words("skipped", "跳过"), "@quiet"),
)


#: Kinds of checks in the words of the chart.
KINDS: dict[str, Words] = {
    "dbt_test": words("tests of the models (dbt)", "模型测试（dbt）"),
    "expectation": words("expectations", "数据期望"),
    "landing_check": words("checks of the landing", "落地检查"),
    "asset_check": words("checks of what was learned", "学习结果检查"),
}


def checks_figure(rows: Rows) -> Figure:
    """Checks by kind, stacked by what came of them."""
    kinds = list(dict.fromkeys(rows.column("kind")))
    traces = []
    for status, name, color in _STATUSES:
        part = rows.where(status=status)
        if len(part):
            traces.append(
                {
                    "type": "bar",
                    "orientation": "h",
                    "y": [KINDS.get(kind, words(kind, kind)) for kind in part.column("kind")],
                    "x": part.column("checks"),
                    "name": name,
                    "marker": {"color": color},
                    "hovertemplate": "%{y}: %{x:,.0f}<extra>%{fullData.name}</extra>",
                }
            )
    return drawn(
        traces,
        130 + 44 * len(kinds),
        barmode="stack",
        showlegend=True,
        xaxis=axis(words("checks", "检查数"), "count"),
        yaxis=categories(autorange="reversed"),
    )


def daily_figure(rows: Rows) -> Figure:
    """Orders and gross revenue by day, with the range that their history sets."""
    orders, revenue = words("orders", "订单"), words("gross revenue", "总收入")
    return drawn(
        [
            *_watched(rows.where(metric="orders"), orders, "@blue", "y"),
            *_watched(rows.where(metric="gross_revenue"), revenue, "@green", "y2"),
        ],
        440,
        xaxis=axis(type="date", tickformat="%Y-%m-%d", anchor="y2"),
        yaxis=axis(orders, "count", domain=[0.54, 1], rangemode="tozero"),
        yaxis2=axis(revenue, "money", domain=[0, 0.46], rangemode="tozero"),
    )


def _watched(rows: Rows, name: Words, color: str, y_axis: str) -> list[dict[str, Any]]:
    """The range of one figure, and its values; what lies outside of it stands out."""
    outside = rows.column("is_outside")
    shared = {"type": "scatter", "x": rows.column("period_date"), "yaxis": y_axis}
    edge = shared | {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip"}
    return [
        edge
        | {"y": rows.column("lower_limit"), "name": words("from", "下限"), "showlegend": False},
        edge
        | {
            "y": rows.column("upper_limit"),
            "name": words("usual range", "正常范围"),
            "showlegend": y_axis == "y",
            "fill": "tonexty",
            "fillcolor": "@link",
        },
        shared
        | {
            "mode": "lines+markers",
            "y": rows.column("value"),
            "name": name,
            "line": {"color": color, "width": 1.5},
            "marker": {
                "color": ["@vermillion" if is_out else color for is_out in outside],
                "symbol": ["diamond" if is_out else "circle" for is_out in outside],
                "size": [11 if is_out else 4 for is_out in outside],
            },
            "hovertemplate": "%{x|%Y-%m-%d}: %{y:,.2f}<extra>%{fullData.name}</extra>",
        },
    ]


def rejects_figure(rows: Rows) -> Figure:
    """Rejected rows by column and reason."""
    return drawn(
        [
            {
                "type": "bar",
                "orientation": "h",
                "y": [_reject_name(row) for row in rows.dicts()],
                "x": rows.column("rejected_count"),
                "marker": {"color": "@vermillion"},
                "hovertemplate": "%{y}: %{x:,.0f}<extra></extra>",
            }
        ],
        110 + 26 * len(rows),
        xaxis=axis(words("rejected rows", "被拒绝的行数"), "count")
        | whole_ticks("count", rows.column("rejected_count")),
        yaxis=categories(autorange="reversed"),
    )


def _reject_name(row: dict[str, Any]) -> Words:
    place = f"{row['dataset']}.{row['column_name']}"
    reason = named(REJECT_REASONS, row["reason"])
    return words(f"{place}: {reason['en']}", f"{place}：{reason['zh']}")


def _reconciliation_reading(rows: Rows) -> Words:
    off = [row for row in rows.dicts() if row["difference"]]
    if off:
        first = off[0]
        return words(
            f"{len(off)} of {len(rows)} comparisons do not agree; the first is {first['metric']} "
            f"from {first['from_layer']} to {first['to_layer']}.",
            f"{len(rows)} 项对账中有 {len(off)} 项不一致，第一项为 {first['metric']}："
            f"{first['from_layer']} 到 {first['to_layer']}。",
        )
    return words(
        f"All {len(rows)} comparisons of rows and money, from the files to the last table, agree "
        "without a difference.",
        f"从文件到最后一张表，{len(rows)} 项行数与金额对账全部一致，无差异。",
    )


def _checks_reading(rows: Rows) -> Words:
    counts = {status: sum(rows.where(status=status).column("checks")) for status, _, _ in _STATUSES}
    return words(
        f"{count(counts['passed'])} checks passed, {count(counts['warned'])} warned, "
        f"{count(counts['failed'])} failed, {count(counts['skipped'])} were skipped.",
        f"{count(counts['passed'])} 项检查通过，{count(counts['warned'])} 项警告，"
        f"{count(counts['failed'])} 项失败，{count(counts['skipped'])} 项跳过。",
    )


def _findings_reading(rows: Rows) -> Words:
    first = rows.dicts()[0]
    return words(
        f"Checks that found something: {len(rows)}; the first is {first['check_name']} on "
        f"{first['table_name']}.",
        f"{len(rows)} 项检查有发现，首先是 {first['table_name']} 的 {first['check_name']}。",
    )


def _drift_reading(rows: Rows) -> Words:
    records = rows.dicts()
    latest = [row for row in records if row["is_latest"]]
    if not latest:
        last = records[0]
        metric = named(METRICS, last["metric"])
        return words(
            f"The latest figures are within their limits; the last one outside was "
            f"{metric['en']} at {last['period_date']}.",
            f"最新的指标均在范围之内；最近一次超出范围的是 {last['period_date']} 的"
            f"{metric['zh']}。",
        )
    metrics = [named(METRICS, code) for code in dict.fromkeys(row["metric"] for row in latest)]
    values = "value" if len(latest) == 1 else "values"
    return words(
        f"Outside their limits at the latest date: {', '.join(one['en'] for one in metrics)} "
        f"({len(latest)} {values}).",
        f"最新日期超出范围的指标：{'、'.join(one['zh'] for one in metrics)}"
        f"（{len(latest)} 个值）。",
    )


def _daily_reading(rows: Rows) -> Words:
    outside = [row for row in rows.dicts() if row["is_outside"]]
    days = len({row["period_date"] for row in rows.dicts()})
    if not outside:
        return words(
            f"In the last {days} days neither orders nor revenue left their usual range.",
            f"最近 {days} 天，订单和收入均在正常范围之内。",
        )
    last = outside[-1]
    metric = named(METRICS, last["metric"])
    return words(
        f"Values outside the usual range in the last {days} days: {len(outside)}; the latest is "
        f"{metric['en']} on {last['period_date']}.",
        f"最近 {days} 天有 {len(outside)} 个值超出正常范围；最近一个是 {last['period_date']} 的"
        f"{metric['zh']}。",
    )


def _restatements_reading(rows: Rows) -> Words:
    first = rows.dicts()[0]
    name = month(first["order_month"])
    metric = named(METRICS, first["metric"])
    causes = [named(CAUSES, code.strip()) for code in str(first["cause"]).split(",")]
    values = _plain(first["before_value"]), _plain(first["after_value"])
    return words(
        f"The latest: {metric['en']} of {name['en']} ({first['table_name']}) went from "
        f"{values[0]} to {values[1]}; cause: {', '.join(one['en'] for one in causes)}.",
        f"最近一项：{name['zh']}的{metric['zh']}（{first['table_name']}）由 {values[0]} "
        f"改为 {values[1]}；原因：{'、'.join(one['zh'] for one in causes)}。",
    )


def _plain(value: Number | None) -> str:
    """A figure that may be a number of things or money."""
    return count(value) if value is not None and value == int(value) else fixed(value)


def _rejects_reading(rows: Rows) -> Words:
    records = rows.dicts()
    total = sum(row["rejected_count"] for row in records)
    first = records[0]
    reason = named(REJECT_REASONS, first["reason"])
    return words(
        f"{count(total)} rows could not be used; most often {first['column_name']}: "
        f"{reason['en']} ({count(first['rejected_count'])}).",
        f"共有 {count(total)} 行无法使用；最常见的是 {first['column_name']}：{reason['zh']}"
        f"（{count(first['rejected_count'])} 行）。",
    )


def _corrections_reading(rows: Rows) -> Words:
    applied = len([row for row in rows.dicts() if row["status"] == "applied"])
    return words(
        f"{applied} of the {len(rows)} corrections shown are in force.",
        f"所示 {len(rows)} 项更正中有 {applied} 项生效。",
    )


QUALITY = Section(
    "quality",
    words("Data quality", "数据质量"),
    (
        Exhibit(
            "reconciliation",
            words("From the files to the last table", "对账：从文件到最后一张表"),
            """select step, metric, from_layer, to_layer, terms, from_value, set_aside,
    to_value, difference
from quality.rpt_reconciliation
order by step""",
            _reconciliation_reading,
            words(
                "What enters a layer, less what is set aside under a name, must be what comes out: "
                "the difference must be 0, or nothing is published.",
                "进入某层的数据减去按名目剔除的部分必须等于输出：差异必须为 0，否则不发布。",
            ),
        ),
        Exhibit(
            "check-results",
            words("Checks of this publication", "本次发布的检查"),
            """select kind, status, count(*) as checks, sum(failing_rows) as failing_rows
from quality.rpt_check_results
group by kind, status
order by kind, status""",
            _checks_reading,
            words(
                "All checks that ran before this publication. One that fails with severity error "
                "holds the publication back; a warning does not.",
                "本次发布前运行的全部检查。严重级别为 error 的检查失败会阻止发布，警告不会。",
            ),
            checks_figure,
        ),
        Exhibit(
            "check-findings",
            words("What checks have found", "检查发现"),
            """select check_name, kind, table_name, column_name, severity, status, expected, actual,
    failing_rows
from quality.rpt_check_results
where status in ('warned', 'failed')
order by status, severity, check_id
limit 50""",
            _findings_reading,
            words(
                "Checks that warned or failed, the first 50.", "发出警告或失败的检查，前 50 项。"
            ),
            empty=words("No check has found anything.", "检查没有任何发现。"),
        ),
        Exhibit(
            "drift",
            words("Figures against their own history", "指标与自身历史的比较"),
            """select metric, dimension_value, period_date, value, baseline, lower_limit,
    upper_limit,
    is_latest
from quality.rpt_drift
where is_outside
order by is_latest desc, period_date desc, metric, dimension_value
limit 50""",
            _drift_reading,
            words(
                "Figures outside the limits that their own history sets (median and spread of "
                "comparable days or months), the latest 50.",
                "超出由自身历史（可比日期或月份的中位数与离散度）确定的界限的指标，最近 50 项。",
            ),
            empty=words(
                "No watched figure is outside its usual limits.", "所监测的指标均在正常范围之内。"
            ),
        ),
        Exhibit(
            "daily-sales",
            words("Orders and revenue by day", "每日订单与收入"),
            """select metric, period_date, value, baseline, lower_limit, upper_limit, is_outside
from quality.rpt_drift
where metric in ('orders', 'gross_revenue')
    and period_date > (
        select max(period_date) - interval 120 day
        from quality.rpt_drift
        where metric = 'orders'
    )
order by period_date, metric""",
            _daily_reading,
            words(
                "The last 120 days. The grey range is what the same weekday of the weeks before "
                "leads one to expect; a diamond lies outside of it. It points to missing files or "
                "to an event, and stops nothing.",
                "最近 120 天。灰色范围由此前若干周的同一星期几得出；菱形表示超出范围，"
                "提示文件缺失或特殊事件，但不阻止发布。",
            ),
            daily_figure,
        ),
        Exhibit(
            "restatements",
            words("Closed months that were changed", "已关闭月份的修订"),
            """select publication_number, as_of_date, order_month, table_name, metric,
    dimension_value,
    before_value, after_value, difference, cause
from quality.rpt_restatements
order by publication_number desc, order_month desc, table_name, metric, dimension_value
limit 50""",
            _restatements_reading,
            words(
                "Figures of closed months that a later publication changed, and why; the latest "
                "50. A late file or a correction does this, never a return: that counts in its own "
                "month.",
                "已关闭月份的数字被后来的发布修改及其原因，最近 50 项。"
                "迟到的文件或更正会导致修订；退货不会，它计入自身月份。",
            ),
            empty=words(
                "No publication has changed a figure of a closed month.",
                "没有任何发布修改过已关闭月份的数字。",
            ),
        ),
        Exhibit(
            "rejected-rows",
            words("Rows that could not be used", "无法使用的行"),
            """select dataset, column_name, reason, rejected_count
from quality.rpt_rejected_rows
order by rejected_count desc, dataset, column_name, reason
limit 25""",
            _rejects_reading,
            words(
                "Rows of the files that were set aside, by column and reason; they are in no "
                "figure of this report.",
                "文件中被剔除的行，按列和原因统计；它们不计入本报告的任何数字。",
            ),
            rejects_figure,
            empty=words("Every row of the files could be used.", "文件中的每一行都可使用。"),
        ),
        Exhibit(
            "corrections",
            words("Corrections made by people", "人工更正"),
            """select correction_id, dataset, record_key, action, column_name, reason,
    corrected_at, status,
    problem, records_changed
from quality.rpt_corrections
order by corrected_at desc, correction_id
limit 25""",
            _corrections_reading,
            words(
                "Changes that people made to landed data, and whether they are in force.",
                "人工对落地数据所做的更改，以及是否生效。",
            ),
            empty=words("Nobody has corrected anything.", "没有人工更正。"),
        ),
    ),
)
