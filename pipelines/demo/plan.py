"""Who takes part in the made-up survey and with how many eligible cases. No answers and no files belong here.

The numbers are made up. Those of the round 2022-10-01 add up to the published frame (59 municipalities, 845 cases, KL
and Komponent, December 2023), with Odense at about half and Hørsholm at about double the mean rate, as published for
the first round, and the 14 cases that Ishøj published.
"""

from pipelines.demo.draws import Draws
from schemas.rounds import Round

PUBLISHED_ROUND = "2022-10-01"

CASES = {
    "147": 42,  # Frederiksberg
    "153": 11,  # Brøndby
    "155": 2,  # Dragør
    "157": 8,  # Gentofte
    "165": 6,  # Albertslund
    "169": 10,  # Høje-Taastrup
    "175": 7,  # Rødovre
    "183": 14,  # Ishøj
    "190": 13,  # Furesø
    "201": 12,  # Allerød
    "210": 13,  # Fredensborg
    "219": 15,  # Hillerød
    "223": 13,  # Hørsholm
    "230": 18,  # Rudersdal
    "240": 11,  # Egedal
    "253": 10,  # Greve
    "260": 12,  # Halsnæs
    "265": 26,  # Roskilde
    "306": 9,  # Odsherred
    "320": 9,  # Faxe
    "326": 27,  # Kalundborg
    "329": 15,  # Ringsted
    "350": 8,  # Lejre
    "360": 7,  # Lolland
    "376": 22,  # Guldborgsund
    "390": 8,  # Vordingborg
    "400": 15,  # Bornholm
    "410": 6,  # Middelfart
    "430": 13,  # Faaborg-Midtfyn
    "440": 9,  # Kerteminde
    "450": 6,  # Nyborg
    "461": 34,  # Odense
    "479": 16,  # Svendborg
    "482": 3,  # Langeland
    "492": 2,  # Ærø
    "530": 9,  # Billund
    "550": 21,  # Tønder
    "561": 52,  # Esbjerg
    "563": 0,  # Fanø
    "573": 10,  # Varde
    "575": 14,  # Vejen
    "607": 11,  # Fredericia
    "615": 25,  # Horsens
    "621": 40,  # Kolding
    "665": 15,  # Lemvig
    "671": 8,  # Struer
    "707": 15,  # Norddjurs
    "730": 44,  # Randers
    "741": 1,  # Samsø
    "746": 22,  # Skanderborg
    "756": 8,  # Ikast-Brande
    "760": 6,  # Ringkøbing-Skjern
    "779": 15,  # Skive
    "787": 8,  # Thisted
    "810": 10,  # Brønderslev
    "820": 11,  # Vesthimmerlands
    "840": 5,  # Rebild
    "846": 10,  # Mariagerfjord
    "860": 33,  # Hjørring
}

# Not in the published round; some of them join in every other one.
NEWCOMERS = {
    "161": 6,  # Glostrup
    "163": 7,  # Herlev
    "185": 13,  # Tårnby
    "336": 6,  # Stevns
    "420": 11,  # Assens
    "510": 16,  # Haderslev
    "661": 15,  # Holstebro
    "706": 13,  # Syddjurs
    "710": 12,  # Favrskov
    "727": 5,  # Odder
    "773": 7,  # Morsø
    "813": 14,  # Frederikshavn
}

# In every round, because people look for them: the published examples and the smallest.
ALWAYS = frozenset({"183", "223", "461", "492", "563", "741"})

LEAVERS_PER_ROUND = 5
NEWCOMERS_PER_ROUND = 8
GROWTH_PER_YEAR = 0.01


def eligible_cases(round_: Round) -> dict[str, int]:
    """Eligible cases by municipality, sorted by code; 0 for one that reports that it has none.

    A municipality that another one reports for hands in nothing and is absent.
    """
    if round_.name == PUBLISHED_ROUND:
        cases = CASES
    else:
        draws = Draws(round_.name, "participants")
        leavers = draws.some([code for code in CASES if code not in ALWAYS], LEAVERS_PER_ROUND)
        newcomers = draws.some(list(NEWCOMERS), NEWCOMERS_PER_ROUND)
        staying = {code: count for code, count in CASES.items() if code not in leavers}
        years = round_.snapshot_date.year - int(PUBLISHED_ROUND[:4])
        cases = {
            code: round(count * (1 + GROWTH_PER_YEAR) ** years * draws.between(0.85, 1.15))
            for code, count in {**staying, **{code: NEWCOMERS[code] for code in newcomers}}.items()
        }
    covered = {code for codes in round_.reports_for.values() for code in codes}
    return {code: cases[code] for code in sorted(cases) if code not in covered}


def faulty_participant(round_: Round) -> str | None:
    """A municipality whose only delivery is rejected as a whole; none in the published round, where all 59 count."""
    if round_.name == PUBLISHED_ROUND:
        return None
    covered = {code for codes in round_.reports_for.values() for code in codes}
    taking_part = eligible_cases(round_)
    left = [code for code in {**CASES, **NEWCOMERS} if code not in taking_part and code not in covered]
    return Draws(round_.name, "faulty participant").one(sorted(left))
