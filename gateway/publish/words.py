"""What a broker's silence, refusals and goodbyes mean to the person at the station. Pure."""

import socket
import ssl

BROKE = "the connection broke"
RIVAL = "does a second gateway run with the same gateway.org, gateway.district and gateway.id?"


def goodbye_in_words(reason: str, from_broker: bool) -> str:
    """Say how a connection ended."""
    if from_broker and reason == "Session taken over":
        return f"somebody else connected with our client id; {RIVAL}"
    return f"the broker closed the connection: {reason}" if from_broker else BROKE


def refusal_in_words(reason: str) -> str:
    """Say what to do about a CONNACK that says no."""
    if reason in {"Bad user name or password", "Not authorized"}:
        return f"does not let us in ({reason}); check mqtt.username and mqtt.password_file"
    if reason == "Client identifier not valid":
        return "does not accept our client id; check gateway.org, gateway.district and gateway.id"
    return f"refuses the connection ({reason})"


def dialling_in_words(error: Exception) -> str:
    """Say what to do about a connection that did not come to be."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"its certificate is not trusted ({error.verify_message}); check mqtt.ca_file, the name in "
            "mqtt.url and this machine's clock"
        )
    if isinstance(error, ssl.SSLError):
        return f"TLS failed ({error.reason}); is that port for mqtts:// and is a client certificate wanted?"
    if isinstance(error, socket.gaierror):
        return f"its name cannot be looked up ({error.strerror}); check mqtt.url and the network"
    if isinstance(error, TimeoutError):
        return "does not answer; is the machine on and the port open?"
    if isinstance(error, ConnectionRefusedError):
        return "nobody listens there; start the broker, or correct the address"
    return f"cannot be reached ({error})"
