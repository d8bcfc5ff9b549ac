"""What initiatives were estimated to save, beside what they did.

What belongs here: effects of a year, subtotals and the total. What does not: the grants' cost itself (`full_year_cases`).
"""

import polars as pl

from pipelines.management_information.full_year_cases import Grants
from pipelines.management_information.kroner import whole_kroner
from pipelines.management_information.parts import MONTHS, active_parts, calendar_of, in_year, parts_between
from schemas.fields import INITIATIVE_LEVELS
from schemas.management_tables import INITIATIVE_EFFECTS
from schemas.service_areas import ALL, groups, service_areas
from schemas.years import FullYearMethod

_INITIATIVE, _SUBTOTAL, _TOTAL = INITIATIVE_LEVELS
_KEY = ("municipality_code", "initiative")
_EFFECTS = ("estimated_effect_dkk", "realised_effect_dkk", "realised_from_grants_dkk")


def initiative_effects(initiatives: pl.DataFrame, grants: Grants, year: int, method: FullYearMethod) -> pl.DataFrame:
    """Estimated and realised effect of every initiative of a year, with subtotals by group and the total.

    Realised effect is citizens times months from the start to the end of the year (12 where it started before the year,
    none where it starts after) times the saving; realised from grants counts the months in which citizens have a grant that
    names the initiative instead, the days of a citizen once, and is null where no grant of the year names it. Both are
    rounded per initiative, so that subtotals and totals are the sums of the kroner that are shown; of realised from grants,
    of those that there are.

    Grain: municipality and initiative; municipality and group; municipality. Initiatives that are only shown are in no
    subtotal and no total, and a municipality or group of no others has none. Sorted by municipality, group (in its order,
    subtotal last), initiative; the total last. Columns: those of the table `initiative_effects` (kroner; saving is
    positive). Of subtotals and totals legal_basis and initiative are the group's code and `all`.

    Args:
        initiatives: one row per municipality, initiative and year, as the table of this name.
        grants: as the table of this name; what has no end goes on until the end of the year.
        year: the calendar year.
        method: how a part of the year is counted; 12 months are the year.
    """
    of_initiatives = (
        initiatives.filter(pl.col("year") == year)
        .join(_parts_in_grants(grants, year, method), on=_KEY, how="left")
        .with_columns(
            pl.lit(_INITIATIVE).alias("initiative_level"),
            group=pl.col("legal_basis").replace({area.code: area.group for area in service_areas().values()}),
            realised_effect_dkk=_saved(pl.col("citizens") * _parts_since_start(year, method), year, method),
            realised_from_grants_dkk=_saved(pl.col("parts_in_grants"), year, method),
        )
    )
    counted = of_initiatives.filter("is_counted")
    names = {code: f"{group.label_da} i alt" for code, group in groups().items()} | {ALL: "I alt"}
    sums = (
        counted.group_by("municipality_code", "year", group)
        .agg(_sum_of_known(effect) for effect in _EFFECTS)
        .with_columns(
            pl.lit(level).alias("initiative_level"),
            pl.lit(value=True).alias("is_counted"),
            legal_basis="group",
            initiative="group",
            initiative_name=pl.col("group").replace(names),
        )
        for level, group in ((_SUBTOTAL, pl.col("group")), (_TOTAL, pl.lit(ALL).alias("group")))
    )
    return (
        pl.concat([of_initiatives, *sums], how="diagonal")
        .sort(
            "municipality_code",
            pl.col("group").cast(pl.Enum([*groups(), ALL])),
            pl.col("initiative_level").cast(pl.Enum(INITIATIVE_LEVELS)),
            "initiative",
        )
        .select(INITIATIVE_EFFECTS.dtypes.keys())
    )


def _parts_since_start(year: int, method: FullYearMethod) -> pl.Expr:
    """The year's parts (`Calendar.year_parts`) from an initiative's start to the end of the year."""
    days = calendar_of(year, method).days
    # As in `in_year`, but an initiative may start after the year: on the day after its last, which leaves nothing.
    first_day = (pl.col("start_date") - pl.date(year, 1, 1)).dt.total_days().clip(0, days) + 1
    return parts_between(first_day, pl.lit(days), year, method)


def _parts_in_grants(grants: Grants, year: int, method: FullYearMethod) -> pl.DataFrame:
    """The year's parts in which citizens have a grant of an initiative, the days of a citizen once.

    Grain: municipality and initiative that grants of the year name. Columns: those of `_KEY`, parts_in_grants (Int64).
    """
    # What is a case there, a citizen in a service area, is here one in an initiative.
    named = grants.lazy().filter(pl.col("initiative").is_not_null()).with_columns(service_area="initiative")
    return (
        in_year(named, year)
        .pipe(active_parts, year, method)
        .group_by("municipality_code", pl.col("service_area").alias("initiative"))
        .agg(parts_in_grants=pl.col("active_parts").sum())
        .collect()
    )


def _saved(citizen_parts: pl.Expr, year: int, method: FullYearMethod) -> pl.Expr:
    """Kroner saved by citizens in so many parts of the year."""
    year_parts = calendar_of(year, method).year_parts
    return whole_kroner(citizen_parts * MONTHS * pl.col("saving_dkk_per_month"), year_parts)


def _sum_of_known(effect: str) -> pl.Expr:
    """The sum of what there is, null where there is nothing."""
    return pl.when(pl.col(effect).count() > 0).then(pl.col(effect).sum()).alias(effect)
