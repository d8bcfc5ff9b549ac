"""Zip archives (workbooks) unpacked within limits. Nothing is written to disk and no size in the archive is believed."""

import io
import lzma
import re
import zipfile
import zlib

from pipelines.ingest.limits import ARCHIVE_PARTS, UNPACKED_BYTES, danish, unreadable

OLE2 = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
ZIP = b"PK\x03\x04"
_ENCRYPTED_PACKAGE = "EncryptedPackage".encode("utf-16-le")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_DRAWING = re.compile(rb"<draw:[\w-]+\b[^>]*/>|<draw:([\w-]+)\b[^>]*>(?:(?!<draw:).)*?</draw:\1>", re.DOTALL)
_CHUNK = 1_000_000
PASSWORD = "Filen er beskyttet med adgangskode. Fjern adgangskoden (Filer > Oplysninger > Beskyt), og aflever igen."  # noqa: S105 - a message


_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    NotImplementedError,
    OSError,
    ValueError,
    RuntimeError,
    KeyError,
)


def unpack(content: bytes) -> dict[str, bytes]:
    """The parts of an archive by name; a part that stands twice counts as its last, as readers take it.

    Raises:
        FileRejectedError: it is no archive, is protected by a password, is damaged, or is beyond a limit.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            infos = archive.infolist()
            if len(infos) > ARCHIVE_PARTS:
                raise unreadable(
                    f"Filen består af flere end {danish(ARCHIVE_PARTS)} dele, og en almindelig projektmappe har under 100. "
                    "Gem skemaet på ny fra Excel eller LibreOffice."
                )
            parts: dict[str, bytes] = {}
            left = UNPACKED_BYTES
            for info in infos:
                if info.flag_bits & 0x1:
                    raise unreadable(PASSWORD)
                parts[info.filename] = _read_part(archive, info, left)
                left -= len(parts[info.filename])
            return parts
    except _DAMAGED:
        raise unreadable(
            "Filen er beskadiget og kan ikke åbnes som projektmappe. Åbn den i Excel eller LibreOffice, gem på ny, "
            "og aflever igen."
        ) from None


def _read_part(archive: zipfile.ZipFile, info: zipfile.ZipInfo, left: int) -> bytes:
    chunks = []
    with archive.open(info) as part:
        while chunk := part.read(_CHUNK):
            left -= len(chunk)
            if left < 0:
                raise unreadable(
                    f"Filen fylder mere end {UNPACKED_BYTES // 1_000_000} MB udpakket. Slet tomme, formaterede rækker, "
                    "billeder og andre ark, og gem på ny."
                )
            chunks.append(chunk)
    return b"".join(chunks)


def refuse_doctype(parts: dict[str, bytes]) -> None:
    """Nothing external is ever resolved: an XML part with a document type declaration is refused.

    So is one in UTF-16, in which the reader finds nothing: no spreadsheet program writes it.

    Raises:
        FileRejectedError: there is such a part, whatever its name.
    """
    for data in parts.values():
        start = data[:200].removeprefix(_BYTE_ORDER_MARK).lstrip()
        is_utf16 = start.startswith((b"\xff\xfe", b"\xfe\xff", b"<\0", b"\0<"))
        if (is_utf16 or start.startswith(b"<")) and b"<!DOCTYPE" in (data.replace(b"\0", b"") if is_utf16 else data):
            raise unreadable(
                "Filen indeholder en DOCTYPE-erklæring, som regneark ikke skriver. Gem skemaet på ny fra Excel eller "
                "LibreOffice."
            )
        if is_utf16:
            raise unreadable(
                "Projektmappen er skrevet i et tegnsæt (UTF-16), som regneark ikke bruger. Gem skemaet på ny fra Excel "
                "eller LibreOffice."
            )


def without_drawings(content: bytes) -> bytes:
    """An OpenDocument sheet without text boxes and pictures: the reader takes their text for the cell's."""
    while b"<draw:" in content:
        content, removed = _DRAWING.subn(b"", content)
        if not removed:
            break
    return content


def repack(parts: dict[str, bytes]) -> io.BytesIO:
    """A plain archive of these parts, so that the reader meets exactly the bytes that were counted."""
    plain = io.BytesIO()
    with zipfile.ZipFile(plain, "w", zipfile.ZIP_STORED) as archive:
        for name, data in parts.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    plain.seek(0)
    return plain


def ole2_message(content: bytes) -> str:
    """What to do about a file in Microsoft's older container: a workbook with a password, or an .xls."""
    if _ENCRYPTED_PACKAGE in content:
        return PASSWORD
    return "Filen er i det ældre .xls-format. Åbn den i Excel, vælg Gem som og Excel-projektmappe (.xlsx)."
