"""By language, host and source: who is kept."""

from collections.abc import Mapping
from typing import Any

from orchestration.report_page.section import Section, Subject
from spark_jobs.analysis.verdicts import by_key, verdicts

TOP = 15
_COLUMNS = (("language", "language"), ("host", "host"), ("source", "source"))


def gather(subject: Subject) -> Mapping[str, Any]:
    """The most frequent values of each column, and the rest as one row."""
    tables = []
    for column, title in _COLUMNS:
        rows = [
            {"key": row["key"] or "(none)", "documents": row["documents"], "kept": row["kept_before"],
             "tokens": row["tokens_before"]}
            for row in by_key(verdicts(subject.stored, subject.stored.filters, column), TOP)
        ]  # fmt: skip
        rest = {
            "key": "all others", "documents": subject.all.documents - sum(r["documents"] for r in rows),
            "kept": subject.kept.documents - sum(r["kept"] for r in rows),
            "tokens": subject.kept.tokens - sum(r["tokens"] for r in rows),
        }  # fmt: skip
        tables.append({"title": title, "rows": [*rows, rest] if rest["documents"] else rows,
                       "most": max(r["documents"] for r in rows)})  # fmt: skip
    return {"tables": [table for table in tables if table["rows"]], "all": subject.all.documents,
            "tokens": subject.stored.has_tokens}  # fmt: skip


SECTION = Section(
    id="origins",
    title="By language, host and source",
    place=50,
    gather=gather,
    template="""
{{ m.legend() }}
{% for table in tables %}
<h3>{{ table.title }}</h3>
<div class="scroll"><table>
<thead><tr><th scope="col">{{ table.title }}</th><th scope="col" class="left">documents</th><th scope="col">read</th>
<th scope="col">of all</th><th scope="col">kept</th><th scope="col">of its own</th>
{% if tokens %}<th scope="col">tokens kept</th>{% endif %}</tr></thead>
<tbody>
{% for row in table.rows %}
{% set scale = [table.most, row.documents] | max %}
<tr><th scope="row"><bdi>{{ row.key }}</bdi></th>
{{ m.bar([("kept", 0, share(row.kept, scale)),
          ("dropped", share(row.kept, scale), share(row.documents - row.kept, scale))]) }}
<td>{{ row.documents | count }}</td><td>{{ share(row.documents, all) | percent }}</td><td>{{ row.kept | count }}</td>
<td>{{ share(row.kept, row.documents) | percent }}</td>{% if tokens %}<td>{{ row.tokens | short }}</td>{% endif %}</tr>
{% endfor %}
</tbody></table></div>
{% endfor %}
""",
)
