"""The page: contents as one HTML document that needs nothing else.

Belongs here: markup, the data handed to the script, and the content security policy. Does not
belong here: looks (``page.css``), behaviour (``page.js``) and what is shown (``contents.py``).
"""

import base64
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from html import escape
from typing import Any
from unicodedata import east_asian_width

from orchestration.publishing.report.contents import Contents, Shown
from orchestration.publishing.report.exhibits import Section, Words, words
from orchestration.publishing.report.palette import THEMES
from orchestration.publishing.report.sections.segments import SCHEMES

#: Name of the element that says which publication a page was made from.
FINGERPRINT = "customer-value-fingerprint"

TITLE = words("Customer value report", "客户价值报告")
_SCHEME = words("Scoring scheme", "评分方案")
_DEFINITION = words("What it means", "含义")
_COPY = words("Copy", "复制")
_SECTIONS = words("Sections", "章节")
_SKIP = words("Skip to the content", "跳到正文")
_THEME = words("Light or dark", "浅色或深色")
_NO_SCRIPT = words(
    "Charts need JavaScript; all their figures stand in the tables.",
    "图表需要 JavaScript；所有数字均在数据表中。",
)
_LANGUAGE_TAGS = {"en": "en", "zh": "zh-Hans"}


@dataclass(frozen=True)
class Assets:
    """Texts of the files that are written into the page."""

    plotly: str
    script: str
    style: str


def render(contents: Contents, assets: Assets) -> str:
    """The whole page.

    Args:
        contents: what is shown.
        assets: Plotly, and the page's own script and style.

    Returns:
        An HTML document; the same for the same contents, to the byte.
    """
    scripts = [_script_text(assets.plotly), _script_text(assets.script)]
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en" data-language="en" data-theme="light">',
        "<head>",
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_policy(scripts)}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f'<meta name="{FINGERPRINT}" content="{escape(_fingerprint(contents))}">',
        '<meta name="color-scheme" content="light dark">',
        '<link rel="icon" href="data:,">',
        f"<title>{escape(TITLE['en'])}</title>",
        f"<style>\n{assets.style}</style>",
        "</head>",
        "<body>",
        f'<a class="skip" href="#content">{_spans(_SKIP)}</a>',
        *_header(contents),
        '<div class="columns">',
        *_navigation(contents),
        '<main id="content">',
        f"<noscript><p>{_spans(_NO_SCRIPT)}</p></noscript>",
        *(line for section, shown in contents.sections for line in _section(section, shown)),
        "</main>",
        "</div>",
        f'<script type="application/json" id="payload">{_payload(contents)}</script>',
        *(f"<script>{script}</script>" for script in scripts),
        "</body>",
        "</html>",
    ]
    return "\n".join(parts) + "\n"


