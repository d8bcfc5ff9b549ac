"""Deliveries built byte by byte: CSV, OOXML and OpenDocument workbooks, zip archives, compound files, parquet.

What belongs here: how a file of each kind is made, well or badly, and the made-up answers that fill it.
What does not: what the ingest should make of a file (the cases do that), and any reader of the project's own.

The workbooks are written by hand, as the format's standard allows and as Excel, LibreOffice, other writers and hostile
hands write them, so that a test can break one detail and nothing else.
"""

import csv
import io
import struct
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from xml.sax.saxutils import escape

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

ROOT = Path(__file__).parents[2]

# --- the form and made-up answers ------------------------------------------------------------------------------------

_FORM = yaml.safe_load((ROOT / "schemas/questionnaire/2022.yaml").read_text(encoding="utf-8"))["questions"]
KEYS = [question["key"] for question in _FORM]
TEXTS = [question["text_da"] for question in _FORM]
HEADERS = [f"{question['number']}. {question['text_da']}" for question in _FORM]
_ANSWERS = {
    question["key"]: question["options"][0]["label_da"] if question["kind"] == "single" else "" for question in _FORM
}
_CODES = {question["key"]: question["options"][0]["code"] if question["kind"] == "single" else "" for question in _FORM}
_PLAIN = {"age": "34", "residential_cost_dkk": "2345678", "day_programme_cost_dkk": "0", "months_since_follow_up": "6"}

Row = dict[str, object]


def number_of(key: str) -> int:
    """Return the number of the question with this key."""
    return KEYS.index(key) + 1


def case(code: object, case_id: object, /, **changes: object) -> Row:
    """One eligible case of the municipality, every answer given, changed as told."""
    return {**_ANSWERS, **_PLAIN, "municipality_code": code, "case_id": case_id, **changes}


def terse(code: object, case_id: object, /, **changes: object) -> Row:
    """Give the same case with option codes for labels: fewer bytes, no letter outside ASCII."""
    return {**_CODES, **_PLAIN, "municipality_code": code, "case_id": case_id, **changes}


def good(code: str) -> list[Row]:
    """Three accepted cases: one eligible, one below the threshold, one not in residential care."""
    return [
        case(code, "A-1"),
        case(code, "A-2", residential_cost_dkk="1500000", day_programme_cost_dkk="499999"),
        case(code, "A-3", in_residential_care="Nej"),
    ]


def fill(code: str, rows: int) -> list[Row]:
    """Eligible cases to stand behind broken ones, so that a delivery keeps its share of rejected rows."""
    return [case(code, f"FYLD-{number}") for number in range(1, rows + 1)]


def amid(code: str, broken: Sequence[Row]) -> list[Row]:
    """The rows first, then four good ones for each: at most 20 % can be rejected."""
    return [*broken, *fill(code, 4 * len(broken))]


Grid = list[list[object]]


def grid(rows: Iterable[Row], *, headers: Sequence[object] = HEADERS, keys: Sequence[str] = KEYS) -> Grid:
    """Header row and case rows; a key the row does not have is an empty cell."""
    return [list(headers), *([row.get(key, "") for key in keys] for row in rows)]


