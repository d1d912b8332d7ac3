"""The distribution of every signal, with its thresholds where they are."""

from collections.abc import Mapping, Sequence
from typing import Any

from orchestration.report_page.charts import chart
from orchestration.report_page.section import Section, Subject
from orchestration.report_page.words import count
from spark_jobs.analysis import overlap
from spark_jobs.analysis.distribution import Bin
from spark_jobs.analysis.grid import lower_end
from spark_jobs.analysis.histogram import Histogram, histogram
from spark_jobs.analysis.stored import StoredFilter
from spark_jobs.operators import registry
from spark_jobs.operators.base import Rule


def gather(subject: Subject) -> Mapping[str, Any] | None:
    """A card a signal, by filter; one scan over the signals of all filters."""
    stored = subject.stored
    if not stored.signals:
        return None
    bounds = dict.fromkeys(stored.signals, ()) | {
        f"{f.name}__{rule.signal}": _bounds(_rules_on(f, rule.signal)) for f in stored.filters for rule in f.rules()
    }
    bins = subject.bins
    order = overlap.reason_order(subject.counted, stored.filters)
    dropped = {tally.reason: tally.all.documents for tally in overlap.by_reason(subject.counted, order)}
    filters = []
    for one in stored.filters:
        names = [name for name in stored.signals if name.startswith(f"{one.name}__") and _varies(bins[name])]
        cards = [_card(one, name.partition("__")[2], histogram(bins[name], bounds[name]), dropped) for name in names]
        if cards:
            filters.append({"name": one.name, "version": one.version, "cards": cards})
    flat = {name.replace("__", "."): _only_value(bins[name]) for name in stored.signals if not _varies(bins[name])}
    return {"filters": filters, "flat": flat}


def _card(stored: StoredFilter, signal: str, drawn: Histogram | None, dropped: Mapping[str, int]) -> dict[str, Any]:
    rules = [rule for rule in _rules_on(stored, signal) if _bounds([rule]) or rule.reason in stored.limited]
    words = [(bound, _bound_words(rule, bound)) for rule in rules for bound in _bounds([rule])]
    told = [
        {"says": _rule_words(rule, limited=rule.reason in stored.limited),
         "documents": dropped.get(f"{stored.name}.{rule.reason}", 0)}
        for rule in rules
    ]  # fmt: skip
    label = f"Histogram of {signal} over {count(drawn.documents) if drawn else 0} documents"
    label += "".join(f"; {entry['says']}, broken by {entry['documents']:,}" for entry in told)
    return {
        "signal": signal, "says": _description(stored.name, signal), "rules": told, "label": label,
        "chart": chart(drawn, words) if drawn else None,
    }  # fmt: skip


def _varies(bins: Sequence[Bin]) -> bool:
    return len({entry.cell for entry in bins if entry.cell is not None}) > 1


def _rules_on(stored: StoredFilter, signal: str) -> list[Rule]:
    return [rule for rule in stored.rules() if rule.signal == signal]


def _bounds(rules: Sequence[Rule]) -> tuple[float, ...]:
    return tuple(float(b) for rule in rules for b in (rule.minimum, rule.maximum) if b is not None)


def _bound_words(rule: Rule, bound: float) -> str:
    side = "≥" if rule.minimum == bound else "≤"
    return f"{side.replace('≥', '>').replace('≤', '<') if rule.exclusive else side} {bound:,.6g}"


def _rule_words(rule: Rule, *, limited: bool) -> str:
    bounds = " and ".join(_bound_words(rule, bound) for bound in _bounds([rule]))
    others = "other bounds for some values of a column" if limited else ""
    return f"{rule.reason}: {'; '.join(words for words in (bounds, others) if words)}"


def _only_value(bins: Sequence[Bin]) -> str:
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
<p>{% for name, value in flat.items() %}{{ name }} = {{ value }}{{ ", " if not loop.last }}{% endfor %}</p></details>
{% endif %}
""",
)
