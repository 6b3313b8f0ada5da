"""Parts of small pictures as SVG: boxes, words, axes, and the space that they stand in.

Belongs here: what every chart of ``report_previews.py`` and ``preview_shapes.py`` is drawn with.
Does not belong here: charts.
"""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

WIDTH, HEIGHT = 640, 280
#: Edges of the space that is drawn in: left, right, top, bottom.
LEFT, RIGHT, TOP, BOTTOM = 120, 500, 30, 220
#: Where the legend begins.
LEGEND = 512

#: A trace of a Plotly figure.
Trace = dict[str, Any]


def places_of(names: Sequence[Any], start: float, end: float) -> tuple[dict[Any, float], float]:
    """Middles of equal parts of an axis by name, and how long a part is."""
    step = (end - start) / len(names)
    return {name: start + step * (number + 0.5) for number, name in enumerate(names)}, step


def value_axis(ticks: Mapping[float, str], is_across: bool) -> Iterator[str]:
    """Lines over the space with what they stand for.

    Args:
        ticks: what is written, by place.
        is_across: values grow to the right instead of upwards.
    """
    for place, tick in ticks.items():
        ends = (place, TOP, place, BOTTOM) if is_across else (LEFT, place, RIGHT, place)
        yield (
            '<line x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}" '.format(*ends)
            + 'stroke="#d5dbe1"/>'
        )
        if is_across:
            yield text(place, BOTTOM + 14, tick, anchor="middle")
        else:
            yield text(LEFT - 6, place + 3, tick, anchor="end")


def name_axis(places: Mapping[Any, float], step: float, is_across: bool) -> Iterator[str]:
    """Names at their places, as many as there is room for.

    Args:
        places: middle of each name's part of the axis.
        step: how long that part is.
        is_across: names stand one below the other instead of side by side.
    """
    every = 1 if is_across else max(1, round(14 / step))
    for number, (name, place) in enumerate(places.items()):
        if number % every:
            continue
        if is_across:
            yield text(LEFT - 6, place + 3, name, anchor="end")
        else:
            yield text(
                place + 3, BOTTOM + 6, name, anchor="end",
                turn=f"rotate(-90 {place + 3:.1f} {BOTTOM + 6})",
            )  # fmt: skip


def short(value: float) -> str:
    """A number in three digits, with k, M or G."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:,.3g}{letter}"
    return f"{value:.3g}"


def box(
    left: float, top: float, width: float, height: float, color: str, opacity: float = 1
) -> str:
    """A filled rectangle."""
    pale = "" if opacity == 1 else f' opacity="{opacity}"'
    return (
        f'<rect x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}" '
        f'fill="{color}"{pale}/>'
    )


def text(
    left: float, base: float, words: Any, anchor: str = "start", size: int | None = None,
    ink: str | None = None, turn: str | None = None,
) -> str:  # fmt: skip
    """Words at a place; ``anchor`` says which end of them stands there."""
    options = {"font-size": size, "fill": ink, "transform": turn}
    more = "".join(f' {name}="{value}"' for name, value in options.items() if value is not None)
    return (
        f'<text x="{left:.1f}" y="{base:.1f}" text-anchor="{anchor}"{more}>'
        f"{escape(str(words))}</text>"
    )
