"""The error family as pipeline code imports it."""

from schemas.errors import BotilbudError

__all__ = ["BotilbudError"]
