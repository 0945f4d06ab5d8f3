"""Server processes in the foreground: addresses (`listening`), one process (`foreground`), several (`workers`).

`errands` is for what an operator does beside them.
"""

from server.serving.errands import errand
from server.serving.foreground import serve

__all__ = ["errand", "serve"]
