"""Which areas' breakdowns every participant may see: the country and regions with enough participating municipalities.

A breakdown of an area with few participants is a breakdown of few municipalities. What belongs here: whole areas. Single
cells of an area that is shown are not protected here.
"""

import polars as pl

from pipelines.benchmark.areas import COUNTRY_CODE

SUPPRESSED = "suppressed"


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


def shared_breakdown(breakdown: pl.DataFrame, areas: pl.DataFrame) -> pl.DataFrame:
    """The rows of the country and the regions; of a hidden area every figure is null and its status says suppressed.

    No row is absent: a reader sees that the figure exists and is not shown.
    """
    figures = ("cases", "share", "rate_per_1000")
    return (
        breakdown.join(areas, on=["area_type", "area_code"], maintain_order="left")
        .with_columns(pl.when("is_shown").then(pl.col(name)).alias(name) for name in figures)
        .with_columns(value_status=pl.when("is_shown").then("value_status").otherwise(pl.lit(SUPPRESSED)))
        .drop("is_shown")
    )


def shared_key_findings(key_findings: pl.DataFrame, areas: pl.DataFrame) -> pl.DataFrame:
    """The findings, without their figures where the country has too few participants to be shown."""
    figures = [name for name in key_findings.columns if name == "numerator" or name.startswith("share")]
    shown = pl.lit(areas.filter(pl.col("area_type") == "country")["is_shown"].item())
    return key_findings.with_columns(pl.when(shown).then(pl.col(name)).alias(name) for name in figures)
