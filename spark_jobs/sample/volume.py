"""Volume for the sample crawl: real text that every environment holds, rendered as web pages.

The reference pages of the standard library and the READMEs of the installed packages. Rendering imports modules, so it
runs in a child that sees neither the working directory nor PYTHONPATH: nothing that lies there can be imported or run.
"""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass

# Modules whose import has effects a person would notice, or that need a display.
_LEFT_OUT = ("antigravity", "this", "idlelib", "turtledemo", "turtle", "test", "lib2to3", "tkinter", "__main__", "site")

_CHILD = r"""
import importlib, importlib.metadata, io, json, pydoc, sys, warnings
warnings.simplefilter("ignore")
sys.stdout, out = io.StringIO(), sys.stdout
left_out = set(json.loads(sys.argv[1]))
pages = []
import pydoc_data.topics
for name, text in sorted(pydoc_data.topics.topics.items()):
    pages.append(["topic", name, text])
doc = pydoc.HTMLDoc()

def documented(module):
    yield pydoc.getdoc(module)
    for name, value in sorted(vars(module).items()):
        if not name.startswith("_") and getattr(value, "__module__", None) == module.__name__ and callable(value):
            yield pydoc.getdoc(value)
            for part, member in sorted(vars(value).items()) if isinstance(value, type) else ():
                if callable(member) and not part.startswith("_"):
                    yield pydoc.getdoc(member)

for name in sorted(sys.stdlib_module_names - left_out):
    if name.startswith("_"):
        continue
    try:
        module = importlib.import_module(name)
        pages.append(["module", name, doc.page(name, doc.docmodule(module, name))])
        pages.append(["handbook", name, "\n\n".join(documented(module))])
    except Exception:  # a module that does not import on this platform has no page
        continue
for found in sorted(importlib.metadata.distributions(), key=lambda d: d.metadata["Name"].lower()):
    text = found.metadata.get_payload() or found.metadata["Description"] or ""
    if isinstance(text, str) and len(text) > 400:
        pages.append(["readme", found.metadata["Name"].lower(), text])
out.write(json.dumps(pages))
"""

_ADDRESS = re.compile(r"\b(?:at|handle)(?:&nbsp;| )(?:0x)?[0-9a-f]{6,}")
_FILE_LINK = re.compile(r'<a href="file:[^"]*">[^<]*</a>')
_LINK = re.compile(r"\[!?\[?([^\]]*)\]?\]\([^)]*\)|<[^>]+>|!\[[^\]]*\]")

_MIN_PROSE_WORDS = 12
_MIN_HANDBOOK_WORDS = 80
_PLAIN_SHARE = 0.85


@dataclass(frozen=True)
class Page:
    """A page of the sample web: where it is, and its HTML."""

    url: str
    html: str | bytes
    content_type: str = "text/html; charset=utf-8"


def environment_pages() -> tuple[Page, ...]:
    """Pages rendered from this environment, the same for the same environment."""
    with tempfile.TemporaryDirectory() as empty:
        done = subprocess.run(  # noqa: S603 - our own program and words
            # -P and -s, not -I: -I would also ignore the hash seed, on which the order of printed sets depends.
            [sys.executable, "-P", "-s", "-c", _CHILD, json.dumps(_LEFT_OUT)],
            # A documented `os.environ` prints the environment: only what is named here may be in it.
            cwd=empty, env={"PYTHONHASHSEED": "0", "HOME": "/nonexistent", "LC_ALL": "C.UTF-8", "COLUMNS": "80"},
            capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    return tuple(_pages(json.loads(done.stdout)))


def _pages(found: list[list[str]]) -> Iterator[Page]:
    for kind, name, text in found:
        if kind == "module":
            clean = _FILE_LINK.sub("", _ADDRESS.sub("", text))
            yield Page(f"https://reference.sample.example/library/{name}.html", clean)
        elif kind == "handbook":
            prose = _prose(text)
            if len(prose.split()) >= _MIN_HANDBOOK_WORDS:
                yield Page(f"https://handbook.sample.example/{name}", _article(f"About {name}", prose))
        elif kind == "topic":
            yield Page(f"https://reference.sample.example/topics/{name.lower()}.html", _article(name, text))
        else:
            yield Page(f"https://packages.sample.example/project/{name}/", _article(name, _LINK.sub(r"\1", text)))


def _prose(text: str) -> str:
    """The paragraphs that are sentences: what a person would call text, without signatures, examples and tables."""
    blocks = (" ".join(block.split()) for block in re.split(r"\n\s*\n", _ADDRESS.sub("", text)))
    return "\n\n".join(dict.fromkeys(block for block in blocks if _is_prose(block)))


def _is_prose(block: str) -> bool:
    words = block.split()
    plain = sum(word.strip(",.;:()'\"").isalpha() for word in words)
    return block.endswith(".") and len(words) >= _MIN_PROSE_WORDS and plain >= _PLAIN_SHARE * len(words)


def _article(title: str, text: str) -> str:
    """Plain text as a page: one paragraph a block, with the furniture that web pages have."""
    blocks = [" ".join(block.split()) for block in re.split(r"\n\s*\n", _ADDRESS.sub("", text))]
    body = "\n".join(f"<p>{_escaped(block)}</p>" for block in blocks if block)
    return (
        f"<!doctype html><html lang='en'><head><title>{_escaped(title)}</title></head><body>"
        "<nav><ul><li><a href='/'>Home</a></li><li><a href='/index'>Index</a></li><li><a href='/search'>Search</a></li></ul></nav>"
        f"<main><article><h1>{_escaped(title)}</h1>\n{body}</article></main>"
        "<footer><p><a href='/about'>About</a> | <a href='/contact'>Contact</a></p></footer></body></html>"
    )


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
