"""Cases about workbooks: which sheet, the header's place, what is hidden, and what a cell's value is.

Specification: "Deliveries" and, under "Limits and hard cases", Hidden, Header, Rows, Cells, No cases.
"""

import re
from collections.abc import Callable
from functools import partial

from tests.limits.corpus import GOOD, NO_HEADER, SURVIVED, Case, current, one, rejected
from tests.limits.files import (
    BLANK_CELL,
    DATE,
    DAY_MONTH,
    DURATION,
    HEADERS,
    KEYS,
    KRONER,
    MOMENT,
    MONTHS,
    PERCENT,
    TEXT,
    TIME,
    Cell,
    Entry,
    Shared,
    Sheet,
    case,
    escape,
    front,
    good,
    grid,
    number_of,
    o_cell,
    o_number,
    o_parts,
    o_row,
    o_sheet,
    o_table,
    o_text,
    ods,
    packed,
    renamed,
    sheet,
    x_boolean,
    x_error,
    x_formula,
    x_inline,
    x_number,
    x_parts,
    x_rich,
    xlsx,
)

X, ODS = "skema.xlsx", "skema.ods"
HIDDEN = "skjul"


def x_good(code: str, **said: object) -> bytes:
    return xlsx(sheet(grid(good(code)), **said))


# --- sheets ----------------------------------------------------------------------------------------------------------

GUIDE = [["Sådan udfyldes skemaet"], ["1. Kommunekode", "tre cifre"]]


def _declaring(declared: object, code: str, rows: int = 3) -> bytes:
    return xlsx(front(code, declared), sheet(grid(good(code)[:rows])))


def _o_declaring(declared: object, code: str, rows: int = 3) -> bytes:
    return ods(o_sheet([["Kommunekode", code], ["Antal sager", declared]], "Forside"), o_sheet(grid(good(code)[:rows])))


def _one_broken_of_four(code: str) -> bytes:
    """Declare four: rejected rows are rows, blank ones are not."""
    rows = [*good(code), dict.fromkeys(KEYS, ""), case(code, "A-4", age="17")]
    return xlsx(front(code, 4), sheet(grid(rows)))


SHEETS = [
    one("the form behind a guide", X, lambda code: xlsx(sheet(GUIDE, "Vejledning"), sheet(grid(good(code)))), *GOOD),
    one("the form before another sheet that fits", X,
        lambda code: xlsx(sheet(grid(good(code)[:1]), "Kladde"), sheet(grid(good(code)))), *GOOD),
    one("no sheet of the form's name", X,
        lambda code: xlsx(sheet(GUIDE, "Vejledning"), sheet(grid(good(code)), "Ark2"),
                          sheet(grid(good(code)[:1]), "Ark3")), *GOOD),
    one("no sheet of the form's name in an ods workbook", ODS,
        lambda code: ods(o_sheet(GUIDE, "Vejledning"), o_sheet(grid(good(code)), "Ark2")), *GOOD),
    one("no sheet that fits", X, lambda _: xlsx(sheet(GUIDE, "Vejledning")), *NO_HEADER),
    *(
        one(f"a front sheet that declares {name or declared!r}", X, partial(_declaring, declared), *GOOD)
        for declared, name in ((3, ""), ("3", ""), ("3 sager", ""), ("i alt 3 sager", ""), (x_number("3.0"), "3.0"),
                               (x_formula("1+2", "3"), "=1+2"), ("", ""))
    ),
    one("a front sheet that declares 3 in an ods workbook", ODS, partial(_o_declaring, 3), *GOOD),
    *(
        one(f"a front sheet that declares {declared!r} for three cases", X, partial(_declaring, declared),
            rejected("declared_count", f"{told}.*3|3.*{told}"))
        for declared, told in {4: "4", "6 sager": "6", 0: "0", "0": "0", "2": "2"}.items()
    ),
    one("a front sheet that declares 6 in an ods workbook", ODS, partial(_o_declaring, "6 sager"),
        rejected("declared_count", "6.*3|3.*6")),
    one("a declared number counts rejected rows and no blank ones", X, _one_broken_of_four,
        current(4, 1, 2, broken={(6, 3, "range")})),
    # Nothing is declared where no number stands; whether that is worth a rejection is not said.
    one("a front sheet without a number", X, partial(_declaring, "ved ikke"), *GOOD, rejected("declared_count")),
    *(
        one(f"no cases, declared as {name}", X, partial(_declaring, declared, rows=0), current(0, 0, 0))
        for name, declared in {"a number": 0, "a float": x_number("0.0"), "'0'": "0", "'0 sager'": "0 sager"}.items()
    ),
    one("no cases, declared in an ods workbook", ODS, partial(_o_declaring, 0, rows=0), current(0, 0, 0)),
    one("no cases and no word about it", X, partial(_declaring, "", rows=0), rejected("empty")),
    one("no cases though some are declared", X, partial(_declaring, 3, rows=0), rejected("empty"),
        rejected("declared_count")),
    *(
        one(f"no cases, in the name: {name}", name, lambda _, make=make: make(grid([])), current(0, 0, 0))
        for name, make in {
            "nulindberetning.xlsx": lambda cells: xlsx(sheet(cells)),
            "Aabenraa NULINDBERETNING.XLSX": lambda cells: xlsx(sheet(cells)),
            "Skema-Nulindberetning.ods": lambda cells: ods(o_sheet(cells)),
        }.items()
    ),
    one("no cases and no header, whatever the name", "nulindberetning.xlsx", lambda _: xlsx(sheet(GUIDE)),
        rejected("empty"), *NO_HEADER),
    # No number of cases, or a wrong one: but no part of it may be shown.
    *(
        one(f"a CPR number for a declared number, as {name}", X, partial(_declaring, value), *GOOD,
            *(rejected(rule, r"\A(?!.*10\.?1[. ]?90)") for rule in ("declared_count", "unreadable")))
        for name, value in {"text": "010190-0000", "a number": x_number("101900000"),
                            "part of a text": "sag 0101900000"}.items()
    ),
]  # fmt: skip


