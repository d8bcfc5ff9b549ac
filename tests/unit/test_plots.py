"""Plots as files: the same bytes for the same tables, sound and self-contained SVG, and nothing in them that is hidden."""

import re
import struct
import subprocess
import sys
import xml.etree.ElementTree as ET
from hashlib import sha256
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.danish import decimal, joined
from pipelines.plots.funnel import funnel
from pipelines.plots.heat_table import heat_table
from pipelines.plots.ranked_dots import ranked_dots
from pipelines.plots.small_multiples import small_multiples
from pipelines.plots.spine import spine
from pipelines.plots.style import NARROW, WIDE
from pipelines.plots.text import Anchor, Box, placed, text_width, wrapped
from pipelines.plots.words import named, not_shown, per_cent
from schemas.errors import DisclosureError, TableError
from schemas.fields import VALUE_STATUSES
from tests.golden import plots_scenario as scenario
from tests.golden.plots_scenario import CONTEXT
from tests.unit.ingest_scenario import property_test

pytestmark = pytest.mark.slow

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = '<script>alert("&")</script>'
SECRET = 7_331
OWN = "102"
RATES = scenario.case_rates(
    (HOSTILE, 40, 10_000),
    ("Ishøj", 14, 14_000),
    ("Fanø", 0, 1_700),
    ("Ringkøbing-Skjern", 6, 33_000),
    ("Ærø", 2, 3_200),
)
GROUPS = scenario.target_groups(
    (HOSTILE, 40, (30, 9, None, 3)),
    ("Ishøj", 14, (12, None, 0, 0)),
    ("Fanø", 0, (0, 0, 0, 0)),
    ("Ringkøbing-Skjern", 6, (None, None, None, None)),
    ("Ærø", 2, (3, 0, 0, 0)),
)
PROVIDERS = scenario.provider_types((HOSTILE, 40, (30, 9, 0)), ("Ishøj", 14, (6, 6, None)))
HIDDEN = pl.col("value_status") == "suppressed"


def funnel_and_heat_table():
    return [funnel(RATES, scenario.limits(RATES), CONTEXT, OWN), heat_table(GROUPS, CONTEXT, OWN)]


def drawn(width=WIDE):
    averages = scenario.averages(RATES)
    return [
        ranked_dots(RATES, averages, CONTEXT, OWN, width),
        funnel(RATES, scenario.limits(RATES), CONTEXT, OWN, width),
        spine(RATES, GROUPS, PROVIDERS, CONTEXT, OWN, width),
        heat_table(GROUPS, CONTEXT, OWN, width),
        heat_table(PROVIDERS, CONTEXT, None, width),
        small_multiples(RATES, averages, CONTEXT, "region", OWN, width),
    ]


def parsed(plot):
    return ET.fromstring(plot.svg)  # noqa: S314 - our own


def digests(found):
    return [sha256(plot.svg).hexdigest() for plot in found]


@pytest.fixture(scope="module")
def plots():
    return {width: drawn(width) for width in (WIDE, NARROW)}


@pytest.fixture(scope="module")
def all_plots(plots):
    return [plot for found in plots.values() for plot in found]


def test_the_same_tables_give_the_same_bytes_again_and_in_another_process(plots):
    first = digests([plots[WIDE][1], plots[WIDE][3]])
    assert digests(funnel_and_heat_table()) == first
    code = "from tests.unit import test_plots as t; print(*t.digests(t.funnel_and_heat_table()))"
    root = Path(__file__).parents[2]
    elsewhere = subprocess.run([sys.executable, "-c", code], cwd=root, check=True, capture_output=True, text=True)
    assert elsewhere.stdout.split() == first


def test_a_picture_is_as_wide_as_it_was_asked_to_be(plots):
    widths = {width: {parsed(plot).get("width") for plot in found} for width, found in plots.items()}
    assert widths == {WIDE: {str(WIDE)}, NARROW: {str(NARROW)}}


def test_the_png_has_two_pixels_for_each_of_the_drawing(plots):
    png = plots[NARROW][1].png
    assert png.startswith(b"\x89PNG")
    assert struct.unpack(">I", png[16:20]) == (2 * NARROW,)
    assert png == plots[NARROW][1].png


def test_every_svg_has_its_title_and_description_and_names_them(all_plots):
    for plot in all_plots:
        root = parsed(plot)
        title, description = root[0], root[1]
        assert (title.tag, title.text) == (f"{SVG}title", plot.title_da)
        assert (description.tag, description.text) == (f"{SVG}desc", plot.alt_da)
        assert root.get("role") == "img"
        assert root.get("aria-labelledby").split() == [title.get("id"), description.get("id")]
    assert len({parsed(plot)[0].get("id") for plot in all_plots}) == len(all_plots)


def test_an_svg_runs_nothing_and_points_nowhere(all_plots):
    for plot in all_plots:
        text = plot.svg.decode()
        tags = {element.tag.removeprefix(SVG) for element in parsed(plot).iter()}
        assert tags <= {"svg", "title", "desc", "g", "rect", "path", "line", "text", "tspan"}
        assert "http" not in re.sub(r' xmlns(:xlink)?="[^"]*"', "", text)
        assert "href" not in text
        assert "url(" not in text  # Vega numbers its clip paths on from drawing to drawing


def test_names_are_text_whatever_they_hold(all_plots):
    for plot in all_plots:
        if HOSTILE in plot.table.get_column("municipality_name", default=pl.Series([""])).to_list():
            assert HOSTILE in "".join(parsed(plot).itertext())


