"""How the filters overlap: whether one could go because others drop the same documents."""

from collections.abc import Mapping
from typing import Any

from orchestration.report_page.section import Section, Subject
from spark_jobs.analysis import overlap


def gather(subject: Subject) -> Mapping[str, Any] | None:
    """The filters that drop anything, what each pair shares, and what would come back without each."""
    dropping = {name for reasons, _ in subject.counted for name in overlap.filters_of(reasons)}
    order = (overlap.EXTRACTION, *(stored.name for stored in subject.stored.filters))
    names = [name for name in order if name in dropping]
    if not names:
        return None
    cells = overlap.matrix(subject.counted, names)
    alone = overlap.by_filter(subject.counted, names)
    rows = [
        {
            # Extraction is no filter that could be left out: what has no text stays out.
            "name": name, "alone": None if name == overlap.EXTRACTION else alone[name],
            "cells": [{"share": cells[name, other] / cells[name, name], "documents": cells[name, other],
                       "own": name == other} for other in names],
        }
        for name in names
    ]  # fmt: skip
    return {"names": names, "rows": rows, "tokens": subject.stored.has_tokens}


SECTION = Section(
    id="overlap",
    title="How filters overlap",
    place=30,
    gather=gather,
    template="""
<p>Of the documents that the filter of a row drops, the share that the filter of a column drops too. A row that is dark
all along does little of its own; “comes back” says how much would be kept without it.</p>
<div class="scroll"><table class="matrix">
<thead><tr><th scope="col">filter</th>
{% for name in names %}<th scope="col">{{ name | replace("_", "_\u200b") }}</th>{% endfor %}
<th scope="col">comes back without it</th>{% if tokens %}<th scope="col">tokens</th>{% endif %}</tr></thead>
<tbody>
{% for row in rows %}
<tr><th scope="row">{{ row.name }}</th>
{% for cell in row.cells %}
{% if cell.own %}<td class="own">{{ cell.documents | count }}</td>
{% else %}<td style="background:rgba(var(--heat),{{ '%.3f' % (0.55 * cell.share) }})"
 title="{{ cell.documents | count }} documents">{{ '%.0f' % (100 * cell.share) }}%</td>
{% endif %}
{% endfor %}
<td>{{ row.alone.documents | count if row.alone else "–" }}</td>
{% if tokens %}<td>{{ row.alone.tokens | short if row.alone else "–" }}</td>{% endif %}</tr>
{% endfor %}
</tbody></table></div>
""",
)
