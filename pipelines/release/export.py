"""A table of a release as an .xlsx workbook and as a .csv file, for those whose tools do not read parquet.

The same cells under the same column names as in the parquet file, and nothing computed. Which tables are exported is not
decided here; what tables, units and words are called in Danish stands in `schemas/labels_da.py`.

Two things hold for both: text stays text and is never taken for a formula, and the same input gives the same bytes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from io import BytesIO
from math import ceil

import polars as pl
from xlsxwriter.format import Format
from xlsxwriter.utility import xl_rowcol_to_cell_fast
from xlsxwriter.worksheet import Worksheet

from pipelines.form.form import FILE_RULES_DA
from pipelines.ingest.limits import danish
from pipelines.ingest.messages import EXTRACT_RULES_DA
from pipelines.ingest.messages import RULES_DA as ROW_RULES_DA
from pipelines.release.contents import SHARED
from pipelines.workbook import HIGHEST_ROW, LINE_HEIGHT, Book, styled, workbook, written
from schemas.errors import BotilbudError
from schemas.extracts import load_form
from schemas.fields import EXTRACT_ROW_RULES, FILE_RULES, ROW_RULES, VALUE_STATUSES, Field
from schemas.labels_da import TABLES_DA, UNITS_DA, VALUES_DA
from schemas.periods import Period
from schemas.questionnaire import Catalogue
from schemas.rounds import Round
from schemas.service_areas import labels_da as service_area_labels
from schemas.tables import Table

READ_ME_SHEET = "Læs mig"
DICTIONARY_SHEET = "Ordbog"
ANSWERS_SHEET = "Svar og koder"

EXCEL_ROWS = 1_048_576

LIST_SEPARATOR = "; "

# What a spreadsheet may take for the start of a formula: these signs, what looks like them (full-width and small forms, the
# minus sign), and blanks before any of them. A leading apostrophe counts too: Excel would swallow it, and in CSV the one
# that is put before a text can be told from the text's own.
_FORMULA_START = r"^(?:[\s\p{C}]*[=+\-@＝＋－＠﹦﹢﹣﹫⁺⁻⁼₊₋₌−⩵⩶﬩]|[\t\r\n'])"

_WIDTHS = (9, 60)  # characters; the narrowest and the widest column
_FILTER_BUTTON = 4  # characters
_READ_ME_WIDTHS = (30, 100)
_DICTIONARY_COLUMNS = {
    "Kolonne": 32,
    "Betegnelse": 50,
    "Enhed": 38,
    "Type": 22,
    "Kan være tom": 14,
    "Tilladte værdier": 80,
}
_ANSWERS_COLUMNS = {"Spørgsmål (kode)": 28, "Spørgsmålets tekst": 60, "Svar (kode)": 42, "Svarets tekst": 52}

TYPES_DA: dict[pl.DataType, str] = {
    pl.String(): "tekst",
    pl.Int64(): "helt tal",
    pl.Float64(): "decimaltal",
    pl.Boolean(): "SAND eller FALSK",
    pl.Date(): "dato",
    pl.Datetime("us", "UTC"): "tidspunkt (UTC)",
    pl.List(pl.String()): "tekster med semikolon imellem",
}
_STYLES: dict[str, dict[str, object]] = {
    "title": {"bold": True, "font_size": 16},
    "label": {"bold": True, "valign": "top"},
    "body": {"text_wrap": True, "valign": "top", "align": "left"},
    "header": {"bold": True, "text_wrap": True, "valign": "top", "bg_color": "#DCE6F1", "border": 1},
    "text": {"num_format": "@"},
    "quoted": {"num_format": "@", "quote_prefix": True},
    "flag": {"align": "left"},
    "date": {"num_format": "dd-mm-yyyy", "align": "left"},
    "time": {"num_format": "dd-mm-yyyy hh:mm:ss", "align": "left"},
    "number": {"num_format": "0"},
    "count": {"num_format": "#,##0"},
    "decimal": {"num_format": "0.000"},
    "small": {"num_format": "0.000000"},
    "tiny": {"num_format": "0.00E+00"},
}
# Where three decimals would show nothing.
_SMALL_UNITS = {"cases per resident aged 18-66": "small", "(cases per resident aged 18-66) squared": "tiny"}


@dataclass(frozen=True)
class About:
    """What a workbook tells of the release that it is part of.

    `release`, `path` and `figures_from` (the earlier release that made the shared breakdowns, if one did) are as in the
    manifest; `sources` are its sources' titles. The municipality is the one that alone may see the file; none where all may.
    """

    title_da: str
    release: str
    round_: Period
    path: str
    population_quarter: str
    sources: tuple[str, ...]
    schema_version: str
    method_version: str
    figures_from: str | None = None
    municipality_code: str | None = None
    municipality_name: str | None = None


def table_csv(frame: pl.DataFrame, table: Table) -> bytes:
    """A table as Danish Excel opens it: `;` between, decimal comma, UTF-8 with BOM, CRLF, column identifiers as header.

    Numbers have all their digits, no thousands separator and no exponent; flags are SAND and FALSK, which Danish Excel
    reads as booleans; times are ISO 8601 in UTC; lists are joined by `; `; null is an empty field. Text that a spreadsheet
    could take for a formula, or that starts with an apostrophe, has an apostrophe before it.
    """
    columns = []
    for field in table.fields:
        column = pl.col(field.name)
        match field.dtype:
            case pl.String() | pl.Enum() | pl.List():
                text = _text(field)
                columns.append(pl.when(text.str.contains(_FORMULA_START)).then(pl.lit("'") + text).otherwise(text))
            case pl.Boolean():
                columns.append(pl.when(column).then(pl.lit("SAND")).when(~column).then(pl.lit("FALSK")))
            case pl.Datetime():
                columns.append(column.dt.to_string("%Y-%m-%dT%H:%M:%S%.fZ"))
            case pl.Date():
                columns.append(column.dt.to_string("%Y-%m-%d"))
            case _:
                columns.append(column)
    named = (column.alias(field.name) for column, field in zip(columns, table.fields, strict=True))
    content = BytesIO()
    frame.select(named).write_csv(
        content,
        separator=";",
        decimal_comma=True,
        float_scientific=False,
        include_bom=True,
        line_terminator="\r\n",
    )
    return content.getvalue()


def table_workbook(table: Table, frame: pl.DataFrame, about: About) -> bytes:
    """A table as an .xlsx workbook.

    Sheets: the data, as an Excel table named as the table, with column identifiers as header; `Læs mig`; `Ordbog`, one row
    per column; `Svar og koder` where answers stand beside their questions. Numbers, times (in UTC) and flags are real ones;
    lists are joined by `; `; null is a blank cell.

    Raises:
        BotilbudError: the table has more rows, or a text is longer, than Excel takes; tells where and no value.
    """
    if frame.height >= EXCEL_ROWS:
        raise BotilbudError(
            f"{table.name} has {frame.height} rows, and a sheet takes {EXCEL_ROWS - 1}: share it as CSV alone"
        )
    content = BytesIO()
    title = f"{about.title_da}: {TABLES_DA[table.name].title}"
    with workbook(content, title, about.round_.snapshot_date) as file:
        book = styled(file, _STYLES)
        catalogue = load_form(about.round_.questionnaire)
        _write_data(book, table, frame)
        _write_read_me(book, title, _read_me(table, about))
        _write_texts(book, DICTIONARY_SHEET, _DICTIONARY_COLUMNS, _dictionary(table, catalogue.version))
        if _names_answers(table):
            _write_texts(book, ANSWERS_SHEET, _ANSWERS_COLUMNS, _answers(catalogue.version))
    return content.getvalue()


def _text(field: Field) -> pl.Expr:
    """A column of words as text."""
    column = pl.col(field.name)
    return column.list.join(LIST_SEPARATOR) if isinstance(field.dtype, pl.List) else column.cast(pl.String)


def _write_data(book: Book, table: Table, frame: pl.DataFrame) -> None:
    texts = [field.name for field in table.fields if _is_text(field)]
    cells = frame.select(_aswritten(field) for field in table.fields)
    longest = {column.name: column.item() for column in cells.select(pl.col(texts).str.len_chars().max())}
    sheet = book.sheet(TABLES_DA[table.name].title, (_width(field, longest.get(field.name)) for field in table.fields))
    last_row, last_column = max(frame.height, 1), len(table.fields) - 1  # an Excel table has a row, if a blank one
    options = {
        "name": table.name,
        "style": "Table Style Light 1",
        "columns": [{"header": field.name, "header_format": book.styles["label"]} for field in table.fields],
    }
    written(sheet.add_table(0, 0, last_row, last_column, options), f"the columns of {table.name} as a table")
    marked = cells.select(pl.col(texts).str.contains(_FORMULA_START)).to_dict(as_series=False)
    for column, (field, values) in enumerate(zip(table.fields, cells.to_dict(as_series=False).values(), strict=True)):
        style = book.styles[_style(field)]
        if field.name in marked:
            formats = (style, book.styles["quoted"])
            _write_text_column(sheet, column, field, zip(values, marked[field.name], strict=True), formats)
        else:
            _write_column(sheet, column, field, values, style)
    # Codes are texts of digits, and meant to be.
    sheet.ignore_errors({"number_stored_as_text": f"A1:{xl_rowcol_to_cell_fast(last_row, last_column)}"})
    sheet.freeze_panes(1, 0)
    sheet.repeat_rows(0)


def _aswritten(field: Field) -> pl.Expr:
    """A column as XlsxWriter takes it."""
    if _is_text(field):
        return _text(field)
    column = pl.col(field.name)
    return column.dt.replace_time_zone(None) if isinstance(field.dtype, pl.Datetime) else column


def _width(field: Field, longest: int | None) -> int:
    """The width in characters of a column whose longest text is so long; none for numbers."""
    narrowest, widest = _WIDTHS
    return min(max(narrowest, len(field.name) + _FILTER_BUTTON, (longest or 0) + 1), widest)


def _write_text_column(
    sheet: Worksheet,
    column: int,
    field: Field,
    values: Iterable[tuple[str | None, bool | None]],
    formats: tuple[Format, Format],
) -> None:
    """Writes texts below their header, always as strings; the second format is for what looks like a formula's start."""
    for row, (text, marked) in enumerate(values, start=1):
        if text is not None and sheet.write_string(row, column, text, formats[bool(marked)]) != 0:
            raise BotilbudError(f"Excel does not take the text of row {row} in column {field.name}: it is too long")


