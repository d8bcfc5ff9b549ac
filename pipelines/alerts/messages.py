"""What an alert says: what happened, whom it concerns, what to do. Pure functions; plain Danish; nothing of any case.

A message leaves the house: it holds names of rounds, tables, expectations and municipalities, and what our own errors say.
"""

import datetime as dt
import re
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

import polars as pl

from pipelines.heartbeat import Beat, Late, is_to_come
from pipelines.ingest.text import in_one_line
from pipelines.reference.municipalities import municipalities
from schemas.periods import Period
from schemas.rounds import Round

Kind = Literal["failure", "lateness", "warnings"]
_COPENHAGEN = ZoneInfo("Europe/Copenhagen")
_LINE_CHARACTERS = 600
_SHOWN_PLACES = 20
_MUNICIPALITY = re.compile(r"^(?:municipality )?([0-9]{3})\b|\bmunicipality ([0-9]{3})\b")


class Message(NamedTuple):
    """An alert, ready to be sent.

    Attributes:
        kind: what it is of, for programs.
        round_name: the round that it is of.
        subject: one line.
        body: lines, ending with a line break.
        at: when it was written (UTC).
    """

    kind: Kind
    round_name: str
    subject: str
    body: str
    at: dt.datetime


def failure(
    round_: Period,
    stopping: pl.DataFrame,
    failures: Sequence[str],
    release: str | None,
    portal: str | None,
    at: dt.datetime,
) -> Message:
    """That a night failed.

    Args:
        round_: the round that was run.
        stopping: what the quality gate stopped it for, rows of `quality_report`; none where it did not.
        failures: one line per step that failed of anything else, as told by our own errors.
        release: the round's current release; None without one.
        portal: the address of the portal, where it is known.
        at: when it is told (UTC).
    """
    stands = (
        f"Kommunerne ser fortsat udgivelse {release}. Den er ikke ændret."
        if release
        else f"{_noun(round_).capitalize()} har ingen udgivelse endnu, så ingen kommune kan se tal."
    )
    lines = [
        f"Nattens kørsel af {round_.named_da} fejlede.",
        "",
        f"Hvem det berører: alle, der venter på en ny udgivelse af {_noun(round_)}. {stands}",
        "",
        *_stops(round_, stopping),
        *(["Programmets fejlmeddelelse:", *(f"- {_in_one_line(line)}" for line in failures), ""] if failures else []),
        "Hvad du skal gøre:",
        "1. Slå fejlen op i driftsvejledningen, docs/operations.md, afsnittet 'When a night is red'.",
        f"2. Ret årsagen, og kør {_noun(round_)} igen: {_command(round_)}",
        f"3. Se {_noun(round_)} på {_page(round_, '', portal)}",
    ]
    return _message("failure", round_, "nattens kørsel fejlede", lines, at)


def _stops(round_: Period, stopping: pl.DataFrame) -> list[str]:
    """What the quality gate stopped a night for."""
    if stopping.is_empty():
        return []
    unmet = [line for row in stopping.iter_rows(named=True) for line in [*_unmet(row), ""]]
    return [
        "Kvalitetskontrollen stopper udgivelsen.",
        "",
        *unmet,
        f"Alt, den fandt: botilbud quality list --round {round_.name}",
        "",
    ]


def lateness(late: Late, portal: str | None, at: dt.datetime) -> Message:
    """That a round has had no good night for too long.

    Args:
        late: the round and its last good night.
        portal: the address of the portal, where it is known.
        at: when it is told (UTC).
    """
    round_ = late.round_
    lines = [
        f"Nattens kørsel af {round_.named_da} {why_late(late, at)}. {last_night(late.last)}.",
        "",
        f"Hvem det berører: {_noun(round_)}s kommuner. Det, der er afleveret siden, er hverken kontrolleret eller talt med.",
        "",
        "Hvad du skal gøre:",
        "1. Se, om natten er startet: systemctl status botilbud-daemon",
        f"2. Er den ikke, så start den, eller kør {_noun(round_)} selv: {_command(round_)}",
        f"3. Se {_noun(round_)} på {_page(round_, '', portal)}",
        "",
        f"Er {_noun(round_)} slut, så luk {_it(round_)}: sæt open: false i {_settings(round_)}.",
    ]
    return _message("lateness", round_, "nattens kørsel mangler", lines, at)


