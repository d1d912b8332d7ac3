"""The distribution of every signal, with its thresholds where they are."""

from collections.abc import Mapping, Sequence
from typing import Any

from pyspark.sql import functions as F

from orchestration.report_page.charts import chart
from orchestration.report_page.section import Section, Subject
from orchestration.report_page.words import count
from spark_jobs.analysis.distribution import Bin, distributions
from spark_jobs.analysis.histogram import histogram
from spark_jobs.analysis.stored import StoredFilter
from spark_jobs.analysis.verdicts import tokens_of
from spark_jobs.operators import registry
from spark_jobs.operators.base import Rule


def gather(subject: Subject) -> Mapping[str, Any] | None:
    """A card a signal, by filter; one scan over the signals of all filters."""
    stored = subject.stored
    if not stored.signals:
        return None
    rules = {f"{f.name}__{rule.signal}": (f, _rules_on(f, rule.signal)) for f in stored.filters for rule in f.rules()}
    bounds = {name: _bounds(rules[name][1]) if name in rules else () for name in stored.signals}
    bins = distributions(stored.rows, bounds, kept=F.col("kept"), tokens=tokens_of(stored))
    filters, flat = [], []
    for one in stored.filters:
        names = [name for name in stored.signals if name.startswith(f"{one.name}__")]
        cards = []
        for name in names:
            if len({entry.cell for entry in bins[name] if entry.cell is not None}) < 2:
                flat.append({"name": name.replace("__", "."), "value": _only_value(bins[name])})
                continue
            cards.append(_card(one, name.partition("__")[2], bins[name], bounds[name]))
        if cards:
            filters.append({"name": one.name, "version": one.version, "cards": cards})
    return {"filters": filters, "flat": flat}


def _card(stored: StoredFilter, signal: str, bins: Sequence[Bin], bounds: Sequence[float]) -> dict[str, Any]:
    drawn = histogram(bins, bounds)
    rules = _rules_on(stored, signal)
    words = [(bound, _bound_words(rule, bound)) for rule in rules for bound in _bounds([rule])]
    broken = [{"reason": rule.reason, "says": _rule_words(rule), "documents": _broken(rule, bins, sorted(set(bounds)))}
              for rule in rules if _bounds([rule])]  # fmt: skip
    label = f"Histogram of {signal} over {count(drawn.documents) if drawn else 0} documents"
    label += "".join(f"; {entry['says']}: {entry['documents']:,} dropped" for entry in broken)
    return {
        "signal": signal, "says": _description(stored.name, signal), "rules": broken, "label": label,
        "chart": chart(drawn, words) if drawn else None, "missing": drawn.missing if drawn else 0,
    }  # fmt: skip


def _rules_on(stored: StoredFilter, signal: str) -> list[Rule]:
    return [rule for rule in stored.rules() if rule.signal == signal]


def _bounds(rules: Sequence[Rule]) -> tuple[float, ...]:
    return tuple(float(b) for rule in rules for b in (rule.minimum, rule.maximum) if b is not None)


def _bound_words(rule: Rule, bound: float) -> str:
    side = "≥" if rule.minimum == bound else "≤"
    return f"{side.replace('≥', '>').replace('≤', '<') if rule.exclusive else side} {bound:,.6g}"


def _rule_words(rule: Rule) -> str:
    return f"{rule.reason}: " + " and ".join(_bound_words(rule, bound) for bound in _bounds([rule]))


def _broken(rule: Rule, bins: Sequence[Bin], bounds: Sequence[float]) -> int:
    """Documents that break a rule, from the sides of the bounds on which they lie."""
    return sum(entry.documents for entry in bins if entry.cell is not None and _breaks(rule, entry.place, bounds))


def _breaks(rule: Rule, place: int, bounds: Sequence[float]) -> bool:
    low = None if rule.minimum is None else 2 * bounds.index(float(rule.minimum)) + 1
    high = None if rule.maximum is None else 2 * bounds.index(float(rule.maximum)) + 1
    below = low is not None and (place <= low if rule.exclusive else place < low)
    return below or (high is not None and (place >= high if rule.exclusive else place > high))


def _only_value(bins: Sequence[Bin]) -> str:
    from spark_jobs.analysis.grid import lower_end

    cells = [entry.cell for entry in bins if entry.cell is not None]
    return f"{lower_end(cells[0]):g}" if cells else "none"


def _description(name: str, signal: str) -> str:
    """What the code says that the signal is; nothing for a filter that it does not have any more."""
    operator = registry.find("filters").get(name)
    found = (s.description for s in operator.signals if s.name == signal) if operator else ()
    return next(iter(found), "")


SECTION = Section(
    id="signals",
    title="Signals and thresholds",
    place=40,
    gather=gather,
    template="""
<p>What each filter measured, over all documents with text. Colours tell the final verdict, whichever rule gave it; the
line is the filter's own threshold, and below stands how many documents break it. A bar that towers over the others is
cut and says its height.</p>
{{ m.legend(bound=true) }}
{% for filter in filters %}
<h3>{{ filter.name }} <small class="mono">version {{ filter.version }}</small></h3>
<div class="grid">
{% for card in filter.cards %}
<figure data-signal="{{ filter.name }}__{{ card.signal }}">
<figcaption><b>{{ card.signal }}</b><span>{{ card.says }}</span></figcaption>
{{ m.histogram(card.chart, card.label) }}
{% for rule in card.rules %}
<p class="rule">{{ rule.says }} – broken by {{ rule.documents | count }}</p>
{% else %}
<p>no threshold</p>
{% endfor %}
</figure>
{% endfor %}
</div>
{% endfor %}
{% if flat %}
<details><summary>{{ flat | length }} signals have one value for all documents</summary>
<p>{% for one in flat %}{{ one.name }} = {{ one.value }}{{ ", " if not loop.last }}{% endfor %}</p></details>
{% endif %}
""",
)