def _write_column(sheet: Worksheet, column: int, field: Field, values: Iterable[object], style: Format) -> None:
    """Writes numbers, times or flags below their header."""
    match field.dtype:
        case pl.Datetime() | pl.Date():
            write = sheet.write_datetime
        case pl.Boolean():
            write = sheet.write_boolean
        case _:
            write = sheet.write_number
    for row, value in enumerate(values, start=1):
        if value is not None:
            write(row, column, value, style)


def _is_text(field: Field) -> bool:
    return isinstance(field.dtype, pl.String | pl.Enum | pl.List)


def _style(field: Field) -> str:
    match field.dtype:
        case pl.Boolean():
            return "flag"
        case pl.Datetime():
            return "time"
        case pl.Date():
            return "date"
        case pl.Int64():
            return "number" if field.unit is None else "count"
        case pl.Float64():
            return _SMALL_UNITS.get(field.unit or "", "decimal")
    return "text"


def _write_read_me(book: Book, title: str, notes: dict[str, str]) -> None:
    sheet = book.sheet(READ_ME_SHEET, _READ_ME_WIDTHS)
    sheet.hide_gridlines(2)
    written(sheet.write_string(0, 0, title, book.styles["title"]), "the title")
    for row, (heading, text) in enumerate(notes.items(), start=2):
        _write_row(sheet, row, (heading, text), _READ_ME_WIDTHS, (book.styles["label"], book.styles["body"]))


