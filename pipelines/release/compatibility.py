"""What a release promised its readers, and whether the next one keeps it.

A breaking change: a column or its values gone, or of another type or unit, or another key. It is declared by a higher
`Table.version`; new columns break nobody.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from pipelines.release.contents import ReleaseFile
from pipelines.release.manifest import table_schema
from schemas.errors import ReleaseError


def require_compatible(files: Iterable[ReleaseFile], before: Mapping[str, Any]) -> None:
    """Stops a release whose tables break what the one before promised without saying so.

    Args:
        files: its tables.
        before: the manifest of the release before.

    Raises:
        ReleaseError: names the tables, columns and what broke.
    """
    promised = {resource["path"]: resource for resource in before["resources"] if "schema" in resource}
    broken = set()
    for file in files:
        earlier = promised.get(file.path)
        if file.table is None or earlier is None or file.table.version > earlier.get("schemaVersion", 0):
            continue
        broken |= {f"{file.table.name}: {fault}" for fault in breaks(earlier["schema"], table_schema(file.table))}
    if broken:
        raise ReleaseError(
            f"the tables break what release {before['id']} promised: {'; '.join(sorted(broken))}. Raise the table's version in "
            "schemas/tables.py to declare it"
        )


def breaks(earlier: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """In what a schema of the manifest breaks an earlier one."""
    fields = {field["name"]: field for field in now["fields"]}
    found = []
    for field in earlier["fields"]:
        name = field["name"]
        if name not in fields:
            found.append(f"column {name} is gone")
            continue
        found += [
            f"column {name} has another {what}"
            for what in ("type", "unit")
            if field.get(what) != fields[name].get(what)
        ]
        gone = _values(field) - _values(fields[name])
        if gone and _values(fields[name]):
            found.append(f"column {name} no longer has {', '.join(sorted(gone))}")
    if earlier.get("primaryKey") != now.get("primaryKey"):
        found.append("another key")
    return found


def _values(field: Mapping[str, Any]) -> set[str]:
    return set(field.get("constraints", {}).get("enum", ()))
