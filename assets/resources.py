"""What assets reach the outside through: the data root and Statistics Denmark."""

import dagster as dg
from upath import UPath


class DataRoot(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The data root: a folder of this machine or an `s3://` URL."""

    location: str

    @property
    def path(self) -> UPath:
        """The root as a path."""
        return UPath(self.location)


class StatBank(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Statistics Denmark's data function."""

    url: str