# --- hidden ----------------------------------------------------------------------------------------------------------


def _o_hidden_row(visibility: str, code: str) -> bytes:
    cells = grid(good(code))
    attribute = f' table:visibility="{visibility}"'
    return ods(o_table("".join(o_row(row, attribute if number == 2 else "") for number, row in enumerate(cells))))


def _hidden_cpr(code: str) -> bytes:
    return xlsx(sheet(grid([*good(code), case(code, "A-4", comment="010190-0000")]), row_attributes={5: ' hidden="1"'}))


WARNED = (current(warns=HIDDEN),)

HIDING = [
    one("nothing hidden", X, x_good, current(never_warns=HIDDEN)),
    one("nothing hidden in an ods workbook", ODS, lambda code: ods(o_sheet(grid(good(code)))),
        current(never_warns=HIDDEN)),
    one("a hidden row", X, partial(x_good, row_attributes={3: ' hidden="1"'}), *WARNED),
    one("a hidden row of an ods workbook", ODS, partial(_o_hidden_row, "collapse"), *WARNED),
    one("a filtered row of an ods workbook", ODS, partial(_o_hidden_row, "filter"), *WARNED),
    one("a hidden column", X, partial(x_good, columns='<col min="7" max="8" width="9" hidden="1"/>'), *WARNED),
    one("a hidden column of an ods workbook", ODS,
        lambda code: ods(o_table("".join(map(o_row, grid(good(code)))), columns='<table:table-column '
                                 'table:number-columns-repeated="6"/><table:table-column '
                                 'table:visibility="collapse"/><table:table-column/>')), *WARNED),
    one("a hidden sheet", X, lambda code: xlsx(sheet(GUIDE, "Vejledning"),
                                               sheet(grid(good(code)), state=' state="hidden"')), *WARNED),
    one("a very hidden sheet", X, lambda code: xlsx(sheet(GUIDE, "Vejledning"),
                                                    sheet(grid(good(code)), state=' state="veryHidden"')), *WARNED),
    one("a hidden sheet of an ods workbook", ODS,
        lambda code: ods(o_sheet(GUIDE, "Vejledning"), o_table("".join(map(o_row, grid(good(code)))), style="ta2")),
        *WARNED),
    one("a hidden row of a sheet whose part has another name", X,
        lambda code: packed(renamed(x_parts(sheet(grid(good(code)), row_attributes={3: ' hidden="1"'})),
                                     "xl/ark/skema.dat")), *WARNED),
    one("a hidden front sheet counts too", X,
        lambda code: xlsx(Sheet("Forside", front(code, 4).rows, ' state="hidden"'), sheet(grid(good(code)))),
        rejected("declared_count")),
    one("a CPR number in a hidden row", X, _hidden_cpr, current(4, 1, 2, broken={(5, 36, "cpr")}, warns=HIDDEN)),
    one("a CPR number for the name of a hidden sheet", X,
        lambda code: xlsx(sheet(grid(good(code)), "Borger 010190-0000", state=' state="hidden"')), *WARNED),
]  # fmt: skip


