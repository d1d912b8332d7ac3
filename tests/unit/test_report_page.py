"""The report's page without Spark: sections are found, what varies is escaped, and charts stand where numbers say."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from orchestration.report_page import page
from orchestration.report_page.charts import LEFT, RIGHT, WIDTH, axis_of, chart
from orchestration.report_page.section import Section
from orchestration.report_page.sections import texts
from orchestration.report_page.words import percent, short
from orchestration.terminal_plot import plot
from spark_jobs.analysis.distribution import Bin
from spark_jobs.analysis.grid import cell_of
from spark_jobs.analysis.histogram import Histogram, histogram
from spark_jobs.lake.records import Publication

NASTY = '</style><script>alert(1)</script><img src="http://a.example/x">'


def rendered(monkeypatch: pytest.MonkeyPatch, *sections: Section, examples: int = 0) -> str:
    publication = Publication("cleaned", NASTY, 1, datetime(2026, 1, 1, tzinfo=UTC), {"publication": "p"})
    monkeypatch.setattr(page, "find_sections", lambda: sections)
    monkeypatch.setattr(page, "stored_of", lambda _lake, _publication: None)
    return page.render(SimpleNamespace(), publication, examples=examples)  # type: ignore[arg-type]


def test_sections_are_found_in_order_with_anchors_of_their_own() -> None:
    found = page.find_sections()
    assert [section.id for section in found][:3] == ["overview", "reasons", "overlap"]
    assert len({section.id for section in found}) == len({section.place for section in found}) == len(found)


def test_a_further_section_is_shown_and_one_that_has_nothing_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    more = Section(
        id="clusters", title="Clusters", place=80, gather=lambda _: {"n": 1234}, template="<i>{{ n | count }}</i>"
    )
    none = Section(id="none", title="None", place=81, gather=lambda _: None, template="{{ never }}")
    text = rendered(monkeypatch, more, none)
    assert '<section id="clusters"' in text
    assert "<i>1,234</i>" in text
    assert 'href="#clusters"' in text
    assert 'id="none"' not in text


def test_what_documents_and_names_say_is_never_markup(monkeypatch: pytest.MonkeyPatch) -> None:
    row = {
        "doc_id": NASTY,
        "url": NASTY,
        "language": NASTY,
        "text": NASTY + "\x00\u202e",
        "chars": 9,
        "reasons": [NASTY],
    }
    monkeypatch.setattr(texts, "examples", lambda *_words, **_keys: [row])
    text = rendered(monkeypatch, texts.SECTION, examples=1)
    assert text.count("alert(1)") == 2 * 5 + 2, "five values in two groups, and the snapshot twice"
    assert "<script" not in text
    assert "<img" not in text
    assert text.count("</style>") == 1


def test_texts_are_not_read_unless_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "examples", lambda *_words, **_keys: pytest.fail("texts were read"))
    assert 'id="examples"' not in rendered(monkeypatch, texts.SECTION)


def drawn(*values: float, bounds: tuple[float, ...] = ()) -> Histogram:
    made = histogram([Bin(cell_of(value), 0, True, 1, 0) for value in values], bounds)
    assert made is not None
    return made


@pytest.mark.parametrize(
    ("values", "bound"),
    [((0.0, 0.1, 0.9), 0.3), ((3.0, 70.0, 9_000.0), 50.0), ((0.0, 2.0, 8.0), 2.0), ((1.5, 4.8, 5.1), 10.0),
     ((-7.0, 0.0, 300.0), 12.0), ((0.0, 7.0), 1e5)],
)  # fmt: skip
def test_a_threshold_stands_between_the_bars_below_and_above_it(values: tuple[float, ...], bound: float) -> None:
    made = drawn(*values, bounds=(bound,))
    shown = chart(made, [(bound, "x")])
    (line,) = shown.lines
    assert LEFT <= line.x <= WIDTH - RIGHT
    axis = axis_of(made)
    for bar in made.bars:
        if bar.high <= bound:
            assert axis.at(bar.low) <= line.x
        if bar.low >= bound:
            assert axis.at(bar.low) >= line.x - 0.01
    for column in shown.columns:
        assert column.kept_height >= 0
        assert column.dropped_height >= 0
        assert 0 <= column.x <= WIDTH
    assert all(LEFT - 0.01 <= tick.x <= WIDTH - RIGHT + 0.01 for tick in shown.ticks)


def test_a_bar_that_towers_is_cut_and_says_its_height() -> None:
    bins = [
        Bin(cell_of(0.0), 0, True, 90_000, 0),
        Bin(cell_of(0.5), 0, False, 20, 0),
        Bin(cell_of(0.7), 0, True, 30, 0),
    ]
    made = histogram(bins)
    assert made is not None
    columns = chart(made, []).columns
    assert [column.cut for column in columns] == ["90k", "", ""]
    assert columns[0].title.endswith("90,000 kept, 0 dropped")
    assert max(c.kept_height + c.dropped_height for c in columns) == columns[0].kept_height


def test_numbers_read_well() -> None:
    assert [short(v) for v in (0, 0.07, 999, 1_000, 12_345, 3_995_039, 2e9, 5e15)] == [
        "0", "0.07", "999", "1k", "12.3k", "4M", "2G", "5000T",
    ]  # fmt: skip
    assert [percent(v) for v in (0, 0.0001, 0.114, 1)] == ["0.0%", "<0.1%", "11.4%", "100.0%"]


def test_a_plot_is_as_high_as_its_points_and_marks_the_published_one() -> None:
    lines = plot([(10.0, 0.5), (50.0, 0.25), (90.0, 0.0)], mark=50.0)
    assert lines[0].endswith("┤██")
    assert sum(line.count("██") for line in lines) == 10 + 5
    assert lines[-1].index("^") == lines[0].index("┤") + 1 + 3
    assert lines[-2].split() == ["10", "90"]
    assert "nothing to draw" in plot([])[0]
    assert plot([(1.0, 0.0)])
