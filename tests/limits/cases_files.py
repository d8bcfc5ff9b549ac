"""Cases about files as such: which count, which kinds are read, names, times, sizes, archives.

Specification: "Deliveries" and, under "Limits and hard cases", Files, Sizes, Hidden, No cases.
"""

import os
import re
import stat
import zipfile
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from tests.limits.corpus import (
    GOOD,
    MODIFIED,
    NO_HEADER,
    RECEIVED,
    SECRET,
    SUPERSEDED,
    SURVIVED,
    Case,
    Outcome,
    Place,
    current,
    one,
    rejected,
    several,
)
from tests.limits.files import (
    MACRO_TYPE,
    PDF,
    Entry,
    archive_bytes,
    arrow,
    case,
    csv_bytes,
    docx,
    encrypted_ods,
    encrypted_xlsx,
    fill,
    front,
    good,
    grid,
    html,
    o_parts,
    o_sheet,
    ods,
    packed,
    parquet,
    renamed,
    sheet,
    streamed,
    strict,
    swapped,
    x_inline,
    x_parts,
    xls,
    xlsb,
    xlsx,
    zip64,
)


def good_csv(code: str) -> bytes:
    return csv_bytes(grid(good(code)))


def good_parts(code: str) -> dict[str, bytes]:
    return x_parts(sheet(grid(good(code))))


def good_xlsx(code: str) -> bytes:
    return packed(good_parts(code))


def good_ods(code: str) -> bytes:
    return ods(o_sheet(grid(good(code))))


def good_parquet(code: str) -> bytes:
    return parquet(arrow(good(code)))


def normal_xlsx(code: str) -> bytes:
    """Return the good delivery as a writer of our own would make it, with a chart sheet before the form."""
    import io

    import xlsxwriter

    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        chart = book.add_chart({"type": "column"})
        chart.add_series({"values": "=Skema!$C$2:$C$4"})
        book.add_chartsheet("Diagram").set_chart(chart)
        page = book.add_worksheet("Skema")
        for number, row in enumerate(grid(good(code))):
            page.write_row(number, 0, row)
        page.write_comment("C2", "En note, ikke et svar: 010190-0000")
        page.autofilter(0, 0, 3, 35)
        page.freeze_panes(1, 2)
    return out.getvalue()


def _damaged(data: bytes) -> bytes:
    """Change one byte amid the packed sheet, the last and longest part."""
    place = data.index(b"xl/worksheets/sheet1.xml") + 200
    return data[:place] + bytes([data[place] ^ 0xFF]) + data[place + 1 :]


def _counted(parts: dict[str, bytes], count: str) -> dict[str, bytes]:
    text = re.sub(r'(ount)="\d+"', rf'\1="{count}"', parts["xl/sharedStrings.xml"].decode())
    return parts | {"xl/sharedStrings.xml": text.encode()}


def _prefixed(parts: dict[str, bytes]) -> dict[str, bytes]:
    """Write the spreadsheet's elements as `<x:row>`, as .NET's library does."""
    spread = ("xl/workbook.xml", "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml")
    changed = {
        name: re.sub(r"<(/?)(?=[a-z])", r"<\1x:", parts[name].decode()).replace(" xmlns=", " xmlns:x=", 1).encode()
        for name in spread
    }
    return parts | changed


def _inline_only(code: str) -> bytes:
    cells = [[x_inline(str(value)) if value else None for value in row] for row in grid(good(code))]
    parts = x_parts(sheet(cells))
    del parts["xl/sharedStrings.xml"]
    for part in ("xl/_rels/workbook.xml.rels", "[Content_Types].xml"):
        parts[part] = re.sub(rb"<[^>]*sharedStrings[^>]*>", b"", parts[part])
    return packed(parts)


def _without_addresses(code: str) -> bytes:
    """Leave out every address, which the standard allows where no row and no cell is left out."""
    cells = [[x_inline(str(value) or " ") for value in row] for row in grid(good(code))]
    parts = x_parts(sheet(cells))
    text = re.sub(r'(<row|<c) r="[A-Z]*\d+"', r"\1", parts["xl/worksheets/sheet1.xml"].decode())
    return packed(parts | {"xl/worksheets/sheet1.xml": text.encode()})


