"""Server processes in the foreground: addresses (`listening`), one process (`foreground`), several (`workers`)."""

from server.serving.foreground import serve

__all__ = ["serve"]
