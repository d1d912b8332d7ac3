"""The figures of cleaning's gates, from counts alone: what chance explains is no change, what is gone is named."""

import math
import re
from operator import attrgetter
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from expectations.cleaned import GATES as GATE_LAWS
from expectations.cleaning_figures import Earlier, Share, _changes, _common, _own, _wiped_out, beyond_chance
from expectations.dedup_guards import GUARDS
from spark_jobs.recipe.sections.cleaned import CleanedSection
from spark_jobs.recipe.sections.gates import GatesSection
from spark_jobs.stages.clean import Clean
from spark_jobs.stages.tally import Count, Tally, as_counts, from_counts

ROOT = Path(__file__).resolve().parents[2]
GATES = GatesSection()


def tallied(**hosts: tuple[int, int]) -> Tally:
    by_host = {name: Count(*counts) for name, counts in hosts.items()}
    documents, kept = (sum(pair[n] for pair in hosts.values()) for n in (0, 1))
    by = {
        "host": by_host, "language": {"en": Count(documents, kept)}, "source": {"s": Count(documents, kept)},
        "filter": {"f": Count(documents - kept, 0)}, "reason": {"f.r": Count(documents - kept, 0)}, "editor": {},
    }  # fmt: skip
    return Tally(documents, kept, 10 * documents, 0, 0, 0, 0, by)


shares = st.integers(1, 10_000).flatmap(lambda n: st.integers(0, n).map(lambda hits: Share("x", hits, n)))


@given(shares, shares, st.floats(0, 5))
def test_the_changebeyond_chance_is_symmetric_and_at_most_the_difference(a: Share, b: Share, sigmas: float) -> None:
    change = beyond_chance(a, b, sigmas)
    assert math.isclose(change, beyond_chance(b, a, sigmas), abs_tol=1e-12)
    assert 0 <= change <= abs(a.value - b.value)
    assert beyond_chance(a, a, sigmas) == 0


@given(shares, shares)
def test_more_documents_leave_less_to_chance(a: Share, b: Share) -> None:
    more = [Share("x", share.hits * 100, share.documents * 100) for share in (a, b)]
    assert beyond_chance(a, b, 3.0) <= beyond_chance(*more, 3.0) + 1e-12


def test_a_small_sample_is_no_alarm_and_a_large_one_is() -> None:
    assert beyond_chance(Share("x", 10, 20), Share("x", 14, 20), 3.0) == 0
    assert beyond_chance(Share("x", 5000, 10_000), Share("x", 7000, 10_000), 3.0) > 0.17


def test_a_host_is_wiped_out_when_chance_does_not_explain_it() -> None:
    before = Earlier("s1", tallied(a=(100, 50), b=(100, 20), c=(19, 19), d=(100, 9), e=(30, 3)))
    now = tallied(a=(100, 0), b=(100, 1), c=(19, 0), d=(100, 0), e=(30, 0), f=(500, 0))
    figure = _wiped_out(now, before, GATES)["hosts_wiped_out"]
    assert (figure.value, figure.told) == (1, "a, against s1")


def test_what_both_list_is_measured_on_the_poorer_side() -> None:
    now, before = tallied(a=(90, 0), b=(10, 0)), tallied(a=(10, 0), c=(90, 0))
    assert _common(now.by["host"], before.by["host"]) == pytest.approx(0.1)
    assert _common({}, before.by["host"]) == 0


def test_a_change_of_one_host_is_told_by_name() -> None:
    before, now = tallied(a=(1000, 500), b=(1000, 500)), tallied(a=(1000, 500), b=(1000, 50))
    figures = _changes(now, Earlier("s1", before), GATES)
    host = figures["drop_rate_change_by_host"]
    assert host.told.endswith("b went from 0.500 of 1,000 to 0.950 of 1,000, against s1")
    assert 0.38 < host.value < 0.45
    assert figures["language_shift"].value == 0
    assert figures["drop_rate_change_by_language"].value < host.value


def test_expectations_hold_for_few_documents_too_and_shares_are_not_judged() -> None:
    gates = GatesSection.model_validate({"effect": {"expect": {"f": 0.5, "g": 0.25}, "at_most": {"f": 0.1}}})
    figures = _own(tallied(a=(10, 7)), gates)
    assert figures["effect_missing"].value == 0.25
    assert figures["effect_missing"].told == "0.2500 by g"
    assert figures["effect_beyond"].value == pytest.approx(0.2)
    assert figures["emptied_share"].told == "10 documents are fewer than 100"
    assert _own(tallied(), gates)["effect_missing"].value == 0, "an empty snapshot has nothing to touch"


@given(st.dictionaries(st.text(max_size=9), st.tuples(st.integers(0, 99), st.integers(0, 99)), max_size=5))
def test_what_comparing_needs_survives_the_record(hosts: dict[str, tuple[int, int]]) -> None:
    whole = tallied(**{f"h{name}": pair for name, pair in hosts.items()})
    back = from_counts({"rows": whole.documents, "kept": whole.kept, **as_counts(whole)})
    assert back is not None
    assert (back.documents, back.kept) == (whole.documents, whole.kept)
    assert {facet: back.by[facet] for facet in ("host", "language", "source", "reason")} == {
        facet: whole.by[facet] for facet in ("host", "language", "source", "reason")
    }


def test_a_record_of_before_the_counts_cannot_be_compared() -> None:
    assert from_counts({"rows": 1, "kept": 1, "by_reason": {}}) is None


def test_a_gate_names_steps_of_the_recipe_only() -> None:
    with pytest.raises(ValidationError, match="no such step; did you mean whitespace"):
        CleanedSection.model_validate({"steps": ["whitespace"], "gates": {"effect": {"expect": {"whitespce": 0.1}}}})


def test_gates_judge_and_do_not_make_the_data() -> None:
    class Recipes:
        def __init__(self, **gates: object) -> None:
            self.cleaned = CleanedSection.model_validate({"steps": ["whitespace"], "gates": gates})

    parts = [Clean().fingerprint_parts(Recipes(**gates)) for gates in ({}, {"sigmas": 0, "growth": {"max_share": 1}})]  # type: ignore[arg-type]
    assert parts[0] == parts[1]


def test_the_page_on_gates_tells_every_gate_with_its_default_and_severity() -> None:
    page = (ROOT / "docs" / "gates.md").read_text(encoding="utf-8")
    rows = [
        [cell.strip(" `") for cell in line.strip("|").split("|")]
        for line in page.splitlines()
        if line.startswith("| `")
    ]
    recipe = SimpleNamespace(cleaned=SimpleNamespace(gates=GATES))
    assert [row[0] for row in rows] == [law.name for law in (*GATE_LAWS, *GUARDS)]
    for (name, _, key, default, severity), law in zip(rows, GATE_LAWS, strict=False):
        assert str(attrgetter(key)(GATES) or "none") == default, name
        assert law.severe(recipe) == severity, name  # type: ignore[arg-type]
    (example, _) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)  # the other is of the guards of dedup
    steps = ["mask_pii", "ftfy_repair"]
    assert CleanedSection.model_validate({"steps": steps, **yaml.safe_load(example)["cleaned"]}).gates != GATES