# --- which kinds are read --------------------------------------------------------------------------------------------

SAVE_AS = r"\.xlsx"

KINDS = [
    one("a csv file", "skema.csv", good_csv, *GOOD),
    one("an xlsx workbook written by hand", "skema.xlsx", good_xlsx, *GOOD),
    one("an xlsx workbook of a normal writer with a chart sheet first", "skema.xlsx", normal_xlsx, *GOOD),
    one("an ods workbook", "skema.ods", good_ods, *GOOD),
    one("a parquet file", "skema.parquet", good_parquet, *GOOD),
    *(
        one(f"an extension in capitals {name}", name, make, *GOOD)
        for name, make in {
            "SKEMA.CSV": good_csv,
            "Skema.Xlsx": good_xlsx,
            "SKEMA.ODS": good_ods,
            "Skema.PARQUET": good_parquet,
            "skema.xlsx.csv": good_csv,
        }.items()
    ),
    *(
        one(f"an unsupported extension {name}", name, make, rejected("unsupported_format", SAVE_AS))
        for name, make in {
            "skema.pdf": lambda _: PDF,
            "skema.docx": lambda _: docx(),
            "skema.xlsb": lambda _: xlsb(),
            "skema.xls": lambda _: xls(),
            "skema.xlsm": lambda code: packed(x_parts(sheet(grid(good(code))), workbook_type=MACRO_TYPE)),
            "skema.txt": good_csv,
            "skema.zip": good_xlsx,
            "skema": good_xlsx,
        }.items()
    ),
    *(
        one(f"{what} named {name}", name, make,
            rejected("unreadable", "gem|filnavn" if "parquet" in what + name else SAVE_AS))
        for what, name, make in (
            ("a csv file", "skema.xlsx", good_csv),
            ("a csv file", "skema.ods", good_csv),
            ("a csv file", "skema.parquet", good_csv),
            ("a workbook", "skema.csv", good_xlsx),
            ("an ods workbook", "skema.csv", good_ods),
            ("a workbook", "skema.ods", good_xlsx),
            ("an ods workbook", "skema.xlsx", good_ods),
            ("a workbook", "skema.parquet", good_xlsx),
            ("a parquet file", "skema.csv", good_parquet),
            ("a parquet file", "skema.xlsx", good_parquet),
            ("a workbook of Excel 97-2003", "skema.xlsx", lambda _: xls()),
            ("a workbook of Excel 97-2003", "skema.csv", lambda _: xls()),
            ("an html table", "skema.xlsx", lambda code: html(grid(good(code)))),
            ("a binary workbook", "skema.xlsx", lambda _: xlsb()),
            ("a text document", "skema.xlsx", lambda _: docx()),
            ("a pdf", "skema.xlsx", lambda _: PDF),
            (
                "a macro-enabled workbook",
                "skema.xlsx",
                lambda code: packed(x_parts(sheet(grid(good(code))), workbook_type=MACRO_TYPE)),
            ),
        )
    ),
    # HTML and PDF are text of a kind, so a reader may get as far as looking for the form in them.
    one("an html table named .csv", "skema.csv", lambda code: html(grid(good(code))), *NO_HEADER),
    one("a pdf named .csv", "skema.csv", lambda _: PDF, *NO_HEADER),
    one("a workbook with a password", "skema.xlsx", lambda _: encrypted_xlsx(),
        rejected("unreadable", "adgangskode|kodeord|krypter")),
    one("an ods workbook with a password", "skema.ods", lambda code: encrypted_ods(o_sheet(grid(good(code)))),
        rejected("unreadable", "adgangskode|kodeord|krypter")),
    one("a zip archive with a password", "skema.xlsx",
        lambda code: archive_bytes(Entry(name, data, flags=1) for name, data in good_parts(code).items()),
        rejected("unreadable")),
    *(
        one(f"{name} without its second half", name, lambda code, make=make: make(code)[: len(make(code)) // 2],
            rejected("unreadable"))
        for name, make in {"skema.xlsx": good_xlsx, "skema.ods": good_ods, "skema.parquet": good_parquet}.items()
    ),
    one("a csv file cut off within a quoted field", "skema.csv",
        lambda code: csv_bytes(grid([*good(code), case(code, "A-4", comment="ord;")])).rstrip(b'"\r\n') + b"; mere",
        rejected("unreadable", r"\b5\b")),
    *(
        one(f"no bytes at all in {name}", name, lambda _: b"", rejected("empty"))
        for name in ("skema.csv", "skema.xlsx", "skema.ods", "skema.parquet", "nulindberetning.csv")
    ),
    # "whatever its name": the rule of the extension would be as right.
    one("no bytes at all in skema.pdf", "skema.pdf", lambda _: b"", rejected("empty"), rejected("unsupported_format")),
    one("27 bytes that are no workbook", "skema.xlsx", lambda _: b"PK\3\4" + bytes(23), rejected("unreadable")),
    one("a zip archive of nothing", "skema.xlsx", lambda _: archive_bytes([]), rejected("unreadable")),
    one("one damaged byte in a workbook", "skema.xlsx",
        lambda code: _damaged(good_xlsx(code)), rejected("unreadable")),
    # Whitespace, or byte order marks alone: no cases, no header, nothing to read.
    one("a csv file of blank lines", "skema.csv", lambda _: b" \r\n\r\n", rejected("empty"), *NO_HEADER),
    one("a csv file of byte order marks", "skema.csv", lambda _: b"\xef\xbb\xbf" * 2, rejected("empty"), *NO_HEADER),
    one("a workbook with an empty sheet", "skema.xlsx", lambda _: xlsx(sheet([])), rejected("empty"), *NO_HEADER),
]  # fmt: skip


# --- which delivery counts -------------------------------------------------------------------------------------------

OLD, NEW = "20221101T080000Z", "20221201T120000Z"


def _newest(at: Place) -> None:
    at.write(f"{OLD}__skema.csv", csv_bytes(grid(fill(at.code, 9))))
    at.write(f"{NEW}__rettet.csv", good_csv(at.code))


def _rejected_newer(at: Place) -> None:
    at.write(f"{OLD}__skema.csv", good_csv(at.code))
    at.write(f"{NEW}__rettet.csv", b"")
    at.write("20221202T120000Z__rettet.pdf", PDF)


def _tie(at: Place) -> None:
    at.write(f"{NEW}__a.csv", csv_bytes(grid(fill(at.code, 9))))
    at.write(f"{NEW}__b.csv", good_csv(at.code))


def _tie_with_a_rejected(at: Place) -> None:
    at.write(f"{NEW}__a.csv", good_csv(at.code))
    at.write(f"{NEW}__b.csv", b"")


def _no_time_in_the_name(at: Place) -> None:
    at.write(f"{OLD}__skema.csv", csv_bytes(grid(fill(at.code, 9))))
    at.write("skema.csv", good_csv(at.code))


def _its_own_time(name: str, at: Place) -> None:
    # Were the name believed, or the file taken for the newest, the second would not count.
    at.write(name, csv_bytes(grid(fill(at.code, 9))))
    at.write(f"{NEW}__skema.csv", good_csv(at.code))


def _its_own_time_counts(name: str, at: Place) -> None:
    at.write(f"{OLD}__skema.csv", csv_bytes(grid(fill(at.code, 9))))
    at.write(name, good_csv(at.code))


def _declares_too_many(at: Place) -> None:
    at.write(f"{OLD}__skema.xlsx", xlsx(front(at.code, 3), sheet(grid(good(at.code)))))
    at.write(f"{NEW}__skema.xlsx", xlsx(front(at.code, 4), sheet(grid(good(at.code)))))


LONG_AGO = datetime(1969, 7, 20, 20, tzinfo=UTC)
FUTURE = {
    "in the future": "20990101T000000Z",
    "one second in the future": "20230115T120001Z",
    "in month 13": "20221399T080000Z",
    "at hour 25": "20221114T250000Z",
    "on 30 February": "20220230T080000Z",
}

WHICH = [
    several("the newest readable delivery counts", _newest,
            {f"{OLD}__skema.csv": SUPERSEDED, f"{NEW}__rettet.csv": current()}),
    several("rejected newer files do not displace a good one", _rejected_newer,
            {f"{OLD}__skema.csv": current(), f"{NEW}__rettet.csv": rejected("empty"),
             "20221202T120000Z__rettet.pdf": rejected("unsupported_format")}),
    several("a newer file that declares another number does not displace a good one", _declares_too_many,
            {f"{OLD}__skema.xlsx": current(), f"{NEW}__skema.xlsx": rejected("declared_count", "4.*3|3.*4")}),
    several("of two received at once the greater name is newer", _tie,
            {f"{NEW}__a.csv": SUPERSEDED, f"{NEW}__b.csv": current()}),
    several("of two received at once the greater is rejected", _tie_with_a_rejected,
            {f"{NEW}__a.csv": current(), f"{NEW}__b.csv": rejected("empty")}),
    several("without a time in its name a file was received when it was last changed", _no_time_in_the_name,
            {f"{OLD}__skema.csv": SUPERSEDED, "skema.csv": current(received_at=MODIFIED)}),
    *(
        several(f"a time {when} is not believed and makes no file newer", partial(_its_own_time, f"{time}__a.csv"),
                {f"{time}__a.csv": Outcome("superseded", warns=".", received_at=MODIFIED),
                 f"{NEW}__skema.csv": current(received_at=datetime(2022, 12, 1, 12, tzinfo=UTC))})
        for when, time in FUTURE.items()
    ),
    several("a time in the future gives way to the file's own, which counts",
            partial(_its_own_time_counts, "20990101T000000Z__a.csv"),
            {f"{OLD}__skema.csv": SUPERSEDED,
             "20990101T000000Z__a.csv": current(warns=".", received_at=MODIFIED)}),
    *(
        several(f"a prefix that is none: {name}", partial(_its_own_time_counts, name),
                {f"{OLD}__skema.csv": SUPERSEDED, name: current(received_at=MODIFIED)})
        for name in ("20221114T093000__skema.csv", "2022-11-14__skema.csv", "20221114T093000Z_skema.csv")
    ),
    several("a file changed before 1970", lambda at: at.write("skema.csv", good_csv(at.code), modified=LONG_AGO),
            {"skema.csv": current(received_at=LONG_AGO)}),
]  # fmt: skip


# --- what is no regular file, and what is no delivery ----------------------------------------------------------------

FULL = f"{RECEIVED}__skema.csv"
NOT_OPENED = {FULL: (rejected("unreadable"),)}


def _link_to_a_good_file(at: Place) -> None:
    target = at.outside / f"{at.code}.csv"
    target.write_bytes(good_csv(at.code))
    (at.folder / FULL).symlink_to(target)


def _link_beside_its_target(at: Place) -> None:
    at.write(f"{OLD}__skema.csv", good_csv(at.code))
    (at.folder / f"{NEW}__skema.csv").symlink_to(f"{OLD}__skema.csv")


def _folder(at: Place) -> None:
    (at.folder / FULL).mkdir()
    (at.folder / FULL / "skema.csv").write_bytes(good_csv(at.code))


def _skipped(at: Place) -> None:
    for name in SKIPPED:
        at.write(name, good_csv(at.code))


def _skipped_beside_a_good_one(at: Place) -> None:
    at.write(FULL, good_csv(at.code))
    for name in SKIPPED:
        at.write(name, b"\0")


SKIPPED = (
    ".DS_Store", ".skjult.csv", "~$skema.xlsx", ".~lock.skema.ods#", "Thumbs.db", "desktop.ini",
    f"{NEW}__skema.xlsx.partial", "skema.csv.partial",
)  # fmt: skip

IRREGULAR = [
    Case("a link to a good file", _link_to_a_good_file, NOT_OPENED),
    several("a link to the delivery beside it", _link_beside_its_target,
            {f"{OLD}__skema.csv": current(), f"{NEW}__skema.csv": rejected("unreadable")}),
    Case("a link to the secret", lambda at: (at.folder / FULL).symlink_to(at.outside / "hemmelig.txt"), NOT_OPENED),
    Case("a link to itself", lambda at: (at.folder / FULL).symlink_to(FULL), NOT_OPENED),
    Case("a link to nothing", lambda at: (at.folder / FULL).symlink_to("findes-ikke"), NOT_OPENED),
    Case("a link to a folder", lambda at: (at.folder / FULL).symlink_to(at.outside), NOT_OPENED),
    Case("a pipe", lambda at: os.mkfifo(at.folder / FULL), NOT_OPENED),
    Case("a socket", lambda at: os.mknod(at.folder / FULL, stat.S_IFSOCK | 0o600), NOT_OPENED),
    Case("a device without end", lambda at: os.mknod(at.folder / FULL, stat.S_IFCHR | 0o600, os.makedev(1, 5)),
         NOT_OPENED),
    Case("a folder named as a file", _folder, NOT_OPENED),
    several("a folder of older deliveries", lambda at: (at.folder / "gamle").mkdir(),
            {"gamle": rejected("unreadable")}),
    Case("only files that are no deliveries", _skipped, {}),
    Case("files that are no deliveries beside one that is", _skipped_beside_a_good_one, {FULL: GOOD}),
    Case("an empty folder", lambda _: None, {}),
]  # fmt: skip


# --- names -----------------------------------------------------------------------------------------------------------


def _beside(name: str | bytes, at: Place) -> None:
    """Put a good delivery in a folder beside the municipality's own, which is taken away."""
    at.folder.rmdir()
    folder = Place(Path(os.fsdecode(os.fsencode(at.folder.parent) + b"/" + os.fsencode(name))), "", at.outside, 0)
    folder.folder.mkdir()
    folder.write(FULL, good_csv("101"))


def _link_for_a_folder(at: Place) -> None:
    at.folder.rmdir()
    (at.outside / at.code).mkdir()
    (at.outside / at.code / FULL).write_bytes(good_csv(at.code))
    at.folder.symlink_to(at.outside / at.code)


def _two_names_alike_once_masked(at: Place) -> None:
    broken = [case(at.code, "A-4", age="17")]
    at.write(f"{RECEIVED}__sag 010190-0000.csv", csv_bytes(grid([*fill(at.code, 9), *broken])))
    at.write(f"{RECEIVED}__sag 020290-0000.csv", csv_bytes(grid([*good(at.code), *broken])))


NAMES = [
    Case("a name that is no UTF-8", lambda at: at.write(f"{RECEIVED}__Frederiksh".encode() + b"\xe6vn.csv",
         good_csv(at.code)), {"": (current(shown=r"Frederiksh\\(x|udc)e6vn\.csv"),)}),
    *(
        Case(f"a CPR number in a name: {name}",
             lambda at, name=name, make=make: at.write(f"{RECEIVED}__{name}", make(at.code)), {"": (outcome,)})
        for name, make, outcome in (
            ("sag 010190-0000.csv", good_csv, current(shown=r"sag .*\.csv")),
            ("sag 0101900000.csv", good_csv, current(shown=r"sag .*\.csv")),
            ("sag_010190_0000_010190-0000.csv", good_csv, current(shown=r"sag.*\.csv")),
            ("sag 010190–0000.csv", good_csv, current(shown=r"sag .*\.csv")),
            ("010190-0000.pdf", good_csv, rejected("unsupported_format", shown=r"\.pdf")),
        )
    ),
    Case("a CPR number for a name", lambda at: at.write("010190-0000.csv", good_csv(at.code)),
         {"": (current(shown=r"\.csv", received_at=MODIFIED),)}),
    # Letters of Danish names as a Mac writes them: a base letter and a mark. The log may compose them.
    Case("a name in decomposed letters", lambda at: at.write(f"{RECEIVED}__Fåborg.csv", good_csv(at.code)),
         {"": (current(shown="__F(å|å)borg"),)}),
    Case("a line break in a name", lambda at: at.write(f"{RECEIVED}__to\nlinjer.csv", good_csv(at.code)),
         {"": (current(shown="linjer"),)}),
    Case("a name of 255 bytes", lambda at: at.write(f"{RECEIVED}__{'s' * 233}.csv", good_csv(at.code)),
         {"": (current(shown="sss"),)}),
    *(
        Case(f"a folder that is no municipality's code: {name!r}", partial(_beside, name), {}, warning=warning)
        for name, warning in {
            "999": "999", "0147": "0147", "411": "411", "Frederiksberg": "Frederiksberg", "147 Frederiksberg": "147 Fr",
            "١٤٧": ".", b"\xe6r\xf8": r"r\\(x|udc)f8", "sag 010190-0000": "sag ",
        }.items()
    ),
    Case("a link for a municipality's folder", _link_for_a_folder, {}, warning="."),
    Case("a file beside the municipalities' folders", lambda at: (at.folder.parent / "skema.csv").write_bytes(PDF), {}),
    Case("a dangling link beside the folders", lambda at: (at.folder.parent / "147 kopi").symlink_to("x"), {}),
]  # fmt: skip


# --- archives that lie, and XML that reaches out ---------------------------------------------------------------------


def _with(part: str, old: str, new: str, code: str) -> bytes:
    return packed(swapped(good_parts(code), part, old, new))


def _o_with(old: str, new: str, code: str) -> bytes:
    return packed(swapped(o_parts(o_sheet(grid(good(code)))), "content.xml", old, new))


def _reaches_out(at: Place) -> None:
    """Ask for a file outside and a server: a parser that resolves entities would show the one and call the other."""
    dtd = (
        f'<!DOCTYPE sst [<!ENTITY a SYSTEM "file://{at.outside}/hemmelig.txt">'
        f'<!ENTITY b SYSTEM "http://127.0.0.1:{at.port}/b"><!ENTITY % c SYSTEM "http://127.0.0.1:{at.port}/c"> %c;]>'
    )
    parts = good_parts(at.code)
    strings = parts["xl/sharedStrings.xml"].decode().replace("<sst ", f"{dtd}<sst ", 1).replace("A-1", "&a;&b;")
    at.write(f"{RECEIVED}__skema.xlsx", packed(parts | {"xl/sharedStrings.xml": strings.encode()}))


def _o_reaches_out(at: Place) -> None:
    dtd = f'<!DOCTYPE o SYSTEM "http://127.0.0.1:{at.port}/o" [<!ENTITY a SYSTEM "file://{at.outside}/hemmelig.txt">]>'
    parts = o_parts(o_sheet(grid(good(at.code))))
    text = parts["content.xml"].decode().replace("<office:doc", f"{dtd}<office:doc", 1).replace("A-1", "&a;")
    at.write(f"{RECEIVED}__skema.ods", packed(parts | {"content.xml": text.encode()}))


def _parts_named_elsewhere(at: Place) -> None:
    names = ("../../../udenfor/slap-ud.txt", f"{at.outside}/slap-ud.txt", "..\\..\\slap-ud.txt", "C:\\slap-ud.txt")
    at.write(f"{RECEIVED}__skema.xlsx", packed(good_parts(at.code), *(Entry(name, SECRET.encode()) for name in names)))


def _utf16(parts: dict[str, bytes], part: str, encoding: str) -> bytes:
    text = parts[part].decode().replace('encoding="UTF-8"', 'encoding="UTF-16"')
    mark = b"\xff\xfe" if encoding == "utf-16-le" else b"\xfe\xff"
    return packed(parts | {part: mark + text.encode(encoding)})


LAUGHS = (
    '<!DOCTYPE lol [<!ENTITY l0 "ha">'
    + "".join(f'<!ENTITY l{level} "{f"&l{level - 1};" * 10}">' for level in range(1, 10))
    + "]>"
)
DOCTYPE = "<!DOCTYPE x>"
NO_DOCTYPE = (rejected("unreadable", "DOCTYPE|DTD|dokumenttype|XML|ekstern"),)
SHEET, BOOK, STRINGS = "xl/worksheets/sheet1.xml", "xl/workbook.xml", "xl/sharedStrings.xml"

ARCHIVES = [
    Case("entities for a file and a server in a workbook", _reaches_out, {f"{RECEIVED}__skema.xlsx": NO_DOCTYPE}),
    Case("entities for a file and a server in an ods workbook", _o_reaches_out, {f"{RECEIVED}__skema.ods": NO_DOCTYPE}),
    *(
        one(f"a DOCTYPE in {part}", "skema.xlsx", partial(_with, part, old, DOCTYPE + old), *NO_DOCTYPE)
        for part, old in {
            SHEET: "<worksheet ", BOOK: "<workbook ", STRINGS: "<sst ", "[Content_Types].xml": "<Types ",
            "xl/_rels/workbook.xml.rels": "<Relationships ", "_rels/.rels": "<Relationships ",
            "xl/styles.xml": "<styleSheet ",
        }.items()
    ),
    one("a DOCTYPE in a part nobody needs", "skema.xlsx",
        lambda code: packed(good_parts(code) | {"docProps/app.xml": b"<!DOCTYPE x><x/>"}), *NO_DOCTYPE),
    one("a billion laughs", "skema.xlsx", partial(_with, STRINGS, "<sst ", f"{LAUGHS}<sst "), *NO_DOCTYPE),
    one("a DOCTYPE behind a long comment", "skema.xlsx",
        partial(_with, SHEET, "<worksheet ", f"<!--{'x' * 200_000}-->\n<!DOCTYPE x><worksheet "), *NO_DOCTYPE),
    one("a DOCTYPE behind two megabytes of comment", "skema.xlsx",
        partial(_with, SHEET, "<worksheet ", f"<!--{'x' * 2_000_000}-->\n<!DOCTYPE x><worksheet "), *NO_DOCTYPE),
    # A part's kind is told by the relations and content types, not by its name.
    one("a DOCTYPE in a sheet whose part has another name", "skema.xlsx",
        lambda code: packed(renamed(swapped(good_parts(code), SHEET, "<worksheet ", f"{DOCTYPE}<worksheet "),
                                     "xl/ark/skema.dat")), *NO_DOCTYPE),
    one("a DOCTYPE in an ods workbook", "skema.ods", partial(_o_with, "<office:doc", f"{DOCTYPE}<office:doc"),
        *NO_DOCTYPE),
    one("a DOCTYPE in the manifest of an ods workbook", "skema.ods",
        lambda code: packed(swapped(o_parts(o_sheet(grid(good(code)))), "META-INF/manifest.xml", "<manifest:manifest",
                                    f"{DOCTYPE}<manifest:manifest")), *NO_DOCTYPE),
    *(
        one(f"a DOCTYPE in {encoding}", "skema.xlsx",
            lambda code, encoding=encoding: _utf16(
                swapped(good_parts(code), STRINGS, "<sst ", f"{DOCTYPE}<sst "), STRINGS, encoding), *NO_DOCTYPE)
        for encoding in ("utf-16-le", "utf-16-be")
    ),
    one("a DOCTYPE in an ods workbook in UTF-16", "skema.ods",
        lambda code: _utf16(swapped(o_parts(o_sheet(grid(good(code)))), "content.xml", "<office:doc",
                                    f"{DOCTYPE}<office:doc"), "content.xml", "utf-16-le"), *NO_DOCTYPE),
    # The XML standard allows UTF-16; the specification is silent, and not every reader knows it.
    one("a sheet in UTF-16", "skema.xlsx", lambda code: _utf16(good_parts(code), SHEET, "utf-16-le"), *SURVIVED),
    one("the word DOCTYPE in an answer", "skema.xlsx",
        lambda code: xlsx(sheet(grid([case(code, "A-1", comment="<!DOCTYPE html>"), *good(code)[1:]]))),
        current(answers={("A-1", "comment"): "<!DOCTYPE html>"})),
    # No DOCTYPE to a parser, though one to a search for the word.
    one("the word DOCTYPE in an XML comment", "skema.xlsx",
        partial(_with, SHEET, "<sheetData>", "<!-- <!DOCTYPE x> --><sheetData>"), *SURVIVED),
    # The good parts are all there, so that either answer is right; nothing may be unpacked by its name.
    Case("parts with names that lead elsewhere", _parts_named_elsewhere, {f"{RECEIVED}__skema.xlsx": SURVIVED}),
    one("1,001 parts", "skema.xlsx",
        lambda code: packed(good_parts(code), *(Entry(f"xl/media/{n}.png", b"") for n in range(1_001 - 7))),
        rejected("unreadable", r"1[. ]?000")),
    one("1,000 parts", "skema.xlsx",
        lambda code: packed(good_parts(code), *(Entry(f"xl/media/{n}.png", b"") for n in range(1_000 - 7))), *GOOD),
    one("1,001 parts in an ods workbook", "skema.ods",
        lambda code: packed(o_parts(o_sheet(grid(good(code)))),
                            *(Entry(f"Pictures/{n}.png", b"") for n in range(1_001))),
        rejected("unreadable", r"1[. ]?000")),
    one("sizes written behind the data", "skema.xlsx", lambda code: streamed(good_parts(code)), *GOOD),
    one("sizes of 64 bits", "skema.xlsx", lambda code: zip64(good_parts(code)), *GOOD),
    one("a comment behind the archive", "skema.xlsx",
        lambda code: archive_bytes([Entry(*part) for part in good_parts(code).items()], comment=b"hilsen"), *GOOD),
    one("parts that are only stored", "skema.xlsx",
        lambda code: archive_bytes(Entry(name, data, zipfile.ZIP_STORED) for name, data in good_parts(code).items()),
        *GOOD),
    # A method that Excel does not write and some readers do not know.
    one("parts packed with bzip2", "skema.xlsx",
        lambda code: archive_bytes(Entry(name, data, zipfile.ZIP_BZIP2) for name, data in good_parts(code).items()),
        *SURVIVED),
    one("two parts of one name", "skema.xlsx", lambda code: packed(good_parts(code), Entry(SHEET, b"<worksheet/>")),
        *SURVIVED, rejected("empty"), *NO_HEADER),
    one("a sheet that is not there", "skema.xlsx",
        lambda code: packed({name: data for name, data in good_parts(code).items() if name != SHEET}),
        rejected("unreadable")),
    one("a sheet that breaks off", "skema.xlsx",
        lambda code: packed(good_parts(code) | {SHEET: good_parts(code)[SHEET][:4_000]}), rejected("unreadable")),
    one("a shared text that is not there", "skema.xlsx",
        lambda code: _with(SHEET, "<v>0</v>", "<v>999999</v>", code), *SURVIVED, *NO_HEADER),
    one("an address that is none", "skema.xlsx",
        partial(_with, SHEET, "</row></sheetData>", '<c r="ÆØÅ99999999999999999999"><v>1</v></c></row></sheetData>'),
        *SURVIVED),
    one("a number that is none", "skema.xlsx",
        partial(_with, SHEET, "</row></sheetData>", '<c r="AK4"><v>to</v></c></row></sheetData>'), *SURVIVED),
    one("Excel's strict format", "skema.xlsx", lambda code: packed(strict(good_parts(code))), *GOOD),
    one("a small false dimension", "skema.xlsx",
        lambda code: xlsx(sheet(grid(good(code)), dimension="A1")), *GOOD),
    one("a great false dimension", "skema.xlsx",
        lambda code: xlsx(sheet(grid(good(code)), dimension="A1:XFD1048576")), *SURVIVED),
    one("a false count of shared texts", "skema.xlsx",
        lambda code: packed(_counted(good_parts(code), "4294967295")), *SURVIVED),
    one("too small a count of shared texts", "skema.xlsx", lambda code: packed(_counted(good_parts(code), "1")), *GOOD),
    one("no shared texts at all", "skema.xlsx", _inline_only, *GOOD),
    one("prefixes on every element", "skema.xlsx", lambda code: packed(_prefixed(good_parts(code))), *GOOD),
    one("absolute targets", "skema.xlsx",
        partial(_with, "xl/_rels/workbook.xml.rels", 'Target="worksheets', 'Target="/xl/worksheets'), *GOOD),
    # Some old writers do it; the standard forbids it.
    one("backslashes in part names", "skema.xlsx",
        lambda code: packed({name.replace("/", "\\"): data for name, data in good_parts(code).items()}), *SURVIVED),
    one("a sheet whose part has another name", "skema.xlsx",
        lambda code: packed(renamed(good_parts(code), "xl/ark/skema.dat")), *GOOD),
    one("a byte order mark before every part", "skema.xlsx",
        lambda code: packed({name: b"\xef\xbb\xbf" + data for name, data in good_parts(code).items()}), *GOOD),
    one("rows and cells without addresses", "skema.xlsx", _without_addresses, *GOOD),
]  # fmt: skip
