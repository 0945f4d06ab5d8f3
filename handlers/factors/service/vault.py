"""Where the secrets of authenticator apps are sealed and opened."""

from crypto.sealing import Sealer


class Vault:
    """Keys are read at the start: those of the settings, or one of the cluster's."""

    def __init__(self) -> None:
        self._sealer: Sealer | None = None

    def open(self, keys: dict[str, bytes], own: bytes) -> None:
        """Take the keys of the settings, of which the first seals; `own` is the cluster's, for when there are none."""
        every = keys | {"cluster": own}
        self._sealer = Sealer(every, active=next(iter(every)))

    def seal(self, user_id: str, secret: bytes) -> bytes:
        """A secret as it is stored, for this person alone."""
        return self._of().seal(secret, place=_place(user_id))

    def unseal(self, user_id: str, sealed: bytes) -> bytes:
        """The secret of a person. Raises Unsealable."""
        return self._of().open(sealed, place=_place(user_id))

    def is_of_today(self, sealed: bytes) -> bool:
        """Whether it is sealed with the key that seals today."""
        return self._of().is_of_active(sealed)

    def _of(self) -> Sealer:
        if self._sealer is None:
            raise LookupError("the keys are not loaded")
        return self._sealer


def _place(user_id: str) -> str:
    return f"factors|{user_id}|totp"
