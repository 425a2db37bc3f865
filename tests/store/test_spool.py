import asyncio
import hashlib
import os
import signal
import subprocess
import sys
import textwrap
import wave
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.clock import ManualClock
from gateway.errors import BadInput, MissingInput, StoreUnavailable
from gateway.model import End
from gateway.store import HeardTransmission, Spool, Store

STARTED = datetime(2025, 3, 1, 8, 30, tzinfo=UTC)
PCM = (np.sin(np.arange(16_000) / 9) * 12_000).astype(np.int16)


def names(data_dir: Path) -> list[str]:
    return sorted(path.name for path in (data_dir / "spool").rglob("*") if path.is_file())


def test_a_finished_transmission_is_a_wav_file_with_the_samples_appended(data_dir: Path) -> None:
    spool = Spool(data_dir)
    file = spool.begin("t1", "ch1", STARTED)
    for piece in np.array_split(PCM, 33):
        file.append(piece)
    audio = file.finish(End.CARRIER, dropped_frames=2)
    path = spool.path(audio.ref)
    assert audio.ref == "spool/2025-03-01/t1.wav"
    assert path.stat().st_size == audio.size_bytes == 44 + 32_000
    assert hashlib.sha256(path.read_bytes()).hexdigest() == audio.sha256
    assert audio.duration_s == 1.0
    with wave.open(str(path)) as reader:
        assert (reader.getframerate(), reader.getnchannels(), reader.getsampwidth()) == (16_000, 1, 2)
        assert np.array_equal(np.frombuffer(reader.readframes(16_000), "<i2"), PCM)
    assert np.array_equal(spool.read(audio.ref), PCM)


def test_finished_but_not_settled_comes_back_as_it_ended(data_dir: Path) -> None:
    spool = Spool(data_dir)
    file = spool.begin("t1", "ch1", STARTED)
    file.append(PCM)
    audio = file.finish(End.MAX_LENGTH, dropped_frames=2)
    recovered, notices = Spool(data_dir).recover()
    assert notices == []
    assert [(r.id, r.radio_id, r.started_at, r.end, r.dropped_frames, r.audio) for r in recovered] == [
        ("t1", "ch1", STARTED, End.MAX_LENGTH, 2, audio)
    ]
    spool.settled("t1", audio.ref)
    assert Spool(data_dir).recover() == ([], [])
    assert names(data_dir) == ["t1.wav"]


def test_a_discarded_transmission_leaves_nothing(data_dir: Path) -> None:
    file = Spool(data_dir).begin("t1", "ch1", STARTED)
    file.append(PCM)
    file.discard()
    file.discard()
    with pytest.raises(ValueError, match="finished or discarded"):
        file.append(PCM)
    assert names(data_dir) == []


def test_what_the_store_knows_is_only_tidied_up(data_dir: Path, clock: ManualClock) -> None:
    spool = Spool(data_dir)
    file = spool.begin("t1", "ch1", STARTED)
    file.append(PCM)
    audio = file.finish(End.CARRIER)

    async def scenario() -> Any:
        store = await Store.open(data_dir, "urn:radio-gateway:gz:tianhe:x", clock)
        await store.heard(HeardTransmission("t1", "ch1", STARTED, 1.0, End.CARRIER, audio=audio))
        known = {t.id for t in await store.unfinished()}
        await store.close()
        return known

    known = asyncio.run(scenario())
    assert Spool(data_dir).recover(known.__contains__) == ([], [])
    assert "t1.json" not in names(data_dir)


CAPTURE = textwrap.dedent("""
    import sys
    from datetime import UTC, datetime
    from pathlib import Path
    import numpy as np
    from gateway.store import Spool
    file = Spool(Path(sys.argv[1])).begin("t1", "ch1", datetime(2025, 3, 1, 8, 30, tzinfo=UTC))
    n = 0
    while True:
        file.append(np.full(480, n % 30_000, np.int16))
        n += 1
        print(n, flush=True)
""")


