"""What the log measures of itself; names are of low cardinality."""

from prometheus_client import Counter, Histogram

BATCH = Histogram(
    "mixee_commit_batch_size",
    "Entries written by one commit",
    buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500),
)
DURATION = Histogram(
    "mixee_commit_duration_seconds",
    "From the start of a write to its majority commit, in seconds",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
RETRIES = Counter("mixee_commit_conflicts_total", "Commits that had to be tried again", ["cause"])
DUPLICATES = Counter("mixee_dedupe_hits_total", "Drafts that were answered with an entry that was there before")