def why_late(late: Late, now: dt.datetime) -> str:
    """What is wrong with the nights of a late round, as what is said of `nattens kørsel`."""
    if late.last is not None and is_to_come(late.last, now):
        return (
            "er noteret med et tidspunkt, der endnu ikke er kommet: Se, om maskinens ur går rigtigt, og kør runden igen"
        )
    return f"er ikke lykkedes i {late.round_.fresh_within_hours} timer" if late.last else "er endnu ikke lykkedes"


def last_night(last: Beat | None) -> str:
    """When a round's last good night ended, as a sentence without its full stop."""
    return f"Seneste vellykkede kørsel sluttede {moment(last.at)}" if last else "Der er ingen vellykket kørsel"


def warnings(round_: Period, found: pl.DataFrame, portal: str | None, at: dt.datetime) -> Message:
    """That the quality gate found something that a consultant must look at.

    Args:
        round_: the round that was run.
        found: the new warnings, rows of `quality_report`.
        portal: the address of the portal, where it is known.
        at: when it is told (UTC).
    """
    number = f"{found.height} {'ny advarsel' if found.height == 1 else 'nye advarsler'}"
    lines = [f"Nattens kørsel af {round_.named_da} gav {number}."]
    for row in found.iter_rows(named=True):
        lines += [
            "",
            *_unmet(row),
            f"Godkendes med: botilbud quality accept {row['warning_id']} --round {round_.name} --name NAVN --reason HVORFOR",
        ]
    lines += [
        "",
        "Rundens udgivelse er foreløbig. Den kan først gøres endelig, når en konsulent har godkendt hver advarsel.",
        f"Se og godkend advarslerne på {_page(round_, '/kvalitet', portal)}",
    ]
    return _message("warnings", round_, number, lines, at)


def moment(at: dt.datetime) -> str:
    """A moment (UTC) as the day and time that it is in Denmark."""
    return f"{at.astimezone(_COPENHAGEN):%d-%m-%Y kl. %H.%M}"


def _message(kind: Kind, round_: Period, said: str, lines: Sequence[str], at: dt.datetime) -> Message:
    subject = f"Botilbudsbenchmark, {round_.named_da}: {said}"
    return Message(kind, round_.name, subject, "\n".join(lines) + "\n", at)


def _noun(period: Period) -> str:
    return "runden" if isinstance(period, Round) else "året"


def _it(period: Period) -> str:
    return "den" if isinstance(period, Round) else "det"


def _command(period: Period) -> str:
    return f"botilbud nightly --{'round' if isinstance(period, Round) else 'year'} {period.name}"


def _settings(period: Period) -> str:
    return f"schemas/{'rounds' if isinstance(period, Round) else 'years'}.yaml"


def _page(period: Period, part: str, portal: str | None) -> str:
    path = f"/kl/runder/{period.name}{part}" if isinstance(period, Round) else f"/ledelsesinformation/{period.name}"
    return f"{portal}{path}" if portal else f"portalens side {path}"


def _unmet(row: dict[str, Any]) -> list[str]:
    """An expectation that is not met: what, where, and what to do."""
    return [
        f"Forventet: {_in_one_line(row['expected_da'])}",
        f"Hvor: {_places(row['failing_keys'])}",
        f"Hvad du skal gøre: {_in_one_line(row['action_da'] or 'Se på tallene.')}",
    ]


def _places(keys: Sequence[str]) -> str:
    """Where an expectation is not met: municipalities by name beside their code, everything else as it is."""
    if not keys:
        return "hele runden"
    names = dict(municipalities().select("municipality_code", "municipality_name").iter_rows())

    def named(found: re.Match[str]) -> str:
        code = found[1] or found[2]
        return f"{names[code]} ({code})" if code in names else found[0]

    shown = [_MUNICIPALITY.sub(named, _in_one_line(key)) for key in sorted(keys)]
    more = len(shown) - _SHOWN_PLACES
    return ", ".join(shown[:_SHOWN_PLACES]) + (f" og {more} flere" if more > 0 else "")


def _in_one_line(text: str) -> str:
    """A text of ours as one line, cut where it is too long to be read."""
    line = in_one_line(text)
    return line if len(line) <= _LINE_CHARACTERS else line[:_LINE_CHARACTERS].rstrip() + " ..."
