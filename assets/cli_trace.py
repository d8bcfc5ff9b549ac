"""The command `botilbud trace`: what one value of a release comes from, told in Danish."""

import datetime as dt
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from pipelines.release.trace import Inputs, Population, Trace

File = Annotated[
    str, typer.Argument(help="En tabel, hvor den ligger i udgivelsens mappe (.parquet, .xlsx eller .csv).")
]
Key = Annotated[
    str, typer.Argument(help="Rækken, f.eks. 183 eller area_type=country,area_code=000. En del af nøglen kan være nok.")
]
ColumnName = Annotated[str, typer.Argument(help="Kolonnen, f.eks. rate_per_1000.")]
AsJson = Annotated[bool, typer.Option("--json", help="Skriv det hele som JSON.")]

_TYPES = {
    "string": "tekst",
    "integer": "heltal",
    "number": "tal",
    "boolean": "ja eller nej",
    "datetime": "tidspunkt",
    "array": "liste",
}


def trace(file: File, key: Key, column: ColumnName, as_json: AsJson = False) -> None:
    """Vis, hvad en værdi i en udgivelse kommer af: formel, tabeller, afleveringer og befolkning."""
    from pipelines import storage
    from pipelines.release.trace import trace as trace_of

    path = storage.located(file)
    storage.require_reachable(path)
    found = trace_of(path, key, column)
    if as_json:
        typer.echo(json.dumps(found.document(), ensure_ascii=False, indent=1))
    else:
        typer.echo("\n".join(told(found)))


def told(found: "Trace") -> Iterator[str]:
    """A trace in lines."""
    from schemas.labels_da import RELEASE_STATUSES_DA, UNITS_DA

    key = ", ".join(f"{name}={value}" for name, value in found.key.items())
    unit = f", {UNITS_DA[found.column.unit]}" if found.column.unit else ""
    status = RELEASE_STATUSES_DA[found.status] if found.status else "status ukendt: beslutningerne ligger ikke her"
    yield f"Fil: {found.file} (uændret, SHA-256 {found.sha256})"
    yield f"Række: {key}"
    yield f"Kolonne: {found.column.name} ({found.column.label}; {_TYPES[found.column.type]}{unit})"
    yield f"Værdi: {_value(found)}"
    yield f"Formel: {found.formula}"
    yield f"Beregnes af: {found.function}"
    yield f"Udgivelse: {found.release} ({status}), runde {found.round}"
    program, run = f"program {found.code_version}, metode {found.method_version}", f"kørsel {found.run}"
    if found.reconstructed:
        yield f"  lavet med {program}"
        yield f"  det følgende er samlet {_time(found.made_at)} af en senere {run}, som ikke lavede udgivelsen"
    else:
        yield f"  lavet {_time(found.made_at)} af {run} med {program}"
    for inputs in found.inputs:
        yield from _inputs(inputs)
    if found.figures_from:
        yield f"Tallet er ikke opgjort på ny: det er fra udgivelse {found.figures_from}."
        if found.earlier is None:
            yield "  Den udgivelse ligger ikke her, så sporet ender."
        else:
            yield from (f"  {line}" for line in told(found.earlier))


def _value(found: "Trace") -> str:
    from schemas.fields import VALUE_STATUSES
    from schemas.labels_da import VALUES_DA

    if not found.is_shared:
        return "vises ikke her, da kun kommunen selv må se den; den står i filen"
    if found.value_status == "suppressed":
        return VALUES_DA[VALUE_STATUSES]["suppressed"]
    shown = _shown(found.value)
    if found.value_status == "rounded":
        return (
            f"{shown} (tallet af sager er afrundet til et multiplum af {found.rounding_base}; om et tal afrundes eller "
            "skjules, følger af alle kommuners tal)"
        )
    return shown


def _shown(value: object) -> str:
    from portal import danish

    match value:
        case None:
            return "ingen"
        case bool():
            return "ja" if value else "nej"
        case int():
            return danish.number(value)
        case float():
            # Every digit, so that the value can be computed again.
            return str(value).replace(".", ",")
        case _:
            return str(value)


def _inputs(inputs: "Inputs") -> Iterator[str]:
    from schemas.fields import DELIVERY_STATUSES
    from schemas.labels_da import VALUES_DA

    if inputs.tables:
        yield f"Følger af (runde {inputs.round}):"
    for table in inputs.tables:
        yield f"  {table.table}: {', '.join(table.columns)}"
        if table.data_version:
            yield f"    dataversion {table.data_version}"
            yield f"    lavet {_time(table.made_at)} af kørsel {table.run}, kode {table.code_version}"
    if inputs.deliveries:
        yield f"Afleveringer (runde {inputs.round}, {len(inputs.deliveries)} i alt):"
    for delivery in inputs.deliveries:
        status = VALUES_DA[DELIVERY_STATUSES][delivery.status]
        yield f"  {delivery.municipality_code}: i {delivery.folder} ({status}), modtaget {_time(delivery.received_at)}"
        yield f"    SHA-256 {delivery.sha256 or 'kendes ikke: filen blev ikke åbnet'}"
    if inputs.population:
        yield from _population(inputs.population)


def _population(population: "Population") -> Iterator[str]:
    yield f"Befolkning: {population.table}, {population.quarter} ({population.source})"
    if population.file is None:
        yield "    filen fra Danmarks Statistik er ikke bevaret"
        return
    fetched = f"hentet {_time(population.fetched_at)}" if population.fetched_at else "følger med programmet"
    yield f"  {population.file}, {fetched}"
    yield f"    SHA-256 {population.sha256}"


def _time(moment: str | None) -> str:
    from portal import danish

    return danish.time(dt.datetime.fromisoformat(moment)) if moment else "på et ukendt tidspunkt"
