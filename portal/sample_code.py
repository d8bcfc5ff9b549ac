"""Sample code that fetches a table of a release: a few lines each for the tools that analysts use.

What belongs here: the code as text, with real addresses. It is run by the tests. The token is never in it.
"""

from typing import NamedTuple

_TABLE = "case_rates"


class Sample(NamedTuple):
    """Code for one tool; `needs` says in Danish what it takes."""

    key: str
    tool: str
    needs: str
    code: str


def samples(url: str, round_name: str, release: str) -> list[Sample]:
    """The samples for a release.

    Args:
        url: the portal's address, without a slash at the end.
        round_name: the survey round.
        release: the release id.
    """
    dated = f"{url}/files/{round_name}/{release}/shared/{_TABLE}"
    latest = f"{url}/files/{round_name}/latest/shared/{_TABLE}"
    from_environment = "Læg din adgangsnøgle i miljøvariablen BOTILBUD_TOKEN."
    return [
        Sample(
            "excel",
            "Excel (Power Query)",
            "Vælg Data, Hent data, Tom forespørgsel og Avanceret editor. Indsæt koden, og skriv din adgangsnøgle. Vælg Anonym, "
            "når Excel spørger om adgang.",
            _power_query(f"{dated}.csv", f"{latest}.csv"),
        ),
        Sample("python", "Python (polars)", from_environment, _python(f"{dated}.parquet", f"{latest}.parquet")),
        Sample("r", "R (arrow)", from_environment, _r(f"{dated}.parquet", f"{latest}.parquet")),
        Sample("curl", "curl", from_environment, _curl(f"{dated}.parquet", f"{latest}.parquet")),
    ]


def _power_query(dated: str, latest: str) -> str:
    return f"""// Altid den nyeste udgivelse: {latest}
let
    Adresse = "{dated}",
    Svar = Web.Contents(Adresse, [Headers = [Authorization = "Bearer SKRIV_DIN_ADGANGSNØGLE_HER"]]),
    Data = Csv.Document(Svar, [Delimiter = ";", Encoding = 65001, QuoteStyle = QuoteStyle.Csv]),
    Tabel = Table.PromoteHeaders(Data),
    Tal = Table.TransformColumnTypes(Tabel, {{{{"cases", Int64.Type}}, {{"rate_per_1000", type number}}}}, "da-DK")
in
    Tal
"""


def _python(dated: str, latest: str) -> str:
    return f"""# Altid den nyeste udgivelse: {latest}
import io, os, urllib.request
import polars as pl

adresse = "{dated}"
adgang = {{"Authorization": "Bearer " + os.environ["BOTILBUD_TOKEN"]}}
svar = urllib.request.urlopen(urllib.request.Request(adresse, headers=adgang))
tabel = pl.read_parquet(io.BytesIO(svar.read()))
print(tabel)
"""


def _r(dated: str, latest: str) -> str:
    return f"""# Altid den nyeste udgivelse: {latest}
library(arrow)

adresse <- "{dated}"
adgang <- c(Authorization = paste("Bearer", Sys.getenv("BOTILBUD_TOKEN")))
fil <- tempfile(fileext = ".parquet")
download.file(adresse, fil, mode = "wb", headers = adgang)
tabel <- read_parquet(fil)
"""


def _curl(dated: str, latest: str) -> str:
    return f"""# Altid den nyeste udgivelse: {latest}
curl --fail --header "Authorization: Bearer $BOTILBUD_TOKEN" \\
  --output {_TABLE}.parquet "{dated}"
"""
