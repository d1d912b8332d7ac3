"""The first section: what was kept, and where the figures come from."""

from collections.abc import Mapping
from typing import Any

from orchestration.report_page.section import Section, Subject


def gather(subject: Subject) -> Mapping[str, Any]:
    """Totals, and the provenance from the publication record."""
    record = subject.publication.record
    recipe, code = record.get("recipe") or {}, (record.get("provenance") or {}).get("code") or {}
    again = record.get("redecided_from")
    facts = {
        "publication": f"{subject.publication.id} (cleaned, version {subject.publication.version})",
        "published": f"{subject.publication.published_at:%Y-%m-%d %H:%M:%S} UTC",
        "recipe": f"{recipe.get('name')}, {recipe.get('fingerprint')}",
        "fingerprint of the table": subject.publication.fingerprint,
        "content digest": subject.publication.digest,
        "code": f"{code.get('commit')}{' with uncommitted changes' if code.get('dirty') else ''}",
        "made from": ", ".join(
            f"{i['table']}/{i['partition']} version {i['version']}" for i in subject.publication.inputs
        ),
    }
    if again:
        facts["verdicts"] = f"decided again from the signals of publication {again['publication']}"
    return {"all": subject.all, "kept": subject.kept, "tokens": subject.stored.has_tokens, "facts": facts,
            "reasons": len({reason for reasons, _ in subject.counted for reason in reasons})}  # fmt: skip


SECTION = Section(
    id="overview",
    title="Cleaning",
    place=10,
    gather=gather,
    template="""
<div class="tiles">
<div class="tile"><b>{{ all.documents | count }}</b><span>documents read</span></div>
<div class="tile"><b>{{ kept.documents | count }}</b>
<span>kept, {{ share(kept.documents, all.documents) | percent }} of them</span></div>
{% if tokens %}
<div class="tile"><b>{{ kept.tokens | short }}</b>
<span>tokens kept, {{ share(kept.tokens, all.tokens) | percent }} of {{ all.tokens | short }}</span></div>
{% endif %}
<div class="tile"><b>{{ reasons }}</b><span>different reasons to drop</span></div>
</div>
{% set said = share(kept.documents, all.documents) | percent ~ " of the documents are kept" %}
{{ m.meter(kept.documents, all.documents, said) }}
<dl class="facts">
{% for name, value in facts.items() %}
<dt>{{ name }}</dt><dd class="mono">{{ value }}</dd>
{% endfor %}
</dl>
""",
)
