"""The ML-KEM Braid and the chains behind it: the sparse post-quantum ratchet."""
