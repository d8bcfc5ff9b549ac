"""The commands `botilbud release`: what a consultant decides of a release."""

from typing import Annotated

import typer

from assets.clock import now

app = typer.Typer(help="Udgivelsernes liv: se dem, gør dem endelige, træk dem tilbage.", no_args_is_help=True)

RoundOption = Annotated[
    str, typer.Option("--round", help="Rundens opgørelsesdato eller året, f.eks. 2022-10-01 eller 2024.")
]
Release = Annotated[str, typer.Argument(help="Udgivelsens id, eller latest for den gældende.")]
Name = Annotated[str, typer.Option("--name", help="Hvem der beslutter.")]
Reason = Annotated[str, typer.Option("--reason", help="Hvorfor.")]


@app.command("list")
def list_releases(round_name: RoundOption) -> None:
    """Vis en rundes eller et års udgivelser, de nyeste først, med status og beslutninger."""
    from assets import settings
    from pipelines.release import life
    from schemas.labels_da import RELEASE_STATUSES_DA

    root, round_name = settings.data_root(), _round(round_name)
    for release in life.releases(root, round_name):
        decided = life.decisions(root, round_name, release)
        typer.echo(f"{release}  {RELEASE_STATUSES_DA[decided[-1].status if decided else life.PRELIMINARY]}")
        for decision in decided:
            typer.echo(
                f"  {RELEASE_STATUSES_DA[decision.status]} {decision.at:%d-%m-%Y %H:%M} UTC af {decision.by}: {decision.reason}"
            )


@app.command()
def promote(release: Release, round_name: RoundOption, name: Name, reason: Reason) -> None:
    """Gør en foreløbig udgivelse endelig."""
    from assets import settings
    from pipelines.release import life

    root, round_name = settings.data_root(), _round(round_name)
    id_ = _release(release, round_name)
    life.promote(root, round_name, id_, by=name, reason=reason, at=now())
    typer.echo(f"Udgivelse {id_} er nu endelig.")


@app.command()
def withdraw(release: Release, round_name: RoundOption, name: Name, reason: Reason) -> None:
    """Træk en udgivelse tilbage. Den bevares, men vises ikke mere; begrundelsen står i stedet."""
    from assets import settings
    from pipelines.release import life

    root, round_name = settings.data_root(), _round(round_name)
    id_ = _release(release, round_name)
    life.withdraw(root, round_name, id_, by=name, reason=reason, at=now())
    with life.alone(root, round_name):
        life.repoint(root, round_name)
    current = life.current_release(root, round_name)
    stands = f"Nu gælder udgivelse {current}." if current else "Ingen udgivelse gælder nu."
    typer.echo(f"Udgivelse {id_} er trukket tilbage. {stands}")


def _round(name: str) -> str:
    from schemas.years import find_period

    return find_period(name).name


def _release(release: str, round_name: str) -> str:
    from assets import settings
    from pipelines.release import life

    if release != "latest":
        return release
    return life.current_release(settings.data_root(), round_name) or release