def cell_text(value: Any) -> str:
    """A value as it stands in a table: exact, but for means and rates, which are rounded."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, Decimal):
        text = f"{value:,.4f}".rstrip("0")
        whole, _, digits = text.partition(".")
        return f"{whole}.{digits.ljust(2, '0')}"
    if isinstance(value, float):
        return _float_text(value)
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    return value.isoformat() if isinstance(value, date) else str(value)


def _float_text(value: float) -> str:
    """Two decimals from a thousand on, four below; none of a whole number."""
    if value.is_integer():
        return f"{value:,.0f}"
    return f"{value:,.2f}" if abs(value) >= 1_000 else f"{value:,.4f}"


def _header(contents: Contents) -> list[str]:
    manifest = contents.manifest
    told = []
    if manifest is not None:
        as_of = manifest.as_of_date or "–"
        basis = str(manifest.settings.get("monetary_basis", "–"))
        chinese = {"net": "净额", "gross": "总额"}.get(basis, basis)
        files = f"{contents.input_files:,}"
        told = [
            _spans(
                words(
                    f"As of {as_of} · monetary basis {basis} · {files} files · code "
                    f"{manifest.code_version}",
                    f"统计日 {as_of} · 金额口径 {chinese} · {files} 个文件 · 代码 "
                    f"{manifest.code_version}",
                )
            )
        ]
    return [
        "<header>",
        f"<div><h1>{_spans(TITLE)}</h1>",
        *(f'<p class="told">{line}</p>' for line in told),
        "</div>",
        '<div class="switches">',
        '<button type="button" id="language" lang="zh-Hans">中文</button>',
        f'<button type="button" id="theme" aria-pressed="false">{_spans(_THEME)}</button>',
        "</div>",
        "</header>",
    ]


def _navigation(contents: Contents) -> list[str]:
    links = [
        f'<li><a href="#{section.id}">{_spans(section.title)}</a></li>'
        for section, _ in contents.sections
    ]
    return [f'<nav aria-label="{_SECTIONS["en"]}">', "<ul>", *links, "</ul>", "</nav>"]


def _section(section: Section, shown: Iterable[Shown]) -> list[str]:
    exhibits = list(shown)
    schemes = [
        scheme for scheme in SCHEMES if any(one.exhibit.scheme == scheme for one in exhibits)
    ]
    return [
        f'<section id="{section.id}" aria-labelledby="{section.id}-title">',
        f'<h2 id="{section.id}-title">{_spans(section.title)}</h2>',
        *_scheme_switch(schemes),
        *(line for one in exhibits for line in _exhibit(one)),
        "</section>",
    ]


def _scheme_switch(schemes: list[str]) -> list[str]:
    if not schemes:
        return []
    choices = [
        f'<label><input type="radio" name="scheme" value="{scheme}"'
        f"{' checked' if number == 0 else ''}> {_spans(SCHEMES[scheme])}</label>"
        for number, scheme in enumerate(schemes)
    ]
    return [
        '<fieldset class="schemes">',
        f"<legend>{_spans(_SCHEME)}</legend>",
        *choices,
        "</fieldset>",
    ]


def _exhibit(shown: Shown) -> list[str]:
    exhibit = shown.exhibit
    name = exhibit.id
    scheme = f' data-scheme="{exhibit.scheme}"' if exhibit.scheme else ""
    kind = "exhibit" if len(shown.rows) else "exhibit empty"
    lines = [
        f'<article class="{kind}" id="{name}"{scheme} aria-labelledby="{name}-title">',
        f'<h3 id="{name}-title">{_spans(exhibit.title)}</h3>',
        f'<p class="reading" id="{name}-reading">{_spans(shown.reading)}</p>',
    ]
    if shown.cards:
        lines += ['<dl class="cards">']
        lines += [
            f'<div class="card"><dt>{_spans(card.label)}</dt><dd class="value">'
            f'{_spans(card.value)}</dd><dd class="note">{_spans(card.note)}</dd></div>'
            for card in shown.cards
        ]
        lines += ["</dl>"]
    if shown.figure is not None:
        height = shown.figure["layout"]["height"]
        lines.append(
            f'<div class="plot" role="group" data-height="{height}" '
            f'aria-labelledby="{name}-title {name}-reading"></div>'
        )
    lines.append('<div class="more">')
    if len(shown.rows):
        is_open = " open" if shown.figure is None and not shown.cards else ""
        count = f"{len(shown.rows):,}"
        noun = "row" if len(shown.rows) == 1 else "rows"
        lines += [
            f'<details class="data"{is_open}>',
            f"<summary>{_spans(words(f'Data, {count} {noun}', f'数据，{count} 行'))}</summary>",
            *_table(shown),
            "</details>",
        ]
    lines += [
        '<details class="definition">',
        f"<summary>{_spans(_DEFINITION)}</summary>",
        f"<p>{_spans(exhibit.definition)}</p>",
        "</details>",
        '<details class="sql">',
        f"<summary>SQL · {escape(', '.join(exhibit.tables))}</summary>",
        f'<button type="button" class="copy">{_spans(_COPY)}</button>',
        f'<pre tabindex="0"><code>{escape(exhibit.sql)}</code></pre>',
        "</details>",
        "</div>",
        "</article>",
    ]
    return lines


def _table(shown: Shown) -> list[str]:
    rows = shown.rows
    looks = [
        _look([record[index] for record in rows.records]) + _language_of(column, rows.columns)
        for index, column in enumerate(rows.columns)
    ]
    lines = [
        '<div class="scroll" tabindex="0" role="region" '
        f'aria-labelledby="{shown.exhibit.id}-title">',
        "<table>",
        f"<caption>{_spans(shown.exhibit.title)}</caption>",
        "<thead><tr>"
        + "".join(
            f'<th scope="col"{look}>{_broken(column)}</th>'
            for column, look in zip(rows.columns, looks, strict=True)
        )
        + "</tr></thead>",
        "<tbody>",
    ]
    for record in rows.records:
        cells = "".join(
            f"<td{look}>{escape(cell_text(value))}</td>"
            for value, look in zip(record, looks, strict=True)
        )
        lines.append(f"<tr>{cells}</tr>")
    return [*lines, "</tbody>", "</table>", "</div>"]


def _look(values: list[Any]) -> str:
    """Class of a column: numbers to the right, long texts in wide cells."""
    if any(isinstance(value, int | float | Decimal) for value in values):
        return ' class="n"'
    return ' class="w"' if any(_width(cell_text(value)) > 24 for value in values) else ""


def _width(text: str) -> int:
    """Places that a text takes on a line; a Chinese character takes two."""
    return sum(2 if east_asian_width(character) in "FW" else 1 for character in text)


def _broken(column: str) -> str:
    """A column's name, with places where a line may end."""
    return escape(column).replace("_", "_<wbr>")


def _language_of(column: str, columns: Sequence[str]) -> str:
    """Language of a column of which there is one for each; the style shows one of them."""
    name, _, language = column.rpartition("_")
    there = {other for other in _LANGUAGE_TAGS if f"{name}_{other}" in columns}
    if language in there and (len(there) > 1 or name in columns):
        return f' lang="{_LANGUAGE_TAGS[language]}"'
    return ""


def _spans(text: Words) -> str:
    """Words in every language; the style shows one of them."""
    if len(set(text.values())) == 1:
        return escape(text["en"])
    return "".join(
        f'<span lang="{_LANGUAGE_TAGS[language]}">{escape(said)}</span>'
        for language, said in text.items()
    )


def _payload(contents: Contents) -> str:
    figures = {
        shown.exhibit.id: shown.figure for shown in contents.shown if shown.figure is not None
    }
    text = json.dumps(
        {"figures": figures, "themes": THEMES, "title": TITLE, "languages": _LANGUAGE_TAGS},
        ensure_ascii=False,
        allow_nan=False,
        separators=(",", ":"),
    )
    return text.replace("<", "\\u003c")


def _fingerprint(contents: Contents) -> str:
    return contents.manifest.fingerprint if contents.manifest else ""


def _script_text(script: str) -> str:
    """A script that cannot end its element early."""
    return script.replace("</script", "<\\/script").replace("<!--", "<\\!--")


def _policy(scripts: Iterable[str]) -> str:
    """Nothing may be loaded; only these very scripts may run."""
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
        for script in scripts
    )
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )
