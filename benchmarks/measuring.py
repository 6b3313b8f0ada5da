"""How long a command takes and how much memory it needs.

Belongs here: running one command in a fresh process and measuring it. Does not belong here: which
commands are run.
"""

import resource
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

import psutil

_SAMPLE_SECONDS = 0.05
_TAIL_LINES = 15


class CommandFailedError(Exception):
    """A measured command ended with an error; the message holds the end of what it printed."""


@dataclass(frozen=True)
class Measurement:
    """One run of a command."""

    wall_seconds: float
    #: User and system time of the process and everything it started.
    cpu_seconds: float
    #: Largest sum of resident memory over the process and all its descendants; memory that they
    #: share counts once for each.
    peak_bytes: int


@dataclass(frozen=True)
class Repeated:
    """Several runs of the same command."""

    runs: tuple[Measurement, ...]

    @property
    def wall_seconds(self) -> float:
        """Median wall time."""
        return statistics.median(run.wall_seconds for run in self.runs)

    @property
    def cpu_seconds(self) -> float:
        """Median processor time."""
        return statistics.median(run.cpu_seconds for run in self.runs)

    @property
    def peak_bytes(self) -> float:
        """Median peak memory."""
        return statistics.median(run.peak_bytes for run in self.runs)

    @property
    def spread(self) -> str:
        """Shortest and longest wall time."""
        walls = [run.wall_seconds for run in self.runs]
        return f"{min(walls):.1f}-{max(walls):.1f}"


def measure(command: Sequence[str]) -> Measurement:
    """Run a command in a process of its own and measure it.

    Raises:
        CommandFailedError: it ended with a status other than 0.
    """
    with tempfile.TemporaryFile() as output:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        started = time.perf_counter()
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        watch = _MemoryWatch(process.pid)
        watch.start()
        status = process.wait()
        wall = time.perf_counter() - started
        watch.stop()
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if status != 0:
            output.seek(0)
            text = output.read().decode(errors="replace").splitlines()
            tail = "\n".join(text[-_TAIL_LINES:])
            raise CommandFailedError(f"{' '.join(command)}\nended with status {status}:\n{tail}")
    cpu = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return Measurement(wall, cpu, watch.peak_bytes)


class _MemoryWatch(threading.Thread):
    """Samples the memory of a process tree until stopped."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid = pid
        self.peak_bytes = 0
        self._stopped = threading.Event()

    def run(self) -> None:
        """Take samples until the process is gone or ``stop`` is called."""
        try:
            root = psutil.Process(self.pid)
        except psutil.NoSuchProcess:
            return
        while not self._stopped.is_set():
            self.peak_bytes = max(self.peak_bytes, _tree_bytes(root))
            self._stopped.wait(_SAMPLE_SECONDS)

    def stop(self) -> None:
        """Take no further samples."""
        self._stopped.set()
        self.join()


def _tree_bytes(root: psutil.Process) -> int:
    total = 0
    try:
        processes = [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0
    for process in processes:
        try:
            total += process.memory_info().rss
        except (psutil.NoSuchProcess, psutil.ZombieProcess, psutil.AccessDenied):
            continue
    return total
