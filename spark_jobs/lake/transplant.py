"""Bringing to another lake what a release is made from: registry, raw, suppressions, answers and models.

Everything else of a release follows from these. Raw rows go through `publish()`, the rest by its own way of writing.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import fsspec

from spark_jobs.errors import VerificationError
from spark_jobs.lake import models, storage
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.pins import Pins
from spark_jobs.lake.publish import append
from spark_jobs.lake.records import Publication
from spark_jobs.lake.registry import register
from spark_jobs.lake.republish import republish

_APPENDED = ("suppressions", "rewrite_cache")


def transplant(
    source: Lake, target: Lake, publications: Sequence[Publication], *, run_id: str, raw_fingerprint: str,
    say: Callable[[str], None] = lambda _: None,
) -> tuple[str, ...]:  # fmt: skip
    """Copy what these publications (a release and all its ancestors) start from; the snapshots, in their order.

    `raw_fingerprint` is what the running code would give raw: other code may make something else from the same bytes.
    Raises VerificationError where raw rows, a registry entry or a model are not what was published.
    """
    for table in _APPENDED:  # suppressions first: nothing that was taken down since may come along
        append(target, table, source.at(table))
    _models(source, target, publications)
    registry = [p for p in publications if p.table == "snapshots"]
    entries = [(source.read([p]).first(), p) for p in registry]
    ordered = sorted(((row, p) for row, p in entries if row is not None), key=lambda entry: entry[0]["sequence"])
    raw = {p.partition: p for p in publications if p.table == "raw"}
    for row, entry in ordered:
        if entry.partition not in raw:
            continue
        say(f"raw/{entry.partition}")
        inputs = [file.asDict() for file in row["inputs"]]
        register(target, entry.partition, inputs, source=row["source"], licence=row["licence"])
        pins = Pins(target)
        pins.publication("snapshots", entry.partition)
        republish(
            source, raw[entry.partition], target, run_id=run_id,
            changes={"inputs": pins.inputs, "fingerprint": raw_fingerprint},
            sequence=target.sequence("raw", entry.partition) + 1,
        )  # fmt: skip
    return tuple(entry.partition for _row, entry in ordered if entry.partition in raw)


def _models(source: Lake, target: Lake, publications: Iterable[Publication]) -> None:
    used = {operator.get("artefact") for p in publications for operator in p.record.get("operators", ())}
    for model in models.stored(source):
        if model.digest not in used:
            continue
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / model.digest
            location = storage.join(source.home, "models", model.digest)
            if storage.exists(location):
                with fsspec.open(location, "rb") as held, path.open("wb") as sink:
                    shutil.copyfileobj(held, sink)
            if not path.exists() or models.digest_of_file(path) != model.digest:
                raise VerificationError(
                    f"{location}: the model is missing or its bytes are not those of its digest; restore the file"
                )
            models.store(
                target, path, name=model.name, version=model.version, kind=model.kind,
                fit_fingerprint=model.fit_fingerprint, fitted_on=model.fitted_on, params=model.params,
                metrics=model.metrics,
            )  # fmt: skip
