"""The one family of errors of the protocol: nothing else is raised for what another party sent."""


class ProtocolError(ValueError):
    """What was received does not keep to the protocol. The state is as it was before."""


class InvalidKey(ProtocolError):
    """Not a key of the kind that is asked for."""


class InvalidSignature(ProtocolError):
    """The signature does not belong to this key and these bytes."""


class InvalidMessage(ProtocolError):
    """The message cannot be parsed, is of another version, or does not come from whom it says."""


class DuplicateMessage(ProtocolError):
    """The message was read before, or is older than what is remembered."""


class NoSession(ProtocolError):
    """There is no session (any more) that could read or write this: one has to be begun with a key bundle."""


class UntrustedIdentity(ProtocolError):
    """The other has another identity key than the one that is trusted: somebody must accept it first."""
