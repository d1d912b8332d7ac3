"""The head of a dataset card: what the Hugging Face Hub reads of it, as YAML. Keys and values are the Hub's."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import yaml

# Upper bounds of the Hub's size categories, in documents.
_SIZES: Final[tuple[tuple[int, str], ...]] = (
    (10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"), (10**7, "1M<n<10M"),
    (10**8, "10M<n<100M"), (10**9, "100M<n<1B"), (10**10, "1B<n<10B"), (10**11, "10B<n<100B"),
    (10**12, "100B<n<1T"),
)  # fmt: skip
# Names of licences that the Hub knows, as far as text of the web comes under them.
_LICENCES: Final = frozenset({
    "apache-2.0", "mit", "cc0-1.0", "cc-by-2.0", "cc-by-2.5", "cc-by-3.0", "cc-by-4.0", "cc-by-sa-3.0",
    "cc-by-sa-4.0", "cc-by-nc-2.0", "cc-by-nc-3.0", "cc-by-nc-4.0", "cc-by-nd-4.0", "cc-by-nc-nd-3.0",
    "cc-by-nc-nd-4.0", "cc-by-nc-sa-2.0", "cc-by-nc-sa-3.0", "cc-by-nc-sa-4.0", "odc-by", "odbl", "pddl", "gfdl",
    "gpl-2.0", "gpl-3.0", "lgpl-3.0", "agpl-3.0", "mpl-2.0", "bsd", "bsd-2-clause", "bsd-3-clause", "unlicense",
    "isc", "wtfpl", "etalab-2.0",
})  # fmt: skip
_CREATIVE_COMMONS: Final = re.compile(r"creativecommons\.org/licen[sc]es/(by[a-z-]*)/(\d\.\d)")
_ZERO: Final = re.compile(r"creativecommons\.org/publicdomain/zero/1\.0|^cc-?0$")
_LANGUAGE: Final = re.compile(r"^[a-z]{2,3}$")
_UNDETERMINED: Final = "und"
NOT_STATED, OTHER = "unknown", "other"


def size_category(documents: int) -> str:
    """The Hub's size category of so many documents."""
    return next((name for bound, name in _SIZES if documents < bound), "n>1T")


def licence_id(licence: str | None) -> str:
    """The Hub's name of a licence, as a name or an address; `unknown` where none is stated, else `other`."""
    if not licence or not licence.strip():
        return NOT_STATED
    name = re.sub(r"[\s_]+", "-", licence.strip().lower())
    if found := _CREATIVE_COMMONS.search(name):
        name = f"cc-{found[1].strip('-')}-{found[2]}"
    elif _ZERO.search(name):
        name = "cc0-1.0"
    return name if name in _LICENCES else OTHER


def languages(counted: Mapping[str | None, int]) -> list[str]:
    """ISO 639 codes, the most documents first; what is no code (undetermined above all) is left out."""
    codes = {code: n for code, n in counted.items() if code and _LANGUAGE.match(code) and code != _UNDETERMINED}
    return sorted(codes, key=lambda code: (-codes[code], code))


def configs(phases: Sequence[str], suffix: str) -> list[dict[str, Any]]:
    """What `load_dataset` loads: all files, and where a release has several phases each by its name."""
    whole = {"config_name": "default", "default": True, "data_files": _files(f"*{suffix}")}
    single = [{"config_name": phase, "data_files": _files(f"{phase}-*{suffix}")} for phase in phases]
    return [whole, *(single if len(single) > 1 else ())]


def _files(pattern: str) -> list[dict[str, str]]:
    return [{"split": "train", "path": pattern}]


def front_matter(
    *, name: str, documents: int, by_language: Mapping[str | None, int], licences: Sequence[str | None],
    rewritten: bool, phases: Sequence[str] = (), suffix: str | None = None,
) -> str:  # fmt: skip
    """The YAML block with its fences. `suffix` is that of the data files beside the card, None where there are none."""
    codes = languages(by_language)
    ids = sorted({licence_id(licence) for licence in licences}) or [NOT_STATED]
    head: dict[str, Any] = {
        "pretty_name": name,
        "license": ids[0] if len(ids) == 1 else ids,
        "language": codes,
        "multilinguality": ["multilingual" if len(codes) > 1 else "monolingual"],
        "size_categories": [size_category(documents)],
        "task_categories": ["text-generation"],
        "task_ids": ["language-modeling"],
        "source_datasets": ["original"],
        "annotations_creators": ["no-annotation"],
        "language_creators": ["found", "machine-generated"] if rewritten else ["found"],
        "tags": ["pretraining", "provender", *(["synthetic"] if rewritten else [])],
    }
    if not codes:  # the Hub refuses an empty list
        del head["language"], head["multilinguality"]
    if suffix is not None:
        head["configs"] = configs(phases, suffix)
    return f"---\n{yaml.safe_dump(head, sort_keys=False, allow_unicode=True)}---\n"
