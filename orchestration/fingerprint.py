"""What the published tables follow from, as digests: the input files, the settings, the code.

Two runs with the same fingerprint give the same tables, so the second one need not happen.

Belongs here: what goes into the digests. Does not belong here: where they are stored.
"""

import functools
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from orchestration.settings import DBT_PROJECT_DIR, PROJECT_ROOT, Settings

_PACKAGE_DIR = Path(__file__).resolve().parent
_GENERATED_FOLDERS = frozenset({"target", "logs", "dbt_packages", "__pycache__"})
#: Parts of the package that show or start things and cannot change a table.
_WITHOUT_EFFECT = frozenset(
    {
        "cli.py",
        "terminal.py",
        "summary.py",
        "generated_docs.py",
        "query.py",
        "dev.py",
        "profile_check.py",
        "automation.py",
        "dbt_events.py",
        "dbt_namespaces.py",
        "dbt_templates.py",
        "freshness.py",
        "notifying.py",
        "operations_settings.py",
        "pruning.py",
        "restoring.py",
        "sensing.py",
        "status.py",
    }
)


@dataclass(frozen=True)
class Fingerprint:
    """Digests (sha256, hexadecimal) of everything a build follows from."""

    inputs: str
    settings: str
    code: str

    @property
    def digest(self) -> str:
        """All three in one."""
        return _sha256([self.inputs, self.settings, self.code])


def fingerprint(con: duckdb.DuckDBPyConnection, settings: Settings) -> Fingerprint:
    """Fingerprint of what a build of this warehouse would follow from now."""
    inputs = input_digest(con)
    if settings.erasures_path.exists():
        inputs = _sha256([inputs, settings.erasures_path.read_text(encoding="utf-8")])
    return Fingerprint(inputs=inputs, settings=settings_digest(settings), code=code_digest())


def input_digest(con: duckdb.DuckDBPyConnection) -> str:
    """Digest of the files whose rows are in the warehouse; their order does not matter."""
    rows = con.execute(
        """
        select path, profile, dataset, sha256, reading_key, status, rows_kept, rows_rejected
        from raw.loaded_files
        order by path, dataset, sha256, status
        """
    ).fetchall()
    return _sha256([list(row) for row in rows])


def settings_digest(settings: Settings) -> str:
    """Digest of the settings that move a published number."""
    return _sha256(
        [
            settings.dbt_vars(),
            settings.profile,
            _digest_of_folder(settings.profiles_dir),
            settings.expectations,
            _digest_of_folder(settings.expectations_dir),
            settings.model_settings() if settings.clustering else None,
        ]
    )


def model_settings_digest(settings: Settings) -> str:
    """Digest of the settings that a learned model depends on: with another one it is not used."""
    return _sha256(settings.model_settings())


@functools.cache
def code_digest(project_root: Path = PROJECT_ROOT) -> str:
    """Digest of the models, the lookup tables and this package."""
    files = [
        *_files_below(project_root / DBT_PROJECT_DIR.name, {".sql", ".yml", ".yaml", ".py"}),
        *_files_below(project_root / "seeds", {".csv", ".yml", ".yaml"}),
        *_files_below(project_root / _PACKAGE_DIR.name, {".py", ".yml", ".yaml", ".sql"}),
    ]
    return _digest_of_files(project_root, files)


def _digest_of_folder(folder: Path | None) -> str | None:
    """Digest of the YAML files that a person has put into a folder."""
    if folder is None:
        return None
    folder = folder.expanduser().resolve()
    return _digest_of_files(folder, _files_below(folder, {".yml", ".yaml"}))


def _files_below(folder: Path, suffixes: set[str]) -> list[Path]:
    return [
        path
        for path in folder.rglob("*")
        if path.suffix in suffixes
        and path.name not in _WITHOUT_EFFECT
        and not _GENERATED_FOLDERS & set(path.relative_to(folder).parts)
    ]


def _digest_of_files(root: Path, files: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(path.relative_to(root).as_posix().encode())
        digest.update(b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _sha256(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()
