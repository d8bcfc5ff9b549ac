"""Municipality by group: how the cases of each are spread, as a table whose cells are the darker the larger the share.

What belongs here: this plot. What does not: hiding and rounding, which the table has behind it.
"""

from collections import Counter
from string import ascii_uppercase
from typing import Any

import altair as alt
import polars as pl

from pipelines.danish import joined
from pipelines.plots import style
from pipelines.plots.published import SHOWN, municipal_cells, notes, shared
from pipelines.plots.text import text_width, wrapped
from pipelines.plots.words import NO_PARTICIPANTS, capitalised, municipalities, not_shown, per_cent
from schemas.tables import RELEASED_PROVIDER_TYPES, RELEASED_TARGET_GROUPS

_ROW, _LINE, _GAP, _BETWEEN = 17, 14, 8, 1.5
_ROOM_FOR_SHARES = 64
# White for no case, and at most so dark for all of them that black text stays legible.
_LIGHTEST, _DARKEST = (255, 255, 255), (140, 175, 208)
_UNIT = "Medregnede sager og deres andel af kommunens sager efter"
# By whether the breakdown is by target group.
_KINDS = {True: (RELEASED_TARGET_GROUPS, "målgruppe"), False: (RELEASED_PROVIDER_TYPES, "leverandørtype")}


def heat_table(
    breakdown: pl.DataFrame, context: style.Context, own: str | None = None, width: int = style.WIDE
) -> style.Plot:
    """The counts of every municipality by main target group or provider type, with their shares.

    Shows: a row per municipality, those first that have the largest share of the group that is the largest in most; in
    each cell the count and the share as they are shared. A cell that is not shown says so in words and has no colour.

    Args:
        breakdown: target_groups or provider_types as released, shared by all.
        context: of the release.
        own: the code of the municipality that is marked; one that takes no part is not.
        width: in pixels.

    Raises:
        TableError: the frame is not as it is released.
        DisclosureError: a frame holds what not all may see.
    """
    released, kind = _KINDS["target_group" in breakdown.columns]
    cells = municipal_cells(shared(breakdown, released))
    name, number = f"heat_table_{released.name}", cells["municipality_code"].n_unique()
    below = [f"{_UNIT} {kind}, {context.period_da}. {municipalities(number)}."]
    if cells.is_empty():
        said = style.Said(NO_PARTICIPANTS, below, f"{NO_PARTICIPANTS}.")
        return style.picture(name, said, [], context, cells, width)
    largest = _largest(cells)
    ordered = _ordered(cells, largest)
    below += ["Jo mørkere felt, jo større andel.", *_missing(cells)]
    said = style.Said(_title(cells, largest, kind), below, _alt(cells, largest, kind), notes(cells))
    return style.picture(name, said, _views(ordered, own, width), context, ordered, width)


def _whole(cells: pl.DataFrame) -> pl.DataFrame:
    """The cells of municipalities of which every cell is shown: of others nobody knows which group is the largest."""
    return cells.filter(pl.col("value_status").is_in(SHOWN).all().over("municipality_code"))


def _largest(cells: pl.DataFrame) -> list[tuple[str, int]]:
    """In how many municipalities each group is the largest, by itself and with all cells shown; most first."""
    of_municipality = pl.col("cases").max().over("municipality_code")
    leaders = _whole(cells).filter((pl.col("cases") == of_municipality) & (pl.col("cases") > 0))
    alone = leaders.filter(pl.len().over("municipality_code") == 1)
    counts = {group: alone.filter(pl.col("group_da") == group).height for group in _groups(cells)}
    return sorted(((group, count) for group, count in counts.items() if count), key=lambda found: -found[1])


def _groups(cells: pl.DataFrame) -> list[str]:
    return cells["group_da"].unique(maintain_order=True).to_list()


def _ordered(cells: pl.DataFrame, largest: list[tuple[str, int]]) -> pl.DataFrame:
    first = largest[0][0] if largest else _groups(cells)[0]
    of_first = (pl.col(name).filter(pl.col("group_da") == first).first() for name in ("share", "cases"))
    share, cases = (figure.over("municipality_code") for figure in of_first)
    return (
        cells.with_row_index("_row")
        .with_columns(_share=share, _cases=cases)
        .sort("_share", "_cases", "municipality_code", "_row", descending=[True, True, False, False], nulls_last=True)
        .drop("_row", "_share", "_cases")
    )


def _title(cells: pl.DataFrame, largest: list[tuple[str, int]], kind: str) -> str:
    number, whole = (frame["municipality_code"].n_unique() for frame in (cells, _whole(cells)))
    if not whole:
        return f"Fordelingen efter {kind} er ikke vist i sin helhed for nogen af {municipalities(number)}"
    of_all = municipalities(number) if whole == number else f"de {whole} kommuner, der har alle felter vist"
    if not largest:
        return f"Ingen {kind} er alene størst hos nogen af {of_all}"
    most = largest[0][1]
    first = [group for group, count in largest if count == most]
    if len(first) > 1:
        return f"{joined(first)} er hver størst hos {most} af {of_all}"
    return f"{capitalised(kind)}n {first[0]} er størst hos {most} af {of_all}"


