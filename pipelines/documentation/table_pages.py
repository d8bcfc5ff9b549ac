"""The pages that say what the published tables hold and what they were made of: `tables/index.html`, and one per table.

What belongs here: words and order. What does not: where columns come from (`schemas.lineage`), which runs and files made a
release (`pipelines.release.provenance`), and the drawing (`drawing`). No page holds a value of a table.
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from pipelines.documentation.drawing import drawing
from pipelines.documentation.questions import columns_told
from pipelines.documentation.rendering import date_da, render, time_da
from pipelines.ingest.limits import danish
from pipelines.reference.municipalities import municipalities
from pipelines.release.contents import SHARED
from pipelines.release.export import TYPES_DA, bounds_da
from pipelines.release.provenance import PROTECTED
from schemas.extracts import load_form
from schemas.fields import DELIVERY_STATUSES, Field
from schemas.labels_da import TABLES_DA, UNITS_DA, VALUES_DA, TableText
from schemas.lineage import (
    PERSONAL,
    PUBLISHED,
    SENSITIVE,
    is_published,
    origins,
    sources_of,
    tables_with_lineage,
    tags,
    upstream,
)
from schemas.questionnaire import Catalogue
from schemas.tables import Table
from schemas.years import find_period

_TEXTS_DA = TABLES_DA | {
    "inbox": TableText("Indbakken", "Kommunernes filer, som de er afleveret."),
    "folk1a": TableText("Folketal", "Danmarks Statistiks tabel FOLK1A: folketal den første dag i kvartalet."),
    "extracts": TableText("Udtrækkenes indbakker", "Kommunernes udtræk, som de er afleveret."),
    "screening": TableText("Årets screening", "Raterne fra den runde, hvis opgørelsesdato ligger i året."),
}
# What a column comes from in the end, by the table whose columns follow from nothing.
_ENDS_DA = {
    "inbox": "Afleveringerne",
    "extracts": "Udtrækkene",
    "screening": "Årets screening",
    "folk1a": "Danmarks Statistik, FOLK1A",
    "municipalities": "Danmarks Statistiks klassifikationer",
}
_TAGS_DA = {PUBLISHED: "vises for alle deltagere", PERSONAL: "om én borger", SENSITIVE: "følsom"}
_PROTECTED = "shared_"
_VERSION_LETTERS, _RUN_LETTERS = 12, 8
_NONE = "–"


def table_pages(document: Mapping[str, Any], questionnaire: str) -> dict[str, bytes]:
    """The pages by path below the round's documentation.

    Args:
        document: what made the release (`provenance.provenance`).
        questionnaire: the version of the form that the round uses.
    """
    published = _published(document, questionnaire)
    around = {
        "up": "../",
        "footer": f"Botilbudsbenchmark, udgivelse {document['release']} af {_named(document['round'])}. "
        "Siden kan åbnes uden netforbindelse.",
        "release": {
            "id": document["release"],
            "round": _named(document["round"]),
            "made_at": _time(document["madeAt"]),
            "run": document["run"][:_RUN_LETTERS],
            "reconstructed": document.get("reconstructed", False),
            "code_version": document["codeVersion"],
            "method_version": document["methodVersion"],
        },
        "deliveries": _deliveries(document["deliveries"]),
        "population": _population(document["population"]),
    }
    pages = {"tables/index.html": _index(document, published, questionnaire, around)}
    for asset, table in published.items():
        pages[f"tables/{table.name}.html"] = _page(document, asset, table, questionnaire, around)
    return pages


def no_pages_yet(round_name: str) -> dict[str, bytes]:
    """The page that stands where the others will, until a round has its first release."""
    footer = f"Botilbudsbenchmark, {_named(round_name)}. Siden kan åbnes uden netforbindelse."
    return {"tables/index.html": render("no_tables.html", up="../", footer=footer, round=_named(round_name))}


def _published(document: Mapping[str, Any], questionnaire: str) -> dict[str, Table]:
    """The tables in the shared files of the release, by the asset that makes them, in the order that data flows."""
    shared = {asset for path, asset in document["files"].items() if path.startswith(f"{SHARED}/")}
    return {asset: table for asset, table in tables_with_lineage(questionnaire).items() if asset in shared}


def _index(
    document: Mapping[str, Any], published: Mapping[str, Table], questionnaire: str, around: Mapping[str, Any]
) -> bytes:
    return render(
        "tables.html",
        **around,
        published=[
            {"name": table.name, "title": TABLES_DA[table.name].title, "description": TABLES_DA[table.name].description}
            for table in published.values()
        ],
        tables=[
            {
                "description": _description(asset),
                "upstream": [{"asset": source, "link": page_of(source)} for source in _upstream_of(document, asset)],
            }
            | _made(document["tables"], asset)
            for asset in (*sources_of(questionnaire), *tables_with_lineage(questionnaire))
        ],
    )


def _page(
    document: Mapping[str, Any], asset: str, table: Table, questionnaire: str, around: Mapping[str, Any]
) -> bytes:
    text = TABLES_DA[table.name]
    catalogue = load_form(questionnaire)
    return render(
        "table.html",
        **around,
        title=text.title,
        description=text.description,
        file=f"{SHARED}/{table.name}.parquet",
        key=table.key,
        drawing=drawing(asset, text.title, questionnaire),
        columns=[_column(asset, table, field, catalogue) for field in table.fields],
        upstream=[_made(document["tables"], name) for name in _all_upstream(document, asset, questionnaire)],
        before=_before(document, asset, questionnaire),
    )


def _column(asset: str, table: Table, field: Field, catalogue: Catalogue) -> dict[str, Any]:
    origin = origins(asset, catalogue.version)[field.name]
    ends = [
        (source, name)
        for source, name in upstream(asset, field.name, catalogue.version)
        if not origins(source, catalogue.version)[name].sources and source in _ENDS_DA
    ]
    return {
        "name": field.name,
        "label": field.label_da,
        "type": TYPES_DA[field.dtype],
        "unit": UNITS_DA[field.unit] if field.unit else "",
        "nullable": field.name in table.nullable,
        "allowed": _allowed(field),
        "tags": [_TAGS_DA[tag] for tag in sorted(tags(asset, field.name, catalogue.version))],
        "formula": origin.formula_da,
        "function": origin.function,
        "sources": [
            {"asset": source, "link": page_of(source), "columns": columns_told(source, names, catalogue)}
            for source, names in _by_table(origin.sources, catalogue.version).items()
        ],
        "ends": [
            f"{_ENDS_DA[source]}: {columns_told(source, names, catalogue)}"
            for source, names in _by_table(ends, catalogue.version).items()
        ],
    }


def _allowed(field: Field) -> list[str]:
    """What a column may hold, in Danish."""
    if field.values is not None:
        return [f"{word}: {meaning}" for word, meaning in VALUES_DA.get(field.values, {}).items()] or list(field.values)
    return bounds_da(field) + ([f"mønster {field.pattern}"] if field.pattern is not None else [])


def _by_table(columns: Iterable[tuple[str, str]], questionnaire: str) -> dict[str, list[str]]:
    """Columns by table, both in the order of the data."""
    wanted = set(columns)
    found = {
        table: [name for name in origins(table, questionnaire) if (table, name) in wanted]
        for table in (*sources_of(questionnaire), *tables_with_lineage(questionnaire))
    }
    return {table: names for table, names in found.items() if names}


def _upstream_of(document: Mapping[str, Any], asset: str) -> list[str]:
    return list(document["tables"].get(asset, {}).get("upstream", []))


def _all_upstream(document: Mapping[str, Any], asset: str, questionnaire: str) -> list[str]:
    """The tables that an asset was made of, directly or by others, in the order that data flow."""
    found: set[str] = set()
    further = [asset]
    while further:
        sources = set(_upstream_of(document, further.pop())) - found
        found |= sources
        further += sources
    return [name for name in tables_with_lineage(questionnaire) if name in found and name in document["tables"]]


def _made(made: Mapping[str, Any], asset: str) -> dict[str, Any]:
    """Which version of an asset's table was used, and what made it."""
    table = made.get(asset, {})
    return {
        "asset": asset,
        "title": _title(asset),
        "link": page_of(asset),
        "data_version": table.get("dataVersion", "")[:_VERSION_LETTERS],
        "run": table.get("run", "")[:_RUN_LETTERS],
        "made_at": _time(table.get("madeAt")),
        "rows": danish(table["rows"]) if "rows" in table else _NONE,
        "code_version": table.get("codeVersion", ""),
    }


