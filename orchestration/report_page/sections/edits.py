"""What editors changed: before and after, in characters."""

from collections.abc import Mapping
from typing import Any

from orchestration.report_page.section import Section, Subject
from spark_jobs.analysis.facets import characters, edits


def gather(subject: Subject) -> Mapping[str, Any] | None:
    """A row an editor, in the order of the recipe; characters before and after all of them."""
    names = subject.stored.editors
    if not names:
        return None
    found, after = edits(subject.stored), characters(subject.stored)
    nothing = {"documents": 0, "edits": 0, "chars_removed": 0}
    rows = [{"name": name, **found.get(name, nothing)} for name in names]
    removed = sum(row["chars_removed"] for row in found.values())
    return {"rows": rows, "removed": removed, "after": after, "all": subject.all.documents,
            "before": None if after is None else after + removed}  # fmt: skip


SECTION = Section(
    id="edits",
    title="What editors changed",
    place=60,
    gather=gather,
    template="""
{% if before is not none %}
<p>All texts, kept and dropped: {{ before | short }} characters before the editors, {{ after | short }} after them,
{{ share(removed, before) | percent }} removed.</p>
{% endif %}
<div class="scroll"><table>
<thead><tr><th scope="col">editor</th><th scope="col">documents touched</th><th scope="col">of all</th>
<th scope="col">edits</th><th scope="col">characters removed</th>
{% if before %}<th scope="col">of all characters</th>{% endif %}</tr></thead>
<tbody>
{% for row in rows %}
<tr><th scope="row">{{ row.name }}</th><td>{{ row.documents | count }}</td>
<td>{{ share(row.documents, all) | percent }}</td><td>{{ row.edits | count }}</td>
<td>{{ row.chars_removed | count }}</td>
{% if before %}<td>{{ share(row.chars_removed, before) | percent }}</td>{% endif %}</tr>
{% endfor %}
</tbody></table></div>
""",
)