def _write_texts(book: Book, name: str, columns: dict[str, int], rows: Iterable[tuple[str, ...]]) -> None:
    """A sheet of texts with a frozen header row; `columns` maps each heading to its width in characters."""
    widths = tuple(columns.values())
    sheet = book.sheet(name, widths)
    for row, texts in enumerate([tuple(columns), *rows]):
        style = book.styles["header" if row == 0 else "body"]
        _write_row(sheet, row, texts, widths, (style,) * len(widths))
    sheet.freeze_panes(1, 0)
    sheet.repeat_rows(0)


def _write_row(
    sheet: Worksheet, row: int, texts: tuple[str, ...], widths: tuple[int, ...], styles: Sequence[Format]
) -> None:
    sheet.set_row(row, _height(texts, widths))
    for column, (text, style) in enumerate(zip(texts, styles, strict=True)):
        if text:
            written(sheet.write_string(row, column, text, style), f"row {row + 1} of sheet {sheet.get_name()}")


@lru_cache(maxsize=1_000)
def _height(texts: tuple[str, ...], widths: tuple[int, ...]) -> int:
    """The height of a row with wrapped texts, in points; not every spreadsheet finds it itself when it opens a file."""
    lines = (
        sum(ceil(max(len(line), 1) / width) for line in text.split("\n"))
        for text, width in zip(texts, widths, strict=True)
    )
    return min(LINE_HEIGHT * max(lines), HIGHEST_ROW)


