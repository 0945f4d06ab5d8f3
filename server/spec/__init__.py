"""The public description of the server, made from the commands and events: OpenAPI, AsyncAPI and a page to read."""

from server.spec.files import write

__all__ = ["write"]
