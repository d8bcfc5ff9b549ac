"""Statistics Denmark's StatBank: asking table FOLK1A for one quarter, and reading what comes back.

What belongs here: the request, the wire (time-outs, retries, error replies) and the dialect of the reply.
What does not: the cache, the packaged figures and the choice between them (`population`).

StatBank streams its BULK format and says 200 before it knows that all lines will come: a real reply has been seen that
lacked one age without a word. So a reply is believed only when every municipality has every age exactly once, and when
the municipalities add up to the country.
"""

import json
import re
import time
import unicodedata
from collections import defaultdict
from http import HTTPStatus
from typing import TYPE_CHECKING

import polars as pl

from pipelines.reference.municipalities import municipalities
from pipelines.retrying import tried_again
from schemas.errors import BotilbudError

if TYPE_CHECKING:
    import httpx2

TABLE = "FOLK1A"
AGES = tuple(str(age) for age in range(18, 67))
TOTAL = "TOT"
COUNTRY = "000"
# An area of its own outside the 98, run by the Ministry of Defence; it counts in the country's total.
CHRISTIANSOE = "411"
REGIONS = ("081", "082", "083", "084", "085")
COLUMNS = ("OMRÅDE", "KØN", "ALDER", "CIVILSTAND", "TID", "INDHOLD")

# A full reply is about 0.1 MB.
MAX_REPLY_BYTES = 5_000_000
# Reply texts in our messages are cut here: they come from outside.
SHOWN_CHARACTERS = 200

Counts = dict[str, dict[str, int]]


class StatBankError(BotilbudError):
    """StatBank's answer cannot be used; the message names what is wrong with it and what to do."""


class StatBankUnavailableError(StatBankError):
    """StatBank has no figures for the quarter just now: out of reach, overloaded, or the quarter is not published."""


def request_body(quarter: str) -> dict[str, object]:
    """The FOLK1A request: residents aged 18 to 66 by area and age, one quarter such as `2022K4`.

    Raises:
        StatBankError: the quarter is not written as StatBank writes quarters.
    """
    if not re.fullmatch(r"[0-9]{4}K[1-4]", quarter):
        raise StatBankError(f"{_shown(quarter)} is no quarter: write the year, K and 1 to 4, as 2022K4")
    selected = {"OMRÅDE": ["*"], "KØN": [TOTAL], "ALDER": [*AGES], "CIVILSTAND": [TOTAL], "Tid": [quarter]}
    return {
        "table": TABLE,
        "format": "BULK",
        "lang": "da",
        "valuePresentation": "Code",
        "variables": [{"code": code, "values": values} for code, values in selected.items()],
    }


def fetch(quarter: str, *, url: str, connect_seconds: float = 3.0, read_seconds: float = 30.0) -> bytes:
    """StatBank's reply for one quarter, as it came; `parse` reads it.

    Time-outs and the statuses 429 and 5xx are tried again, three times in all within about two minutes. Nothing else
    is: a refused connection or a name that does not resolve fails at once.

    Args:
        quarter: as StatBank writes it, `2022K4`.
        url: StatBank's data function, https://api.statbank.dk/v1/data.
        connect_seconds: how long to wait for a connection.
        read_seconds: how long to wait for the next piece of the reply; the whole reply may take twice as long.

    Raises:
        StatBankUnavailableError: out of reach, still overloaded after the retries, or the quarter is not published.
        StatBankError: StatBank refused the request, or the address, the quarter or the reply cannot be used.
    """
    import httpx2  # noqa: PLC0415  its import takes 0.1 s, and most commands never fetch

    request = request_body(quarter)
    passing = (httpx2.TimeoutException, StatBankUnavailableError)
    try:
        client = httpx2.Client(timeout=httpx2.Timeout(read_seconds, connect=connect_seconds))
    except (OSError, ValueError, ImportError) as error:
        settings = "this machine's proxy or certificate settings (HTTPS_PROXY, SSL_CERT_FILE)"
        raise StatBankError(f"StatBank cannot be asked; correct {settings}: {error}") from error
    try:
        with client:
            status, body = tried_again(passing, _post, client, url, request, 2 * read_seconds)
    except (httpx2.UnsupportedProtocol, httpx2.LocalProtocolError, httpx2.InvalidURL, UnicodeError) as error:
        raise StatBankError(f"{_shown(url)} is no address to ask StatBank at: {error}. Correct the URL") from error
    except httpx2.TransportError as error:
        reason = f"{type(error).__name__} {_shown(error)}"
        raise StatBankUnavailableError(f"StatBank ({_shown(url)}) is out of reach: {reason}") from error
    except httpx2.DecodingError as error:
        raise _unusable(f"it is not compressed as it says: {_shown(error)}") from error
    if status != HTTPStatus.OK:
        raise _refusal(quarter, status, body)
    return body


