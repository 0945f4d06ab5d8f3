"""The rules of second factors: setting them up, and proving with them."""

from handlers.factors.service.errors import ERRORS
from handlers.factors.service.factors import Factors
from handlers.factors.service.passkeys import Passkeys
from handlers.factors.service.proving import Prover
from handlers.factors.service.vault import Vault

__all__ = ["ERRORS", "Factors", "Passkeys", "Prover", "Vault"]
