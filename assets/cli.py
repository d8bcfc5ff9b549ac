"""The command `botilbud`. What a consultant or a municipality reads is Danish; a command imports only what it needs."""

import datetime as dt
import gc
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assets import cli_operations, cli_quality, cli_release, cli_token, cli_trace
from assets.cli_operations import progress
from pipelines.untold import told
from schemas.errors import BotilbudError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from upath import UPath

    from schemas.periods import Period
    from schemas.rounds import Round

RoundOption = Annotated[str | None, typer.Option("--round", help="Rundens opgørelsesdato, f.eks. 2022-10-01.")]
YearOption = Annotated[str | None, typer.Option("--year", help="Året for ledelsesinformation, f.eks. 2024.")]
ExtractOption = Annotated[
    str | None, typer.Option("--extract", help="Udtrækket, f.eks. grants; ellers er det et skema for en runde.")
]

app = typer.Typer(
    help="Benchmark af kommunernes dyreste enkeltsager på det specialiserede voksensocialområde.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(cli_release.app, name="release")
app.add_typer(cli_token.app, name="token")
app.add_typer(cli_quality.app, name="quality")
app.command()(cli_trace.trace)
app.command()(cli_operations.heartbeat)
app.command()(cli_operations.purge)


def main() -> None:
    """Run the command; what it cannot do is one message and exit code 1."""
    os.umask(0o027)  # cases in clear are nobody else's
    # A command lives for seconds: looking for cycles among Dagster's and polars' half a million objects costs a quarter.
    gc.disable()
    try:
        app()
    except BotilbudError as error:
        _fail(str(error))
    except Exception as error:  # noqa: BLE001 - its text may hold an answer, and a traceback helps no consultant
        _fail(told(error))
    finally:
        # Python looks for cycles once more when it ends, whether asked to or not: a second for nothing.
        gc.freeze()


def _fail(message: str) -> None:
    typer.echo(message, err=True)
    raise SystemExit(1)


def _rounds(name: str | None) -> list["Round"]:
    from schemas.rounds import find_round, load_rounds

    return [find_round(name)] if name else [round_ for round_ in load_rounds().values() if round_.open]


@app.command()
def demo(round_name: RoundOption = None) -> None:
    """Skriv opdigtede demonstrationsafleveringer og -udtræk i indbakken, hvis den er tom."""
    from assets import settings
    from pipelines import storage
    from pipelines.demo.deliveries import deliveries
    from schemas.questionnaire import load_catalogue

    root = settings.data_root()
    storage.require_reachable(root)
    inbox = storage.inbox(root, round_name) if round_name else root / "inbox"
    if storage.files_below(inbox):
        typer.echo(f"Indbakken {inbox} er ikke tom. Der er ikke skrevet noget.")
        return
    if not round_name:
        _demo_extracts(root)
    for round_ in _rounds(round_name):
        files = list(deliveries(round_, load_catalogue(round_.questionnaire)))
        for file in progress(files, len(files), f"Runde {round_.name}"):
            storage.write_bytes(storage.inbox(root, round_.name) / file.municipality_code / file.name, file.content)
        typer.echo(
            f"Runde {round_.name}: {len(files)} opdigtede afleveringer er skrevet i {storage.inbox(root, round_.name)}."
        )


def _demo_extracts(root: "UPath") -> None:
    """The extracts, and the reference figures of their years that are not published, unless such lie there already."""
    from pipelines import storage
    from pipelines.demo.extracts import extracts, reference_tables

    files = list(extracts())
    for file in progress(files, len(files), "Udtræk"):
        storage.write_bytes(storage.inbox(root, file.extract) / file.municipality_code / file.name, file.content)
    for name, content in reference_tables().items():
        if not (storage.reference(root) / name).exists():
            storage.write_bytes(storage.reference(root) / name, content)
    typer.echo(f"Ledelsesinformation: {len(files)} opdigtede udtræk er skrevet i {root / 'inbox'}.")


@app.command()
def nightly(round_name: RoundOption = None, year_name: YearOption = None) -> None:
    """Kør alt for en runde eller et år (ellers for alle åbne): læs, validér, beregn og udgiv."""
    from assets import settings
    from assets.definitions import build_defs
    from assets.instance import dagster_instance
    from assets.nights import Night, nights
    from assets.watching import after_night
    from pipelines import storage
    from schemas.years import find_year, open_years

    storage.require_reachable(settings.data_root())
    if round_name and year_name:
        raise BotilbudError("Vælg enten --round eller --year.")
    rounds = [] if year_name else _rounds(round_name)
    years = [find_year(year_name)] if year_name else [] if round_name else open_years()
    ended: list[Night] = []
    with dagster_instance() as instance:
        for night in nights(build_defs(), instance, rounds, years, settings.data_root()):
            for line in night.failures:
                typer.echo(f"{_of(night.period)}: {line}", err=True)
            if not night.failures:
                typer.echo(_summary(night.period, night.published))
            ended.append(night)
    # Last, so that no mail server keeps a round waiting.
    for night in ended:
        after_night(night.period.name, night.failures)
    if any(night.failures for night in ended):
        raise SystemExit(1)


def _of(period: "Period") -> str:
    from schemas.rounds import Round

    return f"{'Runde' if isinstance(period, Round) else 'År'} {period.name}"


def _summary(period: "Period", published: "Mapping[str, Any]") -> str:
    from assets import settings
    from pipelines import storage
    from pipelines.release.life import current_release

    root = settings.data_root()
    first, *others = (line.removeprefix("- ") for line in published["summary"].splitlines())
    lines = [f"{_of(period)}: {first}", *(f"  {line}" for line in others)]
    current = current_release(root, period.name)
    if published["release"].startswith("none: "):
        lines.append("  Ingen udgivelse: der er ingen afleveringer.")
    elif current is not None:
        lines.append(f"  Udgivelse {current} i {storage.releases(root, period.name)}.")
    withdrawn = published.get("withdrawn", "none")
    if withdrawn != "none":
        lines.append(
            f"  Intet nyt er udgivet: udgivelse {withdrawn} er trukket tilbage, og afleveringer, befolkning og metode er de "
            "samme."
        )
    return "\n".join(lines)


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="Den fil, der skal kontrolleres.")],
    municipality: Annotated[str, typer.Option("--municipality", help="Kommunens kode, tre cifre.")],
    round_name: RoundOption = None,
    extract: ExtractOption = None,
) -> None:
    """Kontrollér én aflevering eller ét udtræk, som nattens kørsel ville gøre det, og vis fejlene."""
    if extract:
        _check_extract(file, municipality, extract)
        return
    from pipelines.ingest.inbox import single_file
    from pipelines.ingest.intake import judge, read_files, row_errors
    from schemas.questionnaire import load_catalogue
    from schemas.rounds import find_round, load_rounds

    round_ = find_round(round_name) if round_name else list(load_rounds().values())[-1]
    catalogue = load_catalogue(round_.questionnaire)
    delivery = single_file(file, municipality, received_at=dt.datetime.now(dt.UTC))
    read = read_files([delivery], catalogue)
    entry = judge(*read, round_, catalogue).delivery_log.row(0, named=True)
    for warning in entry["warnings"]:
        typer.echo(f"Bemærk: {warning}")
    for message in row_errors(*read, catalogue)["message"]:
        typer.echo(message)
    if entry["status"] == "rejected":
        typer.echo(f"Afvist ({entry['rule']}): {entry['message']}")
    else:
        typer.echo(
            f"{entry['rows']} rækker læst: {entry['eligible']} medregnes, {entry['out_of_scope']} er uden for "
            f"afgrænsningen, {entry['rejected']} er afvist."
        )
    if entry["status"] == "rejected" or entry["rejected"]:
        raise SystemExit(1)


