"""The commands `botilbud quality`: what the quality gate found, and the warnings that a consultant accepts."""

from typing import TYPE_CHECKING, Annotated

import typer

from assets.clock import now
from schemas.errors import BotilbudError

if TYPE_CHECKING:
    import polars as pl

app = typer.Typer(help="Kvalitetskontrollen: se, hvad den fandt, og godkend dens advarsler.", no_args_is_help=True)

RoundOption = Annotated[str, typer.Option("--round", help="Rundens opgørelsesdato, f.eks. 2022-10-01.")]
WarningId = Annotated[str, typer.Argument(metavar="ID", help="Advarslens id, som list viser det.")]
Name = Annotated[str, typer.Option("--name", help="Hvem der godkender.")]
Reason = Annotated[str, typer.Option("--reason", help="Hvorfor.")]


@app.command("list")
def list_unmet(round_name: RoundOption) -> None:
    """Vis de forventninger til en rundes tal, der ikke er opfyldt, og hvad der skal gøres."""
    from assets import settings
    from pipelines.quality.acceptances import acceptances
    from schemas.fields import SEVERITIES
    from schemas.labels_da import VALUES_DA, table_title

    report = _report(round_name)
    accepted = acceptances(settings.data_root(), round_name)
    typer.echo(f"Runde {round_name}: {report['met'].sum()} af {report.height} forventninger er opfyldt.")
    for row in report.filter(~report["met"]).iter_rows(named=True):
        typer.echo(f"{row['expectation']} ({table_title(row['about'])}): {VALUES_DA[SEVERITIES][row['severity']]}")
        typer.echo(f"  Forventet: {row['expected_da']}")
        typer.echo(f"  Hvor ({row['rows_failing']} af {row['rows_checked']}): {', '.join(row['failing_keys'])}")
        typer.echo(f"  Gør: {row['action_da']}")
        if row["warning_id"] is None:
            continue
        acceptance = accepted.get(row["warning_id"])
        told = "ikke godkendt"
        if acceptance is not None:
            told = f"godkendt {acceptance.at:%d-%m-%Y %H:%M} UTC af {acceptance.by}: {acceptance.reason}"
        typer.echo(f"  Advarsel {row['warning_id']}: {told}")


@app.command("accept")
def accept_warning(warning: WarningId, round_name: RoundOption, name: Name, reason: Reason) -> None:
    """Godkend en advarsel, så udgivelsen kan gøres endelig. Godkendelsen kan ikke tages tilbage."""
    from assets import settings
    from pipelines.quality.acceptances import Acceptance, accept

    accept(settings.data_root(), _report(round_name), warning, Acceptance(name, reason, now()))
    typer.echo(f"Advarsel {warning} er godkendt.")


def _report(round_name: str) -> "pl.DataFrame":
    """The round's report as last materialised."""
    from assets import settings
    from pipelines import storage
    from schemas.rounds import find_round

    round_ = find_round(round_name)
    path = storage.table_file(settings.data_root(), "quality_report", round_.name)
    if not path.exists():
        raise BotilbudError(
            f"Runde {round_.name} er ikke kørt endnu. Kør først: botilbud nightly --round {round_.name}"
        )
    return storage.read_parquet(path)
