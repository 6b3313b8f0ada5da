"""Colours of the report by name, for a light and a dark page, and plain figures made with them.

The hues are those of Okabe and Ito, which people with any common colour blindness tell apart,
made darker or lighter until they stand out from the page (3:1 at least). Ordered groups take steps
of one scale whose lightness rises steadily, so that they can be told apart in grey.

Belongs here: colours, and replacing names and words by what is drawn. Does not belong here: charts.
"""

from typing import Any

from orchestration.publishing.report.exhibits import LANGUAGES, Figure

#: Steps of the scale of ordered groups.
STEPS = 12

_LIGHT_STEPS = (
    "#3a0f59", "#443a83", "#3b528b", "#31688e", "#26828e", "#1f9e89",
    "#35a97a", "#5bb765", "#7fbf4d", "#a3c63e", "#c3ce33", "#e0d42f",
)  # fmt: skip
_DARK_STEPS = (
    "#7d5bb0", "#6f6fc4", "#5b84cf", "#4797cf", "#3ba9c4", "#36bbae",
    "#4bc995", "#6fd57a", "#98de5c", "#c0e43f", "#e3e52e", "#f9f07a",
)  # fmt: skip

#: Colour names and what they are on each theme. In figures a name stands behind an ``@``.
THEMES: dict[str, dict[str, Any]] = {
    "light": {
        "paper": "#ffffff",
        "text": "#1f2328",
        "muted": "#59636e",
        "grid": "#e4e8ec",
        "quiet": "#9aa4af",
        "blue": "#0072b2",
        "vermillion": "#d55e00",
        "green": "#008f68",
        "purple": "#b0568a",
        "sky": "#3a98d4",
        "amber": "#b98500",
        "link": "rgba(89,99,110,0.25)",
        "link_up": "rgba(0,143,104,0.42)",
        "link_down": "rgba(213,94,0,0.42)",
        "heat": [
            [0, "#eef4fa"], [0.25, "#a6cbe6"], [0.5, "#4e97c8"], [0.75, "#1b649c"], [1, "#062f5b"],
        ],
        **{f"step{number}": color for number, color in enumerate(_LIGHT_STEPS)},
    },
    "dark": {
        "paper": "#171b21",
        "text": "#e8ebef",
        "muted": "#a3adb8",
        "grid": "#2d343d",
        "quiet": "#76818d",
        "blue": "#4aa3e0",
        "vermillion": "#f28238",
        "green": "#2fba92",
        "purple": "#dc90ba",
        "sky": "#93cdf2",
        "amber": "#e3b127",
        "link": "rgba(163,173,184,0.25)",
        "link_up": "rgba(47,186,146,0.48)",
        "link_down": "rgba(242,130,56,0.48)",
        "heat": [
            [0, "#1c2a38"], [0.25, "#1f5480"], [0.5, "#3389c2"], [0.75, "#84c3ea"], [1, "#eaf6ff"],
        ],
        **{f"step{number}": color for number, color in enumerate(_DARK_STEPS)},
    },
}  # fmt: skip

#: Colours of groups without an order, in the order they are given out.
SERIES = ("@blue", "@vermillion", "@green", "@purple", "@amber", "@sky", "@quiet", "@text")


def series_color(number: int) -> str:
    """Colour name of the group with this number, from 0; repeats after ``SERIES``."""
    return SERIES[number % len(SERIES)]


def ordered_colors(count: int) -> list[str]:
    """Colour names for ``count`` groups from best to worst, spread over the scale."""
    if count <= 1:
        return [f"@step{STEPS // 2}"] * count
    return [f"@step{round((STEPS - 1) * (1 - at / (count - 1)))}" for at in range(count)]


def resolved(figure: Figure, language: str = "en", theme: str = "light") -> Figure:
    """The figure as plain Plotly: words of one language, colours of one theme.

    Args:
        figure: what a chart's figure function returns.
        language: one of ``LANGUAGES``.
        theme: one of ``THEMES``.
    """
    colors = THEMES[theme]

    def resolve(part: Any) -> Any:
        if isinstance(part, dict):
            if part.keys() == set(LANGUAGES):
                return part[language]
            return {key: resolve(value) for key, value in part.items()}
        if isinstance(part, list | tuple):
            return [resolve(value) for value in part]
        if isinstance(part, str) and part.startswith("@"):
            return colors[part[1:]]
        return part

    plain: Figure = resolve(figure)
    return plain
