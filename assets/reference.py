"""Group `reference`: the municipalities with their areas, and the population that rates divide by."""

import datetime as dt

import dagster as dg

from assets.delivering import OWNERS, WARN, Events, check, checked, table_asset
from assets.partitions import rounds
from assets.resources import DataRoot, StatBank
from pipelines import storage
from pipelines.reference import municipalities as reference
from pipelines.reference.population import population as population_of
from schemas import tables
from schemas.rounds import find_round

folk1a = dg.AssetSpec(
    "folk1a",
    description="Statistics Denmark, StatBank table FOLK1A: population at the first day of the quarter.",
    group_name="reference",
    kinds={"api"},
    owners=OWNERS,
    tags={"data": "figures"},
    partitions_def=rounds,
)


@table_asset(tables.MUNICIPALITIES, "reference")
def municipalities(data: DataRoot) -> Events:
    """The 98 municipalities with their regions and comparison groups."""
    yield from checked(data, (reference.municipalities(), tables.MUNICIPALITIES))


@table_asset(
    tables.POPULATION,
    "reference",
    deps=["folk1a"],
    check_specs=[dg.AssetCheckSpec("is_of_the_rounds_quarter", asset="population")],
)
def population(context: dg.AssetExecutionContext, data: DataRoot, statbank: StatBank) -> Events:
    """Residents aged 18 to 66 of the 98 municipalities, in the round's quarter or the packaged one."""
    quarter = find_round(context.partition_key).population_quarter
    found = population_of(
        quarter, cache_dir=storage.reference(data.path), url=statbank.url, fetched_at=dt.datetime.now(dt.UTC)
    )
    yield from checked(data, (found.frame, tables.POPULATION))
    yield check(
        "population",
        "is_of_the_rounds_quarter",
        passed=found.warning is None,
        severity=WARN,
        quarter=found.frame["population_quarter"][0],
        **({"warning": found.warning} if found.warning else {}),
    )
