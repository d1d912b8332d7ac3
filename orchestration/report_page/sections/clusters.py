"""Duplicates: what each level removed, sizes of clusters, the largest ones, hosts that copy from each other."""

from collections.abc import Mapping
from typing import Any

from orchestration.clusters import band
from orchestration.clusters import gather as gather_clusters
from orchestration.report_page.section import Section, Subject
from spark_jobs.analysis.clusters import Clustered
from spark_jobs.lake.freshness import overtaken

TOP = 10


def gather(subject: Subject) -> Mapping[str, Any] | None:
    """The clusters of the snapshot; None where it is not deduped, or deduped from another publication of `cleaned`."""
    publication = subject.lake.current("deduped", subject.publication.partition)
    pins = () if publication is None else publication.inputs
    if publication is None or subject.publication.id not in {str(pin["publication"]) for pin in pins}:
        return None
    found = gather_clusters(Clustered(subject.lake, publication), top=TOP, with_text=bool(subject.examples))
    sizes = [{**row, "title": band(row)} for row in found["sizes"]]
    removed = {name: sum(row[name] for row in found["steps"]) for name in ("documents", "tokens", "characters")}
    return {
        "stale": overtaken(subject.lake, "deduped").get(found["snapshot"], ()),
        "found": found, "all": found["all"], "sizes": sizes, "removed": removed, "tokens": found["counts_tokens"],
        "most": max((row["documents"] for row in sizes), default=1),
        "most_removed": max((row["documents"] for row in found["steps"]), default=1),
    }  # fmt: skip


SECTION = Section(
    id="clusters",
    title="Duplicates",
    place=80,
    gather=gather,
    template="""
<p>Of the {{ all.documents | count }} documents that the filters kept, {{ removed.documents | count }}
({{ share(removed.documents, all.documents) | percent }}) are duplicates of a survivor in this snapshot or an earlier
one{% if tokens %}, with {{ removed.tokens | short }} tokens
({{ share(removed.tokens, all.tokens) | percent }}){% endif %}.
{{ (all.of_earlier | count ~ " belong to clusters of earlier snapshots.") if all.of_earlier }}
{{ (all.bridges | count ~ " bridge clusters that were apart.") if all.bridges }}
Version {{ found.version }} of <code>deduped</code>.
{{ "It is stale, " ~ stale | join(", ") ~ " was published again since." if stale }}</p>
{% if found.steps %}
<h3>What each level removed</h3>
<div class="scroll"><table>
<thead><tr><th scope="col">level</th><th scope="col" class="left">documents removed</th><th scope="col">documents</th>
<th scope="col">of all</th><th scope="col">of earlier snapshots</th><th scope="col">characters</th>
{% if tokens %}<th scope="col">tokens</th>{% endif %}</tr></thead>
<tbody>
{% for row in found.steps %}
<tr><th scope="row">{{ row.step }}</th>{{ m.bar([("dropped", 0, share(row.documents, most_removed))]) }}
<td>{{ row.documents | count }}</td><td>{{ share(row.documents, all.documents) | percent }}</td>
<td>{{ row.of_earlier | count }}</td><td>{{ row.characters | short }}</td>
{% if tokens %}<td>{{ row.tokens | short }}</td>{% endif %}</tr>
{% endfor %}
</tbody></table></div>
{% endif %}
{% for row in found.cuts %}
<p>Cut out of kept documents by {{ row.step }}: {{ row.pieces | count }} pieces of {{ row.documents | count }}
documents, {{ row.characters | short }} characters.</p>
{% endfor %}
<h3>Sizes of clusters</h3>
<p>How many documents belong to clusters of a size, counted over all snapshots so far; kept ones and duplicates are
those of this snapshot.</p>
<p class="legend" aria-hidden="true"><span>kept</span><span class="dropped">duplicates</span></p>
<div class="scroll"><table>
<thead><tr><th scope="col">documents in a cluster</th><th scope="col" class="left">documents</th>
<th scope="col">clusters</th><th scope="col">documents here</th><th scope="col">kept</th></tr></thead>
<tbody>
{% for row in sizes %}
<tr><th scope="row">{{ row.title }}</th>
{{ m.bar([("kept", 0, share(row.kept, most)),
          ("dropped", share(row.kept, most), share(row.documents - row.kept, most))]) }}
<td>{{ row.clusters | count }}</td><td>{{ row.documents | count }}</td><td>{{ row.kept | count }}</td></tr>
{% endfor %}
</tbody></table></div>
{% if found.largest %}
<h3>Largest clusters</h3>
{% for cluster in found.largest %}
<article class="example dropped">
<header><b>{{ cluster.size | count }} documents</b>, {{ cluster.documents | count }} of this snapshot,
{{ cluster.kept | count }} kept · {% for step in cluster.steps %}{{ step.name }} {{ step.documents | count }}
{{- ", " if not loop.last }}{% endfor %}<br>
survivor <span class="mono">{{ cluster.survivor.doc_id }}</span> in {{ cluster.survivor.snapshot }} ·
<bdi>{{ cluster.survivor.url or "no URL known" }}</bdi></header>
<p class="hosts">{% for host in cluster.hosts %}<bdi>{{ host.name or "(no host)" }}</bdi> {{ host.documents | count }}
{{- ", " if not loop.last }}{% endfor %}
{% if cluster.hosts_in_all > cluster.hosts | length %}, {{ cluster.hosts_in_all | count }} hosts in all{% endif %}</p>
<details><summary>duplicates, the most different first ({{ cluster.members | length }})</summary>
<div class="scroll"><table>
<thead><tr><th scope="col">document</th><th scope="col" class="left">URL</th><th scope="col" class="left">level</th>
<th scope="col">similarity</th></tr></thead>
<tbody>
{% for one in cluster.members %}
<tr><th scope="row" class="mono">{{ one.doc_id }}</th><td class="left"><bdi>{{ one.url or "" }}</bdi></td>
<td class="left">{{ one.duplicate_step }}</td><td>{{ "%.3f" % one.similarity }}</td></tr>
{% endfor %}
</tbody></table></div></details>
{% if cluster.diff %}
{% if cluster.diff.same %}<p>The text of the first of them is the survivor's.</p>
{% else %}
<pre class="diff" dir="auto">{% for line in cluster.diff.lines %}
<span class="{{ {"+": "add", "-": "del", "@": "at"}.get(line[:1], "") }}">{{ line }}
</span>{% endfor %}{% if cluster.diff.more %}… {{ cluster.diff.more | count }} more lines{% endif %}</pre>
{% endif %}
{% endif %}
</article>
{% endfor %}
{% endif %}
<h3>Hosts that copy from each other</h3>
<p>{{ found.hosts.within | count }} duplicates lie on the host of what they copy, {{ found.hosts.between | count }} on
another{% if found.hosts.pairs %}; pairs of hosts: {{ found.hosts.pairs | count }}{% endif %}.</p>
{% if found.hosts.listed %}
<div class="scroll"><table>
<thead><tr><th scope="col">host</th><th scope="col" class="left">and host</th><th scope="col">duplicates</th>
<th scope="col">removed of the first</th><th scope="col">of the second</th></tr></thead>
<tbody>
{% for row in found.hosts.listed %}
<tr><th scope="row"><bdi>{{ row.first or "(none)" }}</bdi></th>
<td class="left"><bdi>{{ row.second or "(none)" }}</bdi></td>
<td>{{ row.documents | count }}</td><td>{{ row.removed_of_first | count }}</td>
<td>{{ row.removed_of_second | count }}</td></tr>
{% endfor %}
</tbody></table></div>
{% endif %}
""",
)
