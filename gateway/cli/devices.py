"""`radio-gateway devices`: what is plugged in, by the names the configuration wants."""

from collections.abc import Callable

from rich.console import Console

from drivers import cm108, gpio, serialport, soundcard
from drivers.base import DeviceError, Found

KINDS: tuple[tuple[str, str, Callable[[], list[Found]]], ...] = (
    ("Sound devices", 'source and sink = { kind = "soundcard", device = … }', soundcard.available),
    ("Serial ports", 'control = { kind = "serialline" or "sa818", port = … }', serialport.available),
    ("Sound chips with pins", 'control = { kind = "cm108", device = … }', cm108.available),
    ("GPIO chips", 'control = { kind = "gpio", chip = … }', gpio.available),
)


def devices() -> None:
    """List sound devices, serial ports and control pins with the names the config wants."""
    # Names go out whole and as they are, so that they can be copied.
    console = Console(soft_wrap=True, markup=False, highlight=False)
    for title, usage, available in KINDS:
        console.print(title, style="bold", end="  ")
        console.print(usage, style="dim")
        try:
            found = available()
        except DeviceError as error:
            console.print(f"  {error}", style="yellow")
            continue
        widest = max((len(one.name) for one in found), default=0)
        for one in found:
            console.print(f"  {one.name:<{widest}}  ", end="")
            console.print(one.description, style="dim")
        if not found:
            console.print("  none", style="dim")
