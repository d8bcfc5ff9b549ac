"""Where deliveries are handed in: checked as the night would, kept as drafts until confirmed, then laid into the inbox.

What belongs here: the order of these steps and what may run at once. What does not: HTTP (`routes`, `portal.pages.deliver`),
reading the body (`upload`) and the rules of the format (`checking`).
"""

import asyncio
import datetime as dt
import hashlib
import logging
import threading
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TypeVar

import polars as pl
from upath import UPath

from pipelines import storage
from pipelines.form.form import correction
from pipelines.ingest.inbox import unsupported_format
from pipelines.ingest.intake import told
from pipelines.ingest.pool import READERS, ReaderPool
from pipelines.ingest.text import match_key, printable
from portal.access.audit_log import AuditLog
from portal.delivering.checking import check, file_errors, municipality_label
from portal.delivering.drafts import LIFETIME, Draft, Drafts
from portal.delivering.receipts import HandedIn, Receipt, Receipts, UnderWay, handed_in
from portal.delivering.refused import FileErrors, RefusedError
from portal.delivering.turns import Turns
from portal.delivering.upload import Upload
from portal.identity import Identity
from portal.settings import Settings
from schemas.errors import BotilbudError
from schemas.municipalities import municipality_codes
from schemas.questionnaire import load_catalogue
from schemas.rounds import Round

Result = TypeVar("Result")

DELIVERIES_PER_DAY = 50
"""Of one municipality in one round, in any 24 hours."""

_LOG = logging.getLogger("portal")
_DAY = dt.timedelta(days=1)
_NO_CASES = "nulindberetning"
_REJECTED_FILES: dict[str, pl.DataType | type[pl.DataType]] = {
    "file": pl.String,
    "received_at": pl.Datetime("us", "UTC"),
    "rule": pl.String,
    "message": pl.String,
}


