"""radio-gateway: hears intercom radios, understands Mandarin calls, publishes what happened."""

__version__ = "0.1.0"
