"""What a case is, how the cases of one inbox are laid out on disk, and how what became of them is compared.

What belongs here: the vocabulary of the cases (`one`, `several`, `current`, `rejected`) and the round's folder they
share. What does not: the bytes of a file (`files`), and the cases themselves (`cases_*`).
"""

import os
import re
import socket
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from pipelines.ingest.intake import Intake, take_inbox
from schemas.questionnaire import load_catalogue
from schemas.rounds import load_rounds
from tests.limits import files

NOW = datetime(2023, 1, 15, 12, tzinfo=UTC)
RECEIVED = "20221114T093000Z"
# A file's own time, where its name has none that counts.
MODIFIED = datetime(2022, 11, 20, 8, tzinfo=UTC)
ROUND = "2022-10-01"
CONTROLS = ("147", "860")
CODES = pl.read_csv(files.ROOT / "schemas/municipalities.csv", infer_schema=False)["municipality_code"]
# Stands in a file outside the inbox that nothing may read.
SECRET = "hemmelighed-uden-for-indbakken"  # noqa: S105 a made-up word, no password

Broken = tuple[int, int | None, str]


@dataclass(frozen=True)
class Place:
    """Where a case puts its files: its municipality's folder in the round's folder, and a folder outside of both."""

    folder: Path
    code: str
    outside: Path
    port: int

    def write(self, name: str | bytes, data: bytes, *, modified: datetime = MODIFIED) -> Path:
        """Write one file under exactly this name."""
        path = Path(os.fsdecode(os.path.join(os.fsencode(self.folder), os.fsencode(name))))  # noqa: PTH118 bytes
        path.write_bytes(data)
        os.utime(path, (modified.timestamp(), modified.timestamp()))
        return path


@dataclass(frozen=True)
class Outcome:
    """What may become of one file; texts are patterns that a message or a warning must hold, in any case."""

    status: str
    rule: str | None = None
    says: str = ""
    figures: tuple[int, int, int] | None = None
    broken: frozenset[Broken] = frozenset()
    perhaps: frozenset[Broken] = frozenset()
    tells: Mapping[Broken, str] = field(default_factory=dict)
    warns: str = ""
    never_warns: str = ""
    answers: Mapping[tuple[str, str], object] = field(default_factory=dict)
    received_at: datetime | None = None
    shown: str = ""


def rejected(rule: str, says: str = "", **more: object) -> Outcome:
    """Reject the file whole."""
    return Outcome("rejected", rule, says, **more)


def current(
    rows: int = 3, eligible: int = 1, out_of_scope: int = 2, *, broken: Iterable[Broken] = (), **more: object
) -> Outcome:
    """Count the file, by default as `files.good` makes it; the rows left over are the rejected ones."""
    return Outcome("current", figures=(rows, eligible, out_of_scope), broken=frozenset(broken), **more)


SUPERSEDED = Outcome("superseded")
GOOD = (current(),)
# The form cannot be found in the file. The specification names no rule of its own for that: every mandatory question
# lacks its column (`missing_questions`), and nothing in it can be read (`unreadable`).
NO_HEADER = (rejected("missing_questions"), rejected("unreadable"))
# A file that some readers survive and others do not: it counts with the right figures, or it is one rejected file.
SURVIVED = (current(), rejected("unreadable"))


@dataclass(frozen=True)
class Case:
    """One municipality's folder and what must become of every file in it.

    `outcomes` has each file's name as the log shows it, or "" for the only one, whatever it is shown as.
    """

    name: str
    build: Callable[[Place], object]
    outcomes: Mapping[str, tuple[Outcome, ...]]
    municipality: str | None = None
    warning: str = ""


def one(
    name: str,
    file: str,
    content: Callable[[str], bytes],
    *outcomes: Outcome,
    municipality: str | None = None,
) -> Case:
    """One file, received at the usual time, made by `content` for the municipality's code; any outcome will do."""
    full = f"{RECEIVED}__{file}"
    return Case(name, lambda at: at.write(full, content(at.code)), {full: outcomes}, municipality)


def several(name: str, build: Callable[[Place], object], outcomes: Mapping[str, Outcome]) -> Case:
    """Several files, each with its outcome."""
    return Case(name, build, {file: (outcome,) for file, outcome in outcomes.items()})


@dataclass(frozen=True)
class Taken:
    """An inbox that was read: its cases by municipality, what came of it, and what it cost and left behind."""

    places: Mapping[str, Place]
    not_built: Mapping[str, str]
    intake: Intake
    seconds: float
    changed: list[str]
    strays: list[str]
    was_called: bool


def _tree(root: Path) -> dict[bytes, tuple[int, int, float]]:
    found = {}
    for folder, folders, names in os.walk(os.fsencode(root)):
        for name in [*folders, *names]:
            path = os.path.join(folder, name)  # noqa: PTH118 names here are bytes, and not all are UTF-8
            told = os.lstat(path)
            found[path] = (told.st_mode, told.st_size, told.st_mtime)
    return found


def control(code: str) -> list[files.Row]:
    """Give four cases, the last of them broken: what a municipality next door keeps, whatever the others send."""
    return [*files.good(code), files.case(code, "A-4", age="17")]