def _check_extract(file: Path, municipality: str, extract: str) -> None:
    from pipelines.ingest.extracts import check_extract
    from pipelines.ingest.inbox import single_file
    from schemas.extracts import load_extract

    load_extract(extract)
    found = check_extract(single_file(file, municipality, received_at=dt.datetime.now(dt.UTC)), extract)
    entry = found.log.row(0, named=True)
    for warning in (*entry["warnings"], *found.warnings["message"]):
        typer.echo(f"Bemærk: {warning}")
    for message in found.rejected_rows["message"]:
        typer.echo(message)
    if entry["status"] == "rejected":
        typer.echo(f"Afvist ({entry['rule']}): {entry['message']}")
    else:
        typer.echo(f"{entry['rows']} rækker læst: {entry['accepted']} er godkendt, {entry['rejected']} er afvist.")
    if entry["status"] == "rejected" or entry["rejected"]:
        raise SystemExit(1)


@app.command()
def template(
    out: Annotated[Path, typer.Argument(help="Den .xlsx-fil, der skal skrives.")],
    round_name: RoundOption = None,
    extract: ExtractOption = None,
) -> None:
    """Skriv skemaet, som kommunerne udfylder, for en runde eller et udtræk."""
    from upath import UPath

    from pipelines.form.form import template as form
    from pipelines.storage import write_bytes
    from schemas.questionnaire import load_catalogue
    from schemas.rounds import find_round

    if extract:
        from pipelines.form.form import extract_template

        write_bytes(UPath(out.absolute()), extract_template(extract))
        typer.echo(f"Skemaet for udtrækket {extract} er skrevet i {out}.")
        return
    if round_name is None:
        raise BotilbudError("Vælg en runde med --round eller et udtræk med --extract.")
    round_ = find_round(round_name)
    write_bytes(UPath(out.absolute()), form(round_, load_catalogue(round_.questionnaire)))
    typer.echo(f"Skemaet for runde {round_.name} er skrevet i {out}.")


