"""Devices the gateway can be wired to. One module per kind; nothing here knows the gateway."""
