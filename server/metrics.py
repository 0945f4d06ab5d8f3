"""The measures that the engine keeps; a slice may add its own. Names are of low cardinality: never an id."""

from prometheus_client import Counter, Gauge, Histogram

HTTP_DURATION = Histogram(
    "http_request_duration_seconds",
    "Duration of HTTP requests in seconds",
    ["method", "route", "status_code"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
ACTIVE_USERS = Gauge("active_users_total", "Total number of active users")
CONNECTIONS = Gauge("mixee_connections", "Live connections of this process")
HANDSHAKES = Counter("mixee_handshakes_total", "Connections asked for", ["result"])
DISCONNECTS = Counter("mixee_disconnects_total", "Connections that ended", ["reason"])
EVENTS = Counter("mixee_events_received_total", "Events from clients", ["event", "result"])
EVENT_DURATION = Histogram(
    "mixee_ack_latency_seconds",
    "From an event's arrival to its answer, in seconds",
    ["event"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
LIMITED = Counter("mixee_admission_rejected_total", "Requests that a limit refused", ["bucket"])
TASKS = Gauge("mixee_tasks", "asyncio tasks of this process, counted when the measures are read")
LOOP_LAG = Gauge("mixee_event_loop_lag_seconds", "How late the event loop runs, in seconds")