def _post(client: "httpx2.Client", url: str, request: dict[str, object], within_seconds: float) -> tuple[int, bytes]:
    """One attempt: status and body; raises what is worth another attempt when the status says so."""
    with client.stream("POST", url, json=request) as response:
        deadline = time.monotonic() + within_seconds
        body = bytearray()
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) > MAX_REPLY_BYTES:
                raise _unusable(f"it is larger than {MAX_REPLY_BYTES:,} bytes")
            if time.monotonic() > deadline:
                raise StatBankUnavailableError(f"StatBank's reply took longer than {within_seconds:g} seconds")
    status = response.status_code
    if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise StatBankUnavailableError(f"StatBank answered {status} {response.reason_phrase}")
    return status, bytes(body)


def _refusal(quarter: str, status: int, body: bytes) -> StatBankError:
    """The error that a reply with any status but 200 stands for."""
    code, message = _error_reply(body)
    said = f"StatBank answered {status} {code}: {message}"
    # The code is the same whatever was not found; the message repeats the value.
    if code == "EXTRACT-NOTFOUND" and quarter in message:
        return StatBankUnavailableError(f"{said}. {TABLE} has no quarter {quarter} (yet)")
    if status == HTTPStatus.BAD_REQUEST:
        fix = f"The table has changed: compare the request with https://api.statbank.dk/v1/tableinfo/{TABLE}"
    else:
        fix = "Correct the URL (https://api.statbank.dk/v1/data), or what stands between this machine and it"
    return StatBankError(f"{said}. {fix}")


def _error_reply(body: bytes) -> tuple[str, str]:
    """StatBank's errorTypeCode and message; "(no code)" and the start of the body when it is no such reply."""
    try:
        reply = json.loads(body)
    except (ValueError, RecursionError):
        reply = None
    if not isinstance(reply, dict):
        return "(no code)", _shown(body.decode("utf-8", errors="replace"))
    return _shown(reply.get("errorTypeCode", "(no code)")), _shown(reply.get("message", "(no message)"))


def parse(body: bytes, quarter: str) -> pl.DataFrame:
    """Residents aged 18 to 66 per municipality, from StatBank's reply to `request_body(quarter)`.

    Grain: municipality, exactly the 98, sorted. Columns: municipality_code (text, three digits), population_18_66
    (persons, Int64).
    The country, the regions and Christiansø are read for the checks and left out.

    Raises:
        StatBankError: anything is missing, surplus, double, not a number, of another period, or does not add up to the
            country. A part of a reply is never used.
    """
    counts = _counts(_records(body), quarter)
    codes = municipalities().get_column("municipality_code").to_list()
    _require_areas(counts, codes)
    _require_every_age(counts, codes)
    _require_the_country_total(counts, codes)
    return pl.DataFrame(
        {"municipality_code": codes, "population_18_66": [sum(counts[code].values()) for code in codes]},
        schema={"municipality_code": pl.String, "population_18_66": pl.Int64},
    )


