"""The private mongod: a replica set of one, where every client has to log in.

The users of a fresh mongod are normally made through its "localhost exception", during which any program on the machine
could make them first. Here the exception is off: the set and the user are made by `__system`, the member of the set
itself, whose password is the content of the key file that only we can read.
"""

import asyncio
import base64
import json
import os
import secrets
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote_plus

from storage.embedded.binaries import MONGODB, Binary, Kind
from storage.embedded.folder import HOST, password, secret
from storage.embedded.server import Progress, Server, listening
from storage.mongo import Mongo, OperationFailure, PyMongoError

SET = "mixee"
USER = "mixee"
ROLES = ("readWriteAnyDatabase", "dbAdminAnyDatabase", "clusterMonitor")
OPLOG_MB = 256
"""Nobody replicates from this set; the oplog only has to carry a change stream over a short absence."""
JOURNAL = "log=(file_max=32MB,prealloc=false)"
"""A fresh folder takes 35 MB of disk instead of 300, and is ready a quarter sooner."""
TRANSACTION_SECONDS = 6
"""How long a transaction may take. One that a killed process left open blocks what it wrote for that long and up to
half as long again; nobody here waits for one longer than 5.5 seconds."""
LEAST_CACHE_MB = 256
POLL_SECONDS = 0.03

NOT_YET_INITIALIZED = 94
INVALID_SET_CONFIG = 93
AUTHENTICATION_FAILED = 18


class Mongod(Server):
    """MongoDB below `folder`, with a cache of `cache_mb` megabytes (at least 256)."""

    kind: ClassVar[Kind] = MONGODB
    data_refused: ClassVar[tuple[str, ...]] = (
        "UPGRADE PROBLEM",
        "Wrong mongod version",
        "unknown storage engine",
        "unsupported WiredTiger file version",
        "Version incompatibility detected",
    )

    def __init__(self, folder: Path, binaries: Sequence[Binary], progress: Progress, *, cache_mb: int) -> None:
        if cache_mb < LEAST_CACHE_MB:
            raise ValueError(f"MongoDB needs a cache of at least {LEAST_CACHE_MB} MB, not {cache_mb}")
        super().__init__(folder, binaries, progress)
        self._cache_mb = cache_mb
        self._data = folder / "data"
        self._data.mkdir(exist_ok=True)
        self._key_file = folder / "keyfile"
        self._key = secret(self._key_file, lambda: base64.b64encode(secrets.token_bytes(48)).decode("ascii"))
        self._password = secret(folder / "password", password)

    @property
    def url(self) -> str:
        """How a client reaches the set, as a user who may read and write every database."""
        return self.url_of(self._password, self.port)

    @staticmethod
    def url_of(word: str, port: int) -> str:
        """How a client with the password `word` reaches the set that listens on the port."""
        return f"mongodb://{USER}:{word}@{HOST}:{port}/?authSource=admin&replicaSet={SET}"

    @property
    def _system_url(self) -> str:
        login = f"__system:{quote_plus(self._key)}"
        return f"mongodb://{login}@{HOST}:{self.port}/?authSource=local&directConnection=true"

    def arguments(self) -> list[str]:
        """mongod takes its configuration file by name."""
        return ["--config", str(self.config_file)]

    def configuration(self) -> str:
        """mongod reads YAML, of which JSON is a part that quotes every path safely."""
        engine = {"cacheSizeGB": self._cache_mb / 1024, "configString": JOURNAL}
        return json.dumps(
            {
                "systemLog": {
                    "destination": "file",
                    "path": str(self.log_file),
                    "logAppend": True,
                    "logRotate": "reopen",
                    "quiet": True,
                },
                "storage": {"dbPath": str(self._data), "wiredTiger": {"engineConfig": engine}},
                "replication": {"replSetName": SET, "oplogSizeMB": OPLOG_MB},
                "net": {"bindIp": HOST, "port": self.port, "unixDomainSocket": {"enabled": False}},
                "security": {"keyFile": str(self._key_file), "authorization": "enabled"},
                "setParameter": {
                    "diagnosticDataCollectionEnabled": False,  # a sample of every counter, each second, for support
                    "enableLocalhostAuthBypass": False,
                    "shutdownTimeoutMillisForSignaledShutdown": 0,  # there is no other member to hand over to
                    "transactionLifetimeLimitSeconds": TRANSACTION_SECONDS,
                },
            },
            ensure_ascii=False,
            indent=1,
        )

    def log_moved(self) -> None:
        """mongod keeps its log open, and opens it anew on this signal."""
        if self.pid is not None:
            os.kill(self.pid, signal.SIGUSR1)

    async def ready(self) -> None:
        """Return once this member leads the set and the user can log in, making both on a first start."""
        await listening(self.port)
        while True:
            try:
                await self._settle()
            except PyMongoError as error:  # a member that is changing its state breaks connections off
                self.trouble = str(error)
                await asyncio.sleep(POLL_SECONDS)
            else:
                return

    async def _settle(self) -> None:
        system = Mongo(self._system_url, "admin", timeout_ms=5_000)
        try:
            while not (await system.database.command("hello"))["isWritablePrimary"]:
                await self._join(system)
                await asyncio.sleep(POLL_SECONDS)
            await self._admit(system)
        finally:
            await system.close()

    async def _join(self, system: Mongo) -> None:
        """Make the set if there is none, or tell it our port if that has changed."""
        run = system.database.command
        try:
            await run("replSetGetStatus")
        except OperationFailure as error:
            if error.code == NOT_YET_INITIALIZED:
                await run("replSetInitiate", {"_id": SET, "members": [self._member()]})
            elif error.code == INVALID_SET_CONFIG:
                config: dict[str, Any] = (await run("replSetGetConfig"))["config"]
                config |= {"members": [self._member()], "version": config["version"] + 1}
                await run("replSetReconfig", config, force=True)
            else:
                raise

    def _member(self) -> dict[str, Any]:
        return {"_id": 0, "host": f"{HOST}:{self.port}"}

    async def _admit(self, system: Mongo) -> None:
        """See that our user can log in with our password, whatever happened to either."""
        run = system.database.command
        account: dict[str, Any] = {"pwd": self._password, "roles": list(ROLES)}
        if not (await run("usersInfo", USER))["users"]:
            await run("createUser", USER, **account)
        try:
            await self._log_in()
        except OperationFailure as error:
            if error.code != AUTHENTICATION_FAILED:
                raise
            await run("updateUser", USER, **account)
            await self._log_in()

    async def _log_in(self) -> None:
        mongo = Mongo(self.url, "admin", timeout_ms=5_000)
        try:
            await mongo.ping()
        finally:
            await mongo.close()
