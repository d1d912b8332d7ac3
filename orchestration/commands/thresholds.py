"""`provender thresholds`: fit limits and word lists by language from reference documents. No lake, no Spark.

What is computed is in `spark_jobs/stages/fit_thresholds.py` and `fit_precision.py`; here are options and files.
"""

import json
from pathlib import Path
from typing import Any

import click

from orchestration.progress import Progress
from spark_jobs.errors import InputError

_REFERENCE = click.option(
    "--reference", "references", multiple=True, required=True, metavar="FILE",
    help="Reference documents, one JSON object a line (plain, .gz, .zst); repeatable.",
)  # fmt: skip
_OUT = click.option("--out", required=True, metavar="FILE", help="The table, JSON with its provenance.")
_TEXT = click.option("--text-field", default="text", show_default=True, help="Key of the text.")
_LANGUAGE = click.option("--language-field", metavar="KEY", help="Key of the language (default: the model's label).")
_MODEL = click.option("--model", metavar="FILE", help="fastText model (default: lid.176).")


@click.group()
def thresholds() -> None:
    """Fit limits and word lists by language from reference documents."""


@thresholds.command()
@_REFERENCE
@_OUT
@_TEXT
@_LANGUAGE
@_MODEL
@click.option(
    "--method", type=click.Choice(["english", "mean_std", "quantile", "ten_tail", "median_ratio"]),
    help="One method for all rules (default: mean_std).",
)  # fmt: skip
@click.option("--min-documents", type=click.IntRange(1), help="Documents below which a language is not fitted.")
@click.option("--borrow", multiple=True, metavar="LANGUAGE=FROM", help="Whose row a language takes; repeatable.")
def fit(  # noqa: PLR0917 - click gives each option by name
    references: tuple[str, ...], out: str, text_field: str, language_field: str | None, model: str | None,
    method: str | None, min_documents: int | None, borrow: tuple[str, ...],
) -> None:  # fmt: skip
    """Thresholds and stop words in FineWeb2's keys."""
    from spark_jobs.stages.fit_thresholds import ThresholdParams, fit_thresholds
    from spark_jobs.stages.reference_files import reference_batches
    from spark_jobs.stages.reference_statistics import statistics_of

    stated: dict[str, Any] = dict.fromkeys(("repetition", "lines", "words"), method) if method else {}
    if min_documents is not None:
        stated["min_documents"] = min_documents
    params = ThresholdParams(**stated, borrow=_pairs(borrow))
    batches = reference_batches(references, text_field=text_field, language_field=language_field, model=model)
    table = fit_thresholds(statistics_of(batches), params)
    _write(table, out)


@thresholds.command()
@_REFERENCE
@click.option(
    "--crawled", multiple=True, metavar="FILE",
    help="Documents that the model labelled, to measure contamination on (default: the reference); repeatable.",
)  # fmt: skip
@_OUT
@_TEXT
@_LANGUAGE
@_MODEL
@click.option("--evidence", metavar="FILE", help="JSON: codes, names and domains by language, for URLs.")
@click.option("--min-documents", type=click.IntRange(1), help="Documents below which a language gets no list.")
def precision(  # noqa: PLR0917 - click gives each option by name
    references: tuple[str, ...], crawled: tuple[str, ...], out: str, text_field: str, language_field: str | None,
    model: str | None, evidence: str | None, min_documents: int | None,
) -> None:  # fmt: skip
    """Word lists that tell small languages from others, for the filter language_precision."""
    from spark_jobs.stages.fit_precision import PrecisionParams, fit_precision
    from spark_jobs.stages.reference_files import reference_batches
    from spark_jobs.stages.reference_statistics import statistics_of

    params = PrecisionParams(**({} if min_documents is None else {"min_documents": min_documents}))
    reading: dict[str, Any] = {"text_field": text_field, "language_field": language_field, "model": model}
    statistics = statistics_of(reference_batches(references, **reading))
    # Crawled documents carry the labels that are judged: those of the model.
    judged = reference_batches(crawled, **{**reading, "language_field": None}) if crawled else (
        reference_batches(references, **reading)
    )  # fmt: skip
    _write(fit_precision(statistics, judged, params, _evidence(evidence)), out)


def _pairs(stated: tuple[str, ...]) -> dict[str, str]:
    pairs = [pair.partition("=") for pair in stated]
    wrong = ["".join(pair) for pair in pairs if not (pair[0] and pair[2])]
    if wrong:
        raise click.UsageError(f"--borrow {wrong[0]}: give LANGUAGE=FROM")
    return {name: lender for name, _, lender in pairs}


def _evidence(path: str | None) -> dict[str, Any]:
    from pydantic import ValidationError

    from spark_jobs.stages.fit_precision import Evidence

    if path is None:
        return {}
    try:
        stated = json.loads(Path(path).read_text(encoding="utf-8"))
        return {language: Evidence(**row) for language, row in stated.items()}
    except (OSError, ValueError, TypeError, AttributeError, ValidationError) as error:
        what = str(error).splitlines()[0]
        raise InputError(f"--evidence {path}: {what}; give {{language: {{codes, names, domains}}}}") from None


def _write(table: dict[str, Any], out: str) -> None:
    text = json.dumps(table, ensure_ascii=False, indent=1, sort_keys=False) + "\n"
    try:
        Path(out).write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"--out {out}: {error.strerror}; name a file in a folder that is there") from None
    Progress().say(f"{len(table['languages'])} languages in {out}")
