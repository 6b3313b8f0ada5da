"""Documents that are generated, so that they cannot go stale: settings, tables, dbt's page.

Run it with ``python -m orchestration.generated_docs``. Belongs here: their text. Does not belong
here: the facts in them (``settings.py``, the dbt project).
"""

import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic.fields import FieldInfo

from orchestration.dbt_page import offline_page
from orchestration.layers import PUBLISHED_SCHEMAS
from orchestration.manifest import Manifest
from orchestration.operations_settings import OperationsSettings
from orchestration.settings import PROJECT_ROOT, Settings

SETTINGS_DOC = PROJECT_ROOT / "docs" / "settings.md"
OUTPUTS_DOC = PROJECT_ROOT / "docs" / "outputs.md"
#: Models, tests, SQL and lineage as dbt shows them; not kept in git, as each dbt run dates it.
DBT_PAGE = PROJECT_ROOT / "docs" / "dbt.html"

#: Options of ``customer-value run`` by setting.
OPTIONS = {
    "landing_dir": "--landing",
    "profile": "--profile",
    "profiles_dir": "--profiles-dir",
    "data_dir": "--data-dir",
    "monetary_basis": "--basis",
    "as_of_date": "--as-of",
    "shop_timezone": "--timezone",
    "rfm_window_days": "--rfm-window-days",
    "memory_limit": "--memory-limit",
    "threads": "--threads",
}

_GENERATED = "<!-- Written by `make docs`; change the source, not this file. -->"


def settings_markdown() -> str:
    """The table of all settings: variable, option, default, meaning."""
    lines = [
        "# Settings",
        "",
        _GENERATED,
        "",
        "Each setting is an environment variable; some are options of `customer-value run` too, "
        "and then the option wins. An empty variable counts as unset.",
        "",
    ]
    operations = OperationsSettings.model_fields
    figures = {name: one for name, one in Settings.model_fields.items() if name not in operations}
    lines += _settings_table(figures)
    lines += [
        "",
        "## Operations",
        "",
        "None of these moves a published number. How to run it: [operations.md](operations.md).",
        "",
    ]
    lines += _settings_table(operations)
    return "\n".join(lines) + "\n"


def _settings_table(fields: Mapping[str, FieldInfo]) -> list[str]:
    lines = ["| variable | option | default | meaning |", "|---|---|---|---|"]
    for name, field in fields.items():
        option = f"`{OPTIONS[name]}`" if name in OPTIONS else ""
        default = field.default
        if isinstance(default, tuple):
            default = ",".join(default)
        shown = "" if default in (None, "") else f"`{default}`"
        lines.append(
            f"| `CUSTOMER_VALUE_{name.upper()}` | {option} | {shown} | {field.description} |"
        )
    return lines


def outputs_markdown(manifest: Manifest) -> str:
    """The published tables and their columns, as the models describe them."""
    lines = [
        "# Published tables",
        "",
        _GENERATED,
        "",
        "What `marts.duckdb` holds. Besides these tables, schema `meta` says what a publication "
        "was made from: `meta.run_manifest` and `meta.input_files`.",
    ]
    for schema in PUBLISHED_SCHEMAS:
        nodes = [node for node in manifest.published if node.schema == schema]
        if not nodes:
            continue
        lines += ["", f"## {schema}"]
        for node in nodes:
            lines += ["", f"### {schema}.{node.name}", "", _one_line(node.description), ""]
            lines += ["| column | meaning |", "|---|---|"]
            lines += [
                f"| {name} | {_one_line(description)} |"
                for name, description in node.columns.items()
            ]
    return "\n".join(lines) + "\n"


def _one_line(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def write_dbt_page(path: Path, selection: Sequence[str] = ()) -> Manifest:
    """Write dbt's documentation of the project as one page that opens without a network.

    Args:
        path: the file to write.
        selection: dbt's own arguments that say whose SQL is compiled; none: of everything.

    Returns:
        The manifest that it was made from.
    """
    from orchestration.dbt_runner import DbtProject

    with tempfile.TemporaryDirectory() as folder:
        work_dir = Path(folder).resolve()
        project = DbtProject(
            Settings(data_dir=work_dir), target_dir=work_dir / "target", is_echoing=False
        )
        manifest = Manifest.read(project.parse())
        page = project.document(selection).read_text(encoding="utf-8")
        page = offline_page(page, [work_dir, PROJECT_ROOT])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8")
    return manifest


def main() -> int:
    """Write the generated documents."""
    manifest = write_dbt_page(DBT_PAGE)
    for path, text in (
        (SETTINGS_DOC, settings_markdown()),
        (OUTPUTS_DOC, outputs_markdown(manifest)),
    ):
        path.write_text(text, encoding="utf-8")
    for path in (SETTINGS_DOC, OUTPUTS_DOC, DBT_PAGE):
        print(f"wrote {path.relative_to(PROJECT_ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
