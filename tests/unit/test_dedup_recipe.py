"""The `deduped` section: what a recipe may say, and what it is told when it says something else."""

import pytest
from pydantic import ValidationError

from spark_jobs.recipe.sections.deduped import DedupedSection
from spark_jobs.stages.dedup import minhash_params


def test_the_default_is_finewebs() -> None:
    params = minhash_params(DedupedSection())
    assert (params.unit, params.ngram, params.bands, params.rows, params.seed) == ("words", 5, 14, 8, 1)


def test_bands_are_derived_from_a_threshold() -> None:
    derived = minhash_params(DedupedSection.model_validate({"minhash": {"threshold": 0.8, "permutations": 112}}))
    assert derived.bands * derived.rows <= 112
    assert (derived.bands, derived.rows) != (14, 8)


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"order": ["score", "id"]}, "published"),
        ({"order": ["published", "score"]}, "ends with id"),
        ({"order": ["published", "score", "score", "id"]}, "once"),
        ({"steps": []}, "at least 1"),
        ({"steps": ["simhash"]}, "minhash"),
        ({"minhash": {"threshold": 0.8, "bands": 9}}, "either threshold or bands"),
        ({"minhash": {"min_similarity": 1.2}}, "less than or equal to 1"),
        ({"minhsh": {}}, "Extra inputs"),
    ],
)
def test_what_cannot_be_is_refused(section: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        DedupedSection.model_validate(section)
