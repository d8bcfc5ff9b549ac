"""The commands of whoever runs the nights: `botilbud heartbeat` and `botilbud purge`. What they print is Danish."""

import datetime as dt
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from assets import clock

if TYPE_CHECKING:
    import dagster as dg

    from pipelines.heartbeat import Late
    from pipelines.retention.purging import Due

Item = TypeVar("Item")

_KEPT_DA = {
    "dagster_runs": "Dagster-kørsler med deres hændelser",
    "dagster_ticks": "noter om, hvornår Dagsters skema og sensorer så efter",
    "deliveries_not_counting": "afleveringer, der ikke tæller, i lukkede runder",
    "delivered_rows": "tabeller med afleverede rækker i lukkede runder",
    "told_alerts": "noter om sendte beskeder i lukkede runder",
}


def heartbeat() -> None:
    """Vis, hvornår nattens kørsel af hver runde og hvert åbent år sidst lykkedes; exitkode 1, når det er for længe siden."""
    from assets import settings
    from assets.resources import DataRoot, extracts_fingerprint
    from pipelines import storage
    from pipelines.alerts.messages import last_night, why_late
    from pipelines.heartbeat import last_beat, late
    from schemas.rounds import load_rounds
    from schemas.years import open_years

    root, now = settings.data_root(), clock.now()
    storage.require_reachable(root)
    # Years have nights once there is an extract.
    years = open_years() if extracts_fingerprint(DataRoot(location=str(root))) else []
    rounds = [*load_rounds().values(), *years]
    too_late = {entry.round_.name: entry for entry in late(root, rounds, now)}
    for round_ in rounds:
        told = last_night(last_beat(root, round_.name))
        if round_.name in too_late:
            told += f". Forsinket: Nattens kørsel {why_late(too_late[round_.name], now)}"
        named = "År" if round_ in years else "Runde"
        typer.echo(f"{named} {round_.name}: {told if round_.open else 'Lukket'}.")
    if not too_late:
        return
    for line in _tell_of_lateness(too_late.values(), now):
        typer.echo(line, err=True)
    raise SystemExit(1)


def _tell_of_lateness(late: Iterable["Late"], now: dt.datetime) -> Iterator[str]:
    """Sends the alerts and gives a line for each that could not be sent."""
    from assets import settings
    from pipelines.alerts.channels import AlertError
    from pipelines.alerts.telling import tell_of_lateness

    root = settings.data_root()
    try:
        channels = settings.alert_channels()
    except AlertError as error:
        yield f"alert not sent: {error}"
        return
    if channels is not None:
        for entry in late:
            yield from tell_of_lateness(root, entry, channels, now)


def purge(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Vis kun, hvad der ville blive slettet.")] = False,
    today: Annotated[
        dt.datetime | None,
        typer.Option("--today", formats=["%Y-%m-%d"], help="Med --dry-run: Døm efter denne dag i stedet."),
    ] = None,
) -> None:
    """Slet det, som ikke skal gemmes længere, efter reglerne i schemas/retention.yaml."""
    from assets import settings
    from assets.instance import dagster_instance
    from pipelines import storage
    from pipelines.retention.purging import due_files, note, remove
    from schemas.errors import BotilbudError
    from schemas.retention import load_rules
    from schemas.rounds import load_rounds

    if today and not dry_run:
        raise BotilbudError("--today kan kun bruges sammen med --dry-run: Der slettes altid efter dagen i dag.")
    root, rules = settings.data_root(), load_rules()
    now = today.replace(tzinfo=dt.UTC) if today else clock.now()
    storage.require_reachable(root)
    files = list(due_files(root, load_rounds().values(), rules, now))
    with dagster_instance() as instance:
        history = _History(instance, now, rules["dagster_runs"].days, rules["dagster_ticks"].days)
        counts = {"dagster_runs": len(history.runs), "dagster_ticks": history.ticks}
        counts |= {what: sum(file.what == what for file in files) for what in rules if what not in counts}
        typer.echo("Det ville blive slettet:" if dry_run else "Det slettes:")
        for what, rule in rules.items():
            typer.echo(f"- {counts[what]} {_KEPT_DA[what]} (gemmes i {rule.days} dage)")
        for file in files:
            typer.echo(_line(file))
        if dry_run or not any(counts.values()):
            return
        note(root, [*history.told(), *(file.told() for file in files)], now)
        for file in progress(files, len(files), "Filer"):
            remove(file)
        history.remove()


class _History:
    """What of Dagster's history is old."""

    def __init__(self, instance: "dg.DagsterInstance", now: dt.datetime, run_days: int, tick_days: int) -> None:
        from assets.run_history import old_runs, old_ticks

        self._instance = instance
        self._ticks_before = now - dt.timedelta(days=tick_days)
        self.runs = old_runs(instance, now - dt.timedelta(days=run_days))
        self.ticks = old_ticks(instance, self._ticks_before)

    def told(self) -> Iterator[dict[str, Any]]:
        """What is noted of it."""
        yield from ({"what": "dagster_runs", "run": run} for run in self.runs)
        if self.ticks:
            yield {"what": "dagster_ticks", "number": self.ticks}

    def remove(self) -> None:
        """Removes it and packs the files it lay in."""
        from assets.run_history import give_back_space, remove_run, remove_ticks

        for run in progress(self.runs, len(self.runs), "Kørsler"):
            remove_run(self._instance, run)
        remove_ticks(self._instance, self._ticks_before)
        if self.runs and not give_back_space(self._instance):
            typer.echo("the event log is in use and was not packed; the next purge tries again", err=True)


def _line(due: "Due") -> str:
    """One file as it may be told: never its delivered name."""
    from pipelines.alerts.messages import moment

    of = f" {due.municipality_code} modtaget {moment(due.received_at)}" if due.received_at else ""
    return f"  {due.what} {due.round_name}{of}{f' sha256 {due.sha256}' if due.sha256 else ''}"


def progress(items: Iterable[Item], length: int, label: str) -> Iterator[Item]:
    """The items, with a bar on a terminal and nothing anywhere else."""
    if not sys.stderr.isatty():
        yield from items
        return
    with typer.progressbar(items, length=length, label=label, file=sys.stderr) as bar:
        yield from bar