def test_every_plot_says_source_release_and_period(all_plots):
    for plot in all_plots:
        said = " ".join(parsed(plot).itertext())
        assert CONTEXT.source_da in said
        assert CONTEXT.release in said
        assert CONTEXT.period_da.split()[-1] in said


def test_the_own_municipality_is_a_diamond_of_its_own_colour(plots):
    for plot in [*plots[WIDE][:3], plots[WIDE][5]]:
        assert "#0b4a7a" in plot.svg.decode()


@pytest.mark.parametrize("figure", ["cases", "share", "rate_per_1000", "ci95_upper"])
def test_a_figure_in_a_suppressed_row_is_refused_and_not_told(figure):
    leaking = GROUPS.with_columns(
        pl.when(HIDDEN).then(pl.lit(SECRET)).otherwise(figure).cast(GROUPS[figure].dtype).alias(figure)
    )
    if figure == "share":
        leaking = GROUPS.with_columns(pl.when(HIDDEN).then(pl.lit(0.7331)).otherwise("share").alias("share"))
    for draw in (
        lambda: heat_table(leaking, CONTEXT),
        lambda: spine(RATES, leaking, PROVIDERS, CONTEXT, OWN),
    ):
        with pytest.raises(DisclosureError, match="target_groups has 6 rows") as refused:
            draw()
        assert "7331" not in str(refused.value)


def test_an_exact_table_is_refused():
    exact = GROUPS.drop("figures_from_release")
    with pytest.raises(TableError, match="target_groups is not as it is released"):
        heat_table(exact, CONTEXT)


def test_a_municipalitys_own_table_is_refused():
    own = PROVIDERS.with_columns(
        pl.when(HIDDEN).then("value_status").otherwise(pl.lit("published")).alias("value_status"),
        pl.lit(None, pl.Int64).alias("rounding_base"),
    )
    with pytest.raises(DisclosureError, match="provider_types has 5 rows"):
        heat_table(own, CONTEXT)


def test_an_exact_small_count_of_an_area_is_refused():
    area = PROVIDERS.with_columns(
        area_type=pl.lit("region"), value_status=pl.lit("published"), cases=pl.lit(4, pl.Int64)
    )
    with pytest.raises(DisclosureError, match="provider_types has 6 rows"):
        heat_table(area, CONTEXT)


def test_a_hidden_count_is_in_no_picture(plots):
    # Had the row of Ringkøbing-Skjern been 6, 0, 0, 0, its share would be told as 100 %.
    row = plots[WIDE][3].table.filter(pl.col("municipality_name") == "Ringkøbing-Skjern")
    assert row.select("cases", "share").null_count().row(0) == (4, 4)
    assert plots[WIDE][3].svg.decode().count(">skjult<") == GROUPS.filter(HIDDEN).height


@pytest.mark.parametrize(
    ("number", "decimals", "shown"), [(1_234.5, 2, "1.234,50"), (0.125, 2, "0,13"), (0.005, 2, "0,01"), (2, 0, "2")]
)
def test_numbers_are_danish_and_halves_go_up(number, decimals, shown):
    assert decimal(number, decimals) == shown


def test_shares_are_whole_per_cent():
    assert per_cent(3 / 14) == "21 %"


def test_names_are_joined_and_counted_where_they_are_many():
    assert joined(["a", "b", "c"]) == "a, b og c"
    assert named(["Ærø", "Fanø"]) == "Ærø og Fanø"
    assert named(["Ærø", "Fanø", "Læsø"]) == "3 kommuner"


def test_every_status_without_a_figure_has_words_for_a_cell():
    assert {status: not_shown(status) for status in VALUE_STATUSES[2:]} == {
        "suppressed": "skjult",
        "not_reported": "ikke indberettet",
        "not_applicable": "giver ikke mening her",
    }


def test_a_line_breaks_neither_before_nor_after_a_number_but_between_sentences():
    assert wrapped("højst 3,0 uden for 95 % her", 1) == ["højst 3,0 uden", "for 95 %", "her"]
    assert wrapped("i 2022. 59 kommuner", 1) == ["i 2022.", "59 kommuner"]


@property_test
@given(text=st.text(st.sampled_from("abæøå 1,%W-"), min_size=1), width=st.integers(40, 400))
def test_lines_are_as_wide_as_they_may_be_and_lose_nothing(text, width):
    lines = wrapped(text, width)
    assert " ".join(lines) == text
    whole = wrapped(text, 10**6)
    assert whole == [text] or re.search("[0-9][.] ", text)
    assert all(text_width(line) <= width or len(wrapped(line, 1)) == 1 for line in lines)


@property_test
@given(points=st.lists(st.tuples(st.integers(0, 300), st.integers(0, 200)), min_size=1, max_size=8))
def test_labels_stand_within_the_room_and_lead_to_their_own_point(points):
    anchors = [Anchor(x, y, f"Navn {n}", bold=False) for n, (x, y) in enumerate(points)]
    boxes = [Box(x - 5, y - 5, x + 5, y + 5) for x, y in points]
    labels = placed(anchors, boxes, [], Box(0, 0, 300, 200))
    assert [label.anchor for label in labels] == anchors
    for label in labels:
        half = text_width(label.anchor.text) / 2
        assert half <= label.x <= 300 - half
        assert 0 <= label.y <= 200


def test_two_labels_that_would_cover_each_other_move_apart():
    anchors = [Anchor(100, 100, "Kalundborg", bold=False), Anchor(103, 101, "Hjørring", bold=True)]
    first, second = placed(anchors, [], [], Box(0, 0, 300, 200))
    assert (
        abs(first.y - second.y) >= 13
        or abs(first.x - second.x) >= (text_width("Kalundborg") + text_width("Hjørring")) / 2
    )
