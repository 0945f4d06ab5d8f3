"""Fetches from addresses that strangers give: link previews, webhooks, feeds. The one door to the world for all slices.

What it never does is reach a place that only this server can reach. An address is looked at as text, then its name is
looked up, and what was found is looked at again where the connection is made, so that a name that changes meanwhile
leads nowhere. Every step of a redirect is an address of its own. Times, sizes and numbers are bounded; there are no
proxies, no cookies and no credentials.
"""

from server.outside.addresses import is_public
from server.outside.fetching import Lookup, Outside
from server.outside.rules import Answer, NotPermitted, NotReached, OutsideError, Rules

__all__ = ["Answer", "Lookup", "NotPermitted", "NotReached", "Outside", "OutsideError", "Rules", "is_public"]
