"""structlog set-up: one line per happening on stderr, for people or as JSON for journald.

What libraries log, warnings, and the tracebacks of threads and of the process itself go the same way, so that
with JSON every line is one document.
"""

import logging
import sys
import threading
from types import TracebackType

import structlog

log = structlog.get_logger()


def configure_log(level: str = "info", *, json_lines: bool = False) -> None:
    """Set up logging for the process. Call once, at start, from the main thread."""
    renderer = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if json_lines
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=False),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )
    logging.getLogger("faster_whisper").setLevel(logging.ERROR)
    if json_lines:
        logging.basicConfig(handlers=[_Forwarder()], level=logging.WARNING, force=True)
        logging.captureWarnings(capture=True)
        sys.excepthook = _process_ended
        threading.excepthook = _thread_ended


class _Forwarder(logging.Handler):
    """Hands what libraries log to structlog."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log it at its own level, under the library's name."""
        try:
            told = record.getMessage()
        except Exception:  # noqa: BLE001 - a library's wrong format must not end anything
            told = str(record.msg)
        log.log(record.levelno, told, logger=record.name, exc_info=record.exc_info or None)


def _process_ended(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    log.critical("the process ended by a fault of its own", exc_info=(kind, error, traceback))


def _thread_ended(ended: threading.ExceptHookArgs) -> None:
    if ended.exc_value is None or issubclass(ended.exc_type, SystemExit):
        return
    name = ended.thread.name if ended.thread is not None else None
    log.critical(
        "a thread ended by a fault of its own", thread=name,
        exc_info=(ended.exc_type, ended.exc_value, ended.exc_traceback),
    )  # fmt: skip
