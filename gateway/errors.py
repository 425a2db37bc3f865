"""What can go wrong, told to a person, with the exit code that says so to a script.

    GatewayError
    ├── UsageError           64  the command line asks for something that makes no sense
    ├── BadInput             65  a file is there but is not what it should be
    ├── MissingInput         66  a file is not there
    ├── Unavailable          69  a device, model, disk or broker is not there now
    │   ├── ModelUnavailable     the speech model is not installed, or its files are damaged
    │   └── StoreUnavailable     the database or the spool cannot be used
    └── BadConfig            78  the configuration file has faults, each with its key

A message says what happened, where, and what to do; it is printed as one line and never as a traceback.
"""


class GatewayError(Exception):
    """Anything the gateway expects to go wrong."""

    exit_code = 70


class UsageError(GatewayError):
    """The command line asks for something that makes no sense, such as an option without its partner."""

    exit_code = 64


class BadInput(GatewayError):
    """A file is there but is not what it should be: not audio, a bad CSV row, a truncated zip."""

    exit_code = 65


class MissingInput(GatewayError):
    """A file or directory named by the user is not there or cannot be read."""

    exit_code = 66


class Unavailable(GatewayError):
    """Something outside the process is not there now; trying again later may help."""

    exit_code = 69


class ModelUnavailable(Unavailable):
    """The speech model is not installed, or a file of it has the wrong SHA-256."""


class StoreUnavailable(Unavailable):
    """The database or the audio spool cannot be opened or written."""


class StoreDamaged(StoreUnavailable):
    """The database cannot be worked with any more in this run; the next start puts it right."""


class StoreLocked(StoreUnavailable):
    """Another program holds the database locked; what happens waits until it lets go."""


class BadConfig(GatewayError):
    """The configuration has faults. `faults` holds one `file:key: message` line for each."""

    exit_code = 78

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = tuple(faults)
