"""Which form a catalogue is to the ingest: the screening's, or that of an extract. The reading child is told, and asks not.

How they differ stands in `limits.Traits`; what their rows may not break in `rules` and `extract_rules`.
"""

from pipelines.ingest.limits import EXTRACT, GRANTS_EXTRACT, SCREENING, Traits
from schemas.extracts import EXTRACTS, GRANTS
from schemas.questionnaire import Catalogue


def traits_of(catalogue: Catalogue) -> Traits:
    """How large deliveries of a form may be, and what its parts are called."""
    if catalogue.version == GRANTS:
        return GRANTS_EXTRACT
    return EXTRACT if catalogue.version in EXTRACTS else SCREENING