def _read_me(table: Table, about: About) -> dict[str, str]:
    """Headings and their texts."""
    text = TABLES_DA[table.name]
    names = {field.name for field in table.fields}
    notes = {
        "Hvad tabellen viser": text.description,
        **_period(about.round_),
        "Udgivelse": about.release,
        "Fil i udgivelsen": about.path,
        "Hvem må se filen": _readers(about),
        "Kolonner": (
            f"Kolonnerne har samme navne som i parquet- og CSV-filen. Arket {DICTIONARY_SHEET} forklarer dem og deres koder. "
            "Tal har flere decimaler, end cellerne viser. Tidspunkter er i UTC, som er en eller to timer efter dansk tid."
        ),
    }
    if "value_status" in names:
        words = (f"{word}: {meaning}" for word, meaning in VALUES_DA[VALUE_STATUSES].items())
        notes["Status for tallet (value_status)"] = "\n".join(words)
        notes["Små tal"] = _small_counts(about)
    if "figures_from_release" in names:
        notes["Tal fra en tidligere udgivelse"] = _figures_from(about)
    if "population_18_66" in names or any(field.unit and "residents" in field.unit for field in table.fields):
        notes["Befolkning"] = _population(about)
    notes |= {
        "Metode": f"Metodeversion {about.method_version}, tabelversion {about.schema_version}.",
        "Datagrundlag": "\n".join(about.sources),
        "Kildeangivelse": text.source,
    }
    if _is_shared(about):
        notes["Sådan henviser I til tabellen"] = (
            f"{about.title_da}. {text.title}. Udgivelse {about.release}. {text.source}."
        )
    return notes


def _period(period: Period) -> dict[str, str]:
    if isinstance(period, Round):
        return {"Runde": f"{period.name} (opgjort pr. {period.snapshot_date:%d-%m-%Y})"}
    return {"År": f"{period.name} (sager over beløbsgrænsen er talt pr. {period.snapshot_date:%d-%m-%Y})"}


def _is_shared(about: About) -> bool:
    return about.path.startswith(f"{SHARED}/")


def _readers(about: About) -> str:
    if _is_shared(about):
        return "KL og alle deltagende kommuner."
    if about.municipality_code is None:
        return "Kun KL."
    return (
        f"Kun {about.municipality_code} {about.municipality_name} og KL. Filen kan rumme tal og oplysninger om få borgere, som "
        "andre ikke må se. Giv den ikke videre."
    )


def _small_counts(about: About) -> str:
    if _is_shared(about):
        return "Små tal er afrundet eller skjult. Et tomt felt betyder ikke nul."
    return (
        "Kommunens egne tal er vist fuldt ud. Tallene for hele landet er, som alle deltagende kommuner ser dem. Et tomt "
        "felt betyder ikke nul."
    )


