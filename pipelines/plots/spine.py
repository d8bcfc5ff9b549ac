"""One municipality's rate and the make-up of its cases against the middle half of all municipalities.

What belongs here: this plot, and quartiles of what the tables show. What does not: any judgement: more is not worse, and
the words are lower, about the same and higher.
"""

from collections import Counter
from typing import Any, NamedTuple

import altair as alt
import polars as pl

from pipelines.plots import style
from pipelines.plots.published import SHOWN, municipal_cells, notes, own_row, shared
from pipelines.plots.rates import UNIT
from pipelines.plots.text import Scale
from pipelines.plots.words import counted, municipalities, not_shown, per_cent, rate_da
from schemas.fields import COMPARISONS, FIELDS
from schemas.labels_da import VALUES_DA
from schemas.tables import CASE_RATES, RELEASED_PROVIDER_TYPES, RELEASED_TARGET_GROUPS

_WORDS = {"lower": "lavere", "similar": "omtrent som de fleste", "higher": "højere"}
_BY_CHANCE = VALUES_DA[COMPARISONS]["similar"]
_GROUPS = {"target_group": "target_group_code", "provider_type": "provider_type"}
_FEWEST = 4  # of which one can lie below, two within and one above
_HEADINGS = {column: f"Andel af sagerne efter {FIELDS[name].label_da.lower()}" for column, name in _GROUPS.items()}
_LINE, _LEFT, _RIGHT, _EDGE = 15, 240, 172, 18


class Measure(NamedTuple):
    """One thing that is compared.

    Attributes:
        heading: what it is one of.
        label: what it is.
        own: the own figure; None where there is none to show.
        interval: its 95 % interval.
        why_not: why there is no own figure, in words; empty where there is one.
        others: the figures of all municipalities that have one to show.
        is_rate: whether it is a rate per 1,000; else a share.
    """

    heading: str
    label: str
    own: float | None
    interval: tuple[float, float] | None
    why_not: str
    others: tuple[float, ...]
    is_rate: bool

    @property
    def quartiles(self) -> tuple[float, float, float] | None:
        """Lower quartile, median and upper quartile; None where too few have a figure."""
        if len(self.others) < _FEWEST:
            return None
        figures = pl.Series(self.others)
        low, middle, high = (float(figures.quantile(at, "linear") or 0) for at in (0.25, 0.5, 0.75))
        return low, middle, high

    @property
    def word(self) -> str | None:
        """Whether the own figure is 'lower' than the middle half, 'similar' or 'higher'; None where that is not known."""
        if self.own is None or self.quartiles is None:
            return None
        low, _, high = self.quartiles
        return "lower" if self.own < low else "higher" if self.own > high else "similar"

    @property
    def may_be_chance(self) -> bool:
        """Whether the interval of a figure that is lower or higher reaches into the middle half."""
        if self.word in (None, "similar") or self.quartiles is None or self.interval is None:
            return False
        return self.interval[0] <= self.quartiles[2] and self.quartiles[0] <= self.interval[1]

    def shown(self, figure: float) -> str:
        """A figure as it is written."""
        return rate_da(figure) if self.is_rate else per_cent(figure)

    @property
    def own_words(self) -> str:
        """The own figure, and where it lies."""
        if self.own is None:
            return self.why_not
        return f"{self.shown(self.own)}{f', {_WORDS[self.word]}' if self.word else ''}"

    @property
    def middle_words(self) -> str:
        """The middle half."""
        if self.quartiles is None:
            return "for få kommuner at sammenligne med"
        low, _, high = (self.shown(quartile) for quartile in self.quartiles)
        return f"midterste halvdel {low} til {high} ({municipalities(len(self.others))})"


def spine(
    case_rates: pl.DataFrame,
    target_groups: pl.DataFrame,
    provider_types: pl.DataFrame,
    context: style.Context,
    own: str,
    width: int = style.WIDE,
) -> style.Plot:
    """A municipality's rate, and the shares of its target groups and provider types, against all municipalities.

    Shows, for each: the lowest to the highest municipality as a line, the middle half as a bar with its median, and the
    own figure as a diamond with its 95 % interval. A figure that is not shown is said in words. Lower and higher mean
    below and above the middle half, with a remark where the interval reaches into it.

    Args:
        case_rates: as released.
        target_groups: as released, shared by all.
        provider_types: as released, shared by all.
        context: of the release.
        own: the code of the municipality.
        width: in pixels.

    Raises:
        TableError: a frame is not as it is released.
        DisclosureError: a frame holds what not all may see.
        BotilbudError: the municipality takes no part.
    """
    rates = shared(case_rates, CASE_RATES)
    groups = municipal_cells(shared(target_groups, RELEASED_TARGET_GROUPS))
    providers = municipal_cells(shared(provider_types, RELEASED_PROVIDER_TYPES))
    row = own_row(rates, own)
    measures = [
        _rate(rates, row),
        *_shares(groups, own, _HEADINGS["target_group"]),
        *_shares(providers, own, _HEADINGS["provider_type"]),
    ]
    name, cells = str(row["municipality_name"]), pl.concat([groups, providers])
    below = [
        f"{UNIT} og andele af sagerne, {context.period_da}.",
        f"{municipalities(rates.height)}; {name} har {counted(row['cases'], 'sag', 'sager')}.",
        *_remarks(measures),
    ]
    said = style.Said(_title(name, measures), below, _alt(name, measures), notes(cells))
    views = [_key(name, width), _view(measures, width)]
    return style.picture("spine", said, views, context, _table(measures), width)