# --- the header's place ----------------------------------------------------------------------------------------------

BROKEN_LAST = {"broken": {(6, 3, "range")}}


def _four(code: str) -> list[list[object]]:
    return grid([*good(code), case(code, "A-4", age="17")])


def _below(titles: int, code: str) -> list[list[object]]:
    return [[f"Overskrift {number}"] for number in range(titles)] + _four(code)


def _o_gap(code: str) -> bytes:
    """Leave two rows blank above, as LibreOffice writes it: one row, repeated."""
    gap = '<table:table-row table:number-rows-repeated="2"><table:table-cell/></table:table-row>'
    return ods(o_table(gap + "".join(o_row(row) for row in _four(code))))


def _headers(code: str, names: list[str], **added: str) -> bytes:
    return xlsx(sheet(grid([row | added for row in good(code)], headers=[*names, *added], keys=[*KEYS, *added])))


PLACES = [
    one("two title rows above the header", X, lambda code: xlsx(sheet(_below(2, code))),
        current(4, 1, 2, broken={(7, 3, "range")})),
    one("two title rows above the header of an ods workbook", ODS, lambda code: ods(o_sheet(_below(2, code))),
        current(4, 1, 2, broken={(7, 3, "range")})),
    one("two rows that are not there above the header", X, lambda code: xlsx(sheet(_four(code), first_row=3)),
        current(4, 1, 2, broken={(7, 3, "range")})),
    one("two blank rows above the header of an ods workbook", ODS, _o_gap, current(4, 1, 2, broken={(7, 3, "range")})),
    one("two columns that are not there", X, lambda code: xlsx(sheet(_four(code), first_column=2)),
        current(4, 1, 2, broken={(5, 3, "range")})),
    one("the header in row 10", X, lambda code: xlsx(sheet(_below(9, code))),
        current(4, 1, 2, broken={(14, 3, "range")})),
    one("the header in row 11", X, lambda code: xlsx(sheet(_below(10, code))), *NO_HEADER),
    one("the header in row 11, nothing above", X, lambda code: xlsx(sheet(_four(code), first_row=11)), *NO_HEADER),
    one("nine questions in a title row", X, lambda code: xlsx(sheet([HEADERS[:9], *_four(code)])),
        current(4, 1, 2, broken={(6, 3, "range")})),
    one("blank rows between the cases", X,
        lambda code: xlsx(Sheet("Skema", dict(zip((1, 2, 5, 9, 12), _four(code), strict=True)))),
        current(4, 1, 2, broken={(12, 3, "range")})),
    one("blank rows between the cases of an ods workbook", ODS,
        lambda code: ods(o_table("".join(o_row(row, rest=BLANK_CELL + "</table:table-row><table:table-row "
                                                         'table:number-rows-repeated="3"><table:table-cell/>')
                                         for row in _four(code)))),
        current(4, 1, 2, broken={(17, 3, "range")})),
    one("a title row with a CPR number", X, lambda code: xlsx(sheet([["Borger 010190-0000"], *grid(good(code))])),
        *GOOD, current(4, 1, 2, broken={(1, None, "cpr")})),
    one("header rows that LibreOffice repeats in print", ODS,
        lambda code: ods(o_table(f"<table:table-header-rows>{o_row(HEADERS)}</table:table-header-rows>"
                                 f"<table:table-row-group>{''.join(map(o_row, _four(code)[1:3]))}"
                                 f"<table:table-row-group>{o_row(_four(code)[3])}</table:table-row-group>"
                                 f"</table:table-row-group>{o_row(_four(code)[4])}")),
        current(4, 1, 2, broken={(5, 3, "range")})),
    one("a question twice", X, partial(_headers, names=HEADERS, target_group="Udviklingshæmning"),
        rejected("duplicate_question", r"12\. Borgerens.*target_group|\bL\b.*\bAK\b")),
    one("a column nobody knows", X, partial(_headers, names=HEADERS, Sagsbehandler="afdeling 3"),
        current(warns="Sagsbehandler")),
    one("a CPR number for the name of a column nobody knows", X,
        partial(_headers, names=HEADERS, **{"Borger 010190-0000": "x"}), current(warns="Borger|kolonne")),
    one("a column nobody knows, without a name", X, partial(_headers, names=HEADERS, **{"": "noter"}), *GOOD),
]  # fmt: skip


