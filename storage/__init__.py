"""Every byte that outlives a request: MongoDB, Redis, units of work, the outbox, the log, the embedded servers."""
