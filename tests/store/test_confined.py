"""A reference to audio, wherever it comes from, never leads out of the spool."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.errors import BadInput, MissingInput
from gateway.store.spool import Spool, spool_path

STEPS = st.sampled_from(["..", ".", "", "spool", "etc", "a", "~", "\x00", "C:", "\\..", "x.wav", "/"])


@given(st.one_of(st.text(), st.lists(STEPS).map("/".join)))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_reference_leads_out_of_the_spool(tmp_path: Path, ref: str) -> None:
    try:
        path = spool_path(tmp_path, ref)
    except BadInput:
        return
    assert path.is_relative_to((tmp_path / "spool").resolve())


def test_a_link_in_the_spool_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "spool").mkdir()
    (tmp_path / "secret.wav").write_bytes(b"RIFF")
    (tmp_path / "spool" / "x.wav").symlink_to(tmp_path / "secret.wav")
    for ref in ("spool/x.wav", "spool/../secret.wav", "/etc/passwd", "spool/\x00"):
        with pytest.raises((BadInput, MissingInput), match="spool"):
            Spool(tmp_path).read(ref)
