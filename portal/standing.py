"""Where a municipality stands with its deliveries in a round. Pure functions; words for it are in `portal.wording`."""

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from portal.delivering.receipts import HandedIn

State = Literal["missing", "pending", "rejected", "faulty", "complete"]


class Standing(NamedTuple):
    """Where a municipality stands: its newest delivery and the one that counts, which may be the same."""

    state: State
    newest: HandedIn | None
    counting: HandedIn | None


def standing(deliveries: Sequence[HandedIn]) -> Standing:
    """Where a municipality stands.

    Args:
        deliveries: its deliveries in a round, newest first.
    """
    newest = deliveries[0] if deliveries else None
    counting = next((delivery for delivery in deliveries if delivery.status == "current"), None)
    return Standing(_state(newest, counting), newest, counting)


def standings(deliveries: Iterable[HandedIn]) -> dict[str, Standing]:
    """Where every municipality stands that has delivered, by code.

    Args:
        deliveries: those of a round, newest first.
    """
    by_code: dict[str, list[HandedIn]] = {}
    for delivery in deliveries:
        by_code.setdefault(delivery.municipality_code, []).append(delivery)
    return {code: standing(delivered) for code, delivered in by_code.items()}


def _state(newest: HandedIn | None, counting: HandedIn | None) -> State:
    if newest is None:
        return "missing"
    if newest.status == "pending":
        return "pending"
    if newest.status == "rejected":
        return "rejected"
    return "faulty" if counting is not None and counting.rejected else "complete"
