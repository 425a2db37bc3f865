"""`radio-gateway doctor`: tries everything a station needs, and says in words what is wrong."""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

import typer
from rich.console import Console
from rich.live import Live
from rich.text import Text

from drivers.base import AudioSink, AudioSource, DeviceError, RadioControl
from drivers.registry import make_control, make_sink, make_source
from gateway.cli.options import ConfigFile
from gateway.cli.run import checked
from gateway.config import Config, RadioSettings
from gateway.doctor.finding import Finding
from gateway.doctor.keying import PTT_S, loop_back, send_tone
from gateway.doctor.levels import Measured, Meter, Reading, advise
from gateway.doctor.radios import examine_radio
from gateway.doctor.station import examine_station
from gateway.doctor.voices import examine_voices
from gateway.doctor.watching import examine_watchdog
from gateway.errors import Unavailable, UsageError
from gateway.knowledge import line_limits_of, squelch_of
from gateway.log import configure_log

_SIGNS = {"good": ("✓", "bold green"), "doubtful": ("!", "bold yellow"), "bad": ("✗", "bold red")}
_QUIETEST_DBFS = -80.0
_BAR_CELLS = 48


def doctor(
    config: Path = ConfigFile,
    levels: str | None = typer.Option(None, "--levels", help="Show the level meter of this radio."),
    seconds: float = typer.Option(15.0, "--seconds", min=1.0, max=3600.0, help="How long to measure."),
    ptt: str | None = typer.Option(None, "--ptt", help="Transmit a tone on this radio, after asking."),
    loopback: str | None = typer.Option(
        None, "--loopback", help="Play a tone into this radio and listen for it, after asking."
    ),
) -> None:
    """Try each radio, sound device, model, disk and broker; or set up one radio."""
    settings = checked(config)
    configure_log("error")
    if sum(name is not None for name in (levels, ptt, loopback)) > 1:
        raise UsageError("--levels, --ptt and --loopback are separate tests; ask for one of them")
    console = Console(highlight=False)
    if levels is not None:
        show_levels(_radio(settings, levels), settings, seconds, console)
    elif ptt is not None:
        test_ptt(_radio(settings, ptt), settings, console)
    elif loopback is not None:
        test_loop_back(_radio(settings, loopback), settings, console)
    else:
        examine(settings, console)


def examine(config: Config, console: Console) -> None:
    """Try everything and print what comes out. Raises Unavailable when something does not work."""
    bad = 0
    for finding in _findings(config):
        bad += finding.verdict == "bad"
        sign, style = _SIGNS[finding.verdict]
        console.print(
            Text.assemble((f"{sign} ", style), f"{finding.what}: {finding.message}"), soft_wrap=True
        )
        if finding.action is not None:
            console.print(Text(f"    do: {finding.action}"), soft_wrap=True)
    if bad:
        raise Unavailable(
            f"{bad} of the things this station needs {'does' if bad == 1 else 'do'} not work; see above"
        )
    console.print("everything works", style="bold green")


def _findings(config: Config) -> Iterator[Finding]:
    yield from examine_station(config)
    yield from examine_voices(config)
    yield from examine_watchdog(config)
    for radio in config.radio:
        yield from examine_radio(radio, config.folder)


def _radio(config: Config, radio_id: str) -> RadioSettings:
    for radio in config.radio:
        if radio.id == radio_id:
            return radio
    known = ", ".join(radio.id for radio in config.radio)
    raise UsageError(f"there is no radio {radio_id!r} in the configuration; it has {known}")


def show_levels(radio: RadioSettings, config: Config, seconds: float, console: Console) -> None:
    """Show a meter while listening, then what was measured and what to turn."""
    with _in_words(), contextlib.ExitStack() as opened:
        control = _opened_control(radio, config, opened)
        source = opened.enter_context(_source(radio, config))
        meter = Meter(source, control, seconds, squelch_of(radio.squelch))
        with Live(console=console, refresh_per_second=10, transient=True) as live:
            for reading in meter:
                live.update(meter_line(reading))
    measured = meter.measured()
    _print_measured(measured, console)
    for advice in advise(measured, line_limits_of(radio.alarms)):
        console.print(Text(f"→ {advice}"), soft_wrap=True)
    if measured.heard_s == 0.0:
        raise Unavailable(f"radio {radio.id} delivers no sound")


