"""Disks that are full or may not be written to: a message, the last publication, and a way on."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestration.settings import Settings
from tests.building import Builder, run_command
from tests.killing import Reader, totals
from tests.pipeline.test_kills import assert_nothing_is_doubled
from tests.published_tables import differences
from tests.small_shops import add_late_file, copy_of, short_shop, small_shop

#: Free space, in MB, that the disk is left with: none, and some that runs out on the way.
LEFT_MB = (0, 1, 3, 6, 9, 12)
DISK_MB = 150

pytestmark = pytest.mark.soak


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk of its own, in memory."""
    if os.geteuid() != 0:
        pytest.skip("a small disk can only be mounted by root")
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "tmpfs", str(place)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {mounted.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def test_a_disk_that_gets_full(build: Builder, disk: Path) -> None:
    settings = _on(disk, build)
    before, after = totals(settings.marts_path), totals(small_shop(build).marts_path)
    published = settings.marts_path.read_bytes()
    with Reader(settings.marts_path, seconds=0.01) as reader:
        for left in LEFT_MB:
            filler = _fill(disk, left)
            done = run_command(["run"], settings, check=False)
            print(f"{left} MB left: {done.stderr.splitlines()[-1]}")
            filler.unlink()
            if done.returncode == 0:
                break
            assert done.stderr.splitlines()[-1].startswith("Error: ")
            assert "Traceback" not in done.stderr
            assert settings.marts_path.read_bytes() == published
        run_command(["run"], settings)
    assert reader.errors == []
    assert reader.seen <= {before, after}
    assert differences(settings.marts_path, small_shop(build).marts_path) == []
    assert_nothing_is_doubled(settings, small_shop(build))


def test_a_disk_that_may_only_be_read(build: Builder, disk: Path) -> None:
    settings = _on(disk, build)
    published = settings.marts_path.read_bytes()
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    done = run_command(["run"], settings, check=False)
    print(done.stderr)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert settings.marts_path.read_bytes() == published
    assert (
        "customer_id"
        in run_command(
            ["query", "select customer_id from core.dim_customers limit 1", "--csv"], settings
        ).stdout
    )
    subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
    run_command(["run"], settings)
    assert differences(settings.marts_path, small_shop(build).marts_path) == []


def _on(disk: Path, build: Builder) -> Settings:
    """A copy of the short shop on the disk, its landing folder and the late file included."""
    settings = copy_of(short_shop(build), disk)
    add_late_file(build, settings)
    return settings


def _fill(disk: Path, left_mb: int) -> Path:
    status = os.statvfs(disk)
    free = status.f_bavail * status.f_frsize
    filler = disk / "filler"
    filler.write_bytes(b"\0" * max(0, free - left_mb * 1_000_000))
    return filler