def column(index: int) -> str:
    """Give the letters of a column, counted from 0."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


# --- csv -------------------------------------------------------------------------------------------------------------


def csv_text(cells: Grid, *, sep: str = ";", end: str = "\r\n") -> str:
    """Text of a CSV file, fields quoted where they must be."""
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=sep, lineterminator=end).writerows(cells)
    return out.getvalue()


def csv_bytes(cells: Grid, *, sep: str = ";", end: str = "\r\n", encoding: str = "utf-8") -> bytes:
    """Bytes of a CSV file."""
    return csv_text(cells, sep=sep, end=end).encode(encoding)


# --- zip archives ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Entry:
    """One part of an archive; `at` makes it share another's bytes.

    `says` is what the archive claims: the number of unpacked bytes, or the bytes whose number and checksum it gives.
    """

    name: str
    data: bytes
    method: int = zipfile.ZIP_DEFLATED
    says: int | bytes | None = None
    flags: int = 0
    at: str | None = None


def _packed(entry: Entry) -> bytes:
    if entry.method == zipfile.ZIP_STORED:
        return entry.data
    if entry.method == zipfile.ZIP_DEFLATED:
        squeeze = zlib.compressobj(6, zlib.DEFLATED, -15)
        return squeeze.compress(entry.data) + squeeze.flush()
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", entry.method) as archive:
        archive.writestr("x", entry.data)
    info = zipfile.ZipFile(whole).infolist()[0]
    start = 30 + len(info.filename)
    return whole.getvalue()[start : start + info.compress_size]


def archive_bytes(entries: Iterable[Entry], *, comment: bytes = b"") -> bytes:
    """Write an archive as told, true or not; Python's `zipfile` would correct the claims."""
    body, directory, places = bytearray(), bytearray(), {}
    count = 0
    for entry in entries:
        name = entry.name.encode()
        flags = entry.flags | (0 if name.isascii() else 0x800)
        packed = _packed(entry)
        claimed = entry.says if isinstance(entry.says, bytes) else entry.data
        size = entry.says if isinstance(entry.says, int) else len(claimed)
        fields = (flags, entry.method, 0, 0x5A21, zlib.crc32(claimed), len(packed), size, len(name))
        if entry.at is None:
            places[entry.name] = len(body)
            body += struct.pack("<4sHHHHHIIIHH", b"PK\3\4", 20, *fields, 0) + name + packed
        place = places[entry.at or entry.name]
        directory += struct.pack("<4sHHHHHHIIIHHHHHII", b"PK\1\2", 20, 20, *fields, 0, 0, 0, 0, 0, place) + name
        count += 1
    end = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, count, count, len(directory), len(body), len(comment))
    return bytes(body + directory) + end + comment


Parts = dict[str, bytes]


def packed(parts: Mapping[str, bytes], *extra: Entry) -> bytes:
    """Archive of the parts in their order; a `mimetype` is stored, as OpenDocument wants it."""
    stored = ("mimetype",)
    entries = [
        Entry(name, data, zipfile.ZIP_STORED if name in stored or name.endswith("/") else zipfile.ZIP_DEFLATED)
        for name, data in parts.items()
    ]
    return archive_bytes([*entries, *extra])


class _Pipe(io.RawIOBase):
    """A stream that cannot be rewound: `zipfile` then writes sizes behind the data."""

    def __init__(self):
        self.data = bytearray()

    def writable(self):
        return True

    def write(self, data):
        self.data += data
        return len(data)


def streamed(parts: Mapping[str, bytes]) -> bytes:
    """Archive with data descriptors, as writers make it that send while they write."""
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return bytes(pipe.data)