# --- values of cells -------------------------------------------------------------------------------------------------

ODS_DATE = o_cell("date", 'office:date-value="2022-05-01"', "01-05-2022")
ODS_TIME = o_cell("time", 'office:time-value="PT01H01M00S"', "1:01")
ODS_BOOLEAN = o_cell("boolean", 'office:boolean-value="true"', "SAND")


def answer(
    name: str, file: str, key: str, value: object, *rules: str, tells: str = "", accepted: object = None
) -> Case:
    """Case with one cell of one row changed: it breaks one of the rules, or none and is the accepted answer."""

    def content(code: str) -> bytes:
        rows = grid([case(code, "B-1", **{key: value}), *good(code)])
        return ods(o_sheet(rows)) if file == ODS else xlsx(sheet(rows))

    number = number_of(key)
    outcomes = [
        current(4, 1, 2, broken={(2, number, rule)}, tells={(2, number, rule): tells} if tells else {})
        for rule in rules
    ]
    if not rules:
        known = {("B-1", key): accepted} if accepted is not None else {}
        # A cost that is lower than the threshold, or none, puts the row out of scope.
        out = key == "residential_cost_dkk" and isinstance(accepted, int) and accepted < 2_000_000
        outcomes = [current(4, 1 if out else 2, 3 if out else 2, answers=known)]
    return one(f"{name} in {key} of {file[6:]}", file, content, *outcomes)


DATED = r"dato|klokkesl"
MAYBE_AN_ERROR = r"#|fejlværdi|fejl i|formel"

