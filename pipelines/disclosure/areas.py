"""Which areas' breakdowns every participant may see: the country, regions and groups with enough participants.

A breakdown of an area with few participants is a breakdown of few municipalities. What belongs here: whole areas. Single
cells of an area that is shown are not protected here.
"""

from itertools import combinations

import numpy as np
import polars as pl

from pipelines.benchmark.areas import COUNTRY_CODE


def shared_areas(case_rates: pl.DataFrame, disclosure_threshold: int) -> pl.DataFrame:
    """The country and the regions with participants, and whether their breakdowns may be shown.

    Grain: area. Columns: area_type, area_code, is_shown. A region with fewer participants than the threshold is hidden;
    as hidden regions together are the country less the shown ones, further regions are hidden, the smallest first,
    until at least two are hidden and they have at least the threshold of participants together. A country with fewer
    participants than the threshold hides everything.
    """
    regions = case_rates.group_by("region_code").agg(municipalities=pl.len()).sort("municipalities", "region_code")
    if case_rates.height < disclosure_threshold:
        hidden = regions["region_code"].to_list()
    else:
        hidden = _hidden_regions(regions, disclosure_threshold)
    country = pl.DataFrame(
        {"area_type": ["country"], "area_code": [COUNTRY_CODE], "is_shown": [case_rates.height >= disclosure_threshold]}
    )
    return pl.concat(
        [
            country,
            regions.sort("region_code").select(
                area_type=pl.lit("region"), area_code="region_code", is_shown=~pl.col("region_code").is_in(hidden)
            ),
        ]
    )


def _hidden_regions(regions: pl.DataFrame, threshold: int) -> list[str]:
    hidden: list[str] = []
    participants = 0
    for code, municipalities in regions.select("region_code", "municipalities").iter_rows():
        if municipalities >= threshold and (not hidden or (len(hidden) > 1 and participants >= threshold)):
            break
        hidden.append(code)
        participants += municipalities
    return hidden


def shown_areas(case_rates: pl.DataFrame, threshold: int) -> pl.DataFrame:
    """The country, regions and municipality groups with participants, and whether their breakdowns may be shown.

    Grain: area. Columns: area_type, area_code, is_shown. Regions as `shared_areas` has them, and municipality groups
    by the same rule; further groups and regions are hidden, the smallest first, until no sum or difference of those
    shown is an area with fewer participants than the threshold.
    """
    regions = shared_areas(case_rates, threshold)
    groups = shared_areas(case_rates.select(region_code="municipality_group_code"), threshold)
    groups = groups.filter(pl.col("area_type") == "region").with_columns(area_type=pl.lit("municipality_group"))
    areas = pl.concat([regions, groups])
    while gone := _betraying_area(case_rates, areas, threshold):
        is_gone = (pl.col("area_type") == gone[0]) & (pl.col("area_code") == gone[1])
        areas = areas.with_columns(is_shown=pl.col("is_shown") & ~is_gone)
    return areas


def _betraying_area(case_rates: pl.DataFrame, areas: pl.DataFrame, threshold: int) -> tuple[str, str] | None:
    """The smallest shown area, where those shown give an area with too few participants; None where they do not."""
    parts = case_rates.group_by("region_code", "municipality_group_code").len().sort(pl.all())
    shown = areas.filter("is_shown").select("area_type", "area_code").rows()
    if not shown:
        return None
    inside = np.array([[_contains(area, part) for part in parts.iter_rows()] for area in shown], float)
    # Projects onto all sums and differences of the areas shown.
    projection = np.linalg.pinv(inside) @ inside
    sizes = parts["len"].to_list()
    few = [number for number, size in enumerate(sizes) if size < threshold]
    for count in range(1, threshold):
        for chosen in combinations(few, count):
            if sum(sizes[number] for number in chosen) < threshold:
                area = np.zeros(len(sizes))
                area[list(chosen)] = 1.0
                if np.allclose(projection @ area, area, atol=1e-9):
                    by_size = [(kind == "country", kind == "region", float(inside[n] @ sizes), code, kind)
                               for n, (kind, code) in enumerate(shown)]  # fmt: skip
                    *_, code, kind = min(by_size)
                    return kind, code
    return None


def _contains(area: tuple[str, str], part: tuple[str, str, int]) -> bool:
    kind, code = area
    return kind == "country" or code == part[0 if kind == "region" else 1]