def zip64(parts: Mapping[str, bytes]) -> bytes:
    """Archive with 64-bit sizes though it is small, as .NET's packaging library writes it."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            with archive.open(name, "w", force_zip64=True) as part:
                part.write(data)
    return whole.getvalue()


# --- OOXML workbooks -------------------------------------------------------------------------------------------------

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_STRICT = {
    MAIN: "http://purl.oclc.org/ooxml/spreadsheetml/main",
    _RELATIONS: "http://purl.oclc.org/ooxml/officeDocument/relationships",
}
XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\r\n'
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml."
SHEET_TYPE = f"{_TYPE}sheet.main+xml"
MACRO_TYPE = "application/vnd.ms-excel.sheet.macroEnabled.main+xml"

# Styles of a cell, by their place in `styles.xml` below.
TEXT, DATE, TIME, PERCENT, DURATION, KRONER, MONTHS, DAY_MONTH, MOMENT = range(1, 10)
_STYLES = (
    f'{XML}<styleSheet xmlns="{MAIN}"><numFmts count="3">'
    # The Danish currency format: letters in brackets and quotes that are no part of a date.
    '<numFmt numFmtId="164" formatCode="#,##0.00\\ &quot;kr.&quot;;[Red]\\-#,##0.00\\ &quot;kr.&quot;"/>'
    '<numFmt numFmtId="165" formatCode="0\\ &quot;mdr. siden&quot;"/><numFmt numFmtId="166" formatCode="d\\-m"/>'
    '</numFmts><fonts count="1"><font><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="1"><fill><patternFill patternType="none"/></fill></fills><borders count="1"><border/></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0"/></cellStyleXfs><cellXfs count="10">'
    + "".join(f'<xf numFmtId="{code}" applyNumberFormat="1"/>' for code in (0, 49, 14, 20, 9, 46, 164, 165, 166, 22))
    + "</cellXfs></styleSheet>"
)


@dataclass(frozen=True)
class Cell:
    """A cell of an OOXML sheet as it stands in the file; `{ref}` is its address."""

    xml: str


def x_number(value: object, style: int = 0) -> Cell:
    """Cell with a number, given as the text that stands in the file."""
    return Cell(f'<c r="{{ref}}" s="{style}"><v>{value}</v></c>')


def x_boolean(value: int) -> Cell:
    """Cell with a truth value."""
    return Cell(f'<c r="{{ref}}" t="b"><v>{value}</v></c>')


def x_error(value: str) -> Cell:
    """Cell with an error value."""
    return Cell(f'<c r="{{ref}}" t="e"><v>{value}</v></c>')


def x_formula(formula: str, cached: str | None, kind: str = "") -> Cell:
    """Cell with a formula and the value its writer computed, if it did."""
    value = "" if cached is None else f"<v>{escape(cached)}</v>"
    return Cell(f'<c r="{{ref}}"{f" t={chr(34)}{kind}{chr(34)}" if kind else ""}><f>{escape(formula)}</f>{value}</c>')


def x_inline(text: str) -> Cell:
    """Cell with its text in place."""
    return Cell(f'<c r="{{ref}}" t="inlineStr"><is><t xml:space="preserve">{escape(text)}</t></is></c>')


def x_rich(*runs: str, phonetic: str = "") -> "Shared":
    """Shared text in runs of different format, with a pronunciation guide that is no part of it."""
    inner = "".join(f'<r><rPr><b/></rPr><t xml:space="preserve">{escape(run)}</t></r>' for run in runs)
    guide = f'<rPh sb="0" eb="1"><t>{escape(phonetic)}</t></rPh><phoneticPr fontId="0"/>' if phonetic else ""
    return Shared(f"<si>{inner}{guide}</si>")


@dataclass(frozen=True)
class Shared:
    """An entry of the shared strings as it stands in the file."""

    xml: str


@dataclass(frozen=True)
class Sheet:
    """A sheet: rows by their number, and what its writer says of rows and columns."""

    name: str
    rows: Mapping[int, Sequence[object]]
    state: str = ""
    row_attributes: Mapping[int, str] = field(default_factory=dict)
    columns: str = ""
    dimension: str = ""
    first_column: int = 0


def sheet(cells: Grid, name: str = "Skema", *, first_row: int = 1, **said: object) -> Sheet:
    """Sheet with the cells from `first_row` down."""
    return replace(Sheet(name, dict(enumerate(cells, first_row))), **said)


def front(code: str, declared: object) -> Sheet:
    """Front sheet with the declared number of cases."""
    return sheet([["Screening", ""], ["Kommunekode", code], ["Antal sager", declared]], "Forside")


def _x_cell(value: object, ref: str, shared: dict[str, int]) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, Cell):
        return value.xml.replace("{ref}", ref)
    if isinstance(value, Shared | str):
        item = value.xml if isinstance(value, Shared) else f'<si><t xml:space="preserve">{escape(value)}</t></si>'
        return f'<c r="{ref}" t="s"><v>{shared.setdefault(item, len(shared))}</v></c>'
    return f'<c r="{ref}"><v>{value}</v></c>'


def _x_sheet(page: Sheet, shared: dict[str, int]) -> bytes:
    rows = []
    for number, cells in page.rows.items():
        inner = "".join(
            _x_cell(value, f"{column(index)}{number}", shared) for index, value in enumerate(cells, page.first_column)
        )
        rows.append(f'<row r="{number}"{page.row_attributes.get(number, "")}>{inner}</row>')
    dimension = f'<dimension ref="{page.dimension}"/>' if page.dimension else ""
    columns = f"<cols>{page.columns}</cols>" if page.columns else ""
    return (
        f'{XML}<worksheet xmlns="{MAIN}" xmlns:r="{_RELATIONS}">{dimension}{columns}'
        f"<sheetData>{''.join(rows)}</sheetData></worksheet>"
    ).encode()


def x_parts(*sheets: Sheet, workbook_type: str = SHEET_TYPE) -> Parts:
    """Parts of an .xlsx file as Excel names them; a case may alter any of them before they are packed."""
    shared: dict[str, int] = {}
    pages = {f"xl/worksheets/sheet{number}.xml": _x_sheet(page, shared) for number, page in enumerate(sheets, 1)}
    listed = "".join(
        f'<sheet name="{escape(page.name)}" sheetId="{number}"{page.state} r:id="rId{number}"/>'
        for number, page in enumerate(sheets, 1)
    )
    types = "".join(f'<Override PartName="/{part}" ContentType="{_TYPE}worksheet+xml"/>' for part in pages)
    links = "".join(
        f'<Relationship Id="rId{number}" Type="{_RELATIONS}/worksheet" Target="worksheets/sheet{number}.xml"/>'
        for number in range(1, len(sheets) + 1)
    )
    texts = {
        "[Content_Types].xml": f'{XML}<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{workbook_type}"/>{types}'
        f'<Override PartName="/xl/styles.xml" ContentType="{_TYPE}styles+xml"/>'
        f'<Override PartName="/xl/sharedStrings.xml" ContentType="{_TYPE}sharedStrings+xml"/></Types>',
        "_rels/.rels": f'{XML}<Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{_RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'{XML}<workbook xmlns="{MAIN}" xmlns:r="{_RELATIONS}"><sheets>{listed}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'{XML}<Relationships xmlns="{_PACKAGE}/relationships">{links}'
        f'<Relationship Id="rIdS" Type="{_RELATIONS}/styles" Target="styles.xml"/>'
        f'<Relationship Id="rIdT" Type="{_RELATIONS}/sharedStrings" Target="sharedStrings.xml"/></Relationships>',
        "xl/styles.xml": _STYLES,
        "xl/sharedStrings.xml": f'{XML}<sst xmlns="{MAIN}" count="{len(shared)}" uniqueCount="{len(shared)}">'
        f"{''.join(shared)}</sst>",
    }
    return {name: text.encode() for name, text in texts.items()} | pages


def xlsx(*sheets: Sheet) -> bytes:
    """Bytes of an .xlsx file."""
    return packed(x_parts(*sheets))


def swapped(parts: Parts, part: str, old: str, new: str) -> Parts:
    """Return the parts with one text replaced in one of them; it must be there."""
    text = parts[part].decode()
    if old not in text:
        raise ValueError(f"{part} holds no {old!r}")
    return parts | {part: text.replace(old, new, 1).encode()}


def renamed(parts: Parts, to: str) -> Parts:
    """Give the part of the sheet another name, in its relation and its content type too."""
    parts = swapped(parts, "xl/_rels/workbook.xml.rels", "worksheets/sheet1.xml", to.removeprefix("xl/"))
    parts = swapped(parts, "[Content_Types].xml", "/xl/worksheets/sheet1.xml", f"/{to}")
    return {to if name == "xl/worksheets/sheet1.xml" else name: data for name, data in parts.items()}


def strict(parts: Parts) -> Parts:
    """Return the parts in the namespaces of Excel's strict format."""
    changed = {}
    for name, data in parts.items():
        text = data.decode()
        for transitional, iso in _STRICT.items():
            text = text.replace(transitional, iso)
        changed[name] = text.encode()
    return swapped(changed, "xl/workbook.xml", "<workbook ", '<workbook conformance="strict" ')


