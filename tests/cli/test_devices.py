import pytest

from drivers.base import DeviceMisused, Found
from gateway.cli import devices


def test_names_are_whole_and_what_is_missing_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    long_name = "/dev/serial/by-id/usb-" + "x" * 200 + "[1]"

    def no_pyaudio() -> list[Found]:
        raise DeviceMisused("sound cards need PyAudio")

    kinds = (
        ("Serial ports", "control = { port = … }", lambda: [Found(long_name, "CP2102"), Found("b", "c")]),
        ("Sound devices", "source = { device = … }", no_pyaudio),
        ("GPIO chips", "control = { chip = … }", list),
    )
    monkeypatch.setattr(devices, "KINDS", kinds)
    devices.devices()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Serial ports  control = { port = … }"
    assert lines[1].split() == [long_name, "CP2102"]
    assert lines[2].split() == ["b", "c"]
    assert lines[4] == "  sound cards need PyAudio"
    assert lines[6] == "  none"


def test_this_machine_is_listed_without_fail(capsys: pytest.CaptureFixture[str]) -> None:
    devices.devices()
    said = capsys.readouterr().out
    assert all(title in said for title, _, _ in devices.KINDS)
