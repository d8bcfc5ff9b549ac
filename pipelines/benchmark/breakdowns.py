"""The breakdowns of the report: cases by target group and by type of provider.

What belongs here: which groups a breakdown shows. What does not: shares and rates (`measures`), and what may be
published of them: every area is here, down to the single municipality, and the release chooses.
"""

import polars as pl

from pipelines.benchmark.measures import area_measures


def target_groups(answer_counts: pl.DataFrame, case_rates: pl.DataFrame) -> pl.DataFrame:
    """Cases by main and by detailed target group.

    Grain: area x target group of either level, zeros included; sorted by area (country, regions, municipality groups,
    municipalities), level (main first) and the catalogue's order.
    Columns: round, area_type, area_code, area_name, target_group_level ('main', 'detailed'), target_group, then
    the measures as `area_measures` says.
    """
    levels = {"main_target_group": "main", "target_group": "detailed"}
    counts = pl.concat(answer_counts.filter(pl.col("question") == question) for question in levels)
    return (
        area_measures(counts, case_rates)
        .with_columns(pl.col("question").replace_strict(levels))
        .rename({"question": "target_group_level", "answer": "target_group"})
    )


def provider_types(answer_counts: pl.DataFrame, case_rates: pl.DataFrame) -> pl.DataFrame:
    """Cases by who runs the placement: a municipality, a region or a private provider.

    Grain: area x provider type, zeros included; sorted by area (country, regions, municipality groups,
    municipalities) and the catalogue's order.
    Columns: round, area_type, area_code, area_name, provider_type, then the measures as `area_measures` says.
    """
    counts = answer_counts.filter(pl.col("question") == "provider_type")
    return area_measures(counts, case_rates).drop("question").rename({"answer": "provider_type"})
