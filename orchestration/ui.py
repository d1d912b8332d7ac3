"""`ui`: Dagster's web server and daemon (sensors, schedules, queue) on this code location, until interrupted."""

import hashlib
import json
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from types import FrameType

from assets.catalog import tables
from orchestration.automation import Lookout
from orchestration.instance import end_lost_runs, open_instance, reconcile
from orchestration.progress import Progress
from orchestration.settings import PROJECT, Settings
from orchestration.workshop import read_recipe
from spark_jobs.recipe.load import find_recipe

LOCATION = "provender"
_LOOK_SECONDS = 2.0
_RELOAD = f'mutation {{ reloadRepositoryLocation(repositoryLocationName: "{LOCATION}") {{ __typename }} }}'


def serve(
    settings: Settings, host: str, port: int, progress: Progress, workspace: Path = PROJECT / "workspace.yaml"
) -> int:
    """Bring the instance up to date, start web server and daemon as children, and wait for them."""
    catch_up(settings, progress)
    progress.line(f"Dagster UI: http://{host}:{port} (lake {settings.home}; stop with Ctrl-C)")
    if settings.watch is not None:
        progress.line(f"watching {settings.watch}")
    command = [
        sys.executable,
        # Dagster recommends a command line of its own to developers of code locations: no news to the user.
        "-W", "ignore", "-P", "-m", "dagster", "dev", "-w", str(workspace), "-h", host,
        "-p", str(port), "--log-level", "warning",
    ]  # fmt: skip
    signal.signal(signal.SIGTERM, _interrupt)
    child = subprocess.Popen(command, cwd=PROJECT)  # noqa: S603 - our own words, no shell
    try:
        return _until_it_ends(child, settings, f"http://{host}:{port}/graphql", progress)
    except KeyboardInterrupt:
        child.terminate()
        return child.wait()


def catch_up(settings: Settings, progress: Progress) -> None:
    """What a crash left undone: runs that nobody executes any more, publications that Dagster does not know."""
    with open_instance(settings) as instance:
        lost = end_lost_runs(instance, nothing_starts=True)
        if lost:
            progress.line(f"{lost} runs had lost their process and are marked as failed")
        lookout = Lookout(settings, read_recipe(settings), dict(tables()))
        if lookout.lake.is_there():
            reported = reconcile(instance, lookout.workshop)
            if reported:
                progress.line(f"{reported} publications of the ledger were reported to Dagster")


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _until_it_ends(child: "subprocess.Popen[bytes]", settings: Settings, graphql: str, progress: Progress) -> int:
    """Wait; when the recipe's file changes, have the code location loaded again: its fingerprints are the new ones."""
    recipe = find_recipe(settings.recipe, settings.recipes)
    loaded = digest_of(recipe)
    while True:
        try:
            return child.wait(_LOOK_SECONDS)
        except subprocess.TimeoutExpired:
            current = digest_of(recipe)
        if current not in {loaded, ""} and _reload(graphql):
            progress.line(f"the recipe {settings.recipe} changed and was loaded again")
            loaded = current


def digest_of(recipe: Path) -> str:
    """Digest of the recipe's file; empty while there is none, as when an editor replaces it."""
    return hashlib.sha256(recipe.read_bytes()).hexdigest() if recipe.is_file() else ""


def _reload(graphql: str) -> bool:
    """Whether the web server took the request; while it starts it does not, and is asked again."""
    body = json.dumps({"query": _RELOAD}).encode()
    request = urllib.request.Request(graphql, body, {"Content-Type": "application/json"})  # noqa: S310 - our own server
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:  # noqa: S310 - the same
            return bool(json.loads(answer.read()).get("data"))
    except OSError:
        time.sleep(_LOOK_SECONDS)
        return False
