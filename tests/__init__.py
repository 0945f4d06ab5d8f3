"""Tests of Mixee; the folders mirror the tree."""
