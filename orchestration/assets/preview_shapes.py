"""Small pictures of charts that are not bars, lines or cells: Sankey, treemap and waterfall.

Belongs here: placing and drawing the shapes of one trace of a Plotly figure. Does not belong here:
which charts there are pictures of (``report_previews.py``).
"""

from collections.abc import Iterator, Sequence

from orchestration.assets.svg import (
    BOTTOM,
    HEIGHT,
    LEFT,
    RIGHT,
    TOP,
    WIDTH,
    Trace,
    box,
    places_of,
    short,
    text,
    value_axis,
)

#: Of the height, what stays free between the nodes of one side.
_GAP = 0.015
_NODE = 12
_EDGE = 8


def flows(trace: Trace) -> Iterator[str]:
    """A Sankey of two sides: what each node on the left gives to which on the right.

    Args:
        trace: of type ``sankey``; links lead from nodes of the left side to those of the right.
    """
    node, link = trace["node"], trace["link"]
    ends = list(zip(link["source"], link["target"], link["value"], link["color"], strict=True))
    is_left = {source for source, *_ in ends}
    lefts = [place for place in range(len(node["label"])) if place in is_left]
    rights = [place for place in range(len(node["label"])) if place not in is_left]
    total = sum(value for *_, value, _ in ends)
    high = HEIGHT - TOP - _EDGE
    scale = high * (1 - _GAP * max(len(lefts), len(rights))) / total
    tops: dict[int, float] = {}
    for side, column in ((lefts, 0), (rights, 1)):
        top = float(TOP)
        for place in side:
            size = scale * sum(value for *pair, value, _ in ends if pair[column] == place)
            tops[place] = top
            left = RIGHT if column else LEFT
            yield box(left, top, _NODE, size, color=node["color"][place])
            if size >= 7:
                at, anchor = (RIGHT + _NODE + 5, "start") if column else (LEFT - 5, "end")
                yield text(at, top + size / 2 + 3, node["label"][place], anchor=anchor)
            top += size + high * _GAP
    begin, end = LEFT + _NODE, RIGHT
    middle = (begin + end) / 2
    filled = dict(tops)
    for source, target, value, color in sorted(ends, key=lambda one: (one[0], one[1])):
        size = scale * value
        first, last = filled[source], filled[target]
        filled[source] += size
        filled[target] += size
        yield (
            f'<path d="M{begin},{first:.1f} C{middle},{first:.1f} {middle},{last:.1f} '
            f"{end},{last:.1f} V{last + size:.1f} C{middle},{last + size:.1f} "
            f'{middle},{first + size:.1f} {begin},{first + size:.1f} Z" fill="{color}"/>'
        )


def tiles(trace: Trace) -> Iterator[str]:
    """A treemap of one level: areas as large as the values, coloured by what ``marker`` says.

    Args:
        trace: of type ``treemap``, without parents.
    """
    colors = trace["marker"]["colors"]
    scale = trace["marker"]["colorscale"]
    low, high = min(colors), max(colors)
    order = sorted(range(len(colors)), key=lambda place: -trace["values"][place])
    areas = [trace["values"][place] for place in order if trace["values"][place] > 0]
    space = (_EDGE, TOP, WIDTH - 2 * _EDGE, HEIGHT - TOP - _EDGE)
    for place, (left, top, width, height) in zip(order, _squarified(areas, *space), strict=False):
        share = (colors[place] - low) / ((high - low) or 1)
        color = scale[round(share * (len(scale) - 1))][1]
        yield box(left, top, max(0.5, width - 1.5), max(0.5, height - 1.5), color=color)
        label = str(trace["labels"][place])
        if height >= 26 and width >= 6 * len(label):
            ink = "#ffffff" if share > 0.6 else "#1f2328"
            yield text(left + 5, top + 13, label, ink=ink)
            yield text(left + 5, top + 24, f"{trace['values'][place]:,}", ink=ink)


def _squarified(
    areas: Sequence[float], left: float, top: float, width: float, height: float
) -> Iterator[tuple[float, float, float, float]]:
    """Boxes of these areas that fill a space and are as near to squares as rows of them can be.

    Each row lies along the shorter side and takes boxes as long as its worst one gets no thinner.
    Source: Bruls, Huizing and van Wijk, Squarified Treemaps (2000).

    Args:
        areas: greater than 0, largest first; in any unit.
        left, top, width, height: the space.
    """
    unit = width * height / (sum(areas) or 1)
    rest = [area * unit for area in areas]
    while rest:
        side = min(width, height)
        taken = 1
        while taken < len(rest) and _worst(rest[: taken + 1], side) <= _worst(rest[:taken], side):
            taken += 1
        row, rest = rest[:taken], rest[taken:]
        depth = sum(row) / side
        along = 0.0
        for area in row:
            length = area / depth
            if width >= height:
                yield left, top + along, depth, length
            else:
                yield left + along, top, length, depth
            along += length
        if width >= height:
            left, width = left + depth, width - depth
        else:
            top, height = top + depth, height - depth


def _worst(row: Sequence[float], side: float) -> float:
    """How many times longer than wide the thinnest box of a row is."""
    depth = sum(row) / side
    return max(max(area / depth**2, depth**2 / area) for area in row)


def steps(trace: Trace) -> Iterator[str]:
    """A waterfall: totals stand on the axis, changes hang where the last one ended.

    Args:
        trace: of type ``waterfall``; ``measure`` holds absolute, relative and total.
    """
    names = [str(name) for name in trace["x"]]
    places, step = places_of(names, LEFT, RIGHT)
    spans: list[tuple[float, float, str]] = []
    reached = 0.0
    for measure, value in zip(trace["measure"], trace["y"], strict=True):
        first, last = (reached, reached + value) if measure == "relative" else (0.0, value)
        sign = "increasing" if last >= first else "decreasing"
        part = trace[sign if measure == "relative" else "totals"]
        spans.append((first, last, part["marker"]["color"]))
        reached = last
    low = min(0.0, *(min(first, last) for first, last, _ in spans))
    high = max(0.0, *(max(first, last) for first, last, _ in spans)) or 1.0

    def at(value: float) -> float:
        return BOTTOM - (value - low) / ((high - low) or 1) * (BOTTOM - TOP - 10)

    marks = {at(tick): short(tick) for tick in {low, 0.0, high / 2, high}}
    yield from value_axis(marks, is_across=False)
    for name, place in places.items():
        for number, word in enumerate(name.split()):
            yield text(place, BOTTOM + 14 + 12 * number, word, anchor="middle")
    for name, label, (first, last, color) in zip(names, trace["text"], spans, strict=True):
        top, bottom = min(at(first), at(last)), max(at(first), at(last))
        yield box(places[name] - 0.4 * step, top, 0.8 * step, max(0.5, bottom - top), color=color)
        yield text(places[name], top - 3, label, anchor="middle")
