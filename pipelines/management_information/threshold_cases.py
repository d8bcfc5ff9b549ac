"""Cases over the threshold as the grants have them, beside those that the screening was told of.

What belongs here: counting by the screening's rule, and the difference. What does not: the screening's own count
(`pipelines.benchmark.rates`).
"""

import polars as pl

from pipelines.benchmark.cases import require_participants
from pipelines.management_information.full_year_cases import Grants
from pipelines.management_information.kroner import yearly_price
from pipelines.management_information.participants import basis
from schemas.management_tables import CASES_OVER_THRESHOLD, THRESHOLD_RECONCILIATION
from schemas.service_areas import ACTIVITY, RESIDENTIAL_CARE, service_areas
from schemas.years import Year


def cases_over_threshold(grants: Grants, participants: pl.DataFrame, year: Year) -> pl.DataFrame:
    """Cases over the threshold of every participating municipality, by the screening's rule (`rules.with_eligibility`).

    A case is a citizen with a grant of residential care on the snapshot date whose grants of residential care and of
    activities that day come to the threshold or more a year, before state refund and own payment.

    Grain: participating municipality, zeros included, sorted. Columns: municipality_code, year, basis, as_of, cases.

    Args:
        grants: as the table of this name.
        participants: one row per participating municipality: municipality_code, as_of.
        year: the year; says the threshold and the snapshot date.

    Raises:
        BotilbudError: a participant stands twice.
        ConservationError: there are cases of a municipality that does not participate; they would be lost silently.

    Source: KL and Komponent (December 2023), "2 mio. kr. årligt og opefter".
    """
    group_of = {area.code: area.group for area in service_areas().values()}
    on_the_day = (pl.col("start_date") <= year.snapshot_date) & (
        pl.col("end_date").is_null() | (pl.col("end_date") >= year.snapshot_date)
    )
    cases = (
        grants.lazy()
        .filter(on_the_day)
        .with_columns(group=pl.col("service_area").replace_strict(group_of, return_dtype=pl.String))
        .filter(pl.col("group").is_in([RESIDENTIAL_CARE, ACTIVITY]))
        .select(
            "municipality_code",
            "citizen_id",
            in_residential_care=pl.col("group") == RESIDENTIAL_CARE,
            total_cost_dkk=yearly_price(year.number),
        )
        .group_by("municipality_code", "citizen_id")
        .agg(pl.col("in_residential_care").any(), pl.col("total_cost_dkk").sum())
        .filter("in_residential_care", pl.col("total_cost_dkk") >= year.threshold_dkk)
        .group_by("municipality_code")
        .agg(cases=pl.len().cast(pl.Int64))
        .collect(engine="streaming")
    )
    require_participants(cases, participants)
    return (
        participants.join(cases, on="municipality_code", how="left")
        .with_columns(
            year=pl.lit(year.number, pl.Int64),
            basis=basis(pl.col("as_of"), year.number),
            cases=pl.col("cases").fill_null(0),
        )
        .select(CASES_OVER_THRESHOLD.dtypes.keys())
        .sort("municipality_code")
    )


def reconciliation(cases_over_threshold: pl.DataFrame, case_rates: pl.DataFrame | None, year: Year) -> pl.DataFrame:
    """Cases by the grants beside cases that the municipality reported to the screening of the same year.

    Grain: municipality with either, sorted. Columns: municipality_code, year, cases, cases_reported, difference (cases less
    cases reported); null where one is not there. Known lie: one that reports for others too reports their cases with its
    own, and its grants may be its own alone.

    Args:
        cases_over_threshold: as the function of this name makes it.
        case_rates: the screening's rates (municipality_code, cases), or None where the year had no screening.
        year: the year.
    """
    reported = THRESHOLD_RECONCILIATION.empty.select("municipality_code", "cases_reported")
    if case_rates is not None:
        reported = case_rates.select("municipality_code", cases_reported="cases")
    return (
        cases_over_threshold.select("municipality_code", "cases")
        .join(reported, on="municipality_code", how="full", coalesce=True, validate="1:1")
        .with_columns(year=pl.lit(year.number, pl.Int64), difference=pl.col("cases") - pl.col("cases_reported"))
        .select(THRESHOLD_RECONCILIATION.dtypes.keys())
        .sort("municipality_code")
    )