def test_a_call_being_received_survives_a_kill_up_to_the_last_frame(data_dir: Path) -> None:
    capture = subprocess.Popen([sys.executable, "-c", CAPTURE, data_dir], stdout=subprocess.PIPE, text=True)
    assert capture.stdout is not None
    while int(capture.stdout.readline()) < 100:
        pass
    os.kill(capture.pid, signal.SIGKILL)
    rest = [line for line in capture.stdout.readlines() if line.endswith("\n")]
    capture.wait()
    capture.stdout.close()
    spool = Spool(data_dir)
    (recovered,), notices = spool.recover()
    assert notices == []
    assert (recovered.id, recovered.radio_id, recovered.end) == ("t1", "ch1", End.STOPPED)
    assert recovered.started_at == STARTED
    pcm = spool.read(recovered.audio.ref)
    frames = 100 + len(rest)
    assert len(pcm) in (frames * 480, (frames + 1) * 480)
    assert np.array_equal(pcm, np.repeat(np.arange(len(pcm) // 480) % 30_000, 480))


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.integers(0, 700))
def test_recovery_makes_sense_of_a_part_file_cut_anywhere(
    cut: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    data_dir = tmp_path_factory.mktemp("cut")
    spool = Spool(data_dir)
    file = spool.begin("t1", "ch1", STARTED)
    file.append(PCM[:300])
    (part,) = (data_dir / "spool").rglob("*.part")
    header_bytes = part.read_bytes().index(b"\n") + 1
    whole = part.read_bytes()
    file._part.close()
    part.write_bytes(whole[:cut])
    recovered, notices = spool.recover()
    if cut < header_bytes + 2:
        assert (recovered, notices, names(data_dir)) == ([], [], [])
    else:
        samples = (min(cut, len(whole)) - header_bytes) // 2
        assert np.array_equal(spool.read(recovered[0].audio.ref), PCM[:samples])
        assert recovered[0].audio.duration_s == samples / 16_000
    # A recovery that is itself cut off finds everything again.
    assert [r.audio for r in spool.recover()[0]] == [r.audio for r in recovered]


@pytest.mark.parametrize("step", ["wav", "note", "part"])
def test_a_crash_at_any_step_of_finish_loses_nothing(
    data_dir: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(data_dir)
    file = spool.begin("t1", "ch1", STARTED)
    file.append(PCM)
    real_replace, real_unlink = Path.replace, Path.unlink

    def replace(self: Path, target: Path) -> Path:
        if (step == "wav" and target.suffix == ".wav") or (step == "note" and target.suffix == ".json"):
            raise KeyboardInterrupt
        return real_replace(self, target)

    def unlink(self: Path, missing_ok: bool = False) -> None:
        if step == "part" and self.suffix == ".part":
            raise KeyboardInterrupt
        real_unlink(self, missing_ok=missing_ok)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", replace)
        patch.setattr(Path, "unlink", unlink)
        with pytest.raises(KeyboardInterrupt):
            file.finish(End.CARRIER)
    (recovered,), notices = Spool(data_dir).recover()
    assert notices == []
    assert recovered.end == (End.CARRIER if step == "part" else End.STOPPED)
    assert np.array_equal(spool.read(recovered.audio.ref), PCM)
    assert names(data_dir) == ["t1.json", "t1.wav"]


@pytest.mark.parametrize("bad", ["../t1", "a/b", "", ".hidden", "x" * 65, "t1\n", "t1.part"])
def test_a_transmission_id_cannot_lead_out_of_the_spool(data_dir: Path, bad: str) -> None:
    with pytest.raises(ValueError, match="cannot name a file"):
        Spool(data_dir).begin(bad, "ch1", STARTED)


def test_a_reference_cannot_lead_out_of_the_spool(data_dir: Path, tmp_path: Path) -> None:
    spool = Spool(data_dir)
    (tmp_path / "secret").write_text("x")
    (data_dir / "spool").mkdir(parents=True)
    (data_dir / "spool" / "link").symlink_to(tmp_path / "secret")
    for ref in ("../secret", "spool/../../secret", "/etc/passwd", "spool/link", "gateway.db"):
        with pytest.raises(BadInput, match="not in the spool"):
            spool.read(ref)
    with pytest.raises(MissingInput, match=r"was it deleted\?"):
        spool.read("spool/2025-03-01/gone.wav")


def test_a_disk_that_fills_up_in_the_middle_of_a_frame_keeps_samples_aligned(data_dir: Path) -> None:
    script = textwrap.dedent("""
        import resource, signal, sys
        from datetime import UTC, datetime
        from pathlib import Path
        import numpy as np
        from gateway.errors import StoreUnavailable
        from gateway.store import Spool
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        file = Spool(Path(sys.argv[1])).begin("t1", "ch1", datetime(2025, 3, 1, tzinfo=UTC))
        file.append(np.arange(1000, dtype=np.int16))
        resource.setrlimit(resource.RLIMIT_FSIZE, (2501, resource.RLIM_INFINITY))
        try:
            file.append(np.arange(1000, dtype=np.int16))
        except StoreUnavailable as error:
            print(error)
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        file.append(np.arange(7, dtype=np.int16))
    """)
    said = subprocess.run(
        [sys.executable, "-c", script, data_dir], capture_output=True, text=True, check=True
    )
    assert "audio cannot be kept" in said.stdout
    spool = Spool(data_dir)
    (recovered,), _ = spool.recover()
    expected = np.concatenate([np.arange(1000), np.arange(7)])
    assert np.array_equal(spool.read(recovered.audio.ref), expected)


def test_a_spool_that_cannot_be_written_is_said_in_words() -> None:
    with pytest.raises(StoreUnavailable, match="audio cannot be kept"):
        Spool(Path("/proc")).begin("t1", "ch1", STARTED)


def test_a_recording_that_makes_no_sense_is_kept_and_told(data_dir: Path) -> None:
    folder = data_dir / "spool" / "2025-03-01"
    folder.mkdir(parents=True)
    (folder / "t1.part").write_bytes(b"\x00\xffnonsense\n" + b"\x00" * 640)

    recovered, notices = Spool(data_dir).recover()

    assert (recovered, len(notices)) == ([], 1)
    assert "t1.part.damaged" in notices[0].message
    assert names(data_dir) == ["t1.part.damaged"]
