"""What a plot takes: tables as they stand in a release's shared folder, with nothing in a cell that is not shown.

What belongs here: refusing everything else. What does not: hiding anything, which was done long before.
"""

import weakref
from typing import Any

import polars as pl

from pipelines.benchmark.measures import FIGURES
from pipelines.plots.words import capitalised
from schemas.errors import BotilbudError, DisclosureError, TableError, named_codes
from schemas.fields import VALUE_STATUSES
from schemas.labels_da import VALUES_DA
from schemas.questionnaire import load_catalogue
from schemas.rounds import find_round
from schemas.tables import Table, failures

SHOWN = ("published", "rounded")
# Frames that were found to be as released, by where they are in memory: a hundred reports show the same ones, and looking
# at them again would be a third of the time. A frame is never changed in place.
_SOUND: dict[tuple[int, str], weakref.ref[pl.DataFrame]] = {}
ROLLUPS = {"target_group": "main_target_group", "provider_type": "provider_type"}


def published(frame: pl.DataFrame, table: Table) -> pl.DataFrame:
    """The frame, if it is the table as released; an exact breakdown lacks the column `figures_from_release`.

    Raises:
        TableError: the frame breaks the table's schema.
        DisclosureError: a row that is not shown holds a figure; the message counts such rows.
    """
    place = id(frame), table.name
    known = _SOUND.get(place)
    if known is not None and known() is frame:
        return frame
    if faults := failures(frame, table):
        read_it = "Read it from a release's folder"
        raise TableError(f"{table.name} is not as it is released: {faults}. {read_it}")
    if "value_status" in frame.columns:
        has_figure = pl.any_horizontal(pl.col(*FIGURES).is_not_null())
        _refuse(frame.filter(has_figure & ~pl.col("value_status").is_in(SHOWN)), table)
    _SOUND[place] = weakref.ref(frame, lambda _: _SOUND.pop(place, None))
    return frame


def shared(frame: pl.DataFrame, table: Table) -> pl.DataFrame:
    """The frame, if it is the table as released to all: not one of a municipality's own folder.

    Refused is what the round does not show to all: an exact row of a single municipality where those are rounded, and an
    exact small count.

    Raises:
        TableError: the frame breaks the table's schema.
        DisclosureError: it holds what is not shown to all; the message counts such rows.
    """
    published(frame, table)
    if "value_status" in frame.columns and not frame.is_empty():
        round_ = find_round(frame["round"][0])
        is_municipal = pl.col("area_type") == "municipality"
        is_small = (pl.col("cases") < round_.disclosure_threshold) & (is_municipal | (pl.col("cases") > 0))
        must_be_rounded = is_municipal & (round_.disclosure_method == "rounding")
        _refuse(frame.filter((pl.col("value_status") == "published") & (is_small | must_be_rounded)), table)
    return frame


def _refuse(exposed: pl.DataFrame, table: Table) -> None:
    if exposed.height:
        raise DisclosureError(
            f"{table.name} has {exposed.height} rows with figures that not all may see: nothing is made of it"
        )


def municipal_cells(breakdown: pl.DataFrame) -> pl.DataFrame:
    """The cells of single municipalities in a breakdown by main target group or provider type.

    Grain: municipality x group, in the breakdown's order.
    Columns: municipality_code, municipality_name, group (code), group_da, cases, share, share_ci95_lower,
    share_ci95_upper, value_status, rounding_base, figures_from_release.
    """
    group = next(column for column in ROLLUPS if column in breakdown.columns)
    rows = breakdown.filter(pl.col("area_type") == "municipality")
    if "target_group_level" in rows.columns:
        rows = rows.filter(pl.col("target_group_level") == "main")
    return rows.select(
        pl.col("area_code").alias("municipality_code"),
        pl.col("area_name").alias("municipality_name"),
        pl.col(group).alias("group"),
        pl.col(group).replace_strict(_labels(breakdown, ROLLUPS[group]), return_dtype=pl.String).alias("group_da"),
        "cases",
        "share",
        "share_ci95_lower",
        "share_ci95_upper",
        "value_status",
        "rounding_base",
        "figures_from_release",
    )


def notes(cells: pl.DataFrame) -> list[str]:
    """What must be known of cells as `municipal_cells` makes them: rounding, what hidden means, an earlier release."""
    bases = cells["rounding_base"].drop_nulls().unique().sort()
    earlier = cells["figures_from_release"].drop_nulls().unique().sort()
    hidden = cells.filter(pl.col("value_status") == "suppressed")
    return [
        *(
            f"Fordelingernes tal er afrundet til et multiplum af {base}. Andelene følger af de afrundede tal og giver ikke "
            "altid 100 % tilsammen."
            for base in bases
        ),
        *([f"{capitalised(VALUES_DA[VALUE_STATUSES]['suppressed'])}."] if hidden.height else []),
        *(f"Fordelingernes tal er fra udgivelse {release}." for release in earlier),
    ]


def _labels(breakdown: pl.DataFrame, rollup: str) -> dict[str, str]:
    """The Danish labels of a roll-up's groups by code, as the round's form has them."""
    if breakdown.is_empty():
        return {}
    catalogue = load_catalogue(find_round(breakdown["round"][0]).questionnaire)
    groups = next(found.groups for found in catalogue.rollups if found.key == rollup)
    return {group.code: group.label_da for group in groups}


def own_row(case_rates: pl.DataFrame, own: str) -> dict[str, Any]:
    """The municipality's row.

    Raises:
        BotilbudError: the municipality takes no part.
    """
    rows = case_rates.filter(pl.col("municipality_code") == own)
    if rows.is_empty():
        raise BotilbudError(f"Municipality {named_codes([own])} takes no part in the round: there is nothing to plot")
    return rows.row(0, named=True)