VALUES = [
    # Dates and times where something else belongs.
    answer("a date", X, "use_of_force", x_number(44682, DATE), "option", tells=DATED),
    answer("a date shown as 1-5", X, "use_of_force", x_number(44682, DAY_MONTH), "option", tells=DATED),
    answer("a time", X, "staffing", x_number("4.2361111111111113E-2", TIME), "option", tells=DATED),
    answer("a duration", X, "staffing", x_number("4.2361111111111113E-2", DURATION), "option", tells=DATED),
    answer("a moment", X, "gender", x_number("44682.5", MOMENT), "option", tells=DATED),
    answer("an ISO date", X, "use_of_force", Cell('<c r="{ref}" t="d"><v>2022-05-01</v></c>'), "option", tells=DATED),
    answer("a date", X, "age", x_number(44682, DATE), "integer", tells=DATED),
    answer("a date that would be an age", X, "age", x_number(34, DATE), "integer", tells=DATED),
    answer("a date", X, "residential_cost_dkk", x_number(2345678, DATE), "amount", tells=DATED),
    answer("a date", X, "secondary_target_groups", x_number(44682, DATE), "option", tells=DATED),
    answer("a date", X, "municipality_code", x_number(44682, DATE), "municipality"),
    answer("a date", X, "comment", x_number(44682, DATE)),
    answer("a date", ODS, "use_of_force", ODS_DATE, "option", tells=DATED),
    answer("a time", ODS, "staffing", ODS_TIME, "option", tells=DATED),
    answer("a date", ODS, "age", ODS_DATE, "integer", tells=DATED),
    answer("a time", ODS, "residential_cost_dkk", ODS_TIME, "amount", tells=DATED),
    answer("a date", ODS, "comment", ODS_DATE),
    # Numbers in formats.
    answer("a percentage", X, "age", x_number(34, PERCENT), accepted=34),
    answer("half a percentage", X, "age", x_number("0.34", PERCENT), "integer"),
    answer("a number in kroner", X, "residential_cost_dkk", x_number("2345678.5", KRONER), accepted=2_345_679),
    answer("a number in months, by its format", X, "months_since_follow_up", x_number(6, MONTHS), accepted=6),
    answer("a number as text", X, "age", Cell(x_inline("34").xml.replace(' t="', f' s="{TEXT}" t="')), accepted=34),
    answer("a percentage", ODS, "age", o_number("34", "percentage"), accepted=34),
    answer("a currency", ODS, "residential_cost_dkk", o_number("2345678.5", "currency"), accepted=2_345_679),
    answer("a number that is shown otherwise", ODS, "age", o_number("34"), accepted=34),
    answer("a number with an exponent", X, "residential_cost_dkk", x_number("2.5E6"), accepted=2_500_000),
    answer("a number of many decimals", X, "residential_cost_dkk", x_number("2345678.4999999995"), accepted=2_345_678),
    answer("half a krone, even", X, "residential_cost_dkk", x_number("2345678.5"), accepted=2_345_679),
    answer("half a krone, odd", X, "residential_cost_dkk", x_number("2345677.5"), accepted=2_345_678),
    answer("the greatest amount", X, "residential_cost_dkk", x_number("50000000.49"), accepted=50_000_000),
    answer("more than the greatest amount", X, "residential_cost_dkk", x_number("50000000.5"), "range"),
    answer("less than nothing", X, "residential_cost_dkk", x_number("-1"), "range"),
    answer("a number beyond floats", X, "residential_cost_dkk", x_number("1E+400"), "range", "amount"),
    answer("a number beyond floats", X, "age", x_number("1E+300"), "range", "integer"),
    answer("a whole float", X, "age", x_number("34.0"), accepted=34),
    answer("half a year", X, "age", x_number("34.5"), "integer"),
    answer("a number", X, "gender", x_number(1), "option"),
    # Truth values.
    answer("a truth value", X, "in_residential_care", x_boolean(1), "option"),
    answer("a truth value", X, "viso_involved", x_boolean(0), "option"),
    answer("a truth value", X, "age", x_boolean(1), "integer"),
    answer("a truth value", X, "residential_cost_dkk", x_boolean(1), "amount"),
    answer("a truth value", ODS, "in_residential_care", ODS_BOOLEAN, "option"),
    answer("a truth value as text", X, "in_residential_care", "SAND", "option"),
    # Error values: "may arrive as a blank", or as what it is; the message for a blank knows both.
    *(
        answer(f"an error {error}", X, key, x_error(error), "missing", rule, tells=MAYBE_AN_ERROR)
        for error, key, rule in (("#REF!", "gender", "option"), ("#N/A", "age", "integer"),
                                 ("#DIV/0!", "residential_cost_dkk", "amount"))
    ),
    answer("an error in an ods workbook", ODS, "age",
           Cell('<table:table-cell table:formula="of:=1/0" office:value-type="string" office:string-value="" '
                'calcext:value-type="error" xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:xmlns:'
                'calcext:1.0"><text:p>#DIV/0!</text:p></table:table-cell>'), "missing", "integer",
           tells=MAYBE_AN_ERROR),
    answer("a blank", X, "gender", "", "missing", tells=MAYBE_AN_ERROR),
    answer("a blank", ODS, "gender", "", "missing", tells=MAYBE_AN_ERROR),
    # Formulas.
    answer("a formula with its number", X, "age", x_formula("30+4", "34"), accepted=34),
    answer("a formula with its text", X, "gender", x_formula('"Kvin"&"de"', "Kvinde", "str"), accepted="female"),
    answer("a formula with its truth value", X, "in_residential_care", x_formula("1=1", "1", "b"), "option"),
    answer("a formula without a value", X, "age", x_formula("30+4", None), "missing"),
    answer("a formula with an empty text", X, "comment", x_formula('""', "", "str")),
    answer("a formula with its number", ODS, "age",
           Cell('<table:table-cell table:formula="of:=30+4" office:value-type="float" office:value="34">'
                "<text:p>34</text:p></table:table-cell>"), accepted=34),
    answer("a formula without a value", ODS, "age", Cell('<table:table-cell table:formula="of:=30+4"/>'), "missing"),
    # Text in its many forms.
    answer("text in place", X, "gender", x_inline("Mand"), accepted="male"),
    answer("text in runs", X, "gender", x_rich("Ma", "nd"), accepted="male"),
    answer("text with a pronunciation guide", X, "gender", x_rich("Mand", phonetic="マン"), accepted="male"),
    answer("text in runs in place", X, "gender",
           Cell('<c r="{ref}" t="inlineStr"><is><r><t>Ma</t></r><r><t>nd</t></r></is></c>'), accepted="male"),
    answer("an empty shared text", X, "comment", Shared("<si><t/></si>")),
    answer("text with entities", X, "comment", Shared("<si><t>&lt;b&gt; &amp; &#230;</t></si>"), accepted="<b> & æ"),
    answer("text in spans", ODS, "gender", o_text("<text:p>Ma<text:span>nd</text:span></text:p>"), accepted="male"),
    answer("text with a space of its own element", ODS, "time_above_threshold",
           o_text("<text:p>Siden<text:s/>det 18. år</text:p>"), accepted="since_age_18"),
    # Every kind of space is folded, and several are one wherever spaces are surplus.
    answer("text with three spaces of their own element", ODS, "comment",
           o_text('<text:p>a <text:s text:c="2"/>b</text:p>'), accepted="a b"),
    answer("text in a link", ODS, "comment", o_text('<text:p><text:a xlink:href="http://x">her</text:a></text:p>'),
           accepted="her"),
    answer("text as an attribute", ODS, "gender", o_cell("string", 'office:string-value="Mand"', "noget andet"),
           accepted="male"),
    answer("text in two paragraphs", ODS, "sentence", o_text("<text:p>Dom til</text:p><text:p>behandling</text:p>"),
           accepted="treatment"),
    answer("a line break within", X, "sentence", "Dom til\nbehandling", accepted="treatment"),
    answer("a line break behind", X, "sentence", "Dom til behandling\r\n", accepted="treatment"),
    # How Excel writes a carriage return in a text.
    answer("an escaped carriage return", X, "sentence", "Dom til_x000D_\nbehandling_x000D_\n", accepted="treatment"),
    answer("a CPR number in runs", X, "comment", x_rich("0101", "90-0000"), "cpr"),
    answer("a CPR number in spans", ODS, "comment", o_text("<text:p>0101<text:span>90-0000</text:span></text:p>"),
           "cpr"),
    answer("a CPR number as a number", X, "comment", x_number("3112900000"), "cpr"),
    answer("a CPR number as a number that lost its zero", X, "comment", x_number("101900000"), "cpr"),
    answer("a CPR number as a number that lost its zero", X, "case_id", x_number("101900000"), "cpr"),
    answer("a CPR number as a number with an exponent", X, "comment", x_number("3.1129E9"), "cpr"),
    answer("a CPR number as a number that lost its zero", ODS, "comment", o_number("101900000"), "cpr"),
    answer("nine digits that start with no date", X, "comment", x_number("991900000")),
    answer("nine digits of kroner", X, "residential_cost_dkk", x_number("101900000"), "range"),
]  # fmt: skip


