"""What one value of a release comes from: its formula, the tables and runs behind it, the deliveries and the population.

What belongs here: following a value through what lies beside the release (`provenance`). Neither Dagster nor the warehouse
is asked. What does not: how the answer is told. A value that only one municipality may see is followed but not repeated:
what a terminal shows may end in a log.
"""

import hashlib
import io
import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import polars as pl
from upath import UPath

from pipelines.benchmark.measures import FIGURES
from pipelines.disclosure.shared import SUPPRESSED
from pipelines.ingest.text import printable
from pipelines.reference.municipalities import municipalities
from pipelines.release import life, manifest, provenance
from pipelines.release.changes import OWN
from pipelines.release.contents import SHARED
from schemas import tables
from schemas.errors import ReleaseError
from schemas.lineage import SOURCES, YEAR_SOURCES
from schemas.management_tables import EXTRACT_LOG, released_tables

INBOX, FOLK1A = SOURCES
EXTRACTS = YEAR_SOURCES[0]
_CASES = ("responses", "rejected_rows")
# What tells a case's row without telling anything of it; not the file's name, which may hold anything.
_PLACE = ("municipality_code", "row")
_FINDING_FIGURES = ("numerator", "share", "share_ci95_lower", "share_ci95_upper")
_SHOWN_VALUES = 20
# The columns of `case_rates` that no other municipality's cases change. Of one that reports for others, `reports_for`, the
# residents and what is computed with them do follow from whether those hand in themselves: who does is no longer counted in.
OF_OWN = OWN | {"round", "municipality_code"}
# Those that follow from an area's municipalities.
OF_AREA = {"comparison_region": "region_code", "comparison_municipality_group": "municipality_group_code"}


class Column(NamedTuple):
    """A column as the release's manifest tells it."""

    name: str
    label: str
    description: str
    type: str
    unit: str | None


class Upstream(NamedTuple):
    """A table that the value follows from, and by which of its columns; a source has no version and no run."""

    table: str
    columns: tuple[str, ...]
    data_version: str | None
    run: str | None
    made_at: str | None
    code_version: str | None
    file: str | None


class Delivery(NamedTuple):
    """A delivered file, by where it lies, when it came (ISO 8601, UTC) and its checksum: its name may hold anything."""

    municipality_code: str
    folder: str
    received_at: str
    sha256: str | None
    status: str


class Population(NamedTuple):
    """The population that the value divides by, as `population.note_of` tells it."""

    table: str
    quarter: str
    source: str
    fetched_at: str | None
    sha256: str | None
    file: str | None


class Inputs(NamedTuple):
    """What came from outside in one round: the deliveries whose cases count and can reach the value, and the population."""

    round: str
    tables: tuple[Upstream, ...]
    deliveries: tuple[Delivery, ...]
    population: Population | None


@dataclass(frozen=True)
class Trace:
    """One value and what it comes from.

    Attributes:
        release: the id of its release.
        round: the survey round.
        status: what the release is now; None where its decisions do not lie with it.
        code_version: the version of the program that made the release.
        method_version: the number of the method.
        run: the run that made it; where `reconstructed` the later one that gathered what made it.
        made_at: when it did (ISO 8601, UTC).
        reconstructed: whether another run than the one that made the release gathered this.
        settings: the round's settings that figures depend on.
        file: the parquet file within the release.
        sha256: its checksum, which is the manifest's.
        table: the asset whose rows these are.
        key: the row's key.
        column: the column.
        is_shared: whether everybody may see the value; else it is not repeated here.
        value: the value; None where there is none, where it is hidden and where it is not shared.
        value_status: what the number is (`fields.VALUE_STATUSES`); None where the column is no figure of a breakdown.
        rounding_base: what the count behind it is rounded to; None where it is not.
        formula: how it is computed, Danish.
        function: the function that does.
        inputs: what it comes from, this round first; empty where the figures are of an earlier release.
        figures_from: the earlier release whose figure this is.
        earlier: the same value traced in that release; None where that one does not lie beside this one.
    """

    release: str
    round: str
    status: life.Status | None
    code_version: str
    method_version: str
    run: str
    made_at: str
    reconstructed: bool
    settings: Mapping[str, Any]
    file: str
    sha256: str
    table: str
    key: Mapping[str, Any]
    column: Column
    is_shared: bool
    value: Any
    value_status: str | None
    rounding_base: int | None
    formula: str
    function: str
    inputs: tuple[Inputs, ...]
    figures_from: str | None
    earlier: "Trace | None"

    def document(self) -> dict[str, Any]:
        """The trace as plain mappings, lists, texts and numbers."""
        told = asdict(self) | {
            "column": self.column._asdict(),
            "inputs": [_inputs_document(inputs) for inputs in self.inputs],
            "earlier": self.earlier.document() if self.earlier else None,
        }
        return dict(json.loads(json.dumps(told, ensure_ascii=False, default=str)))


