"""The rules of envelopes."""

from handlers.envelopes.service.envelopes import Envelopes
from handlers.envelopes.service.errors import ERRORS, CiphertextTooLarge, DevicesDiffer, DevicesStale

__all__ = ["ERRORS", "CiphertextTooLarge", "DevicesDiffer", "DevicesStale", "Envelopes"]
