"""A serial port behind a terminal server, with modem lines that can be looked at."""

import socket
import threading
from types import SimpleNamespace

import serial
from serial.rfc2217 import PortManager


class NetworkPort:
    """A terminal server (RFC 2217) whose port has RTS wired to CTS. Speaks to one client after another."""

    def __init__(self) -> None:
        self.port = serial.serial_for_url("loop://", do_not_open=True)
        self.port.rts = self.port.dtr = False
        self.port.open()
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"rfc2217://127.0.0.1:{self._server.getsockname()[1]}"
        self._is_closing = False
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def close(self) -> None:
        self._is_closing = True
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join()
        self.port.close()

    def _run(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            with client:
                self._serve(client)

    def _serve(self, client: socket.socket) -> None:
        client.settimeout(0.02)
        manager = PortManager(self.port, SimpleNamespace(write=client.sendall))
        while not self._is_closing:
            try:
                manager.check_modem_lines()
                data = client.recv(1024)
                if not data:
                    return
                for _ in manager.filter(data):
                    pass
            except TimeoutError:
                continue
            except OSError:
                return