# --- OpenDocument workbooks ------------------------------------------------------------------------------------------

_ODF = "urn:oasis:names:tc:opendocument:xmlns"
_SPREADSHEET = "application/vnd.oasis.opendocument.spreadsheet"
_NAMESPACES = {
    **{name: f"{_ODF}:{name}:1.0" for name in ("office", "style", "text", "table")},
    "draw": f"{_ODF}:drawing:1.0",
    "svg": f"{_ODF}:svg-compatible:1.0",
    "of": f"{_ODF}:of:1.2",
    "dc": "http://purl.org/dc/elements/1.1/",
    "xlink": "http://www.w3.org/1999/xlink",
}
_SPACES = " ".join(f'xmlns:{prefix}="{name}"' for prefix, name in _NAMESPACES.items())
BLANK_CELL = '<table:table-cell table:number-columns-repeated="16348"/>'
BLANK_ROWS = (
    '<table:table-row table:number-rows-repeated="1048000">'
    '<table:table-cell table:number-columns-repeated="16384"/></table:table-row>'
)


def o_cell(kind: str, said: str, shown: str = "", inside: str = "") -> Cell:
    """Cell of an OpenDocument sheet: its type, its value attributes, the text shown, and what else lies in it."""
    paragraph = f"<text:p>{escape(shown)}</text:p>" if shown else ""
    return Cell(f'<table:table-cell office:value-type="{kind}" {said}>{inside}{paragraph}</table:table-cell>')


def o_number(value: object, kind: str = "float") -> Cell:
    """Cell with a number; what is shown is not the number."""
    return o_cell(kind, f'office:value="{value}"', f"vist {kind}")