def _before(document: Mapping[str, Any], asset: str, questionnaire: str) -> dict[str, Any] | None:
    """The round before, for the one table that is made from it as well."""
    before = document.get("roundBefore")
    if asset != "round_changes" or before is None:
        return None
    return {
        "round": _day(before["round"]),
        "tables": [
            _made(before["tables"], name) for name in tables_with_lineage(questionnaire) if name in before["tables"]
        ],
        "deliveries": _deliveries(before["deliveries"]),
        "population": _population(before["population"]),
    }


def _deliveries(deliveries: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The delivered files without their names, which a municipality wrote."""
    names = dict(municipalities().select("municipality_code", "municipality_name").iter_rows())
    return [
        {
            "municipality": f"{names.get(file['municipalityCode'], '')} ({file['municipalityCode']})".strip(),
            "received_at": _time(file["receivedAt"]),
            "status": VALUES_DA[DELIVERY_STATUSES][file["status"]],
            "sha256": file["sha256"],
        }
        for file in deliveries
    ]


def _population(note: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        ("Tabel", str(note["table"])),
        ("Kvartal", str(note["quarter"])),
        ("Kilde", str(note["source"])),
        ("Hentet", _fetched(note)),
        ("SHA-256", note["sha256"] or _NONE),
    ]


def _fetched(note: Mapping[str, Any]) -> str:
    if note["fetchedAt"]:
        return _time(note["fetchedAt"])
    return "følger med programmet" if note["file"] else "filen fra Danmarks Statistik er ikke bevaret"


def page_of(asset: str) -> str:
    """Where an asset's table is described, seen from a page beside it."""
    return f"{asset.removeprefix(_PROTECTED)}.html" if is_published(asset) else f"index.html#{asset}"


def _title(asset: str) -> str:
    title = _TEXTS_DA[asset.removeprefix(_PROTECTED)].title
    if asset.startswith(_PROTECTED):
        return f"{title}, som alle deltagere ser dem"
    return f"{title}, de præcise tal" if asset in PROTECTED else title


def _description(asset: str) -> str:
    return f"{_title(asset)}. {_TEXTS_DA[asset.removeprefix(_PROTECTED)].description}"


def _named(name: str) -> str:
    """A round or a year in a sentence."""
    return find_period(name).named_da


def _day(name: str) -> str:
    """A round is named by its snapshot date."""
    return date_da(dt.date.fromisoformat(name))


def _time(at: str | None) -> str:
    return time_da(dt.datetime.fromisoformat(at)) if at else _NONE
