"""The script of continuous integration sees to a browser, and then runs ``make test``."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from orchestration.settings import PROJECT_ROOT

SCRIPT = PROJECT_ROOT / ".ci" / "run"


def run(folder: Path, user: int = 0, apt_status: int = 0, *browsers: str) -> tuple[list[str], str]:
    """Run the script with nothing on the path but programs that write down how they are called.

    Returns:
        The calls in their order, and what was said to standard error.
    """
    path, calls = folder / "bin", folder / "calls"
    path.mkdir()
    (path / "dirname").symlink_to(shutil.which("dirname") or "")
    programs = {
        "id": f"echo {user}",
        "make": f'echo "make $*" >> {calls}',
        "apt-get": f'echo "apt-get $*" >> {calls}; exit {apt_status}',
        **dict.fromkeys(browsers, ""),
    }
    for name, does in programs.items():
        (path / name).write_text(f"#!/bin/sh\n{does}\n", encoding="utf-8")
        (path / name).chmod(0o755)
    done = subprocess.run(
        ["/bin/sh", str(SCRIPT)],
        env={**os.environ, "PATH": str(path)},
        capture_output=True,
        text=True,
        check=True,
    )
    return calls.read_text(encoding="utf-8").splitlines(), done.stderr


def test_a_browser_is_installed_where_there_is_none(tmp_path: Path) -> None:
    calls, _ = run(tmp_path)
    assert [call.split()[:2] for call in calls] == [
        ["apt-get", "update"], ["apt-get", "install"], ["make", "test"],
    ]  # fmt: skip
    assert calls[1].split()[-1] == "chromium"


@pytest.mark.parametrize(("user", "browsers"), [(0, ["chromium"]), (1_000, [])])
def test_nothing_is_installed_where_it_is_not_needed_or_not_allowed(
    user: int, browsers: list[str], tmp_path: Path
) -> None:
    assert run(tmp_path, user, 0, *browsers) == (["make test"], "")


def test_the_tests_run_where_no_browser_can_be_installed(tmp_path: Path) -> None:
    calls, said = run(tmp_path, apt_status=100)
    assert [call.split()[1] for call in calls] == ["update", "test"]
    assert "will be skipped" in said
