"""The partitions: one per survey round, static, from the rounds file. Municipality is a column, never a partition."""

import dagster as dg

from schemas.rounds import load_rounds

rounds = dg.StaticPartitionsDefinition(list(load_rounds()))
