"""The settings of the engine; a slice adds its own section, read by the same rules (`section`)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Self, TypeVar

from pydantic import BaseModel, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "MIXEE_"
M = TypeVar("M", bound=BaseModel)


class Settings(BaseSettings):
    """Read from the environment (and from `.env`), every name with the prefix `MIXEE_`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=".env", extra="ignore", frozen=True, env_ignore_empty=True
    )

    mode: Literal["development", "production"] = Field(
        "development", description="`production` refuses every setting that weakens security."
    )
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8080, ge=0, le=65535, description="Port to listen on; 0 takes any free one.")
    public_url: str | None = Field(None, description="How clients reach the server, when it stands behind a proxy.")
    workers: int = Field(1, ge=1, le=64, description="Server processes that share the port.")
    worker_port_base: int = Field(
        0,
        ge=0,
        le=65535,
        description="Worker n also listens alone on this port plus n, so that a proxy can choose it; 0: it does not.",
    )
    worker_name: str = Field(
        "w",
        pattern=r"^[a-z][a-z0-9]{0,7}$",
        description="Begins every session id, before the worker's number: different on each machine behind one proxy.",
    )
    data_dir: Path = Field(Path("var"), description="Folder of the embedded servers, used when no URL is set below.")

    mongodb_url: SecretStr | None = Field(
        None, description="MongoDB replica set to use; unset starts a private mongod below the data folder."
    )
    mongodb_database: str = Field("mixee", min_length=1, max_length=63, description="Name of the database.")
    redis_url: SecretStr | None = Field(
        None,
        description="Redis 7 or newer to use (of a Redis Cluster any server, with `?cluster=true` behind it); "
        "unset starts a private redis-server below the data folder.",
    )

    limits: Literal["on", "off"] = Field(
        "on",
        description="Rate limits, and what strangers may do; `off` is for load tests and is refused in production.",
    )
    trusted_proxies: list[str] = Field(
        default_factory=list, description="Addresses whose X-Forwarded-For is believed, as a JSON list."
    )
    allowed_origins: list[str] = Field(
        default_factory=list,
        description='Web origins that may connect, as a JSON list; `["*"]` admits all (refused in production).',
    )

    max_body_bytes: int = Field(65_536, ge=1024, description="Largest HTTP body and socket event, in bytes.")
    header_timeout: float = Field(
        10.0, gt=0, description="Seconds that the head of a request may take, and then its body."
    )
    ping_interval: float = Field(25.0, gt=0, description="Seconds between Engine.IO pings.")
    ping_timeout: float = Field(20.0, gt=0, description="Seconds a client may take to answer a ping.")
    max_in_flight: int = Field(
        64,
        ge=1,
        description="Events of one connection that are handled at once; then its socket is not read.",
    )
    max_connections: int = Field(50_000, ge=1, description="Connections that one process accepts.")
    handshakes_per_second: float = Field(
        300.0, gt=0, description="Connections that one process lets in each second, once the burst is used up."
    )
    handshakes_burst: int = Field(600, ge=1, description="Connections that one process lets in at once.")
    drain_seconds: float = Field(
        10.0, ge=0, description="How long a stopping server lets requests finish and clients move on."
    )

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Least level that is logged.")
    log_format: Literal["auto", "json", "text"] = Field(
        "auto", description="`auto` writes text to a terminal and JSON elsewhere."
    )

    @model_validator(mode="after")
    def _ports_of_workers(self) -> Self:
        last = self.worker_port_base + self.workers
        if self.worker_port_base and last > 65535:
            raise ValueError(f"MIXEE_WORKER_PORT_BASE is too high: worker {self.workers} would listen on port {last}.")
        if self.worker_port_base and self.worker_port_base < self.port <= last:
            raise ValueError(f"MIXEE_PORT={self.port} is also a worker's own: choose another MIXEE_WORKER_PORT_BASE.")
        return self

    def name_of_worker(self, number: int) -> str:
        """What begins the session ids of worker `number` (1 …); all are of one length, so none begins another."""
        return f"{self.worker_name}{number:02d}"

    @property
    def production(self) -> bool:
        """Whether weakening settings are refused."""
        return self.mode == "production"

    def weaknesses(self) -> list[str]:
        """What must not be so in production, each as a sentence that says what to do."""
        found = []
        if self.limits == "off":
            found.append("MIXEE_LIMITS=off removes every rate limit: set it to on.")
        if "*" in self.allowed_origins:
            found.append('MIXEE_ALLOWED_ORIGINS=["*"] lets any web page connect: list your own origins.')
        if self.mongodb_url is None:
            found.append("MIXEE_MONGODB_URL is unset: production needs a replica set of its own.")
        if self.redis_url is None:
            found.append("MIXEE_REDIS_URL is unset: production needs a Redis of its own.")
        return found


def section(model: type[M], name: str, environment: Mapping[str, str]) -> M:
    """Read one slice's settings: field `max_members` of slice `chat` is `MIXEE_CHAT_MAX_MEMBERS`.

    Raises pydantic's ValidationError when a value does not fit.
    """
    values = {
        field: environment[key]
        for field in model.model_fields
        if (key := f"{PREFIX}{name}_{field}".upper()) in environment and environment[key] != ""
    }
    return model.model_validate(values, strict=False)