def _records(body: bytes) -> list[dict[str, str]]:
    """The reply's lines by column name."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _unusable("it is not UTF-8") from error
    header, *lines = text.lstrip("\ufeff").splitlines() or [""]
    columns = [unicodedata.normalize("NFC", name).strip().upper() for name in header.split(";")]
    if sorted(columns) != sorted(COLUMNS):
        raise _unusable(f"its columns are {_shown(header)}, not {';'.join(COLUMNS)}")
    rows = [(number, line.split(";")) for number, line in enumerate(lines, start=2) if line]
    for number, fields in rows:
        if len(fields) != len(columns):
            raise _unusable(f"line {number} has {len(fields)} fields, the header {len(columns)}")
    return [dict(zip(columns, fields, strict=True)) for _, fields in rows]


def _counts(records: list[dict[str, str]], quarter: str) -> Counts:
    """Persons by area and age, every line of which is one that was asked for."""
    counts: Counts = defaultdict(dict)
    for record in records:
        area, age, persons = record["OMRÅDE"], record["ALDER"], record["INDHOLD"]
        where = f"area {_shown(area)}, age {_shown(age)}"
        if not re.fullmatch(r"[0-9]{3}", area):
            raise _unusable(f"area {_shown(area)} is no code of three digits (labels instead of codes?)")
        if record["TID"] != quarter:
            raise _unusable(f"it holds the period {_shown(record['TID'])}")
        if record["KØN"] != TOTAL or record["CIVILSTAND"] != TOTAL:
            raise _unusable(f"{where}: sex and marital status are to be {TOTAL}")
        if age not in AGES:
            raise _unusable(f"{where}: the age is not one of 18 to 66")
        if not re.fullmatch(r"[0-9]{1,9}", persons):
            raise _unusable(f"{where}: {_shown(persons)} is no number of persons")
        if age in counts[area]:
            raise _unusable(f"{where} comes twice")
        counts[area][age] = int(persons)
    return counts


def _require_areas(counts: Counts, codes: list[str]) -> None:
    """Every municipality has a line, and nothing comes that is not known."""
    if missing := [code for code in codes if code not in counts]:
        raise _unusable(f"municipality {_first(missing)} is missing")
    if surplus := sorted(set(counts) - {*codes, COUNTRY, *REGIONS, CHRISTIANSOE}):
        raise _unusable(f"area {_first(surplus)} is none of the 98 municipalities")


def _require_every_age(counts: Counts, codes: list[str]) -> None:
    """No municipality lacks an age: a sum over 48 of 49 ages looks as good as the right one."""
    if missing := [f"{code} age {age}" for code in codes for age in AGES if age not in counts[code]]:
        raise _unusable(f"municipality {_first(missing)} is missing")
    if empty := [code for code in codes if not any(counts[code].values())]:
        raise _unusable(f"municipality {_first(empty)} has no residents")


def _require_the_country_total(counts: Counts, codes: list[str]) -> None:
    """Per age, the municipalities and Christiansø make the country, where the reply has the country at all."""
    if any(age not in counts.get(COUNTRY, {}) for age in AGES):
        return
    for age in AGES:
        parts = sum(counts[code][age] for code in codes) + counts.get(CHRISTIANSOE, {}).get(age, 0)
        if parts != counts[COUNTRY][age]:
            raise _unusable(f"at age {age} the municipalities add up to {parts}, the country to {counts[COUNTRY][age]}")


def _unusable(fault: str) -> StatBankError:
    return StatBankError(
        f"StatBank's reply cannot be used: {fault}. Nothing of it was used: run again, "
        f"and compare with table {TABLE} at statistikbanken.dk if it comes back"
    )


def _first(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _shown(value: object) -> str:
    """Text from outside, fit for one line of a message."""
    return " ".join(str(value)[:SHOWN_CHARACTERS].split())