def _missing(cells: pl.DataFrame) -> list[str]:
    """How many cells are not shown, by why."""
    counts = Counter(status for status in cells["value_status"] if status not in SHOWN)
    return [f"{count} af {cells.height} felter: {not_shown(status)}." for status, count in sorted(counts.items())]


def _alt(cells: pl.DataFrame, largest: list[tuple[str, int]], kind: str) -> str:
    """What can be seen, from the same cells."""
    number = municipalities(cells["municipality_code"].n_unique())
    told = [f"{group} er størst hos {municipalities(count)}" for group, count in largest]
    return " ".join(
        [
            f"Tabel med {number} og {len(_groups(cells))} grupper efter {kind}, farvet efter andel.",
            *([f"{'; '.join(told)}."] if told else []),
            *_missing(cells),
        ]
    )


def _views(cells: pl.DataFrame, own: str | None, width: int) -> list[alt.LayerChart]:
    """The table, under a key to its columns where their names have no room over them."""
    groups = _groups(cells)
    names = max(text_width(name, bold=True) for name in cells["municipality_name"])
    column = (style.inner(width) - names - _GAP) / len(groups)
    room = column - _GAP
    fits = all(text_width(word, bold=True) <= room for group in groups for word in group.split())
    letters = dict(zip(groups, ascii_uppercase, strict=False))
    key = [] if fits else [style.lines([f"{letters[group]}: {group}" for group in groups], width)]
    heads = [wrapped(group, room, bold=True) if fits else [letters[group]] for group in groups]
    return [*key, _view(cells, own, heads, names + _GAP, width)]


def _view(cells: pl.DataFrame, own: str | None, heads: list[list[str]], left: float, width: int) -> alt.LayerChart:
    column = (style.inner(width) - left) / len(heads)
    top = _LINE * max(len(head) for head in heads) + 4
    head_rows = [
        {"x": left + column * (n + 0.5), "y": top - 4 - _LINE * (len(head) - line - 0.5), "text": text}
        for n, head in enumerate(heads)
        for line, text in enumerate(head)
    ]
    rows = [_cell(cell, n, len(heads), top, left, column) for n, cell in enumerate(cells.iter_rows(named=True))]
    shown = [row for row in rows if row["fill"]]
    fills = style.at_pixels(
        style.data(shown).mark_rect(), style.as_given(alt.Fill, "fill"), alt.X2("x2:Q"), alt.Y2("y2:Q")
    )
    layers = [fills, style.texts(head_rows, "center", bold=True)]
    names = [
        {"code": row["municipality_code"], "x": 0, "y": row["middle"], "text": row["municipality_name"]}
        for row in rows[:: len(heads)]
    ]
    layers.append(style.texts([name for name in names if name["code"] != own]))
    layers.append(style.texts([name for name in names if name["code"] == own], bold=True))
    layers.append(_frame([row for row in rows if row["municipality_code"] == own]))
    ends = column / 2 + max(text_width(row["text"]) for row in rows) / 2
    layers.append(style.texts([{**row, "x": row["x"] + ends, "y": row["middle"]} for row in shown], "right"))
    words = [{**row, "x": row["x"] + column / 2, "y": row["middle"]} for row in rows if not row["fill"]]
    layers.append(style.texts(words, "center", colour=style.GREY))
    return style.view(layers, width, top + _ROW * len(names))


def _frame(cells: list[dict[str, Any]]) -> alt.Chart:
    """A line around the own cells."""
    frame = style.data(cells[:1] and [{**cells[0], "x2": cells[-1]["x2"]}])
    mark = frame.mark_rect(fillOpacity=0, stroke=style.INK, strokeWidth=1.5)
    return style.at_pixels(mark, alt.X2("x2:Q"), alt.Y2("y2:Q"))


def _cell(cell: dict[str, Any], position: int, columns: int, top: float, left: float, column: float) -> dict[str, Any]:
    """A cell's text, place and colour; no colour where it is not shown."""
    line, place = divmod(position, columns)
    is_shown = cell["value_status"] in SHOWN
    share = cell["share"]
    of_all = f" ({per_cent(share)})" if share is not None and column >= _ROOM_FOR_SHARES else ""
    return {
        "municipality_code": cell["municipality_code"],
        "municipality_name": cell["municipality_name"],
        "text": f"{cell['cases']}{of_all}" if is_shown else not_shown(cell["value_status"]),
        "fill": _colour(share or 0) if is_shown else "",
        "x": left + column * place,
        "x2": left + column * (place + 1) - _BETWEEN,
        "y": top + _ROW * line,
        "y2": top + _ROW * (line + 1) - _BETWEEN,
        "middle": top + _ROW * (line + 0.5) - _BETWEEN / 2,
    }


def _colour(share: float) -> str:
    """From white to the darkest."""
    parts = (round(light + (dark - light) * share) for light, dark in zip(_LIGHTEST, _DARKEST, strict=True))
    return "#" + "".join(f"{part:02x}" for part in parts)
