"""The `deduped` section: what a recipe may say, and what it is told when it says something else."""

import pytest
from pydantic import ValidationError

from spark_jobs.dedup.levels import Frequency, Overlap, Sentences, TextLevels, WithinDocument
from spark_jobs.recipe.sections.deduped import DedupedSection
from spark_jobs.stages.dedup import minhash_params
from spark_jobs.stages.dedup_text import text_levels


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
        ({"steps": ["lines", "minhash"]}, "lines run over what the levels of documents keep: name them last"),
        ({"steps": ["minhash", "lines", "within_document"]}, "within_document is the first level of text"),
        ({"lines": {"keep": 3, "max_documents": 2}}, r"already max_documents \(2\) may hold a piece"),
        ({"ngram_overlap": {"threshold": 1}}, "less than 1"),
        ({"captures": {"scope": "month"}}, "'all' or 'year'"),
    ],
)
def test_what_cannot_be_is_refused(section: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        DedupedSection.model_validate(section)


def test_levels_of_text_are_off_where_no_step_names_them() -> None:
    assert text_levels(DedupedSection()) is None


def test_levels_of_text_are_what_the_recipe_says_in_its_order() -> None:
    section = DedupedSection.model_validate({
        "steps": ["minhash", "within_document", "ngram_overlap", "paragraphs"], "min_chars_left": 7,
        "within_document": {"lines": False, "sentences": {"max_sentences": 9}}, "minhash": {"marks": "all"},
        "ngram_overlap": {"tokens": "words", "shards": 100}, "paragraphs": {"max_documents": 3, "keep": 2},
    })  # fmt: skip
    assert section.text_steps == ("within_document", "ngram_overlap", "paragraphs")
    assert text_levels(section) == TextLevels(
        levels=(
            WithinDocument(lines=False, sentences=Sentences(max_sentences=9)),
            Overlap(tokens="words", shards=100),
            Frequency(step="paragraphs", max_documents=3, keep=2),
        ),
        marks="all",
        min_chars_left=7,
    )


def test_the_defaults_of_the_recipe_are_those_of_the_levels() -> None:
    """The published ones are said twice; they must not drift apart."""
    section = DedupedSection.model_validate({
        "steps": ["within_document", "lines", "paragraphs", "ngram_overlap"], "within_document": {"sentences": {}},
    })  # fmt: skip
    assert text_levels(section) == TextLevels(
        levels=(
            WithinDocument(sentences=Sentences()), Frequency(step="lines"), Frequency(step="paragraphs"), Overlap()
        )
    )  # fmt: skip
