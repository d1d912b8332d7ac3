"""`models`: the fitted artefacts of the recipe's scorers. Fitted on named snapshots, and again only on request."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg

from assets.build import GateFailedError
from assets.workshop import Workshop
from expectations.gate import Outcome
from expectations.models import outcomes_of
from spark_jobs.lake import models
from spark_jobs.lake.pins import Pins
from spark_jobs.stages.fit import fit_fingerprint, fit_scorer, fit_snapshots

CHECKS = {
    "separates_held_out_sources": "the model separates references from the pool on sources it never saw",
    "size_is_bounded": "the model file is no larger than the recipe allows",
    "scores_are_in_range": "scores of held-out rows lie in [0, 1] and none is NaN",
}


def current_models(workshop: Workshop) -> dict[str, str]:
    """Digest of the current model of each scorer of the recipe; empty where none is fitted yet."""
    fits = {s.name: fit_fingerprint(workshop.recipe, s.name) for s in workshop.recipe.scored.scorers}
    return {name: model.digest for name, model in models.current(workshop.lake, fits).items()}
