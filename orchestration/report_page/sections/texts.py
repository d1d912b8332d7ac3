"""Kept and dropped documents drawn at random, only where the person asked for texts."""

from collections.abc import Mapping
from typing import Any

from orchestration.report_page.section import Section, Subject
from spark_jobs.analysis.facets import examples

CHARS = 1_200


def gather(subject: Subject) -> Mapping[str, Any] | None:
    """So many kept and so many dropped documents; None, and no text read, where none were asked for."""
    if not subject.examples:
        return None
    kept, dropped = (
        examples(subject.stored, kept=verdict, number=subject.examples, seed=subject.seed, chars=CHARS)
        for verdict in (True, False)
    )
    return {"groups": [("kept", kept), ("dropped", dropped)], "seed": subject.seed, "chars": CHARS}


SECTION = Section(
    id="examples",
    title="Documents",
    place=90,
    gather=gather,
    template="""
<p>Drawn by a hash of the document's id and the seed {{ seed }}: the same documents every time. The first
{{ chars | count }} characters of each.</p>
{% for name, rows in groups %}
<h3>{{ name }}</h3>
{% for row in rows %}
<article class="example {{ name }}">
<header><span class="mono">{{ row.doc_id }}</span> · <bdi>{{ row.url }}</bdi> · {{ row.language or "no language" }} ·
{{ row.chars | count }} characters
{% if row.reasons %}<br>{{ row.reasons | join(", ") }}{% endif %}</header>
<pre dir="auto">{{ row.text }}{{ "…" if row.chars > chars }}</pre>
</article>
{% else %}
<p>none</p>
{% endfor %}
{% endfor %}
""",
)
