"""What a release is made from: the deliveries, the population, the method and the round's settings.

Two releases that are made from the same have the same figures; where figures differ, this says why (`changes`).
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import polars as pl

from schemas.periods import Period

# Raise it when the same deliveries give another figure, another row or another message than before. A difference that no
# delivery, no population and no new number here explains stops the release.
METHOD_VERSION = "1"
_METHOD, _METHOD_FILES, _CODE_CHARACTERS = ("schemas", "pipelines"), {".py", ".yaml", ".csv"}, 12
_NOT_A_SETTING = {"name", "open", "deadline", "fresh_within_hours"}


@cache
def code_version() -> str:
    """The version of the installed program, with a checksum over the files that figures follow from.

    The version names a release of the program; the checksum tells two states of it apart where nobody counted.
    """
    project = Path(__file__).parents[2]
    found = (path for folder in _METHOD for path in (project / folder).rglob("*") if path.suffix in _METHOD_FILES)
    sums = {str(path.relative_to(project)): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(found)}
    return f"{version('botilbudsbenchmark')}+{checksum(sums)[:_CODE_CHARACTERS]}"


@dataclass(frozen=True)
class Basis:
    """What one release is made from.

    Attributes:
        round_: the survey round, or the year of management information.
        population_quarter: the quarter whose population the rates divide by.
        population_source: where it comes from.
        population: residents aged 18-66 by participating municipality, those it reports for included.
        deliveries: by round (this one and the one before, where there is one) and municipality, `current` (the checksum of
            the delivery that counts, null without one) and `files` (one checksum per file in the inbox).
        figures_from: the earlier release whose shared breakdowns are shown again; None where they were made anew.
        warnings: what the quality gate asked a consultant to look at, as `acceptances.told_warnings` has it.
        reference_tables: by name, the version of each table of the year's reference figures that was used.
    """

    round_: Period
    population_quarter: str
    population_source: str
    population: Mapping[str, int]
    deliveries: Mapping[str, Mapping[str, Any]]
    figures_from: str | None
    warnings: Sequence[Mapping[str, Any]] = ()
    reference_tables: Mapping[str, str] = field(default_factory=dict)

    @property
    def participants(self) -> list[str]:
        """The municipalities that take part, those included that another one reports for."""
        covered = (code for reporting in self.population for code in self.round_.reports_for.get(reporting, ()))
        return sorted({*self.population, *covered})

    @property
    def settings(self) -> dict[str, Any]:
        """The round's settings that figures depend on; of a year with the versions of its reference tables."""
        settings = self.round_.model_dump(mode="json", exclude=_NOT_A_SETTING)
        return settings | ({"reference_tables": dict(self.reference_tables)} if self.reference_tables else {})

    @property
    def deliveries_sha256(self) -> str:
        """One checksum over the deliveries that count."""
        counting = {
            round_name: {code: of["current"] for code, of in deliveries.items() if of["current"]}
            for round_name, deliveries in self.deliveries.items()
        }
        return checksum(counting)

    @property
    def population_sha256(self) -> str:
        """One checksum over the population, with its quarter and source."""
        return checksum([self.population_quarter, self.population_source, dict(self.population)])

    @property
    def inputs_sha256(self) -> str:
        """One checksum over all that the figures follow from."""
        return checksum([self.deliveries_sha256, self.population_sha256, METHOD_VERSION, self.settings])


def origin(basis: Basis) -> dict[str, Any]:
    """What a manifest says of what its release is made from."""
    return {
        "populationQuarter": basis.population_quarter,
        "methodVersion": METHOD_VERSION,
        "settings": basis.settings,
        "inputs": {
            "deliveries": {name: dict(of) for name, of in basis.deliveries.items()},
            "population": dict(basis.population),
        },
    }


def delivered(delivery_log: pl.DataFrame) -> dict[str, Any]:
    """The state of a round's inbox by municipality, as `Basis.deliveries` has it."""
    state: dict[str, Any] = {}
    columns = ("municipality_code", "file", "received_at", "sha256", "status")
    for code, file, received_at, sha256, status in delivery_log.select(columns).iter_rows():
        of = state.setdefault(code, {"current": None, "files": []})
        if status == "current":
            of["current"] = sha256
        of["files"].append(checksum([file, received_at.isoformat(), sha256]))
    return {code: of | {"files": sorted(of["files"])} for code, of in sorted(state.items())}


def delivered_extracts(extract_log: pl.DataFrame) -> dict[str, Any]:
    """The state of the extracts' inboxes by municipality, as `Basis.deliveries` has it: what counts of all of them is one."""
    by_extract = {
        of: delivered(log) for (of,), log in sorted(extract_log.partition_by("extract", as_dict=True).items())
    }
    state: dict[str, Any] = {}
    for code in sorted({code for found in by_extract.values() for code in found}):
        of = {name: found[code] for name, found in by_extract.items() if code in found}
        counting = {name: each["current"] for name, each in of.items() if each["current"]}
        state[code] = {
            "current": checksum(counting) if counting else None,
            "files": sorted(file for each in of.values() for file in each["files"]),
        }
    return state


def checksum(value: object) -> str:
    """SHA-256 of a value of plain lists, mappings, texts and numbers, in hexadecimal; the order of keys is no matter."""
    canonical = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
