"""The watchdog process: releases the key of every radio when the gateway dies with it pressed, or hangs.

Started by `watchdog.Watchdog` as a program of its own (`python -I -S unkeyer.py FD PARENT_PID`), so it
imports the standard library only and starts in a blink. While a radio is keyed it holds a duplicate of the
descriptor that keys it: with that it can put the lines at rest whatever has become of the gateway, without
opening the port again, which would raise them for an instant. It acts when

    the gateway dies    its pidfd becomes readable, or the socket to it ends
    a key is held       longer than the gateway said it would hold it, plus a second
    it is told to       because the gateway's own release failed

Messages are one JSON object each, on a SOCK_SEQPACKET socket, with the descriptor beside it; each gets one
answer. Signals that end programs are ignored: it ends with the gateway, and not before.
"""

import fcntl
import json
import os
import select
import signal
import socket
import sys
import time
from typing import Any

CONNECT_S = 0.7
MOST_BYTES = 8192


def main() -> None:
    """Serve the socket FD for the process PARENT_PID until it has died, then release what is keyed."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    parent = int(sys.argv[2])
    gateway = socket.socket(fileno=int(sys.argv[1]))
    keyed: dict[str, dict[str, Any]] = {}
    poll = select.poll()
    poll.register(gateway, select.POLLIN)
    life = os.pidfd_open(parent)
    poll.register(life, select.POLLIN)
    if os.getppid() == parent:
        _serve(gateway, life, poll, keyed)
    release_all(keyed.values())


def _serve(gateway: socket.socket, life: int, poll: Any, keyed: dict[str, dict[str, Any]]) -> None:
    while True:
        deadlines = [one["deadline_s"] for one in keyed.values() if not one["released"]]
        wait_ms = max(0.0, (min(deadlines) - time.monotonic()) * 1000) if deadlines else None
        ready = {descriptor for descriptor, _ in poll.poll(wait_ms)}
        overdue = [
            one for one in keyed.values() if not one["released"] and one["deadline_s"] <= time.monotonic()
        ]
        release_all(overdue)
        if life in ready:
            return
        if gateway.fileno() in ready and not _take(gateway, keyed):
            return


def _take(gateway: socket.socket, keyed: dict[str, dict[str, Any]]) -> bool:
    """Take one message and answer it; false when the gateway has hung up."""
    try:
        payload, descriptors, _, _ = socket.recv_fds(gateway, MOST_BYTES, 1)
    except OSError:
        return False
    if not payload:
        return False
    message = json.loads(payload)
    radio = message["radio"]
    before = keyed.pop(radio, None)
    if message["do"] == "arm":
        message["fd"] = descriptors[0] if descriptors else None
        message["deadline_s"] = time.monotonic() + message["limit_s"]
        message["released"] = False
        keyed[radio] = message
    elif message["do"] == "cut" and before is not None:
        release_all([before])
    answer = {"radio": radio, "released": bool(before and before["released"])}
    if before is not None and before["fd"] is not None:
        os.close(before["fd"])
    try:
        gateway.send(json.dumps(answer).encode())
    except OSError:
        return False
    return True


def release_all(entries: Any) -> None:
    """Release every radio of `entries`, those with a descriptor first, as they take no time."""
    for one in sorted(entries, key=lambda entry: entry["fd"] is None):
        one["released"] = True
        try:
            _release(one)
        except OSError as error:
            sys.stderr.write(f"radio-gateway watchdog: {one['radio']} could not be unkeyed: {error}\n")
        else:
            sys.stderr.write(f"radio-gateway watchdog: {one['radio']} was unkeyed\n")


def _release(one: dict[str, Any]) -> None:
    if one["fd"] is None:
        with socket.create_connection(tuple(one["address"]), CONNECT_S) as connection:
            connection.sendall(bytes.fromhex(one["data"]))
            # Closing with an answer unread would reset the connection, perhaps before it was acted on.
            connection.recv(64)
        return
    for request, argument in one["ioctls"]:
        fcntl.ioctl(one["fd"], request, bytes.fromhex(argument))
    if one["data"]:
        os.write(one["fd"], bytes.fromhex(one["data"]))


if __name__ == "__main__":
    main()
