"""Fitted artefacts: files by digest below `HOME/models`, and the table that says what each is and how it was fitted."""

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fsspec
from fsspec.core import url_to_fs

from spark_jobs.errors import VerificationError
from spark_jobs.lake import storage
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.publish import append

_CHUNK = 1 << 20


@dataclass(frozen=True, kw_only=True)
class StoredModel:
    """One row of `models`."""

    number: int
    digest: str
    name: str
    version: int
    kind: str
    fit_fingerprint: str
    fitted_on: tuple[str, ...]
    params: Mapping[str, Any]
    metrics: Mapping[str, Any]
    bytes: int
    location: str


def stored(lake: Lake) -> tuple[StoredModel, ...]:
    """Every model that was ever fitted and accepted, oldest first."""
    rows = {(row["number"], row["digest"]): row for row in lake.rows("models")}
    return tuple(
        StoredModel(**{
            **row, "fitted_on": tuple(row["fitted_on"]), "params": json.loads(row["params"]),
            "metrics": json.loads(row["metrics"]),
        })
        for _, row in sorted(rows.items())
    )  # fmt: skip


def current(lake: Lake, fits: Mapping[str, str]) -> dict[str, StoredModel]:
    """The newest model of each scorer whose fit is the recipe's. `fits`: scorer name -> fingerprint of its fit."""
    return {m.name: m for m in stored(lake) if fits.get(m.name) == m.fit_fingerprint}


def digest_of_file(path: Path) -> str:
    """Hex SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def store(
    lake: Lake, path: Path, *, name: str, version: int, kind: str, fit_fingerprint: str, fitted_on: Sequence[str],
    params: Mapping[str, Any], metrics: Mapping[str, Any],
) -> StoredModel:  # fmt: skip
    """Put a file among the models and append its row. The file is there before the row names it."""
    digest = digest_of_file(path)
    relative = f"models/{digest}"
    location = storage.join(lake.home, relative)
    if not storage.exists(location):
        system, target = url_to_fs(location)
        system.makedirs(target.rpartition("/")[0], exist_ok=True)
        with path.open("rb") as source, fsspec.open(location, "wb") as sink:
            shutil.copyfileobj(source, sink, _CHUNK)
    number = 1 + max((m.number for m in stored(lake)), default=0)
    model = StoredModel(
        number=number, digest=digest, name=name, version=version, kind=kind, fit_fingerprint=fit_fingerprint,
        fitted_on=tuple(fitted_on), params=params, metrics=metrics, bytes=path.stat().st_size, location=relative,
    )  # fmt: skip
    schema = lake.schema("models")
    values = {
        **model.__dict__, "fitted_on": list(model.fitted_on),
        "params": json.dumps(dict(params), sort_keys=True), "metrics": json.dumps(dict(metrics), sort_keys=True),
    }  # fmt: skip
    append(lake, "models", lake.spark.createDataFrame([tuple(values[f.name] for f in schema)], schema))
    return model


def local_path(lake: Lake, digest: str, cache: Path) -> str:
    """A model's file on this machine; fetched into `cache` when the lake is elsewhere. Checked against its digest."""
    location = storage.join(lake.home, "models", digest)
    path = Path(location) if "://" not in location else cache / digest
    if not path.exists() and "://" in location:
        cache.mkdir(parents=True, exist_ok=True)
        with fsspec.open(location, "rb") as source, path.open("wb") as sink:
            shutil.copyfileobj(source, sink, _CHUNK)
    if not path.exists() or digest_of_file(path) != digest:
        raise VerificationError(
            f"{location}: the model is missing or its bytes are not those of its digest; restore the file, or fit again"
        )
    return str(path)
