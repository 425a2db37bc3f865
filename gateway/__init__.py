"""radio-gateway: hears intercom radios, understands Mandarin calls, publishes what happened."""

import sys

__version__ = "0.1.0"

if "rich" not in sys.modules:
    # structlog loads rich where it is installed: 4 MB for tracebacks in colour, which no log line here has.
    sys.modules["rich"] = None  # type: ignore[assignment]
    import structlog.dev  # noqa: F401 - for its import alone

    del sys.modules["rich"]
