"""The Signal Protocol, version 4 of its messages (PQXDH, Double Ratchet with the sparse post-quantum ratchet).

What stands here serves the server as well: keys, signatures and the outer form of messages. `crypto.signal.client` is
the part that holds private keys and reads messages; no server imports it.

Sources: the specifications XEdDSA, PQXDH, Double Ratchet, ML-KEM Braid and Sesame at signal.org/docs, FIPS 203, and
recorded conversations with libsignal 0.103, which the tests replay byte by byte.
"""
