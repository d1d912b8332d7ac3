"""Alerts: a run that failed is told by webhook and by mail, each at least once. Endpoints are told to nobody.

Dagster's own failure sensors go on to the next failure when a message could not be delivered. Here each channel has its
place in the event log, and stays there until it was delivered.
"""

import json
import smtplib
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from email.message import EmailMessage
from typing import Any
from urllib.parse import unquote, urlsplit

import dagster as dg

from orchestration.automation import Lookout, status
from orchestration.runs import PARTITION_TAG, subject_of
from orchestration.settings import Settings
from spark_jobs.errors import TransientError
from spark_jobs.lake.log_lake import LogLake

TIMEOUT_SECONDS = 15
_AT_ONCE = 20
_LONGEST = 2000


@dataclass(frozen=True)
class Alert:
    """What people are told of a run that failed. `served` is the release that is read on meanwhile."""

    run_id: str
    url: str
    job: str
    what: str
    partition: str | None
    reason: str
    candidate: str | None
    served: str | None

    @property
    def title(self) -> str:
        """One line."""
        return f"Provender: {self.what} failed"

    @property
    def text(self) -> str:
        """A few lines, for people."""
        served = f"{self.served} is served on." if self.served else "There is no release yet."
        lines = [self.title, self.reason, served, f"Candidate: {self.candidate}" if self.candidate else "", self.url]
        return "\n".join(line for line in lines if line)


def alert_of(run: dg.DagsterRun, instance: dg.DagsterInstance, settings: Settings) -> Alert:
    """The alert on a failed run, from its events and the ledger."""
    reasons, candidate = [], None
    for entry in instance.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE):
        failed = entry.get_dagster_event().step_failure_data
        user = failed.user_failure_data
        if user is not None:
            reasons.append(str(user.description))
            where = user.metadata.get("candidate")
            candidate = str(where.value) if where is not None else candidate
        elif failed.error is not None:
            inner = failed.error.cause or failed.error
            reasons.append(inner.message.strip().partition("\n")[0])
    subject = subject_of(run)
    names = ", ".join(sorted(subject.assets)) or subject.registers or ""
    what = f"{run.job_name if run.job_name != '__ASSET_JOB' else 'refresh'}"
    what += f" of {run.tags.get(PARTITION_TAG) or names}" if run.tags.get(PARTITION_TAG) or names else ""
    return Alert(
        run_id=run.run_id, url=f"{settings.ui_url}/runs/{run.run_id}", job=run.job_name, what=what,
        partition=run.tags.get(PARTITION_TAG) or subject.registers,
        reason="; ".join(reasons)[:_LONGEST] or "its process ended before it could say why",
        candidate=candidate, served=served_release(LogLake(settings.home)),
    )  # fmt: skip


def served_release(lake: LogLake) -> str | None:
    """The latest release that is published."""
    if not lake.is_there():
        return None
    order = {publication.partition: publication.version for publication in lake.history("releases")}
    names = [str(row["release"]) for row in lake.rows("releases") if row["state"] == "published"]
    return max(names, key=lambda name: order.get(name, -1), default=None)


# channels ---------------------------------------------------------------------------------------------------------


def post(alert: Alert, url: str) -> None:
    """POST the alert as JSON, with a `text` as chat programs want it. TransientError, without the URL, if not taken."""
    body = json.dumps({"text": alert.text, "event": "run_failed", **asdict(alert)}).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})  # noqa: S310 - Settings.check
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 - the same
            answer.read()
    except urllib.error.HTTPError as error:
        raise TransientError(f"the webhook at {_host(url)} answered {error.code}") from None
    except OSError as error:
        raise TransientError(f"the webhook at {_host(url)} was not reached: {type(error).__name__}") from None


