"""What the plots of management information share: one municipality's own tables, and whether a figure is told ahead.

What belongs here: refusing all but one municipality's table, and words that several of these plots use. What does not:
what one of them shows, and figures that all may see (`published`).
"""

import datetime as dt

import polars as pl

from pipelines.danish import date, municipality
from pipelines.management_information.participants import FORECAST
from pipelines.plots.published import published
from pipelines.plots.style import OWN, Context, KeyEntry
from schemas.errors import BotilbudError, DisclosureError
from schemas.fields import BASES
from schemas.labels_da import VALUES_DA
from schemas.tables import Table

ENDS_OPEN = "Prognosen regner med, at ydelser uden slutdato fortsætter; kun tilgang, der er bevilget, er med."
"""What a forecast of cases rests on."""

_WORDS = {basis: words.partition(":")[0] for basis, words in VALUES_DA[BASES].items()}


def own_table(frame: pl.DataFrame, table: Table) -> pl.DataFrame:
    """The frame, if it is the table as it lies in one municipality's own folder.

    Raises:
        TableError: the frame breaks the table's schema.
        DisclosureError: it has rows of several municipalities.
        BotilbudError: it has no row.
    """
    number = published(frame, table)["municipality_code"].n_unique()
    read_it = "read it from the municipality's own folder"
    if number > 1:
        raise DisclosureError(f"{table.name} has rows of {number} municipalities and a plot shows one: {read_it}")
    if number == 0:
        raise BotilbudError(f"{table.name} has no row and there is nothing to plot: {read_it}")
    return frame


def whose(frame: pl.DataFrame, context: Context) -> str:
    """Whose figures, of which period, and whether its last year is a result or a forecast by which extract."""
    last = frame.row(-1, named=True)
    received = date(dt.date.fromisoformat(last["as_of"]))
    name, word = municipality(last["municipality_code"]), _WORDS[last["basis"]]
    return f"{name}, {context.period_da}: {word} efter udtræk modtaget {received}."


def is_forecast(basis: str) -> bool:
    """Whether a figure is told ahead."""
    return basis == FORECAST


def basis_key(bases: pl.Series) -> list[KeyEntry]:
    """What the marks of results and forecasts mean, of those that there are."""
    entries = {
        False: KeyEntry("resultat", fill=OWN, stroke=OWN),
        True: KeyEntry("prognose (stiplet linje)", fill="white", stroke=OWN),
    }
    return [entries[ahead] for ahead in sorted({is_forecast(basis) for basis in bases})]
