"""What a run says while it goes: the steps as they finish, on a terminal, and nothing anywhere else.

Everything else stands in the event log; failures are told by the command that ran the job.
"""

import logging
import sys

import dagster as dg


class _Steps(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        event = getattr(record, "dagster_meta", {}).get("dagster_event")
        if event is not None and event.is_step_success and sys.stderr.isatty():
            sys.stderr.write(f"  {event.step_key}\n")


def _console(_: dg.InitLoggerContext) -> logging.Logger:
    """A logger that shows finished steps on a terminal."""
    logger = logging.getLogger("botilbud.run")
    logger.setLevel(logging.DEBUG)  # Dagster logs its events at this level
    logger.propagate = False
    if not logger.handlers:
        logger.addHandler(_Steps())
    return logger


console = dg.LoggerDefinition(_console, description="Finished steps, on a terminal only.")