def o_text(inner: str) -> Cell:
    """Cell whose text is written by hand."""
    return Cell(f'<table:table-cell office:value-type="string">{inner}</table:table-cell>')


def o_row(cells: Iterable[object], attributes: str = "", rest: str = BLANK_CELL) -> str:
    """XML of a row, the blank rest of it repeated as LibreOffice writes it."""
    inner = ""
    for value in cells:
        if isinstance(value, Cell):
            inner += value.xml
        elif value is None or value == "":
            inner += "<table:table-cell/>"
        elif isinstance(value, str):
            inner += o_cell("string", "", value).xml
        else:
            inner += o_number(value).xml
    return f"<table:table-row{attributes}>{inner}{rest}</table:table-row>"


def o_table(rows: str, name: str = "Skema", *, style: str = "ta1", columns: str = "<table:table-column/>") -> str:
    """XML of a sheet, blank rows below as LibreOffice writes them."""
    return f'<table:table table:name="{name}" table:style-name="{style}">{columns}{rows}{BLANK_ROWS}</table:table>'


def o_sheet(cells: Grid, name: str = "Skema") -> str:
    """XML of a sheet with the cells."""
    return o_table("".join(o_row(row) for row in cells), name)


def o_parts(*tables: str, before: str = "") -> Parts:
    """Parts of an .ods file as LibreOffice names them."""
    styles = (
        '<office:automatic-styles><style:style style:name="ta1" style:family="table">'
        '<style:table-properties table:display="true"/></style:style><style:style style:name="ta2" '
        'style:family="table"><style:table-properties table:display="false"/></style:style></office:automatic-styles>'
    )
    listed = "".join(
        f'<manifest:file-entry manifest:full-path="{path}" manifest:media-type="{kind}"/>'
        for path, kind in {"/": _SPREADSHEET, "content.xml": "text/xml", "styles.xml": "text/xml"}.items()
    )
    texts = {
        "mimetype": _SPREADSHEET,
        "Configurations2/floater/": "",
        "content.xml": f'<?xml version="1.0" encoding="UTF-8"?>\n<office:document-content {_SPACES} '
        f'office:version="1.3">{styles}<office:body><office:spreadsheet>{before}{"".join(tables)}'
        "</office:spreadsheet></office:body></office:document-content>",
        "styles.xml": f'<?xml version="1.0" encoding="UTF-8"?>\n<office:document-styles {_SPACES} '
        'office:version="1.3"/>',
        "META-INF/manifest.xml": '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<manifest:manifest xmlns:manifest="{_ODF}:manifest:1.0" manifest:version="1.3">{listed}</manifest:manifest>',
    }
    return {name: text.encode() for name, text in texts.items()}


def ods(*tables: str) -> bytes:
    """Bytes of an .ods file."""
    return packed(o_parts(*tables))


def encrypted_ods(*tables: str) -> bytes:
    """Return an .ods file saved with a password: the manifest tells how, the content is noise."""
    parts = o_parts(*tables)
    locked = (
        '<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml" manifest:size="9000">'
        '<manifest:encryption-data manifest:checksum-type="SHA1/1K" manifest:checksum="bm9pc2U=">'
        '<manifest:algorithm manifest:algorithm-name="Blowfish CFB" manifest:initialisation-vector="bm9pc2U="/>'
        '<manifest:key-derivation manifest:key-derivation-name="PBKDF2" manifest:iteration-count="1024" '
        'manifest:salt="bm9pc2U="/></manifest:encryption-data></manifest:file-entry>'
    )
    parts = swapped(
        parts, "META-INF/manifest.xml",
        '<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/>', locked,
    )  # fmt: skip
    return packed(parts | {"content.xml": bytes((index * 167 + 13) % 251 for index in range(4_000))})


# --- compound files: what Excel writes for a password, and the workbook before 2007 ----------------------------------