def _rate(rates: pl.DataFrame, row: dict[str, Any]) -> Measure:
    others = tuple(rates["rate_per_1000"].to_list())
    interval = row["ci95_lower"], row["ci95_upper"]
    return Measure(
        "Sager pr. 1.000 18-66-årige", "Alle sager", row["rate_per_1000"], interval, "", others, is_rate=True
    )


def _shares(cells: pl.DataFrame, own: str, heading: str) -> list[Measure]:
    """A measure per group of a breakdown, in its order."""
    measures = []
    for label in cells["group_da"].unique(maintain_order=True):
        of_group = cells.filter(pl.col("group_da") == label)
        others = tuple(of_group["share"].drop_nulls().to_list())
        cell = of_group.filter(pl.col("municipality_code") == own).to_dicts()
        share, status = (cell[0]["share"], cell[0]["value_status"]) if cell else (None, "not_reported")
        if share is None:
            measures.append(Measure(heading, label, None, None, _why_not(status), others, is_rate=False))
        else:
            interval = cell[0]["share_ci95_lower"], cell[0]["share_ci95_upper"]
            measures.append(Measure(heading, label, share, interval, "", others, is_rate=False))
    return measures


def _why_not(value_status: str) -> str:
    """Why there is no share: of no cases there is none, though the count is shown."""
    return "ingen sager" if value_status in SHOWN else not_shown(value_status)


def _title(name: str, measures: list[Measure]) -> str:
    words = Counter(measure.word for measure in measures if measure.word)
    if not words:
        return f"{name} har {measures[0].own_words} sager pr. 1.000 18-66-årige"
    if set(words) == {"similar"}:
        return f"{name} ligger som kommunernes midterste halvdel på alle {words.total()} mål"
    sides = " og ".join(f"{_WORDS[word]} på {words[word]}" for word in ("higher", "lower") if words[word])
    return f"{name} ligger {sides} af {words.total()} mål end kommunernes midterste halvdel"


def _remarks(measures: list[Measure]) -> list[str]:
    """How many differences may be chance, and what is not shown."""
    remarks = []
    differing = sum(measure.word in ("lower", "higher") for measure in measures)
    by_chance = sum(measure.may_be_chance for measure in measures)
    if differing:
        remarks.append(f"Forskelle, der kan være tilfældige: {by_chance} af {differing}.")
    missing = Counter(measure.why_not for measure in measures if measure.why_not)
    remarks += [f"{count} mål: {words}." for words, count in missing.items()]
    return remarks


def _alt(name: str, measures: list[Measure]) -> str:
    """What can be seen, from the same measures."""
    told = (
        f"{measure.label}: {measure.own_words}{f' ({_BY_CHANCE})' if measure.may_be_chance else ''}, "
        f"{measure.middle_words}"
        for measure in measures
    )
    return f"{name} sammenlignet med alle kommuner, en linje for hvert mål. {'; '.join(told)}."


def _table(measures: list[Measure]) -> pl.DataFrame:
    rows = [
        {
            "heading_da": measure.heading,
            "label_da": measure.label,
            "own": measure.own,
            "ci95_lower": measure.interval[0] if measure.interval else None,
            "ci95_upper": measure.interval[1] if measure.interval else None,
            "lower_quartile": measure.quartiles[0] if measure.quartiles else None,
            "median": measure.quartiles[1] if measure.quartiles else None,
            "upper_quartile": measure.quartiles[2] if measure.quartiles else None,
            "municipalities": len(measure.others),
            "comparison_da": _WORDS[measure.word] if measure.word else measure.why_not or measure.middle_words,
            "may_be_chance": measure.may_be_chance,
        }
        for measure in measures
    ]
    figures = ("own", "ci95_lower", "ci95_upper", "lower_quartile", "median", "upper_quartile")
    return pl.DataFrame(rows, schema_overrides=dict.fromkeys(figures, pl.Float64))


def _key(name: str, width: int) -> alt.LayerChart:
    entries = [
        style.KeyEntry(name, style.OWN_SHAPE, style.OWN, style.OWN),
        style.KeyEntry("95 %-interval", stroke=style.OWN, dash=style.SOLID),
        style.KeyEntry("midterste halvdel, med medianen", "square", style.BAR, style.BAR),
        style.KeyEntry("laveste til højeste kommune", stroke=style.BAR, dash=style.SOLID),
    ]
    return style.key(entries, width)


