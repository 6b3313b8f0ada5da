"""Opening Dagster's UI on this machine.

Belongs here: what must be in place before ``dagster dev`` starts, and starting it. Does not belong
here: definitions and the instance's configuration.
"""

import fcntl
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from orchestration.dagster_instance import end_dead_runs_before_ui, prepare_dagster_home
from orchestration.dbt_runner import DbtProject
from orchestration.errors import CustomerValueError
from orchestration.settings import PROJECT_ROOT, Settings
from orchestration.warehouse import warehouse_lock

HOST = "127.0.0.1"
_SECONDS_TO_STOP = 30


def serve(settings: Settings, port: int) -> int:
    """Run ``dagster dev`` until it is stopped.

    Args:
        settings: the warehouse that the UI's runs work on.
        port: port on this machine, and on this machine only.

    Returns:
        The exit status of ``dagster dev``.

    Raises:
        CustomerValueError: the port is taken (a second server would start without saying so).
    """
    _assert_free(port)
    home = prepare_dagster_home(settings)
    with (home / "ui.lock").open("a", encoding="utf-8") as opened:
        _take(opened, home)
        return _serve(settings, port, home)


def _serve(settings: Settings, port: int, home: Path) -> int:
    end_dead_runs_before_ui(settings)
    with warehouse_lock(settings, "starting the UI", wait_seconds=60):
        DbtProject(settings, is_echoing=False).parse()
    environment = {
        **os.environ,
        **settings.as_environment(),
        "DAGSTER_HOME": str(home),
        "DAGSTER_DISABLE_TELEMETRY": "1",
        # Dagster recommends another command of its own at each start.
        "PYTHONWARNINGS": "ignore",
    }
    command = [
        str(Path(sys.prefix) / "bin" / "dagster"),
        "dev",
        "--host",
        HOST,
        "--port",
        str(port),
        "--workspace",
        str(PROJECT_ROOT / "workspace.yaml"),
    ]
    print(f"Dagster's UI opens on http://{HOST}:{port} in a moment; stop it with Ctrl-C.")
    return _run_until_stopped(command, environment, home)


def _run_until_stopped(command: Sequence[str], environment: Mapping[str, str], home: Path) -> int:
    """Run the server; Ctrl-C and a termination signal end it and all that it has started."""
    # A process started in the background ignores Ctrl-C, and so would everything below it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    process = subprocess.Popen(command, env=environment, cwd=home)
    try:
        return process.wait()
    except KeyboardInterrupt:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=_SECONDS_TO_STOP)
        return 0


def _take(opened: IO[str], home: Path) -> None:
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise CustomerValueError(
            f"Dagster's UI is open already on {home}.",
            "Use that one, or name another home with CUSTOMER_VALUE_HOME_DIR.",
        ) from None


def _assert_free(port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        if probe.connect_ex((HOST, port)) == 0:
            raise CustomerValueError(
                f"Port {port} is in use.",
                "Is the UI open already? Otherwise choose another one with --port.",
            )