def meter_line(reading: Reading) -> Text:
    """Draw one reading: level as a bar, peak as a stroke, floor as a dot, what the receiver says."""
    cells = [" "] * _BAR_CELLS
    for cell in range(_cell(reading.level_dbfs)):
        cells[cell] = "█"
    cells[min(_BAR_CELLS - 1, _cell(reading.floor_dbfs))] = "·"
    cells[min(_BAR_CELLS - 1, _cell(reading.peak_dbfs))] = "|"
    style = "red" if reading.peak_dbfs > -1.0 else "green" if reading.is_open else "dim"
    told = {None: "", True: "  carrier", False: "  no carrier"}[reading.carrier]
    strength = "" if reading.rssi_dbm is None else f" {reading.rssi_dbm:.0f} dBm"
    return Text.assemble(
        f"{reading.level_dbfs:6.1f} dBFS ", ("".join(cells), style), f" peak {reading.peak_dbfs:6.1f}  "
        f"floor {reading.floor_dbfs:6.1f}  {'open' if reading.is_open else 'shut'}{told}{strength}",
    )  # fmt: skip


def _cell(level_dbfs: float) -> int:
    share = (level_dbfs - _QUIETEST_DBFS) / -_QUIETEST_DBFS
    return round(min(1.0, max(0.0, share)) * _BAR_CELLS)


def _print_measured(measured: Measured, console: Console) -> None:
    voice = "nobody was heard" if measured.voice_dbfs is None else f"{measured.voice_dbfs:.0f} dBFS"
    hum = "none" if measured.hum_dbfs is None else f"{measured.hum_dbfs:.0f} dBFS"
    heard = "1 transmission" if measured.transmissions == 1 else f"{measured.transmissions} transmissions"
    console.print(f"measured {measured.heard_s:.0f} s, {heard}")
    console.print(f"  noise floor          {measured.floor_dbfs:.0f} dBFS")
    console.print(f"  voices               {voice}")
    console.print(f"  samples cut off      {measured.clipped_share:.2%}")
    console.print(f"  mains hum            {hum}")
    if measured.rssi_dbm is not None:
        console.print(f"  field strength       up to {measured.rssi_dbm:.0f} dBm")
    console.print(f'  suggested threshold  squelch = {{ kind = "vox", open_db = {measured.open_db:g} }}')


def test_ptt(radio: RadioSettings, config: Config, console: Console) -> None:
    """Key the radio for a moment, if a person types yes."""
    if radio.control.kind == "none":
        raise UsageError(f"radio {radio.id} has no control, so nothing can key it; give it one")
    if not _asks(f"This TRANSMITS a tone on radio {radio.id} for {PTT_S:.0f} seconds.", console):
        return
    with _in_words(), contextlib.ExitStack() as opened:
        control = _opened_control(radio, config, opened)
        send_tone(opened.enter_context(_sink(radio, config)), control, PTT_S)
    console.print("released. Did another radio hear a tone? If it heard only a carrier, check the sink.")


def test_loop_back(radio: RadioSettings, config: Config, console: Console) -> None:
    """Play a tone and listen for it, if a person types yes."""
    if radio.sink.kind == "none":
        raise UsageError(f"radio {radio.id} has no sink to play a tone into; give it one")
    what = "This plays a tone into" if radio.control.kind == "none" else "This TRANSMITS a tone on"
    if not _asks(f"{what} radio {radio.id} and listens for it on its source.", console):
        return
    with _in_words(), contextlib.ExitStack() as opened:
        control = _opened_control(radio, config, opened)
        source = opened.enter_context(_source(radio, config))
        found = loop_back(source, opened.enter_context(_sink(radio, config)), control)
    if found.level_dbfs is None or found.delay_s is None:
        raise Unavailable(
            f"the tone did not come back ({found.over_noise_db:.0f} dB over the noise): check the cable from "
            "sink to source, playback and capture levels, and that the radio hears itself or a second one"
        )
    console.print(
        f"the tone came back after {found.delay_s:.2f} s at {found.level_dbfs:.0f} dBFS, "
        f"{found.over_noise_db:.0f} dB over the noise", style="bold green",
    )  # fmt: skip


def _asks(question: str, console: Console) -> bool:
    """Ask on the terminal; only a typed yes is one."""
    console.print(f"{question} Type yes to go on: ", end="")
    typed = sys.stdin.readline().strip().casefold()
    if typed == "yes":
        return True
    console.print("\nnothing was transmitted")
    return False


@contextlib.contextmanager
def _in_words() -> Iterator[None]:
    try:
        yield
    except DeviceError as error:
        raise Unavailable(str(error)) from error


def _source(radio: RadioSettings, config: Config) -> AudioSource:
    return make_source(radio.source.kind, radio.source.options, config.folder)


def _sink(radio: RadioSettings, config: Config) -> AudioSink:
    return make_sink(radio.sink.kind, radio.sink.options, config.folder)


def _opened_control(
    radio: RadioSettings, config: Config, opened: contextlib.ExitStack
) -> RadioControl | None:
    if radio.control.kind == "none":
        return None
    return opened.enter_context(make_control(radio.control.kind, radio.control.options, config.folder))