def _inputs_document(inputs: Inputs) -> dict[str, Any]:
    return {
        "round": inputs.round,
        "tables": [upstream._asdict() for upstream in inputs.tables],
        "deliveries": [delivery._asdict() for delivery in inputs.deliveries],
        "population": inputs.population._asdict() if inputs.population else None,
    }


class _Release:
    """A release folder with what lies beside it."""

    def __init__(self, folder: UPath) -> None:
        self.folder = folder
        if not provenance.beside(folder).exists():
            raise ReleaseError(
                f"Ved siden af udgivelse {folder.name} ligger der ingen {folder.name}.provenance.json. Udgivelsen er lavet, "
                "før udgivelser kunne spores, eller filen er ikke kopieret med."
            )
        self.manifest = _json(folder / manifest.NAME)
        self.made_by = _json(provenance.beside(folder))
        self.resources = {resource["path"]: resource for resource in self.manifest["resources"]}

    def read(self, path: str) -> bytes:
        """The bytes of a file, when they are those that were released."""
        if path not in self.resources:
            raise ReleaseError(f"{printable(path)} er ikke en fil i udgivelse {self.folder.name}.")
        try:
            content = (self.folder / path).read_bytes()
        except FileNotFoundError:
            raise ReleaseError(f"{path} mangler i udgivelse {self.folder.name}.") from None
        if f"sha256:{hashlib.sha256(content).hexdigest()}" != self.resources[path]["hash"]:
            raise ReleaseError(
                f"{path} er ændret, efter at udgivelse {self.folder.name} blev lavet: filens kontrolsum er en anden end "
                "manifestets. Hent den igen, og prøv så igen."
            )
        return content

    def table(self, path: str) -> pl.DataFrame:
        return pl.read_parquet(io.BytesIO(self.read(path)))

    @property
    def status(self) -> life.Status | None:
        rounds = self.folder.parent
        if rounds.parent.name != "releases" or rounds.name != self.manifest["round"]:
            return None
        return life.status(rounds.parent.parent, rounds.name, self.folder.name)


def _json(path: UPath) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_bytes()))
    except (ValueError, TypeError):
        raise ReleaseError(f"{path.name} kan ikke læses. Hent den igen, og prøv så igen.") from None


def trace(file: UPath, key: str, column: str) -> Trace:
    """What one value of a release comes from.

    Args:
        file: a table of a release, as .parquet, .xlsx or .csv, where it lies in the release's folder.
        key: the row: `183`, or `area_type=country,area_code=000`; a part of the key is enough where it names one row.
        column: the column.

    Raises:
        ReleaseError: the file is no table of a release, or was changed; no one row, or no column, is named; nothing lies
            beside the release that tells what made it. In Danish, and without a value that not everybody may see.
    """
    file = file.resolve()
    folder = next((parent for parent in file.parents if (parent / manifest.NAME).exists()), None)
    if folder is None:
        raise ReleaseError(
            f"{printable(str(file))} ligger ikke i en udgivelses mappe, som releases/<runde>/<id>/shared/."
        )
    release = _Release(folder)
    named = str(file.relative_to(folder))
    path = f"{named.rpartition('.')[0]}.parquet"
    if path not in release.made_by["files"]:
        tables_of = sorted(p for p in release.made_by["files"] if p.startswith(SHARED))
        raise ReleaseError(
            f"{printable(named)} er ikke en tabel, der kan spores. Det kan {', '.join(tables_of)} og tabellerne i "
            "municipalities/<kommunekode>/."
        )
    release.read(named)
    return _trace(release, path, key, column)


