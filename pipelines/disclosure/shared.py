"""The shared tables as everybody may see them: exact ones, with what is hidden or rounded put in.

What belongs here: a breakdown's rows, and which cell each of them is. What does not: what becomes of a cell (`protection`).
"""

import polars as pl

from pipelines.benchmark.measures import FIGURES
from pipelines.disclosure.figures import question_answer
from pipelines.disclosure.protection import Protection
from pipelines.disclosure.suppression import MUNICIPAL_BREAKDOWNS, finding_key
from pipelines.statistics.intervals import rate_interval, wilson

ROUNDED, SUPPRESSED = "rounded", "suppressed"
_OF_THIS_RELEASE = pl.lit(None, pl.String).alias("figures_from_release")


def with_cells(breakdown: pl.DataFrame) -> pl.DataFrame:
    """A breakdown with the name of each row's count (`suppression.cell_key`) as column `cell`; adds `_question` too."""
    question, answer = question_answer(breakdown.columns)
    return breakdown.with_columns(_question=question).with_columns(
        cell=pl.concat_str("area_type", "area_code", "_question", answer, separator="/")
    )


def shared_table(breakdown: pl.DataFrame, case_rates: pl.DataFrame, protection: Protection) -> pl.DataFrame:
    """A breakdown as everybody may see it.

    Grain: that of the breakdown, for the country, regions, municipality groups and, of main target groups and provider
    types, municipalities. No row is absent: a reader sees that a figure exists and is not shown.
    Columns: those of the breakdown, and figures_from_release (null: of this release). A hidden cell has no figure and the
    status `suppressed`. A rounded one has the status `rounded` and its base; its share (at most 1) and rate follow from
    the rounded count with the exact number of cases and residents, its lower limits from the smallest count that it can
    stand for, its upper ones from the largest.

    Args:
        breakdown: target_groups, provider_types or question_answers, exact.
        case_rates: of the same municipalities.
        protection: of the same round.
    """
    numbers = pl.DataFrame(
        {"cell": list(protection.rounded), "_rounded": list(protection.rounded.values())},
        schema={"cell": pl.String, "_rounded": pl.Int64},
    )
    joined = (
        with_cells(breakdown)
        .with_row_index("_row")
        .filter((pl.col("area_type") != "municipality") | pl.col("_question").is_in(MUNICIPAL_BREAKDOWNS))
        .with_columns(_total=pl.col("cases").sum().over("area_type", "area_code", "_question"))
        .join(numbers, on="cell", how="left")
        .join(
            case_rates.select("municipality_code", "population_18_66"),
            left_on="area_code",
            right_on="municipality_code",
            how="left",
        )
    )
    is_rounded = pl.col("_rounded").is_not_null()
    drawn = joined.filter(is_rounded)
    is_hidden = pl.col("cell").is_in(list(protection.hidden))
    return (
        pl.concat([joined.filter(~is_rounded), _rounded_figures(drawn, protection.base) if protection.base else drawn])
        .sort("_row")
        .with_columns(
            *(pl.when(~is_hidden).then(pl.col(name)).alias(name) for name in (*FIGURES, "rounding_base")),
            pl.when(is_hidden).then(pl.lit(SUPPRESSED)).otherwise("value_status").alias("value_status"),
        )
        .select(*breakdown.columns, _OF_THIS_RELEASE)
    )


def _rounded_figures(drawn: pl.DataFrame, base: int) -> pl.DataFrame:
    """The figures of rounded counts, in place of the exact ones."""
    shown, total, residents = (drawn[name] for name in ("_rounded", "_total", "population_18_66"))
    smallest = (shown - (base - 1)).clip(0, total)
    largest = (shown + (base - 1)).clip(0, total)
    return drawn.with_columns(
        shown.alias("cases"),
        (shown / total).clip(upper_bound=1.0).fill_nan(None).alias("share"),
        pl.Series("share_ci95_lower", wilson(smallest, total).lower).fill_nan(None),
        pl.Series("share_ci95_upper", wilson(largest, total).upper).fill_nan(None),
        (shown / residents * 1_000).alias("rate_per_1000"),
        pl.Series("ci95_lower", rate_interval(smallest, residents).lower),
        pl.Series("ci95_upper", rate_interval(largest, residents).upper),
        pl.lit(ROUNDED).alias("value_status"),
        pl.lit(base, pl.Int64).alias("rounding_base"),
    )


def shared_findings(key_findings: pl.DataFrame, protection: Protection) -> pl.DataFrame:
    """The headline findings, without the figures of those that are small or would give a hidden cell away."""
    hidden = [finding for finding in key_findings["finding"] if finding_key(finding) in protection.hidden]
    is_shown = ~pl.col("finding").is_in(hidden)
    figures = [name for name in key_findings.columns if name == "numerator" or name.startswith("share")]
    return key_findings.with_columns(
        *(pl.when(is_shown).then(pl.col(name)).alias(name) for name in figures), _OF_THIS_RELEASE
    )