@app.command()
def portal(
    host: Annotated[str, typer.Option("--host", help="Adressen, der lyttes på.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="Porten, der lyttes på.")] = 8080,
) -> None:
    """Start portalen, hvor kommunerne afleverer og henter deres filer."""
    from assets import settings
    from portal.server import serve

    gc.enable()  # it lives for months
    serve(settings.portal_settings(host, port), host, port)


@app.command()
def verify(release: Annotated[str, typer.Argument(help="Mappen med udgivelsen.")]) -> None:
    """Kontrollér hver fil i en udgivelse mod dens manifest."""
    from pipelines.release.manifest import differences
    from pipelines.storage import located, require_reachable

    folder = located(release)
    require_reachable(folder)
    wrong = differences(folder)
    for line in wrong:
        typer.echo(line, err=True)
    if wrong:
        raise SystemExit(1)
    typer.echo(f"Udgivelse {folder.name} stemmer med sit manifest.")


_METHODS_DA = {"rounding": "afrunding til", "suppression": "skjult under"}
_ZEROS_DA = {"rounded": "afrundet", "hidden": "skjult", "shown": "vist"}
_BREAKDOWNS_DA = {"main_target_group": "hovedmålgrupper", "provider_type": "leverandørtyper"}


@app.command("disclosure-report")
def disclosure_report(
    round_name: Annotated[str, typer.Option("--round", help="Rundens opgørelsesdato, f.eks. 2022-10-01.")],
) -> None:
    """Vis, hvad hver måde at beskytte kommunernes små tal på ville koste læserne af en runde, der er kørt."""
    import polars as pl

    from assets import settings
    from pipelines import storage
    from pipelines.disclosure.secret import rounding_secret
    from pipelines.disclosure.suppression import Tables
    from pipelines.disclosure.utility import SETTINGS, utility
    from schemas.questionnaire import load_catalogue
    from schemas.rounds import find_round

    round_, root = find_round(round_name), settings.data_root()
    paths = [storage.table_file(root, name, round_.name) for name in ("answer_counts", "case_rates")]
    if not all(path.exists() for path in paths):
        raise BotilbudError(
            f"Runde {round_.name} er ikke kørt endnu. Kør først: botilbud nightly --round {round_.name}"
        )
    answer_counts, case_rates = (storage.read_parquet(path) for path in paths)
    tables = Tables(answer_counts, case_rates, load_catalogue(round_.questionnaire), {})
    secret = rounding_secret(root, settings.rounding_secret())
    compared = progress(utility(tables, round_.disclosure_threshold, secret), SETTINGS, f"Runde {round_.name}")
    report = pl.concat(compared)
    typer.echo(
        f"{'metode':<17}{'nuller':<10}{'tabel':<18}{'celler vist':>12}{'sager vist':>12}{'gns. fejl':>11}"
        f"{'største fejl':>14}{'smalleste interval':>20}"
    )
    for row in report.iter_rows(named=True):
        typer.echo(
            f"{_METHODS_DA[row['method']] + ' ' + str(row['setting']):<17}{_ZEROS_DA[row['zeros']]:<10}"
            f"{_BREAKDOWNS_DA[row['breakdown']]:<18}{_percent(row['non_zero_cells_visible_share']):>12}"
            f"{_percent(row['cases_visible_share']):>12}{_decimal(row['mean_error']):>11}"
            f"{_whole(row['largest_error']):>14}{_whole(row['narrowest_interval']):>20}"
        )


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share * 100:.0f} %"


def _decimal(number: float | None) -> str:
    return "-" if number is None else f"{number:.2f}".replace(".", ",")


def _whole(number: int | None) -> str:
    return "-" if number is None else str(number)
