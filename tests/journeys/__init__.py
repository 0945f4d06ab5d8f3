"""Whole stories, with the clients that people use."""
