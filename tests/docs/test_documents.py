"""Links lead somewhere, generated documents are current, examples do what is said of them."""

import csv
from pathlib import Path

import pytest

from orchestration.generated_docs import (
    OUTPUTS_DOC,
    SETTINGS_DOC,
    outputs_markdown,
    settings_markdown,
)
from orchestration.landing.check import check_profile
from orchestration.settings import PROJECT_ROOT, Settings
from tests.building import Built
from tests.docs.documents import DOCS, DOCUMENTS, code_blocks, code_spans, links

SEEDS = PROJECT_ROOT / "seeds"
DEFINITIONS = DOCS / "definitions.md"
GUIDE = DOCS / "bring-your-data.md"
MATCH_RULES = {"same_product_and_price", "manual_credit", "refunded_status", "unmatched"}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_resolve_to_files(path: Path) -> None:
    missing = [
        target for target in links(path) if not (path.parent / target.split("#")[0]).exists()
    ]
    assert not missing


def test_every_document_can_be_reached_from_the_readme() -> None:
    waiting = [PROJECT_ROOT / "README.md"]
    reached: set[Path] = set()
    while waiting:
        path = waiting.pop()
        if path not in reached and path.suffix == ".md":
            reached.add(path)
            waiting += [(path.parent / target.split("#")[0]).resolve() for target in links(path)]
    assert set(DOCUMENTS) <= reached


def test_settings_document_is_current() -> None:
    assert SETTINGS_DOC.read_text(encoding="utf-8") == settings_markdown(), "run `make docs`"


def test_outputs_document_is_current(demo: Built) -> None:
    current = outputs_markdown(demo.manifest)
    assert OUTPUTS_DOC.read_text(encoding="utf-8") == current, "run `make docs`"


@pytest.mark.parametrize(
    ("seed", "column"),
    [
        ("lifecycle_states.csv", "state"),
        ("rfm_schemes.csv", "scheme"),
        ("rfm_segments.csv", "segment"),
        ("line_kinds.csv", "line_kind"),
    ],
)
def test_definitions_name_what_the_lookup_tables_hold(seed: str, column: str) -> None:
    text = DEFINITIONS.read_text(encoding="utf-8").replace("\n", " ")
    with (SEEDS / seed).open(encoding="utf-8", newline="") as handle:
        names = {row[column] for row in csv.DictReader(handle)}
    missing = {name for name in names if name not in text and name.replace("_", " ") not in text}
    assert not missing


def test_definitions_place_each_cell_of_the_eleven_segments_as_the_seed_does() -> None:
    assert _documented_cells() == _seeded_cells()


def test_definitions_name_the_match_rules_that_occur(demo: Built) -> None:
    occurring = {rule for (rule,) in demo.marts("select match_rule from core.fct_cancellations")}
    assert occurring <= MATCH_RULES
    assert set(code_spans(DEFINITIONS)) >= MATCH_RULES


def test_worked_example_keeps_three_rows_and_rejects_record_four(tmp_path: Path) -> None:
    file, profile = tmp_path / "sales-2024-03.csv", tmp_path / "my_shop.yml"
    file.write_text(code_blocks(GUIDE, "csv")[0], encoding="utf-8")
    profile.write_text(code_blocks(GUIDE, "yaml")[0], encoding="utf-8")
    check = check_profile(file, str(profile), Settings(data_dir=tmp_path / "data"))
    (dataset,) = check.datasets
    (reject,) = dataset.file.rejects
    assert (dataset.file.rows_kept, dataset.file.rows_rejected) == (3, 1)
    assert (reject.row_number, reject.column, reject.value) == (4, "quantity", "one")


def _span(text: str) -> range:
    first, _, last = text.strip().partition(" to ")
    return range(int(first), int(last or first) + 1)


def _documented_cells() -> dict[tuple[int, int], str]:
    text = DEFINITIONS.read_text(encoding="utf-8").split("| R | F + M | segment |\n")[1]
    cells: dict[tuple[int, int], str] = {}
    for line in text.split("\n\n")[0].splitlines()[1:]:
        r_spans, fm_spans, segment = (cell.strip() for cell in line.strip("|").split("|"))
        for r_span, fm_span in zip(r_spans.split(";"), fm_spans.split(";"), strict=True):
            for r in _span(r_span):
                for fm in _span(fm_span):
                    assert (r, fm) not in cells
                    cells[r, fm] = segment.strip("`")
    return cells


def _seeded_cells() -> dict[tuple[int, int], str]:
    with (SEEDS / "rfm_segments.csv").open(encoding="utf-8", newline="") as handle:
        rows = [row for row in csv.DictReader(handle) if row["scheme"] == "quintile"]
    return {
        (r, fm): row["segment"]
        for row in rows
        for r in range(int(row["r_min"]), int(row["r_max"]) + 1)
        for fm in range(int(row["fm_min"]), int(row["fm_max"]) + 1)
    }
