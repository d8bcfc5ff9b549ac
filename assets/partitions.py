"""The partitions: one per survey round, one per year of management information. Municipality is a column, never a partition."""

import dagster as dg

from schemas.rounds import load_rounds
from schemas.years import load_years

rounds = dg.StaticPartitionsDefinition(list(load_rounds()))
years = dg.StaticPartitionsDefinition(list(load_years()))