class Desk:
    """The desk of a portal; holds the warm reading children. Close it."""

    def __init__(self, settings: Settings) -> None:
        self._root = settings.root
        self._drafts = Drafts(settings.state)
        self._receipts = Receipts(settings.state)
        self._audit = AuditLog(settings.state)
        self._turns = Turns(READERS)
        self._pools: dict[str, ReaderPool] = {}
        self._closing = ExitStack()
        self._lock = threading.Lock()
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        for delivery in self._receipts.under_way():
            self._settle(delivery)

    def close(self) -> None:
        """Ends the reading children, after what is being read."""
        self._turns.close()
        self._closing.close()

    async def in_turn(self, municipality_code: str, work: Callable[[], Result]) -> Result:
        """Does slow work when it is a municipality's turn, as much at once as there are reading children.

        Nothing that waits here holds one of the threads that the rest of the portal answers in.

        Raises:
            RefusedError: too much of the same municipality waits already.
        """
        return await asyncio.wrap_future(self._turns.ask(municipality_code, work))

    def take(self, upload: Upload, round_: Round, municipality_code: str, now: dt.datetime) -> Draft:
        """Checks a file and keeps it as a draft.

        Args:
            upload: the file, at its beginning.
            round_: the round it is handed in for.
            municipality_code: who hands it in.
            now: UTC.

        Raises:
            RefusedError: it is not taken in; nothing of it is kept.
        """
        self._drafts.remove_expired(now)
        require_welcome(round_, municipality_code)
        content = upload.file.read()
        checksum = hashlib.sha256(content).hexdigest()
        unsupported = unsupported_format(upload.sender_name)
        if unsupported is not None:
            raise RefusedError(422, unsupported.rule, unsupported.message, checksum=checksum)
        id_ = self._drafts.begin()
        try:
            path = self._drafts.write(id_, _own_name(upload), content)
            checked = check(
                self._pool(round_),
                path,
                round_,
                load_catalogue(round_.questionnaire),
                municipality_code,
                now=now,
            )
            draft = Draft(
                id=id_,
                round_name=round_.name,
                municipality_code=municipality_code,
                file=path.name,
                sender_name=upload.shown_name,
                sha256=checksum,
                bytes=len(content),
                checked_at=now,
                expires_at=now + LIFETIME,
                rows=checked.rows,
                eligible=checked.eligible,
                out_of_scope=checked.out_of_scope,
                rejected=checked.rejected,
                error_count=checked.broken.height,
                warnings=checked.warnings,
            )
            self._drafts.complete(draft, checked)
        except RefusedError as refused:
            self._drafts.remove(id_)
            refused.checksum = checksum
            raise
        except BaseException:
            self._drafts.remove(id_)
            raise
        return draft

    def draft(self, id_: str, round_: Round, municipality_code: str, now: dt.datetime) -> Draft | None:
        """A draft of this municipality that can still be confirmed."""
        return self._drafts.find(id_, round_.name, municipality_code, now)

    def errors(self, draft: Draft, round_: Round) -> FileErrors:
        """What is wrong with the rows of a draft."""
        return file_errors(self._drafts.broken(draft), self._drafts.files(draft), load_catalogue(round_.questionnaire))

    def marked_up(self, draft: Draft, round_: Round) -> bytes:
        """The draft as a workbook in which the faulty cells are coloured and say why."""
        catalogue = load_catalogue(round_.questionnaire)
        return correction(
            round_,
            catalogue,
            self._drafts.case_rows(draft),
            told(self._drafts.broken(draft), self._drafts.files(draft), catalogue),
            file=draft.sender_name,
            files=pl.DataFrame(schema=_REJECTED_FILES),
            municipality_code=draft.municipality_code,
        )

    def cancel(self, draft: Draft) -> None:
        """Removes a draft."""
        self._drafts.remove(draft.id)

    def confirm(self, id_: str, round_: Round, identity: Identity, now: dt.datetime) -> tuple[Receipt, bool] | None:
        """Lays a draft into the inbox, with a line in the audit log; the receipt, and whether this made it.

        Confirming again gives the same receipt, and so does handing in the same bytes as the newest delivery: it would
        change nothing, and a program may try again without knowing whether it came through.

        Returns:
            None where there is no such draft of this municipality.

        Raises:
            RefusedError: the round has closed since the check, it is one delivery too many, or the inbox is not in order.
            BotilbudError: the file is not the one that was checked.
        """
        municipality_code = identity.municipality_code
        if municipality_code is None:
            return None
        with self._lock_of(municipality_code):
            for stopped in self._receipts.under_way():
                if stopped.receipt.municipality_code == municipality_code:
                    self._settle(stopped)
            receipt = self._receipts.of_draft(id_, round_.name, municipality_code)
            if receipt is not None:
                return receipt, False
            draft = self._drafts.find(id_, round_.name, municipality_code, now)
            if draft is None:
                return None
            require_welcome(round_, municipality_code)
            folder = storage.inbox(self._root, round_.name) / municipality_code
            newest = self._receipts.newest(round_.name, municipality_code)
            is_new = newest is None or newest.sha256 != draft.sha256 or not _is_last(folder, newest.file)
            if newest is None or is_new:
                self._require_room(draft, now)
                _require_folder(folder, draft)
                receipt = _receipt_for(draft, newest, now)
                self._deliver(UnderWay(receipt, draft.id, identity.subject), draft, now)
            else:
                receipt = newest
                self._receipts.confirm_again(receipt, draft.id)
            self._drafts.remove(draft.id)
            return receipt, is_new

    def _require_room(self, draft: Draft, now: dt.datetime) -> None:
        count = self._receipts.count_since(draft.round_name, draft.municipality_code, now - _DAY)
        if count >= DELIVERIES_PER_DAY:
            raise RefusedError(
                429,
                "too_many_deliveries",
                f"Din kommune har afleveret {DELIVERIES_PER_DAY} gange i runden det seneste døgn, og flere kan ikke "
                "modtages. Den seneste aflevering gælder. Prøv igen i morgen, eller kontakt KL.",
                checksum=draft.sha256,
            )

    def _deliver(self, delivery: UnderWay, draft: Draft, now: dt.datetime) -> None:
        """Lays the file, writes the audit log's line and gives the receipt; `_settle` puts a stop in between right."""
        receipt = delivery.receipt
        self._receipts.begin(delivery)
        try:
            _lay(self._path(receipt), self._drafts.content(draft), receipt.sha256)
        except Exception:
            self._settle(delivery)
            raise
        self._audit.record(now, _confirmed_by(delivery), "delivery", _address(receipt), receipt.sha256)
        self._receipts.finish(delivery)

    def _settle(self, delivery: UnderWay) -> None:
        """Ends a delivery that stopped half way: as it would have ended, if the file came to lie there whole, else not at all.

        Its line may be in the audit log already. One that is written now has the time at which the file was received,
        and says that it was written later.
        """
        receipt = delivery.receipt
        if not _lies(self._path(receipt), receipt.sha256):
            # Under this name lies at most a part of what nobody has a receipt for.
            self._path(receipt).unlink(missing_ok=True)
            self._receipts.give_up(delivery)
            return
        if not self._is_audited(receipt):
            what = f"{_address(receipt)} (completed after an interruption)"
            self._audit.record(receipt.received_at, _confirmed_by(delivery), "delivery", what, receipt.sha256)
        self._receipts.finish(delivery)

    def _is_audited(self, receipt: Receipt) -> bool:
        """Whether the audit log tells of a delivery: no two have the same name in the inbox."""
        return any(
            event.action == "delivery"
            and event.checksum == receipt.sha256
            and event.what.startswith(printable(_address(receipt)))
            for event in self._audit.events()
        )

    def _path(self, receipt: Receipt) -> UPath:
        return storage.inbox(self._root, receipt.round_name) / receipt.municipality_code / receipt.file

    def receipt(self, id_: str, round_: Round, municipality_code: str) -> Receipt | None:
        """The receipt of a confirmed draft of this municipality."""
        return self._receipts.of_draft(id_, round_.name, municipality_code)

    def deliveries(self, round_name: str, municipality_code: str | None) -> list[HandedIn]:
        """The deliveries of a municipality in a round, or of all (None), newest first."""
        receipts = self._receipts.with_drafts(round_name, municipality_code)
        return handed_in(self._root, receipts, round_name, municipality_code)

    def _pool(self, round_: Round) -> ReaderPool:
        with self._lock:
            if round_.questionnaire not in self._pools:
                pool = ReaderPool(load_catalogue(round_.questionnaire))
                self._pools[round_.questionnaire] = self._closing.enter_context(pool)
            return self._pools[round_.questionnaire]

    def _lock_of(self, municipality_code: str) -> threading.Lock:
        with self._lock:
            return self._locks[municipality_code]


