"""A cluster in one thread, played by a seed: it exists to test the checker, never in place of the server.

`store` is the database with a majority that lags behind and a primary that may fall, `node` a server that keeps the
contract, `world` the network, the clients and the faults, and `bugs` nodes that break the contract in one method each.
"""
