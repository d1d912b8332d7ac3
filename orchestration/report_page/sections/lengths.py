"""Tokens: how much of the corpus lies in long and in short documents."""

from collections.abc import Mapping, Sequence
from typing import Any

from orchestration.report_page.section import Section, Subject
from spark_jobs.analysis.distribution import Bin
from spark_jobs.analysis.grid import lower_end
from spark_jobs.analysis.stored import TOKENS

_ENDS = (0, 10, 100, 300, 1_000, 3_000, 10_000, 30_000, 100_000)


def gather(subject: Subject) -> Mapping[str, Any] | None:
    """Documents and tokens by length in tokens; None where the recipe counts none."""
    if not subject.stored.has_tokens:
        return None
    bins = subject.bins[TOKENS]
    rows = [_row(bins, low, high) for low, high in zip(_ENDS, (*_ENDS[1:], None), strict=True)]
    return {"rows": [row for row in rows if row["documents"]], "kept": subject.kept,
            "most": max(row["tokens_kept"] for row in rows)}  # fmt: skip


def _row(bins: Sequence[Bin], low: int, high: int | None) -> dict[str, Any]:
    inside = [
        b
        for b in bins
        if b.cell is not None and low <= lower_end(b.cell) and (high is None or lower_end(b.cell) < high)
    ]
    return {
        "title": f"{low:,} and more" if high is None else f"{low:,} to {high - 1:,}",
        "documents": sum(b.documents for b in inside), "kept": sum(b.documents for b in inside if b.kept),
        "tokens_kept": sum(b.tokens for b in inside if b.kept), "tokens": sum(b.tokens for b in inside),
    }  # fmt: skip


SECTION = Section(
    id="tokens",
    title="Tokens",
    place=70,
    gather=gather,
    template="""
<p>Few long documents can hold most of the tokens: the bars are tokens kept, by the length of the document.</p>
<div class="scroll"><table>
<thead><tr><th scope="col">tokens of a document</th><th scope="col" class="left">tokens kept</th>
<th scope="col">tokens kept</th><th scope="col">of all kept</th>
<th scope="col">documents kept</th><th scope="col">documents read</th></tr></thead>
<tbody>
{% for row in rows %}
<tr><th scope="row">{{ row.title }}</th>
{{ m.bar([("kept", 0, share(row.tokens_kept, most))]) }}
<td>{{ row.tokens_kept | short }}</td><td>{{ share(row.tokens_kept, kept.tokens) | percent }}</td>
<td>{{ row.kept | count }}</td><td>{{ row.documents | count }}</td></tr>
{% endfor %}
</tbody></table></div>
""",
)
