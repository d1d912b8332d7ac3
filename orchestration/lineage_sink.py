"""Where OpenLineage events go: every event is a file of the outbox first, and leaves it when the endpoint has taken it.

So an endpoint that is down delays nothing and loses nothing: it is told in one line, and what was kept is sent, in
order, before the next event or when the next run begins. Only transports of the official client; its own look at the
environment and at configuration files is left out, the settings alone say where.
"""

import fcntl
import json
import re
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from orchestration.open_attempts import OpenAttempts
from orchestration.settings import PROJECT, Settings
from spark_jobs.errors import UsageError

if TYPE_CHECKING:
    from openlineage.client.transport import Transport

    from spark_jobs.lake.openlineage import Names

# What an endpoint is given to answer, and how long it is left alone after it did not.
TIMEOUT_SECONDS = 5.0
REST_SECONDS = 30.0
_DEFAULT_ENDPOINT = "api/v1/lineage"
# Answers that are about the event and not about us: sent again it would be refused again.
_REFUSED = frozenset({400, 413, 415, 422})
_NUMBER = re.compile(r"^(\d{12})\.json$")
_SCP_LIKE = re.compile(r"^[\w.-]+@[\w.-]+:")


@dataclass
class Outbox:
    """Sends events, and keeps those that were not taken. `transport` is made at the first event."""

    names: "Names"
    target: str
    folder: Path
    transport: Callable[[], "Transport"]
    say: Callable[[str], None]
    rest_seconds: float = REST_SECONDS
    _made: list["Transport"] = field(default_factory=list)
    _resting_until: float = 0.0

    def __post_init__(self) -> None:
        self._begun = OpenAttempts(self.folder / "begun")

    def send(self, event: Mapping[str, Any]) -> None:
        """Keep the event, then send all that is kept; what goes wrong is told in one line."""
        try:
            with self._alone():
                self._begun.note(event)
                self._keep(event)
                self._send_kept()
        except OSError as error:
            self.say(f"OpenLineage: an event is lost, {self.folder} cannot be written ({error.strerror or error})")

    def flush(self) -> None:
        """Send what was kept before, and the end of attempts whose program was killed."""
        if not self.folder.is_dir():
            return
        from spark_jobs.lake.openlineage import abandoned

        try:
            with self._alone():
                for start in self._begun.abandoned():
                    self._keep(abandoned(start, datetime.now(UTC)))
                self._send_kept()
        except OSError as error:
            self.say(f"OpenLineage: {self.folder} cannot be read ({error.strerror or error})")

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One process at a time: events keep their order, and lines of a file do not mix."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def kept(self) -> list[Path]:
        """The events that wait, oldest first."""
        return sorted(path for path in self.folder.iterdir() if _NUMBER.match(path.name))

    def _keep(self, event: Mapping[str, Any]) -> None:
        waiting = self.kept()
        number = 1 + (int(waiting[-1].stem) if waiting else 0)
        unfinished = self.folder / ".writing"
        unfinished.write_text(json.dumps(event, sort_keys=True, ensure_ascii=False), encoding="utf-8")
        unfinished.replace(self.folder / f"{number:012d}.json")

    def _send_kept(self) -> None:
        if time.monotonic() < self._resting_until:
            return
        waiting = self.kept()
        for place, path in enumerate(waiting):
            try:
                self._deliver(json.loads(path.read_text(encoding="utf-8")))
            except Exception as error:  # noqa: BLE001 - of requests, urllib3, fsspec or the disk: told, and kept
                if _status(error) in _REFUSED:
                    self._set_aside(path, error)
                    continue
                self._resting_until = time.monotonic() + self.rest_seconds
                self.say(
                    f"OpenLineage: {self.target} takes no events ({_reason(error)}); {len(waiting) - place} kept in "
                    f"{self.folder}, sent with the next ones"
                )
                return
            path.unlink()

    def _deliver(self, event: dict[str, Any]) -> None:
        if not self._made:
            self._made.append(self.transport())
        # A transport serialises what it is given; an event that was kept is a dictionary already.
        self._made[0].emit(event)  # type: ignore[arg-type]

    def _set_aside(self, path: Path, error: Exception) -> None:
        refused = self.folder / "refused"
        refused.mkdir(exist_ok=True)
        place = refused / f"{time.time_ns()}.json"
        path.replace(place)
        self.say(f"OpenLineage: {self.target} refused an event ({_reason(error)}); it lies in {place}")


def sink_of(settings: Settings, say: Callable[[str], None]) -> Outbox | None:
    """The sink that the settings ask for; None where they name none. Raises UsageError for an address that is none."""
    target = settings.openlineage
    if target is None:
        return None
    from spark_jobs.lake.openlineage import Names

    parts = urlsplit(target)
    over_http = parts.scheme in {"http", "https"}
    if over_http and not parts.hostname:
        raise UsageError(f"PROVENDER_OPENLINEAGE={target}: names no host; give http://HOST:PORT, or a file")
    names = Names(home=settings.home, namespace=settings.openlineage_namespace, repository=_repository())
    return Outbox(
        names=names, target=f"{parts.scheme}://{_host(parts.netloc)}" if over_http else target,
        folder=settings.dagster_home.parent / "openlineage", say=say,
        transport=lambda: _http(target, settings.openlineage_key) if over_http else _file(target, settings),
    )  # fmt: skip


def _http(target: str, key: str | None) -> "Transport":
    from openlineage.client.transport.http import HttpConfig, HttpTransport

    parts = urlsplit(target)
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    return HttpTransport(HttpConfig.from_dict({
        "url": f"{parts.scheme}://{parts.netloc}", "endpoint": _DEFAULT_ENDPOINT if path in {"", "/"} else path,
        "timeout": TIMEOUT_SECONDS,
        # What is not taken is kept, so there is nothing to try again for.
        "retry": {"total": 0, "connect": 0, "read": 0, "status_forcelist": []},
        **({"auth": {"type": "api_key", "apiKey": key}} if key else {}),
    }))  # fmt: skip


def _file(target: str, settings: Settings) -> "Transport":
    from openlineage.client.transport.file import FileConfig, FileTransport

    if "://" not in target:
        path = Path(target).expanduser()
        path.parent.mkdir(parents=True, exist_ok=True)
        return FileTransport(FileConfig(log_file_path=str(path), append=True))
    # Object stores cannot append: an object an event, whose name begins like this.
    return FileTransport(FileConfig(log_file_path=target, storage_options=json.loads(settings.storage_options)))


def _host(netloc: str) -> str:
    return netloc.rpartition("@")[2]


def _status(error: Exception) -> int | None:
    status = getattr(getattr(error, "response", None), "status_code", None)
    return status if isinstance(status, int) else None


def _reason(error: Exception) -> str:
    """Class and answer; the text of a connection's error can hold the address with its credentials."""
    status = _status(error)
    return type(error).__name__ if status is None else f"{type(error).__name__} {status}"


def _repository() -> str | None:
    try:
        words = ["git", "-C", str(PROJECT), "remote", "get-url", "origin"]
        done = subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603 - fixed words, no shell
    except FileNotFoundError:
        return None
    return public_address(done.stdout.strip()) if done.returncode == 0 else None


def public_address(remote: str) -> str | None:
    """The address of a repository without credentials; None for a folder of this machine."""
    if _SCP_LIKE.match(remote):
        return remote
    parts = urlsplit(remote)
    if parts.scheme not in {"http", "https", "ssh", "git"} or not parts.netloc:
        return None
    return parts._replace(netloc=_host(parts.netloc)).geturl()
