"""`ui`: Dagster's web server on this code location and instance, until interrupted."""

import subprocess
import sys

from orchestration.instance import open_instance
from orchestration.progress import Progress
from orchestration.settings import PROJECT, Settings


def serve(settings: Settings, host: str, port: int, progress: Progress) -> int:
    """Start the web server and the daemon (schedules, queues) as children and wait for them."""
    with open_instance(settings):
        progress.line(f"Dagster UI: http://{host}:{port} (lake {settings.home}; stop with Ctrl-C)")
    command = [
        sys.executable,
        # Dagster recommends a command line of its own to developers of code locations: no news to the user.
        "-W",
        "ignore",
        "-P",
        "-m",
        "dagster",
        "dev",
        "-w",
        str(PROJECT / "workspace.yaml"),
        "-h",
        host,
        "-p",
        str(port),
    ]
    command += ["--log-level", "warning"]
    child = subprocess.Popen(command, cwd=PROJECT)  # noqa: S603 - our own words, no shell
    try:
        return child.wait()
    except KeyboardInterrupt:
        child.terminate()
        return child.wait()
