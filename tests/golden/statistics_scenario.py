"""Case rates made of counts and residents alone, for the tests of the statistics."""

import polars as pl

from pipelines.benchmark.averages import area_averages
from pipelines.statistics.tables import with_statistics

REGIONS = ("081", "082", "083")


def case_rates(cases, population, round_name="2022-10-01"):
    """Municipality 101, 102, ... with these cases; regions and groups take turns."""
    number = len(cases)
    return pl.DataFrame(
        {
            "round": [round_name] * number,
            "municipality_code": [f"{101 + i}" for i in range(number)],
            "municipality_name": [f"Kommune {101 + i}" for i in range(number)],
            "region_code": [REGIONS[i % 3] for i in range(number)],
            "region_name": [f"Region {REGIONS[i % 3]}" for i in range(number)],
            "municipality_group_code": [f"{1 + i % 2}" for i in range(number)],
            "municipality_group": [f"Gruppe {1 + i % 2}" for i in range(number)],
            "population_18_66": list(population),
            "cases": list(cases),
        },
        schema={
            **dict.fromkeys(
                ("round", "municipality_code", "municipality_name", "region_code", "region_name"), pl.String
            ),
            **dict.fromkeys(("municipality_group_code", "municipality_group"), pl.String),
            **dict.fromkeys(("population_18_66", "cases"), pl.Int64),
        },
    ).with_columns(rate_per_1000=pl.col("cases") / pl.col("population_18_66") * 1_000)


def statistics(cases, population):
    rates = case_rates(cases, population)
    return with_statistics(rates, area_averages(rates))
