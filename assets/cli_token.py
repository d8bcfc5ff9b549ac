"""The command `botilbud token`: whom the portal lets in. What it prints is Danish; the list never holds a secret."""

import datetime as dt
from typing import TYPE_CHECKING, Annotated, Literal
from zoneinfo import ZoneInfo

import typer

from assets import settings
from schemas.errors import BotilbudError

if TYPE_CHECKING:
    from portal.access.tokens import Token, Tokens

_COPENHAGEN = ZoneInfo("Europe/Copenhagen")
_MOST_DAYS = 3_650

app = typer.Typer(help="Adgangsnøgler til portalen.", no_args_is_help=True)


def _tokens() -> "Tokens":
    # A command imports only what it needs.
    from portal.access.tokens import Tokens

    return Tokens(settings.portal_state())


@app.command()
def issue(
    municipality: Annotated[str | None, typer.Option(help="Kommunens kode, tre cifre.")] = None,
    role: Annotated[Literal["kl"] | None, typer.Option(help="kl, hvis nøglen er til KL.")] = None,
    label: Annotated[str, typer.Option(help="Hvad nøglen er til.")] = "",
    days: Annotated[int, typer.Option(min=1, max=_MOST_DAYS, help="Hvor mange dage den gælder.")] = 365,
) -> None:
    """Udsted en adgangsnøgle til en kommune eller til KL. Den vises kun denne ene gang."""
    if (municipality is None) == (role is None):
        raise BotilbudError("Angiv enten --municipality KODE eller --role kl.")
    now = dt.datetime.now(dt.UTC)
    expires_at = now + dt.timedelta(days=days)
    token = _tokens().issue(role or "municipality", municipality, label=label, now=now, expires_at=expires_at)
    typer.echo(token)
    typer.echo(f"Gem nøglen nu; den kan ikke vises igen. Den udløber {_date(expires_at)}.", err=True)


@app.command("list")
def list_() -> None:
    """Vis alle adgangsnøgler, nyeste først."""
    now = dt.datetime.now(dt.UTC)
    typer.echo(f"{'nøgle':<14}{'til':<6}{'udstedt':<12}{'udløber':<12}{'status':<24}navn")
    for token in _tokens().all():
        typer.echo(
            f"{token.id:<14}{token.municipality_code or 'KL':<6}{_date(token.issued_at):<12}"
            f"{_date(token.expires_at):<12}{_status(token, now):<24}{token.label}".rstrip()
        )


@app.command()
def revoke(id_: Annotated[str, typer.Argument(metavar="NØGLE", help="Nøglens id fra `list`.")]) -> None:
    """Træk en adgangsnøgle tilbage. Den og de sessioner, der er begyndt med den, ender straks."""
    _tokens().revoke(id_, dt.datetime.now(dt.UTC))
    typer.echo(f"Nøglen {id_} er trukket tilbage.")


def _status(token: "Token", now: dt.datetime) -> str:
    if token.revoked_at is not None:
        return f"tilbagetrukket {_date(token.revoked_at)}"
    return "gælder" if token.is_valid(now) else "udløbet"


def _date(moment: dt.datetime) -> str:
    return f"{moment.astimezone(_COPENHAGEN):%d-%m-%Y}"
