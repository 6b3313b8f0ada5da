"""Reading the documents: the parts of a Markdown file that can be checked.

Belongs here: taking them out. Does not belong here: assertions.
"""

import re
from pathlib import Path

from orchestration.settings import PROJECT_ROOT

README = PROJECT_ROOT / "README.md"
DOCS = PROJECT_ROOT / "docs"
DOCUMENTS = (README, PROJECT_ROOT / "CHANGELOG.md", *sorted(DOCS.glob("*.md")))

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")


def code_blocks(path: Path, language: str) -> list[str]:
    """The fenced blocks of a language, in order."""
    found = _FENCE.findall(path.read_text(encoding="utf-8"))
    return [text for name, text in found if name == language]


def prose(path: Path) -> str:
    """The document without its fenced blocks."""
    return _FENCE.sub("", path.read_text(encoding="utf-8"))


def code_spans(path: Path) -> list[str]:
    """What stands between backticks in the prose."""
    return re.findall(r"`([^`]+)`", prose(path))


def links(path: Path) -> list[str]:
    """Targets of links and pictures, those to other hosts left out."""
    return [target for target in _LINK.findall(prose(path)) if "://" not in target]


def commands(path: Path, program: str) -> list[list[str]]:
    """Words of each command line of a program, from shell blocks and from the prose."""
    lines = [line for block in code_blocks(path, "sh") for line in block.splitlines()]
    found = []
    for line in [*lines, *code_spans(path)]:
        words = line.split("#")[0].replace('"', "").split()
        if words and words[0] == program:
            found.append(words[1:])
    return found


def table_rows(path: Path, heading: str) -> list[list[str]]:
    """Cells of the first table below a heading, its header left out."""
    section = path.read_text(encoding="utf-8").split(f"\n{heading}\n", 1)[1].split("\n#", 1)[0]
    rows = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows[2:]]