# --- what lies on a cell or beside the cases -------------------------------------------------------------------------

NOTE = (
    '<office:annotation office:display="true" draw:style-name="gr1" svg:width="3cm"><dc:creator>X</dc:creator>'
    "<dc:date>2022-10-01T00:00:00</dc:date><text:p>Ring 010190-0000</text:p></office:annotation>"
)
BOX = '<draw:custom-shape svg:width="1cm"><text:p>tekstboks 010190-0000</text:p></draw:custom-shape>'


def _with_comments(code: str) -> bytes:
    """Put a note on the age of the first case, as Excel writes it: in a part of its own."""
    parts = x_parts(sheet(grid(good(code))))
    rel = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    links = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        f'<Relationship Id="rId1" Type="{rel}/comments" Target="../comments1.xml"/></Relationships>'
    )
    notes = (
        '<comments xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><authors><author>X</author>'
        '</authors><commentList><comment ref="C2" authorId="0"><text><r><t>Ring 010190-0000</t></r></text></comment>'
        "</commentList></comments>"
    )
    return packed(
        parts, Entry("xl/worksheets/_rels/sheet1.xml.rels", links.encode()), Entry("xl/comments1.xml", notes.encode())
    )


def _cells(change: Callable[[str], str], code: str) -> bytes:
    """Change the XML of the first case's row."""
    header, first, *rest = [o_row(row) for row in grid(good(code))]
    return ods(o_table("".join([header, change(first), *rest])))