def take(cases: Iterable[Case], root: Path) -> Taken:
    """Lay the cases out in a round's folder below `root`, two good deliveries beside them, and read it."""
    inbox, outside = root / "inbox" / ROUND, root / "udenfor"
    inbox.mkdir(parents=True)
    outside.mkdir()
    (outside / "hemmelig.txt").write_text(f"{SECRET} 070790-0000", encoding="utf-8")
    cases = list(cases)
    taken_codes = {*CONTROLS, *(case.municipality for case in cases)}
    free = iter([code for code in CODES if code not in taken_codes])
    places: dict[str, Place] = {}
    not_built: dict[str, str] = {}
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        for case in cases:
            code = case.municipality or next(free)
            places[case.name] = Place(inbox / code, code, outside, port)
            (inbox / code).mkdir()
            try:
                case.build(places[case.name])
            except PermissionError as error:
                not_built[case.name] = str(error)
        for code, name, content in (
            (CONTROLS[0], "kontrol.csv", files.csv_bytes(files.grid(control(CONTROLS[0])))),
            (CONTROLS[1], "kontrol.xlsx", files.xlsx(files.sheet(files.grid(control(CONTROLS[1]))))),
        ):
            (inbox / code).mkdir()
            Place(inbox / code, code, outside, port).write(f"{RECEIVED}__{name}", content)
        before, here = _tree(root), set(Path.cwd().iterdir())
        start = time.monotonic()
        intake = take_inbox(
            inbox, load_rounds()[ROUND], load_catalogue(load_rounds()[ROUND].questionnaire), now=NOW
        )  # fmt: skip
        seconds = time.monotonic() - start
        after = _tree(root)
        changed = [os.fsdecode(path) for path in before.keys() | after.keys() if before.get(path) != after.get(path)]
        strays = [str(path) for path in set(Path.cwd().iterdir()) - here]
        listener.settimeout(0)
        try:
            listener.accept()[0].close()
            was_called = True
        except BlockingIOError:
            was_called = False
    return Taken(places, not_built, intake, seconds, changed, strays, was_called)


def answer_of(taken: Taken, code: str, case_id: str, key: str) -> object:
    """Give the accepted answer of one case."""
    rows = taken.intake.responses.filter(pl.col("municipality_code") == code).to_dicts()
    for row in rows:
        if str(row["case_id"]).casefold() == case_id.casefold():
            return row[key]
    return f"no such case among {len(rows)}"


def log_of(taken: Taken, code: str) -> list[dict[str, object]]:
    """Rows of the delivery log of one municipality."""
    return taken.intake.delivery_log.filter(pl.col("municipality_code") == code).to_dicts()


def broken_of(taken: Taken, code: str, file: object) -> dict[Broken, str]:
    """Broken rules of one file's rejected rows, with their messages."""
    rows = taken.intake.rejected_rows.filter((pl.col("municipality_code") == code) & (pl.col("file") == file))
    return {(row["row"], row["question"], row["rule"]): row["message"] for row in rows.to_dicts()}


def moment(value: object) -> datetime:
    """Read a time in UTC, as a table or a text carries it."""
    at = datetime.fromisoformat(value) if isinstance(value, str) else value
    assert isinstance(at, datetime), value
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _lacks(pattern: str, text: object) -> bool:
    return re.search(pattern, str(text or ""), re.IGNORECASE | re.DOTALL) is None


def differences(outcome: Outcome, taken: Taken, code: str, row: dict[str, object]) -> list[str]:
    """In what one row of the log, its rejected rows and its answers differ from the outcome; nothing when it fits."""
    found = []
    if (row["status"], row["rule"]) != (outcome.status, outcome.rule):
        found.append(f"is {row['status']} {row['rule']} ({row['message']}), not {outcome.status} {outcome.rule}")
    if outcome.says and _lacks(outcome.says, row["message"]):
        found.append(f"says {row['message']!r}, without {outcome.says!r}")
    if outcome.shown and _lacks(outcome.shown, row["file"]):
        found.append(f"is shown as {row['file']!r}, without {outcome.shown!r}")
    warnings = list(row["warnings"] or [])
    if outcome.warns and all(_lacks(outcome.warns, warning) for warning in warnings):
        found.append(f"warns {warnings}, without {outcome.warns!r}")
    if outcome.never_warns and not all(_lacks(outcome.never_warns, warning) for warning in warnings):
        found.append(f"warns {warnings}, with {outcome.never_warns!r}")
    if outcome.received_at and moment(row["received_at"]) != outcome.received_at:
        found.append(f"received at {row['received_at']}, not {outcome.received_at}")
    if outcome.figures is not None:
        found += _differing_figures(outcome, taken, code, row)
    return found


def _differing_figures(outcome: Outcome, taken: Taken, code: str, row: dict[str, object]) -> list[str]:
    found = []
    broken = broken_of(taken, code, row["file"])
    if lacking := outcome.broken - broken.keys():
        found.append(f"does not break {sorted(lacking, key=str)}")
    if surplus := broken.keys() - outcome.broken - outcome.perhaps:
        found.append(f"breaks {[(*rule, broken[rule]) for rule in sorted(surplus, key=str)]}")
    rows, eligible, out_of_scope = outcome.figures
    want = (rows, eligible, out_of_scope, rows - eligible - out_of_scope)
    got = tuple(row[name] for name in ("rows", "eligible", "out_of_scope", "rejected"))
    if got != want:
        found.append(f"has rows, eligible, out of scope, rejected {got}, not {want}")
    for rule, pattern in outcome.tells.items():
        if rule in broken and _lacks(pattern, broken[rule]):
            found.append(f"tells {broken[rule]!r} of {rule}, without {pattern!r}")
    for (case_id, key), value in outcome.answers.items():
        answer = answer_of(taken, code, case_id, key)
        if isinstance(value, frozenset) and answer is not None:
            # Several options, as a list or as text, in any order.
            answer = frozenset(answer.split(";") if isinstance(answer, str) else answer)
        if answer != value:
            found.append(f"answers {key} of {case_id} with {answer!r}, not {value!r}")
    return found
