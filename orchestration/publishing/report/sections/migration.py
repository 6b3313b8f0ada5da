"""Movements between segments, and what they did to revenue.

Belongs here: the Sankey of the last two month ends and the revenue walk. Does not belong here: the
segments themselves (``segments.py``).
"""

from orchestration.publishing.report.exhibits import Exhibit, Figure, Rows, Words, words
from orchestration.publishing.report.palette import ordered_colors
from orchestration.publishing.report.parts import MONEY, axis, categories, drawn
from orchestration.publishing.report.wording import compared, count, money, month, percent

ENTERED = words("(not a customer before)", "（此前非客户）")
LEFT = words("(no longer counted)", "（不再计入）")

#: Movements of the revenue walk in the words of the chart.
MOVEMENTS: dict[str, Words] = {
    "new": words("new", "新客"),
    "lost": words("lost", "流失"),
    "moved_up": words("moved up", "升级"),
    "moved_down": words("moved down", "降级"),
    "same_segment": words("same segment", "分层不变"),
    "outside": words("outside", "其他"),
}


def migration_figure(rows: Rows) -> Figure:
    """Customers flowing from the segments of one month end to those of the next."""
    froms = _ends(rows, "from")
    tos = _ends(rows, "to")
    orders = [order for order in {**_orders(froms), **_orders(tos)}.values() if order]
    steps = ordered_colors(max(orders, default=1))
    sizes = [_sizes(rows, "from", froms), _sizes(rows, "to", tos)]
    places = {("from", key): number for number, key in enumerate(froms)}
    places |= {("to", key): len(froms) + number for number, key in enumerate(tos)}
    ends = [*froms.values(), *tos.values()]
    return drawn(
        [
            {
                "type": "sankey",
                "arrangement": "snap",
                "valueformat": ",.0f",
                "node": {
                    "label": [name for name, _ in ends],
                    "color": [steps[order - 1] if order else "@quiet" for _, order in ends],
                    "x": [0.001] * len(froms) + [0.999] * len(tos),
                    "y": [*_centres(sizes[0]), *_centres(sizes[1])],
                    "pad": 12,
                    "thickness": 16,
                    "line": {"width": 0},
                    "hovertemplate": "%{label}: %{value:,.0f}<extra></extra>",
                },
                "link": {
                    "source": [places["from", key] for key in rows.column("from_segment")],
                    "target": [places["to", key] for key in rows.column("to_segment")],
                    "value": rows.column("customers"),
                    "color": [
                        _link_color(row["from_order"], row["to_order"]) for row in rows.dicts()
                    ],
                    "hovertemplate": "%{source.label} → %{target.label}: %{value:,.0f}"
                    "<extra></extra>",
                },
            }
        ],
        520,
        margin={"l": 8, "r": 8, "t": 16, "b": 16},
    )


def walk_figure(rows: Rows) -> Figure:
    """The revenue of the month before, what each movement changed, and that of the month."""
    before, after = sum(rows.column("revenue_before")), sum(rows.column("revenue_after"))
    names = [MOVEMENTS.get(name, words(name, name)) for name in rows.column("movement")]
    later = str(rows.column("order_month")[0])[:7]
    first, second = _month_before(later), later
    return drawn(
        [
            {
                "type": "waterfall",
                "measure": ["absolute", *["relative"] * len(rows), "total"],
                "x": [first, *names, second],
                "y": [before, *rows.column("revenue_change"), after],
                "customdata": [None, *rows.column("customers"), None],
                "text": [
                    _short(before),
                    *map(_short, rows.column("revenue_change")),
                    _short(after),
                ],
                "textposition": "outside",
                "textfont": {"size": 11},
                "cliponaxis": False,
                "increasing": {"marker": {"color": "@green"}},
                "decreasing": {"marker": {"color": "@vermillion"}},
                "totals": {"marker": {"color": "@blue"}},
                "connector": {"line": {"color": "@quiet", "width": 1}},
                "hovertemplate": "%{x}: %{y:,.2f}<extra></extra>",
            }
        ],
        400,
        xaxis=categories(),
        yaxis=axis(MONEY, "money"),
    )


def _ends(rows: Rows, side: str) -> dict[str, tuple[Words, int | None]]:
    """Segments on one side of the chart, best first: key -> name and order."""
    found: dict[str, tuple[Words, int | None]] = {}
    for row in rows.dicts():
        key, order = row[f"{side}_segment"], row[f"{side}_order"]
        if order is None:
            found[key] = (ENTERED if side == "from" else LEFT, None)
        else:
            found[key] = (words(row[f"{side}_name_en"], row[f"{side}_name_zh"]), order)
    return dict(sorted(found.items(), key=lambda item: (item[1][1] or 1_000, item[0])))


def _sizes(rows: Rows, side: str, ends: dict[str, tuple[Words, int | None]]) -> list[float]:
    """Customers of each segment on one side, in the order of the chart."""
    return [sum(rows.where(**{f"{side}_segment": key}).column("customers")) for key in ends]


def _centres(sizes: list[float]) -> list[float]:
    """Heights at which nodes stand one below the other, 0 to 1, with room between them."""
    room = 0.02
    scale = (1 - room * (len(sizes) - 1)) / sum(sizes)
    centres, top = [], 0.0
    for size in sizes:
        centres.append(min(0.999, max(0.001, top + size * scale / 2)))
        top += size * scale + room
    return centres