def compound(streams: Mapping[str, bytes]) -> bytes:
    """Compound file (OLE2) with the streams, in sectors of 512 bytes."""
    sectors: list[bytes] = []
    table: list[int] = []

    def put(data: bytes) -> int:
        start, blocks = len(sectors), -(-len(data) // 512)
        for block in range(blocks):
            sectors.append(data[block * 512 : (block + 1) * 512].ljust(512, b"\0"))
            table.append(start + block + 1 if block + 1 < blocks else 0xFFFFFFFE)
        return start

    def named(name: str, kind: int, links: tuple[int, int, int], start: int, size: int) -> bytes:
        text = (name + "\0").encode("utf-16-le")
        head = text.ljust(64, b"\0") + struct.pack("<HBB3I", len(text), kind, 1, *links)
        return head + bytes(16 + 4 + 16) + struct.pack("<IQ", start, size)

    nothing = 0xFFFFFFFF
    # Streams of at least 4,096 bytes need no second, smaller allocation table.
    streams = {name: data.ljust(4_096, b"\0") for name, data in streams.items()}
    starts = {name: put(data) for name, data in streams.items()}
    entries = [named("Root Entry", 5, (nothing, nothing, 1), 0xFFFFFFFE, 0)]
    for number, (name, data) in enumerate(streams.items(), 1):
        following = number + 1 if number < len(streams) else nothing
        entries.append(named(name, 2, (nothing, following, nothing), starts[name], len(data)))
    directory = put(b"".join(entries).ljust(512, b"\0"))
    fat = len(sectors)
    table.append(0xFFFFFFFD)
    sectors.append(b"".join(struct.pack("<I", link) for link in [*table, *[nothing] * (128 - len(table))]))
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH6x", 0x3E, 3, 0xFFFE, 9, 6)
    header += struct.pack("<9I", 0, 1, directory, 0, 4_096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0)
    header += struct.pack("<109I", fat, *[nothing] * 108)
    return header + b"".join(sectors)


def encrypted_xlsx() -> bytes:
    """Return what Excel writes when a workbook is saved with a password."""
    agile = struct.pack("<HHI", 4, 4, 0x40) + b'<?xml version="1.0"?><encryption xmlns="urn:made-up"/>'
    return compound({"EncryptionInfo": agile, "EncryptedPackage": struct.pack("<Q", 9_000) + bytes(range(256)) * 32})


def xls() -> bytes:
    """Return a workbook of Excel 97-2003, empty: the beginning and the end of its one stream."""
    begin = struct.pack("<HHHHHHII", 0x0809, 16, 0x0600, 0x0005, 0x0DBB, 0x07CC, 0, 6)
    return compound({"Workbook": begin + struct.pack("<HH", 0x000A, 0)})


def xlsb() -> bytes:
    """Return a binary workbook: the package of an .xlsx with binary parts."""
    parts = x_parts(sheet([["x"]]))
    binary = "application/vnd.ms-excel.sheet.binary.macroEnabled.main"
    parts = swapped(parts, "[Content_Types].xml", "/xl/workbook.xml", "/xl/workbook.bin")
    parts = swapped(parts, "[Content_Types].xml", SHEET_TYPE, binary)
    parts = swapped(parts, "_rels/.rels", "xl/workbook.xml", "xl/workbook.bin")
    parts["xl/workbook.bin"] = b"\x83\x01\x00\x84\x01\x00"
    del parts["xl/workbook.xml"]
    return packed(parts)


def docx() -> bytes:
    """Return a text document: the same packaging, no workbook in it."""
    kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    types = f'<Types xmlns="{_PACKAGE}/content-types"><Override PartName="/word/document.xml" ContentType="{kind}"/>'
    return packed(
        {
            "[Content_Types].xml": f"{XML}{types}</Types>".encode(),
            "_rels/.rels": f'{XML}<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" '
            f'Type="{_RELATIONS}/officeDocument" Target="word/document.xml"/></Relationships>'.encode(),
            "word/document.xml": b"<document/>",
        }
    )


PDF = b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n"


def html(cells: Grid) -> bytes:
    """Return a table as a web page, which many systems call a workbook."""
    rows = "".join(f"<tr>{''.join(f'<td>{escape(str(value))}</td>' for value in row)}</tr>" for row in cells)
    return f"<html><head><meta charset='utf-8'></head><body><table>{rows}</table></body></html>".encode()


# --- parquet ---------------------------------------------------------------------------------------------------------


def arrow(rows: Iterable[Row], **typed: pa.Array) -> pa.Table:
    """Text columns by key for the rows; a column given by name takes the place of its text."""
    rows = list(rows)
    columns = {key: pa.array([row[key] for row in rows], pa.string()) for key in KEYS}
    return pa.table({**columns, **typed})


def parquet(table: pa.Table, **options: object) -> bytes:
    """Bytes of a parquet file."""
    out = io.BytesIO()
    pq.write_table(table, out, **options)
    return out.getvalue()
