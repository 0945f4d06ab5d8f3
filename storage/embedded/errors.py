"""What can go wrong with the embedded servers; every message says what to do."""


class EmbeddedError(RuntimeError):
    """The embedded servers cannot run. The message names the cause and the way out."""


class InUse(EmbeddedError):
    """Another living process has the data folder."""


class PortTaken(EmbeddedError):
    """Another program took the port between our look and the server's; another port will do."""


class DataRefused(EmbeddedError):
    """The data was written by a release of the server that this one does not understand."""
