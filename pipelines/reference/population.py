"""Residents aged 18 to 66 per municipality: the denominator of every rate.

What belongs here: where the figures come from (the cache, StatBank, or the packaged snapshot, in that order) and that
they are exactly the 98 municipalities. What does not: how StatBank is asked and read (`statbank`).

Source: Statistics Denmark (Danmarks Statistik), StatBank table FOLK1A, CC BY 4.0.
"""

import datetime as dt
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from upath import UPath

from pipelines.reference import statbank
from pipelines.reference.municipalities import municipalities
from pipelines.storage import write_bytes
from schemas.errors import ReferenceTableError

PACKAGED_QUARTER = "2020K1"
PACKAGED_CSV = Path(__file__).with_name(f"population_18_66_{PACKAGED_QUARTER}.csv")
SOURCE = "Danmarks Statistik, FOLK1A, befolkningen 18-66 år"


@dataclass(frozen=True)
class Population:
    """Population figures, and why they are not the ones asked for, if they are not.

    Attributes:
        frame: one row per municipality, exactly the 98, sorted: municipality_code (text), population_18_66 (persons,
            Int64), population_quarter (the quarter the figures are of, `2022K4`), source (Danish text).
        warning: None when the figures are of the quarter asked for; else what happened and what to do, in English.
    """

    frame: pl.DataFrame
    warning: str | None


def population(quarter: str, *, cache_dir: UPath, url: str, fetched_at: dt.datetime) -> Population:
    """Residents aged 18 to 66 in the quarter, from the cache or else from StatBank, else the packaged 2020K1.

    The packaged figures stand in only where StatBank has nothing to give: out of reach, overloaded, or the quarter is
    not published. A reply that is incomplete or makes no sense stops the run and is not cached.

    Args:
        quarter: as StatBank writes it, `2022K4`.
        cache_dir: holds the replies as they came, each with a JSON note of its source, date and checksum.
        url: StatBank's data function, https://api.statbank.dk/v1/data.
        fetched_at: the time to note when something is fetched, in UTC.

    Raises:
        StatBankError: StatBank refused the request or sent a reply that cannot be used.
        ReferenceTableError: the packaged figures are not exactly the 98.
        OSError: the cache cannot be read or written.
    """
    cached = _cached(cache_dir, quarter)
    if cached is not None:
        return Population(_described(cached, quarter), warning=None)
    try:
        body = statbank.fetch(quarter, url=url)
    except statbank.StatBankUnavailableError as error:
        return Population(packaged(), warning=_stand_in_warning(quarter, error))
    fetched = statbank.parse(body, quarter)
    _store(cache_dir, quarter, body, url=url, fetched_at=fetched_at)
    return Population(_described(fetched, quarter), warning=None)


def note_of(quarter: str, cache_dir: UPath) -> dict[str, str | None]:
    """Where the figures of a quarter came from: the reply kept of it, else the packaged snapshot.

    Keys: table, quarter, source, fetchedAt (ISO 8601, UTC; null where they are packaged), sha256 and file (the name below
    the data root, or below the program's own folder where they are packaged). Where the reply is not kept any more, the
    last three are null.

    Args:
        quarter: the one that the figures are of, as `population` says in population_quarter.
        cache_dir: as `population` has it, the folder `reference` of the data root.

    Raises:
        OSError: the cache cannot be read.
    """
    noted: dict[str, str | None] = {
        "table": "FOLK1A",
        "quarter": quarter,
        "source": f"{SOURCE}, {quarter} (CC BY 4.0)",
        "fetchedAt": None,
        "sha256": None,
        "file": None,
    }
    if _cached(cache_dir, quarter) is not None:
        reply, note = _cache_entry(cache_dir, quarter)
        found = json.loads(note.read_bytes())
        noted |= {"fetchedAt": found["fetched_at"], "sha256": found["sha256"], "file": f"reference/{reply.name}"}
    elif quarter == PACKAGED_QUARTER:
        sha256 = hashlib.sha256(PACKAGED_CSV.read_bytes()).hexdigest()
        noted |= {"sha256": sha256, "file": f"pipelines/reference/{PACKAGED_CSV.name}"}
    return noted


def require_exactly_the_98(frame: pl.DataFrame, municipalities: pl.DataFrame) -> pl.DataFrame:
    """The frame, when its municipality_code is that of every municipality exactly once.

    Args:
        frame: any table with a column municipality_code.
        municipalities: the municipalities it must hold, in a column of the same name.

    Raises:
        ReferenceTableError: a code is missing, surplus, double or null; the message names it.
    """
    codes = frame.get_column("municipality_code")
    wanted = municipalities.get_column("municipality_code")
    faults = {
        "missing": set(wanted) - set(codes),
        "surplus": set(codes) - set(wanted),
        "double": set(codes.filter(codes.is_duplicated())),
    }
    named = [f"{fault}: {', '.join(sorted(map(str, found)))}" for fault, found in faults.items() if found]
    if named:
        raise ReferenceTableError(
            f"The table must hold all {wanted.len()} municipalities once: {'; '.join(named)}. Correct its source"
        )
    return frame


def _described(figures: pl.DataFrame, quarter: str) -> pl.DataFrame:
    return (
        require_exactly_the_98(figures, municipalities())
        .select("municipality_code", "population_18_66")
        .with_columns(population_quarter=pl.lit(quarter), source=pl.lit(f"{SOURCE}, {quarter}"))
        .sort("municipality_code")
    )


def packaged() -> pl.DataFrame:
    """The population that comes with the program, of 2020K1, as `population` gives one."""
    figures = pl.read_csv(PACKAGED_CSV, schema={"municipality_code": pl.String, "population_18_66": pl.Int64})
    return _described(figures, PACKAGED_QUARTER)


def _stand_in_warning(quarter: str, error: statbank.StatBankUnavailableError) -> str:
    return (
        f"The population of {quarter} could not be had: {error}. The packaged figures of {PACKAGED_QUARTER} "
        f"(Statistics Denmark, CC BY 4.0) are used instead, so the rates divide by the population of another quarter. "
        f"The next run asks StatBank again."
    )


def _cached(cache_dir: UPath, quarter: str) -> pl.DataFrame | None:
    """The figures of a reply fetched earlier; None when there is none, or when it is not what was written."""
    reply, note = _cache_entry(cache_dir, quarter)
    try:
        body = reply.read_bytes()
        noted = json.loads(note.read_bytes())
        if noted["sha256"] == hashlib.sha256(body).hexdigest():
            return statbank.parse(body, quarter)
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError, RecursionError, statbank.StatBankError):
        # A damaged entry is worth no more than none: it is fetched again and overwritten.
        return None
    return None


def _store(cache_dir: UPath, quarter: str, body: bytes, *, url: str, fetched_at: dt.datetime) -> None:
    """Writes the reply, then its note: an entry whose note is missing or of another reply does not count."""
    reply, note = _cache_entry(cache_dir, quarter)
    noted = {
        "source": f"{SOURCE}, {quarter} (CC BY 4.0)",
        "url": url,
        "quarter": quarter,
        "sha256": hashlib.sha256(body).hexdigest(),
        "fetched_at": fetched_at.isoformat(),
    }
    write_bytes(reply, body)
    write_bytes(note, json.dumps(noted, ensure_ascii=False, indent=2).encode() + b"\n")


def _cache_entry(cache_dir: UPath, quarter: str) -> tuple[UPath, UPath]:
    return cache_dir / f"folk1a_18_66_{quarter}.csv", cache_dir / f"folk1a_18_66_{quarter}.json"