def _trace(release: _Release, path: str, key: str, column: str) -> Trace:
    frame = release.table(path)
    fields = {field["name"]: field for field in release.resources[path]["schema"]["fields"]}
    if column not in fields:
        raise ReleaseError(f"{path} har ingen kolonne {printable(column)}. Kolonnerne er: {', '.join(fields)}.")
    table = path.rpartition("/")[2].removesuffix(".parquet")
    known = released_tables(release.manifest["settings"]["questionnaire"])[table]
    row = _row(frame, known.key, key, tells_values=path.startswith(SHARED))
    asset = _asset(release.made_by, path, row, column)
    is_shared = path.startswith(SHARED) or asset in provenance.PROTECTED.values()
    origin = release.made_by["columns"][asset][column]
    figures_from = row.get("figures_from_release") if column != "figures_from_release" else None
    shown_key = _PLACE if asset in _CASES else known.key
    field = fields[column]
    return Trace(
        release=release.folder.name,
        round=release.manifest["round"],
        status=release.status,
        code_version=release.made_by["codeVersion"],
        method_version=release.made_by["methodVersion"],
        run=release.made_by["run"],
        made_at=release.made_by["madeAt"],
        reconstructed=release.made_by.get("reconstructed", False),
        settings=release.manifest["settings"],
        file=path,
        sha256=release.resources[path]["hash"].removeprefix("sha256:"),
        table=asset,
        key={name: row[name] for name in known.key if name in shown_key},
        column=Column(column, field["title"], field["description"], field["type"], field.get("unit")),
        is_shared=is_shared,
        value=row[column] if is_shared else None,
        value_status=_value_status(row, column) if is_shared else None,
        rounding_base=row.get("rounding_base") if column in FIGURES and is_shared else None,
        formula=origin["formula"],
        function=origin["function"],
        inputs=() if figures_from else tuple(_inputs(release, asset, column, row)),
        figures_from=figures_from,
        earlier=_earlier(release, figures_from, f"{SHARED}/{table}.parquet", (known.key, row), column),
    )


def _asset(made_by: Mapping[str, Any], path: str, row: Mapping[str, Any], column: str) -> str:
    """The asset of a row: in a municipality's own breakdown the country's rows are those that everybody sees."""
    asset: str = made_by["files"][path]
    protected = provenance.PROTECTED.get(asset)
    if protected and (row["area_type"] == "country" or column not in made_by["columns"][asset]):
        return protected
    return asset


def _value_status(row: Mapping[str, Any], column: str) -> str | None:
    if column in FIGURES and "value_status" in row:
        return str(row["value_status"])
    if column in _FINDING_FIGURES and "numerator" in row:
        return SUPPRESSED if row["numerator"] is None else "published"
    return None


def _earlier(
    release: _Release, figures_from: str | None, path: str, key: tuple[Iterable[str], Mapping[str, Any]], column: str
) -> Trace | None:
    """The same row and column of the release whose figures are shown again."""
    if figures_from is None or not (release.folder.parent / figures_from / manifest.NAME).exists():
        return None
    names, row = key
    return _trace(
        _Release(release.folder.parent / figures_from), path, ",".join(f"{n}={row[n]}" for n in names), column
    )


# The row ---------------------------------------------------------------------------------------------------------------


def _row(frame: pl.DataFrame, key: Collection[str], wanted: str, *, tells_values: bool) -> dict[str, Any]:
    """The one row that a key, or a part of one, names."""
    parts = _parts(wanted, key)
    texts = frame.select(pl.col(name).cast(pl.String).fill_null("") for name in key)
    if parts is None:
        matches = texts.select(pl.any_horizontal(pl.col(name) == wanted for name in key)).to_series()
    else:
        matches = texts.select(
            pl.all_horizontal(pl.lit(value=True), *(pl.col(name) == value for name, value in parts.items()))
        ).to_series()
    found = frame.filter(matches)
    if found.height == 1:
        return found.row(0, named=True)
    named = printable(wanted)
    whole = f"Nøglen er: {', '.join(key)}."
    if not tells_values:
        raise ReleaseError(f"{named} er ikke nøglen til præcis én række. {whole}")
    if found.is_empty():
        close = texts.select(parts.keys() if parts else key)
        raise ReleaseError(f"Ingen række har nøglen {named}. {whole} {_allowed(close)}")
    told = _allowed(texts.filter(matches))
    raise ReleaseError(f"{named} passer på {found.height} rækker. {whole} Skriv mere af den. {told}")


def _parts(wanted: str, key: Collection[str]) -> dict[str, str] | None:
    """The parts of a key by column; None for a lone value."""
    if "=" not in wanted:
        return None
    parts = dict(part.partition("=")[::2] for part in re.split(r",(?=[a-z_0-9]+=)", wanted))
    if strange := [name for name in parts if name not in key]:
        raise ReleaseError(f"{printable(', '.join(strange))} er ikke en del af nøglen. Nøglen er: {', '.join(key)}.")
    return parts