def _into(inside: str, row: str) -> str:
    return row.replace("<text:p>34</text:p>", f"{inside}<text:p>34</text:p>")


def _repeated_answers(row: str) -> str:
    """Write equal cells side by side as one, as LibreOffice does: here 17 and 18, both "Intet"."""
    cell = o_cell("string", "", "Intet").xml
    if cell * 2 not in row:
        raise ValueError("17 and 18 no longer have the same answer")
    twice = cell.replace("<table:table-cell", '<table:table-cell table:number-columns-repeated="2"')
    return row.replace(cell * 2, twice)


def _repeated_row(code: str) -> bytes:
    """Write two equal rows as one: the second is a duplicate of the first."""
    rows = [o_row(row) for row in grid(good(code))]
    rows[2] = rows[2].replace("<table:table-row", '<table:table-row table:number-rows-repeated="2"')
    return ods(o_table("".join(rows)))


def _tracked(code: str) -> bytes:
    deleted = o_row(grid(good(code))[1])
    changes = (
        '<table:tracked-changes><table:deletion table:id="ct1" table:type="row" table:position="2">'
        f"<table:deletions><table:cell-content-deletion><table:change-track-table-cell><text:p>010190-0000</text:p>"
        f"</table:change-track-table-cell></table:cell-content-deletion></table:deletions>{deleted}"
        "</table:deletion></table:tracked-changes>"
    )
    return packed(o_parts(o_sheet(grid(good(code))), before=changes))


def _merged(code: str) -> bytes:
    """Cover a cell by its neighbour: it has no value of its own."""
    row = case(code, "B-1", secondary_target_groups="")
    xml = o_row(grid([row])[1]).replace("<table:table-cell/>", "<table:covered-table-cell/>", 1)
    return ods(o_table("".join(map(o_row, grid(good(code)))) + xml))


BESIDE = [
    one("a note on a cell", X, _with_comments, *GOOD),
    one("a note on a cell of an ods workbook", ODS, partial(_cells, partial(_into, NOTE)), *GOOD),
    one("a text box on a sheet of an ods workbook", ODS,
        lambda code: ods(o_table(f"<table:shapes>{BOX}</table:shapes>" + "".join(map(o_row, grid(good(code)))))),
        *GOOD),
    one("a CPR number right of the last header", X,
        lambda code: xlsx(sheet([[*row, *(["", "010190-0000"] if number == 2 else [])]
                                 for number, row in enumerate(grid(good(code)))])),
        current(3, 1, 1, broken={(3, None, "cpr")})),
    one("a text box on a cell of an ods workbook", ODS, partial(_cells, partial(_into, BOX)), *GOOD),
    one("a note on an empty cell of an ods workbook", ODS,
        partial(_cells, lambda row: row.replace("<table:table-cell/>",
                                                f"<table:table-cell>{NOTE}</table:table-cell>", 1)), *GOOD),
    one("equal cells written as one", ODS, partial(_cells, _repeated_answers), *GOOD),
    one("equal rows written as one", ODS, _repeated_row, current(4, 1, 2, broken={(4, 2, "duplicate")})),
    one("deleted cells kept for review", ODS, _tracked, *GOOD),
    one("a cell covered by its neighbour", ODS, _merged, current(4, 2, 2)),
    one("text behind its namespace", ODS,
        lambda code: packed({name: re.sub(rb"(</?)text:p", rb"\1tx:p", data).replace(b"xmlns:text=", b"xmlns:tx=")
                             if name == "content.xml" else data
                             for name, data in o_parts(o_sheet(grid(good(code)))).items()}), *SURVIVED),
    one("an apostrophe and a quote in a sheet's name", X,
        lambda code: xlsx(sheet(grid(good(code)), escape("KL's \"ark\" & <mere>", {'"': "&quot;"})[:31])), *SURVIVED),
]  # fmt: skip