class _Layout(NamedTuple):
    """Where the parts of a measure lie, below the middle of its first line; texts as (x, y).

    Attributes:
        heading: room for a heading before the first measure under it.
        height: of a measure.
        start: where the line begins.
        end: where it ends.
        ticks: of the numbers over a line, below the middle of the heading.
        line: of the line.
        own: of the own figure in words.
        remark: of the remark on chance; None where it follows the own figure.
        middle: of the middle half in words.
    """

    heading: int
    height: int
    start: float
    end: float
    ticks: int
    line: int
    own: tuple[float, int]
    remark: tuple[float, int] | None
    middle: tuple[float, int]


def _layout(width: int) -> _Layout:
    """Label, line and words beside each other where there is room, else below each other."""
    room = style.inner(width)
    if width < style.WIDE:
        return _Layout(38, 74, _EDGE, room - _EDGE, _LINE, 18, (0, 36), None, (0, 36 + _LINE))
    right = room - _RIGHT
    return _Layout(24, 40, _LEFT, right - _EDGE, 0, 8, (right + _EDGE, 0), (right + _EDGE, _LINE), (0, _LINE))


class _Row(NamedTuple):
    """A measure, the middle of its first line, its scale, and the height of the heading over it, where there is one."""

    measure: Measure
    top: float
    scale: Scale
    heading: float | None


def _rows(measures: list[Measure], layout: _Layout) -> list[_Row]:
    rows: list[_Row] = []
    top = _LINE / 2
    for measure in measures:
        is_first = not rows or rows[-1].measure.heading != measure.heading
        heading = top if is_first else None
        top += layout.heading if is_first else 0
        highest = max(*measure.others, measure.own or 0, 0.1) if measure.is_rate else 1
        rows.append(_Row(measure, top, Scale(0, highest, layout.start, layout.end), heading))
        top += layout.height
    return rows


def _view(measures: list[Measure], width: int) -> alt.LayerChart:
    layout = _layout(width)
    rows = _rows(measures, layout)
    layers = [*_lines(rows, layout), *_headings(rows, layout), *_words(rows, layout)]
    return style.view(layers, width, rows[-1].top + layout.height - _LINE)


def _headings(rows: list[_Row], layout: _Layout) -> list[alt.Chart]:
    """The headings, with the numbers that the lines below them begin and end at."""
    headings, ticks = [], []
    for row in rows:
        if row.heading is not None:
            headings.append({"x": 0, "y": row.heading, "text": row.measure.heading})
            steps = (0, row.scale.high) if row.measure.is_rate else (0, 0.5, 1)
            ticks += [
                {"x": row.scale.pixel(step), "y": row.heading + layout.ticks, "text": row.measure.shown(step)}
                for step in steps
            ]
    return [style.texts(headings, bold=True), style.texts(ticks, "center", size=style.SMALL, colour=style.GREY)]


def _words(rows: list[_Row], layout: _Layout) -> list[alt.Chart]:
    plain, small = [], []
    for measure, top, _, _ in rows:
        remark = _BY_CHANCE if measure.may_be_chance else ""
        follows = f"; {remark}" if remark and not layout.remark else ""
        plain.append({"x": 0, "y": top, "text": measure.label})
        plain.append({"x": layout.own[0], "y": top + layout.own[1], "text": measure.own_words + follows})
        small.append({"x": layout.middle[0], "y": top + layout.middle[1], "text": measure.middle_words})
        if remark and layout.remark:
            small.append({"x": layout.remark[0], "y": top + layout.remark[1], "text": remark})
    return [style.texts(plain), style.texts(small, size=style.SMALL, colour=style.GREY)]


def _lines(rows: list[_Row], layout: _Layout) -> list[alt.Chart]:
    """All municipalities, their middle half and median, and the own figure with its interval, one over the other."""
    spans, halves, medians, intervals, own = [], [], [], [], []
    for measure, top, scale, _ in rows:
        y = top + layout.line
        if measure.others:
            ends = {"x": scale.pixel(min(measure.others)), "x2": scale.pixel(max(measure.others))}
            spans.append(ends | {"y": y - 1.5, "y2": y + 1.5})
        if measure.quartiles:
            low, median, high = (scale.pixel(quartile) for quartile in measure.quartiles)
            halves.append({"x": low, "x2": high, "y": y - 5, "y2": y + 5})
            medians.append({"x": median, "y": y - 5, "y2": y + 5})
        if measure.own is not None and measure.interval:
            low, high = (scale.pixel(min(limit, scale.high)) for limit in measure.interval)
            intervals.append({"x": low, "x2": high, "y": y})
            own.append({"x": scale.pixel(measure.own), "y": y})
    return [
        style.boxes(spans, style.BAR),
        style.boxes(halves, style.BAR),
        style.at_pixels(style.data(medians).mark_rule(color=style.INK, strokeWidth=1.5), alt.Y2("y2:Q")),
        style.rules(intervals, style.OWN),
        style.at_pixels(
            style.data(own).mark_point(shape=style.OWN_SHAPE, fill=style.OWN, stroke="white", opacity=1, size=120)
        ),
    ]