def require_welcome(round_: Round, municipality_code: str) -> None:
    """That a municipality can hand in for a round.

    Raises:
        RefusedError: the round is closed, or another municipality reports for this one.
    """
    reporter = next((by for by, covered in round_.reports_for.items() if municipality_code in covered), None)
    if municipality_code not in municipality_codes():
        raise RefusedError(409, "not_in_round", "Kommunen er ikke med i runden. Kontakt KL, hvis det er en fejl.")
    if reporter is not None:
        raise RefusedError(
            409,
            "reported_by_another",
            f"{municipality_label(reporter)} indberetter for din kommune i denne runde. Kontakt KL, hvis det er en fejl.",
        )
    if not round_.open:
        raise RefusedError(409, "round_closed", "Runden er lukket. Kontakt KL, hvis du har en rettelse.")


def _own_name(upload: Upload) -> str:
    """The file's name in a draft: ours, but for what the format reads from a name."""
    stem = upload.sender_name.removesuffix(upload.sender_name[-len(upload.extension) :])
    return f"aflevering{f'-{_NO_CASES}' if match_key(stem).endswith(_NO_CASES) else ''}{upload.extension}"


def _receipt_for(draft: Draft, newest: Receipt | None, now: dt.datetime) -> Receipt:
    """The receipt of the next delivery; later than the one before it, whatever the clock says."""
    sequence = newest.sequence + 1 if newest else 1
    received_at = now.replace(microsecond=0)
    if newest is not None:
        received_at = max(received_at, newest.received_at)
    rest = draft.file.removeprefix("aflevering")
    return Receipt(
        round_name=draft.round_name,
        municipality_code=draft.municipality_code,
        sequence=sequence,
        file=f"{received_at:%Y%m%dT%H%M%SZ}__portal-{sequence:04}-{draft.sha256[:12]}{rest}",
        sender_name=draft.sender_name,
        received_at=received_at,
        sha256=draft.sha256,
        bytes=draft.bytes,
        rows=draft.rows,
        eligible=draft.eligible,
        out_of_scope=draft.out_of_scope,
        rejected=draft.rejected,
    )


def _is_last(folder: UPath, file: str) -> bool:
    """Whether no other file lies in the folder that could be newer; one without a time in its name could be."""
    return max(storage.files_below(folder), default="") == file


def _address(receipt: Receipt) -> str:
    """A delivery as the audit log names it."""
    return f"{receipt.round_name}/{receipt.municipality_code}/{receipt.file}"


def _confirmed_by(delivery: UnderWay) -> Identity:
    receipt = delivery.receipt
    return Identity(delivery.subject, "municipality", receipt.municipality_code, expires_at=receipt.received_at)


def _require_folder(folder: UPath, draft: Draft) -> None:
    """That a municipality's folder is one that the night reads, and not a link that leads elsewhere."""
    if not storage.is_local(folder):
        return
    path = Path(str(folder))
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        _LOG.error(
            "inbox/%s/%s: is not a folder; deliveries of this municipality are refused until it is one",
            draft.round_name,
            draft.municipality_code,
        )
        raise RefusedError(
            503,
            "inbox_not_in_order",
            "Filen kan ikke modtages, fordi der er en fejl hos os. Kontakt KL.",
            checksum=draft.sha256,
        )


def _lies(path: UPath, checksum: str) -> bool:
    """Whether a file is there, whole."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return False
    return hashlib.sha256(content).hexdigest() == checksum


def _lay(path: UPath, content: bytes, checksum: str) -> None:
    """Writes a delivery and reads it back. Its name holds a part of its checksum: nothing else is ever overwritten."""
    if hashlib.sha256(content).hexdigest() != checksum:
        raise BotilbudError(f"{path.name}: the draft is no longer the file that was checked; hand it in again")
    if storage.is_local(path) and path.parent.exists():
        storage.remove_abandoned(Path(str(path.parent)))
    storage.write_bytes(path, content)
    if not _lies(path, checksum):
        raise BotilbudError(f"{path.name}: what lies in the inbox is not what was handed in; check the disk")
