"""How large a delivery may be, and the way a file is rejected whole. Imported by the reading child: no polars here."""

FILE_BYTES = 10_000_000
UNPACKED_BYTES = 100_000_000
ARCHIVE_PARTS = 1_000
CASE_ROWS = 20_000
CELL_CHARACTERS = 32_767

# One file's share of the machine. An ordinary delivery takes a few milliseconds and megabytes.
CPU_SECONDS = 5
WALL_SECONDS = 8.0
MEMORY_BYTES = 480_000_000

FORMATS = (".xlsx", ".ods", ".csv", ".parquet")


class FileRejectedError(Exception):
    """A delivery that is rejected whole: the rule it breaks and a Danish message without any answer in it."""

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(rule)
        self.rule = rule
        self.message = message


def unreadable(message: str) -> FileRejectedError:
    """A file whose content cannot be read as what its name says."""
    return FileRejectedError("unreadable", message)


def too_long_cell(row: int) -> FileRejectedError:
    """A file with a cell beyond the limit."""
    return unreadable(
        f"Række {row} har en celle med flere end {danish(CELL_CHARACTERS)} tegn. Forkort teksten, og aflever igen."
    )


def too_many_rows() -> FileRejectedError:
    """A file with more case rows than a delivery may hold."""
    return unreadable(f"Filen har flere end {danish(CASE_ROWS)} sager (rækker). Kontakt KL, hvis tallet er rigtigt.")


def danish(number: int) -> str:
    """A whole number with Danish thousands separators."""
    return f"{number:,}".replace(",", ".")