def mail(alert: Alert, settings: Settings) -> None:
    """Send the alert by mail. TransientError, without user and password, if the server did not take it."""
    server = urlsplit(str(settings.alert_smtp))
    message = EmailMessage()
    message["Subject"], message["From"] = alert.title, settings.alert_from or settings.alert_email[0]
    message["To"] = ", ".join(settings.alert_email)
    message.set_content(alert.text)
    try:
        with _connect(server.scheme, str(server.hostname), server.port) as connection:
            if server.username:
                connection.login(unquote(server.username), unquote(server.password or ""))
            connection.send_message(message)
    except (OSError, smtplib.SMTPException) as error:
        raise TransientError(f"the mail server {server.hostname} did not take it: {type(error).__name__}") from None


def _connect(scheme: str, host: str, port: int | None) -> smtplib.SMTP:
    if scheme == "smtps":
        return smtplib.SMTP_SSL(host, port or 465, timeout=TIMEOUT_SECONDS, context=ssl.create_default_context())
    connection = smtplib.SMTP(host, port or 587, timeout=TIMEOUT_SECONDS)
    connection.ehlo()
    if connection.has_extn("starttls"):
        connection.starttls(context=ssl.create_default_context())
    return connection


def _host(url: str) -> str:
    return urlsplit(url).hostname or "?"


def channels(settings: Settings) -> Mapping[str, Callable[[Alert], None]]:
    """What the settings name."""
    found: dict[str, Callable[[Alert], None]] = {}
    webhook = settings.alert_webhook
    if webhook:
        found["webhook"] = lambda alert: post(alert, webhook)
    if settings.alert_email:
        found["mail"] = lambda alert: mail(alert, settings)
    return found


# the sensor -------------------------------------------------------------------------------------------------------


def alert_sensor(lookout: Lookout) -> dg.SensorDefinition:
    """Tells failures through every channel of the settings."""
    settings = lookout.settings
    ways = channels(settings)

    @dg.sensor(
        name="alert_on_failure", minimum_interval_seconds=min(settings.watch_seconds, 30),
        default_status=status(on=bool(ways)),
        description="A failed run is told to PROVENDER_ALERT_WEBHOOK and PROVENDER_ALERT_EMAIL.",
    )  # fmt: skip
    def alert_on_failure(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        if not ways:
            return dg.SensorResult(skip_reason="nobody to tell: name PROVENDER_ALERT_WEBHOOK or PROVENDER_ALERT_EMAIL")
        places: dict[str, int] = json.loads(context.cursor) if context.cursor else {}
        newest = _newest(context.instance)
        told = [
            _deliver(name, way, places=places, newest=newest, context=context, settings=settings)
            for name, way in ways.items()
        ]
        return dg.SensorResult(skip_reason="; ".join(told), cursor=json.dumps(places))

    return alert_on_failure


def _newest(instance: dg.DagsterInstance) -> int:
    found = instance.fetch_run_status_changes(dg.DagsterEventType.RUN_FAILURE, limit=1).records
    return found[0].storage_id if found else 0


def _deliver(
    name: str, way: Callable[[Alert], None], *, places: dict[str, int], newest: int,
    context: dg.SensorEvaluationContext, settings: Settings,
) -> str:  # fmt: skip
    """Tell what failed since the channel's place, and move that behind each one that was taken."""
    if name not in places:
        # Whoever turns alerts on wants to hear of what fails from now on.
        places[name] = newest
        return f"{name}: ready"
    wanted = dg.RunStatusChangeRecordsFilter(dg.DagsterEventType.RUN_FAILURE, after_storage_id=places[name])
    records: Any = context.instance.fetch_run_status_changes(wanted, limit=_AT_ONCE, ascending=True).records
    for number, record in enumerate(records):
        run = context.instance.get_run_by_id(record.event_log_entry.run_id)
        if run is not None:
            try:
                way(alert_of(run, context.instance, settings))
            except TransientError as error:
                context.log.error("%s: %s; tried again at the next look", name, error)  # noqa: TRY400 - one line says it
                return f"{name}: {number} told, then {error}; tried again at the next look"
        places[name] = record.storage_id
    return f"{name}: {len(records)} told"