def _figures_from(about: About) -> str:
    explained = (
        "Står der en udgivelse i kolonnen figures_from_release, er rækkens tal opgjort i den udgivelse og ikke på ny, fordi "
        "forskellen ville røbe små tal."
    )
    return explained if about.figures_from is None else f"{explained} Her er det udgivelse {about.figures_from}."


def _population(about: About) -> str:
    wanted = about.round_.population_quarter
    if about.population_quarter == wanted:
        return f"Indbyggere på 18-66 år i {wanted}."
    return f"Indbyggere på 18-66 år i {about.population_quarter}, da tallene for {wanted} ikke kunne hentes."


@cache
def _dictionary(table: Table, questionnaire: str) -> tuple[tuple[str, ...], ...]:
    """One row per column: identifier, label, unit, type, whether it may be blank, what it allows."""
    catalogue = load_form(questionnaire)
    return tuple(
        (
            field.name,
            field.label_da,
            UNITS_DA[field.unit] if field.unit else "",
            _type(field, catalogue),
            "ja" if field.name in table.nullable else "nej",
            _allowed(table, field, catalogue),
        )
        for field in table.fields
    )


def _type(field: Field, catalogue: Catalogue) -> str:
    question = catalogue.by_key.get(field.name)
    if question is not None and question.kind == "multiple":
        return "koder med semikolon imellem"
    return "tekst" if isinstance(field.dtype, pl.Enum) else TYPES_DA[field.dtype]


def _allowed(table: Table, field: Field, catalogue: Catalogue) -> str:
    """What a column may hold, in Danish."""
    if _names_answers(table) and field.name in ("question", "answer"):
        return f"Se arket {ANSWERS_SHEET}."
    meanings = _meanings(table, field, catalogue)
    if meanings:
        return "\n".join(f"{word}: {meaning}" for word, meaning in meanings.items())
    return ", ".join(bounds_da(field))


def bounds_da(field: Field) -> list[str]:
    """The smallest and the largest number that a column may hold, in Danish."""
    bounds = []
    if field.minimum is not None:
        bounds.append(f"mindst {danish(int(field.minimum))}")
    if field.maximum is not None:
        bounds.append(f"højst {danish(int(field.maximum))}")
    return bounds


def _meanings(table: Table, field: Field, catalogue: Catalogue) -> dict[str, str]:
    """What each word that a column may hold means; empty where it holds no fixed words."""
    if table.name == "target_groups" and field.name == "target_group":
        return _group_labels(catalogue, "main_target_group") | _option_labels(catalogue, "target_group")
    if field.name == "provider_type":
        return _group_labels(catalogue, "provider_type")
    if field.values is not None:
        words = {FILE_RULES: FILE_RULES_DA, ROW_RULES: ROW_RULES_DA, EXTRACT_ROW_RULES: EXTRACT_RULES_DA, **VALUES_DA}
        return {word: words[field.values][word] for word in field.values}
    if field.name in ("service_area", "legal_basis"):
        return service_area_labels()
    return _option_labels(catalogue, field.name)


def _option_labels(catalogue: Catalogue, key: str) -> dict[str, str]:
    question = catalogue.by_key.get(key)
    return {option.code: option.label_da for option in question.options} if question else {}


def _group_labels(catalogue: Catalogue, rollup: str) -> dict[str, str]:
    groups = next(found.groups for found in catalogue.rollups if found.key == rollup)
    return {group.code: group.label_da for group in groups}


def _names_answers(table: Table) -> bool:
    """Whether a table's rows are about answers, whose codes mean something beside their question only."""
    return {"question", "answer"} <= {field.name for field in table.fields}


@cache
def _answers(questionnaire: str) -> tuple[tuple[str, ...], ...]:
    """One row per answer to a closed question and per group of a roll-up: key and text of the question, code and text."""
    catalogue = load_form(questionnaire)
    asked = [(q.key, q.text_da, o.code, o.label_da) for q in catalogue.closed_questions for o in q.options]
    grouped = [(r.key, r.text_da, g.code, g.label_da) for r in catalogue.rollups for g in r.groups]
    return (*asked, *grouped)