def _link_color(before: int | None, after: int | None) -> str:
    if before is None or after is None or before == after:
        return "@link"
    return "@link_up" if after < before else "@link_down"


def _orders(ends: dict[str, tuple[Words, int | None]]) -> dict[str, int | None]:
    return {key: order for key, (_, order) in ends.items()}


def _month_before(label: str) -> str:
    year, number = int(label[:4]), int(label[5:7])
    return f"{year - 1}-12" if number == 1 else f"{year}-{number - 1:02d}"


def _short(value: float) -> str:
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:,.3g}{letter}"
    return f"{value:,.3g}"


def _migration_reading(rows: Rows) -> Words:
    records = rows.dicts()
    known = [row for row in records if row["from_order"] and row["to_order"]]
    stayed = sum(row["customers"] for row in known if row["from_order"] == row["to_order"])
    up = sum(row["customers"] for row in known if row["to_order"] < row["from_order"])
    down = sum(row["customers"] for row in known if row["to_order"] > row["from_order"])
    total = stayed + up + down
    share = percent(stayed / total) if total else percent(None)
    dates = records[0]["from_snapshot"], records[0]["to_snapshot"]
    return words(
        f"From {dates[0]} to {dates[1]} {share} of the customers stayed in their segment, "
        f"{count(up)} moved up and {count(down)} down.",
        f"从 {dates[0]} 到 {dates[1]}，{share} 的客户分层不变，{count(up)} 位升级，"
        f"{count(down)} 位降级。",
    )


def _walk_reading(rows: Rows) -> Words:
    records = rows.dicts()
    before = sum(row["revenue_before"] for row in records)
    after = sum(row["revenue_after"] for row in records)
    against = compared(after / before - 1 if before > 0 else None, "the month before", "上月")
    most = max(records, key=lambda row: (abs(row["revenue_change"]), -row["movement_order"]))
    name = month(records[0]["order_month"])
    movement = MOVEMENTS.get(most["movement"], words(most["movement"], most["movement"]))
    return words(
        f"Customer revenue was {money(after)} in {name['en']}{against['en']}; the largest part of "
        f'the change is "{movement["en"]}" with {most["revenue_change"]:+,.0f}.',
        f"{name['zh']}客户收入为 {money(after)}{against['zh']}；"
        f"变化中最大的部分是“{movement['zh']}”，"
        f"{most['revenue_change']:+,.0f}。",
    )


def migration_exhibits(scheme: str) -> tuple[Exhibit, Exhibit]:
    """The Sankey and the revenue walk of a scoring scheme."""
    name = scheme.replace("_", "-")
    return (
        Exhibit(
            f"migration-{name}",
            words("Who rose and who fell", "升级与降级"),
            f"""with segments as (
    select distinct segment, segment_order, name_en, name_zh
    from rfm.rpt_segments
    where scheme = '{scheme}'
)

select
    moves.from_snapshot, moves.to_snapshot,
    moves.from_segment, earlier.segment_order as from_order,
    earlier.name_en as from_name_en, earlier.name_zh as from_name_zh,
    moves.to_segment, later.segment_order as to_order,
    later.name_en as to_name_en, later.name_zh as to_name_zh,
    moves.customers
from rfm.rpt_segment_migration as moves
left join segments as earlier on moves.from_segment = earlier.segment
left join segments as later on moves.to_segment = later.segment
where moves.scheme = '{scheme}'
    and moves.customers > 0
    and moves.to_snapshot = (
        select max(migrated.to_snapshot)
        from rfm.rpt_segment_migration as migrated
        inner join rfm.dim_snapshots as snapshots
            on migrated.to_snapshot = snapshots.snapshot_date
        where snapshots.is_month_end
    )
order by from_order, moves.from_segment, to_order, moves.to_segment""",
            _migration_reading,
            words(
                "Customers by their segment at the last two month ends: on the left the earlier, "
                "on the right the later one. The width is the number of customers; green flows "
                "rise to a "
                "better segment, orange ones fall.",
                "最近两个月末客户所在的分层：左为较早，右为较晚。宽度为客户数；绿色为升级，"
                "橙色为降级。",
            ),
            migration_figure,
            empty=words("There are no two month ends to compare.", "没有两个可比较的月末。"),
            scheme=scheme,
        ),
        Exhibit(
            f"revenue-walk-{name}",
            words("From one month's revenue to the next", "收入变化的分解"),
            f"""select order_month, movement, movement_order, customers, revenue_before,
    revenue_after,
    revenue_change
from rfm.rpt_revenue_walk
where scheme = '{scheme}'
    and order_month = (
        select max(order_month) from rfm.rpt_revenue_walk where not is_partial_month
    )
order by movement_order""",
            _walk_reading,
            words(
                "Revenue of known customers in the last whole month and in the one before, and "
                "what those did who were new, lost (bought before and not now), in a better or "
                "worse segment, or in the same one. The parts add up to the change. Outside: money "
                "without an order that counts.",
                "最近一个完整月份与上月的已知客户收入，以及新客、流失（上月购买本月未购买）、"
                "升级、降级、"
                "分层不变的客户各自带来的变化，合计等于总变化。其他：没有有效订单的金额。",
            ),
            walk_figure,
            empty=words("There are no two months to compare.", "没有两个可比较的月份。"),
            scheme=scheme,
        ),
    )