def _allowed(texts: pl.DataFrame) -> str:
    """The values that tell these rows apart, by column."""
    told = []
    for name in texts.columns:
        values = texts[name].unique().sort().to_list()
        if len(values) > 1:
            more = f" med flere (i alt {len(values)})" if len(values) > _SHOWN_VALUES else ""
            told.append(f"{name} kan være {', '.join(values[:_SHOWN_VALUES])}{more}.")
    return " ".join(told)


# What it comes from ----------------------------------------------------------------------------------------------------


def _inputs(release: _Release, asset: str, column: str, row: Mapping[str, Any]) -> Iterable[Inputs]:
    """What the value comes from: this round, and for a change between rounds the one before."""
    made_by = release.made_by
    follows = _upstream_columns(made_by["columns"], asset, column)
    before = made_by["roundBefore"]
    of_before = asset == tables.ROUND_CHANGES.name and not column.startswith("later_") and before is not None
    if not (of_before and column.startswith("earlier_")):
        codes = _reaching(asset, column, row)
        yield Inputs(
            made_by["round"],
            _tables(made_by, follows),
            tuple(_deliveries(made_by["deliveries"], codes, asset, row)) if {INBOX, EXTRACTS} & follows.keys() else (),
            _population(made_by["population"]) if FOLK1A in follows else None,
        )
    if of_before:
        yield Inputs(
            before["round"],
            _tables(before, {name: columns for name, columns in follows.items() if name in before["tables"]}),
            tuple(_deliveries(before["deliveries"], {row["municipality_code"]}, asset, row))
            if INBOX in follows
            else (),
            _population(before["population"]) if FOLK1A in follows else None,
        )


def _upstream_columns(
    columns: Mapping[str, Mapping[str, Mapping[str, Any]]], asset: str, column: str
) -> dict[str, list[str]]:
    """The columns that a column follows from, near ones and far ones, by table; the nearest table first."""
    found: dict[str, list[str]] = {}
    waiting = [tuple(source) for source in columns[asset][column]["sources"]]
    for table, name in waiting:
        if name not in found.setdefault(table, []):
            found[table].append(name)
            waiting += [tuple(source) for source in columns.get(table, {}).get(name, {}).get("sources", ())]
    return {table: sorted(names) for table, names in found.items()}


def _tables(made_by: Mapping[str, Any], follows: Mapping[str, list[str]]) -> tuple[Upstream, ...]:
    def upstream(table: str, columns: list[str]) -> Upstream:
        made = made_by["tables"].get(table, {})
        told = (made.get(name) for name in ("dataVersion", "run", "madeAt", "codeVersion", "file"))
        return Upstream(table, tuple(columns), *told)

    return tuple(upstream(table, columns) for table, columns in follows.items())


def _reaching(asset: str, column: str, row: Mapping[str, Any]) -> set[str]:
    """The municipalities whose cases can reach a value.

    Of a breakdown they are those whose cases are counted. Whether a count is hidden or rounded follows from all, and whom a
    municipality reports for from who hands in.
    """
    everybody = pl.lit(value=True)
    if asset == tables.CASE_RATES.name and column not in OF_OWN:
        area = OF_AREA.get(column)
        members = everybody if area is None else pl.col(area) == row[area]
    elif "municipality_code" in row:
        return {row["municipality_code"]}
    elif "area_type" in row and row["area_type"] != "country" and "_comparison_" not in column:
        members = pl.col(f"{row['area_type']}_code") == row["area_code"]
    else:
        members = everybody
    return set(municipalities().filter(members)["municipality_code"])


def _deliveries(
    listed: Iterable[Mapping[str, Any]], codes: Collection[str], asset: str, row: Mapping[str, Any]
) -> Iterable[Delivery]:
    """The deliveries that count of municipalities; for a row of the delivery log its own, whatever became of it."""
    for delivery in listed:
        told = Delivery(*(delivery[name] for name in ("municipalityCode", "folder", "receivedAt", "sha256", "status")))
        if asset in (tables.DELIVERY_LOG.name, EXTRACT_LOG.name):
            is_meant = (told.received_at, told.sha256) == (row["received_at"].isoformat(), row["sha256"])
        else:
            is_meant = told.status == "current"
        if told.municipality_code in codes and is_meant:
            yield told


def _population(note: Mapping[str, Any]) -> Population:
    return Population(*(note[name] for name in ("table", "quarter", "source", "fetchedAt", "sha256", "file")))
