"""Where documents are lost: every reason in the order of the recipe, and what it would cost to have it alone."""

from collections.abc import Mapping
from typing import Any

from orchestration.report_page.section import Section, Subject
from spark_jobs.analysis import overlap


def gather(subject: Subject) -> Mapping[str, Any]:
    """A row a reason that drops anything: what was left before it, and what it takes."""
    order = overlap.reason_order(subject.counted, subject.stored.filters)
    left, rows, idle = subject.all.documents, [], []
    for tally in overlap.by_reason(subject.counted, order):
        if not tally.all.documents:
            idle.append(tally.reason)
            continue
        rows.append({"tally": tally, "left": left})
        left -= tally.first.documents
    return {"all": subject.all.documents, "kept": subject.kept, "rows": rows, "idle": idle, "end": left}


SECTION = Section(
    id="reasons",
    title="Where documents are lost",
    place=20,
    gather=gather,
    template="""
<p>Reasons in the order of the recipe. All broken rules of a document are recorded: the bar shows what a rule takes
that no rule above it took, “all” every document that breaks it, and “only this” those that nothing else would drop,
which come back if the rule goes.</p>
<div class="scroll"><table>
<thead><tr><th scope="col">reason</th><th scope="col" class="left">of all documents</th><th scope="col">takes</th>
<th scope="col">share</th><th scope="col">all</th><th scope="col">only this</th></tr></thead>
<tbody>
<tr class="total"><th scope="row">read</th>{{ m.bar([("kept", 0, 1)]) }}<td>{{ all | count }}</td>
<td></td><td></td><td></td></tr>
{% for row in rows %}
{% set took, left = row.tally.first.documents, row.left - row.tally.first.documents %}
{% set filter, _, fault = row.tally.reason.partition(".") %}
<tr><th scope="row">{{ filter }} <small>{{ fault }}</small></th>
{{ m.bar([("rest", 0, share(left, all)), ("dropped", share(left, all), share(took, all))]) }}
<td>{{ "−" if took }}{{ took | count }}</td><td>{{ share(took, all) | percent if took }}</td>
<td>{{ row.tally.all.documents | count }}</td><td>{{ row.tally.alone.documents | count }}</td></tr>
{% endfor %}
<tr class="total"><th scope="row">kept</th>{{ m.bar([("kept", 0, share(kept.documents, all))]) }}
<td>{{ kept.documents | count }}</td><td>{{ share(kept.documents, all) | percent }}</td><td></td><td></td></tr>
</tbody></table></div>
{% if idle %}
<details><summary>{{ idle | length }} rules dropped nothing</summary><p>{{ idle | join(", ") }}</p></details>
{% endif %}
""",
)
