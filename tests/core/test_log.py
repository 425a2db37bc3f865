"""With `[log] json` every line is one JSON document, whoever logs it."""

import json
import subprocess
import sys

PROGRAM = """
import asyncio, logging, threading, warnings
import structlog
from gateway.log import configure_log
configure_log("info", json_lines=True)
log = structlog.get_logger()
log.info("two\\nlines", radio="ch1", odd="\\udc80", any=object())
log.debug("never")
try:
    1 / 0
except ZeroDivisionError:
    log.exception("caught")
logging.getLogger("paho").error("of a library: %s", "x")
logging.getLogger("paho").error("%d", "wrong format")
warnings.warn("mind")
def die():
    raise RuntimeError("in a thread")
thread = threading.Thread(target=die, name="worker")
thread.start()
thread.join()
async def lost():
    asyncio.get_running_loop().create_future().set_exception(KeyError("nobody asks"))
    await asyncio.sleep(0)
asyncio.run(lost())
raise OSError("at the end")
"""


def test_every_line_is_one_json_document_tracebacks_too() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, check=False, timeout=60)
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    told = {line["event"]: line for line in lines}
    assert done.returncode == 1
    assert all(line["level"] and line["timestamp"] for line in lines)
    assert told["two\nlines"]["radio"] == "ch1"
    assert "ZeroDivisionError" in told["caught"]["exception"]
    assert told["of a library: x"]["logger"] == "paho"
    assert told["a thread ended by a fault of its own"]["thread"] == "worker"
    assert "in a thread" in told["a thread ended by a fault of its own"]["exception"]
    assert "OSError: at the end" in told["the process ended by a fault of its own"]["exception"]
    assert any("nobody asks" in line.get("exception", "") for line in lines)
    assert any("mind" in line["event"] for line in lines)
    assert "never" not in told
