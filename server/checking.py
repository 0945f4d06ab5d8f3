"""What an operator asks before a start: are the settings, the connections and the indexes as they must be?"""

import asyncio
import difflib
import re
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import SettingsError
from rich.console import Console
from rich.table import Table

from config.settings import PREFIX, Settings, section
from server import assembly
from server.slices import Slice
from storage.embedded import EmbeddedError
from storage.embedded.binaries import MONGODB, REDIS, Kind, find
from storage.mongo import Document, IndexModel, Mongo, PyMongoError
from storage.redis import RedisError, connect, is_cluster

PROBE_SECONDS = 5.0
"""How long an outside server may take to answer."""
OLDEST_REDIS = 7


class Unusable(Exception):
    """An outside server cannot be used; the message says which, why, and what to set."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, what is wrong with it, and what an operator may want to know besides."""

    about: str
    problems: Sequence[str] = ()
    notes: Sequence[str] = field(default_factory=tuple)


def explain(error: Exception) -> str:
    """An error of the settings or manifests for a person: which setting, what is wrong."""
    if isinstance(error, ValidationError):
        return listed(_faults("", error))
    if isinstance(error, SettingsError) and (named := re.search(r'field "(\w+)"', str(error))):
        return listed([f"{PREFIX}{named[1]}".upper() + ': must be JSON, a list such as ["one", "two"]'])
    return str(error)


def listed(faults: Sequence[str]) -> str:
    """Faults of the settings as one message."""
    return "The settings do not hold:\n" + "\n".join(f"- {fault}" for fault in faults)


def _faults(prefix: str, error: ValidationError) -> list[str]:
    return [
        f"{PREFIX}{prefix}{fault['loc'][0]}".upper() + f": {fault['msg']}"
        if fault["loc"]
        else str(fault["ctx"]["error"])  # it is about several settings, and names them
        for fault in error.errors(include_url=False, include_input=False)
    ]


def faults_of_sections(slices: Sequence[Slice[Any]], environment: Mapping[str, str]) -> list[str]:
    """What is wrong with the settings of the slices, each with the name of its setting."""
    faults = []
    for one in slices:
        if one.settings:
            try:
                section(one.settings, one.name, environment)
            except ValidationError as error:
                faults += _faults(f"{one.name}_", error)
    return faults


@runtime_checkable
class Guarded(Protocol):
    """Settings of a slice that know what must not be so in production."""

    def weaknesses(self) -> list[str]:
        """Each as a sentence that says what to do."""
        ...


def weaknesses(settings: Settings, slices: Sequence[Slice[Any]], environment: Mapping[str, str]) -> list[str]:
    """What must not be so in production, of the engine's settings and of those of slices that hold."""
    found = settings.weaknesses()
    for one in slices:
        if one.settings and not faults_of_sections([one], environment):
            values = section(one.settings, one.name, environment)
            found += values.weaknesses() if isinstance(values, Guarded) else []
    return found


def brief(error: Exception) -> str:
    """The driver's error in one line, without its inner state."""
    return re.split(r" \(configured timeouts|, Timeout:|, full error:", str(error), maxsplit=1)[0].rstrip(".")


async def probe_mongodb(url: str, database: str, *, seconds: float = PROBE_SECONDS) -> None:
    """See that MongoDB is there and is a replica set. Raises Unusable."""
    try:
        mongo = Mongo(url, database, timeout_ms=int(seconds * 1000))
        try:
            hello = await mongo.database.command("hello")
            await mongo.ping()
        finally:
            await mongo.close()
    except (PyMongoError, ValueError) as error:
        raise Unusable(
            f"MongoDB cannot be used: {brief(error)}.\n"
            "Check MIXEE_MONGODB_URL: it must name a replica set that is running."
        ) from error
    if "setName" not in hello:
        raise Unusable(
            "MongoDB cannot be used: it is no replica set, so it has no transactions.\n"
            "Start it with --replSet and initiate the set, or set MIXEE_MONGODB_URL to another."
        )


async def probe_redis(url: str, *, seconds: float = PROBE_SECONDS) -> None:
    """See that Redis is there and new enough. Raises Unusable."""
    advice = f"Check MIXEE_REDIS_URL: it must name a Redis {OLDEST_REDIS} or newer that is running."
    try:
        redis = connect(url, timeout=seconds, retries=0)
        try:
            version = str((await redis.info("server"))["redis_version"])
            cluster = bool((await redis.info("cluster")).get("cluster_enabled"))
        finally:
            await redis.aclose()
    except (RedisError, OSError, ValueError) as error:
        raise Unusable(f"Redis cannot be used: {brief(error)}.\n{advice}") from error
    if int(version.partition(".")[0]) < OLDEST_REDIS:
        raise Unusable(f"Redis cannot be used: it is release {version}.\n{advice}")
    if cluster and not is_cluster(url):
        raise Unusable(
            "Redis cannot be used: it is a Redis Cluster, and the URL does not say so.\n"
            "Add `?cluster=true` to MIXEE_REDIS_URL."
        )


async def check(settings: Settings, slices: Sequence[Slice[Any]], environment: Mapping[str, str]) -> int:
    """Print every problem; the exit status is the number of areas that have one, 0 when all is well."""
    console = Console(soft_wrap=True, highlight=False)
    findings = [
        _settings(settings, slices, environment),
        _slices(slices),
        *await asyncio.gather(_mongodb(settings, slices), _redis(settings)),
    ]
    for one in findings:
        console.print(f"[bold]{one.about:10}[/] {'[red]not ok[/]' if one.problems else '[green]ok[/]'}")
        for problem in one.problems:
            console.print(_indented("- ", problem), markup=False)
        for note in one.notes:
            console.print(_indented("  ", note), markup=False, style="dim")
    return sum(1 for one in findings if one.problems)


def _indented(mark: str, text: str) -> str:
    return "\n".join(f"  {mark if number == 0 else '  '}{line}" for number, line in enumerate(text.splitlines()))


def _settings(settings: Settings, slices: Sequence[Slice[Any]], environment: Mapping[str, str]) -> Finding:
    faults = [*faults_of_sections(slices, environment), *_strangers(slices, environment)]
    weak = weaknesses(settings, slices, environment)
    if settings.production:
        return Finding("settings", [*faults, *weak])
    return Finding("settings", faults, [f"before production: {hint}" for hint in weak])


def _strangers(slices: Sequence[Slice[Any]], environment: Mapping[str, str]) -> list[str]:
    """Variables that look like settings and are none: a misspelt one would go unnoticed."""
    known = [name for name, _ in _names(slices)]
    found = []
    for name in sorted(environment):
        if name.startswith(PREFIX) and name not in known:
            alike = difflib.get_close_matches(name, known, n=1)
            found.append(f"{name} is no setting" + (f": did you mean {alike[0]}?" if alike else "."))
    return found


def _slices(slices: Sequence[Slice[Any]]) -> Finding:
    try:
        assembly.check(slices)
    except assembly.ManifestError as error:
        return Finding("slices", [str(error)])
    return Finding("slices", notes=[", ".join(one.name for one in slices)])


async def _mongodb(settings: Settings, slices: Sequence[Slice[Any]]) -> Finding:
    if settings.mongodb_url is None:
        return await _embedded(MONGODB)
    url = settings.mongodb_url.get_secret_value()
    try:
        await probe_mongodb(url, settings.mongodb_database)
    except Unusable as error:
        return Finding("MongoDB", [str(error)])
    mongo = Mongo(url, settings.mongodb_database, timeout_ms=int(PROBE_SECONDS * 1000))
    try:
        if not await mongo.database.list_collection_names():
            return Finding("MongoDB", notes=["the database is empty: the first start makes its indexes"])
        return Finding("MongoDB", await _indexes(mongo, assembly.indexes(slices)))
    except PyMongoError as error:
        return Finding("MongoDB", [f"Its indexes cannot be read: {brief(error)}."])
    finally:
        await mongo.close()


async def _indexes(mongo: Mongo, wanted: Mapping[str, Sequence[IndexModel]]) -> list[str]:
    problems = []
    for name, indexes in wanted.items():
        there = await mongo.collection(name).raw.index_information()
        for index in (one.document for one in indexes):
            known = f"index {index['name']} of collection {name}"
            if index["name"] not in there:
                problems.append(f"{known} is missing: the next start makes it")
            elif _differs(index, there[index["name"]]):
                problems.append(f"{known} is another than it must be: drop it, and the next start makes it anew")
    return problems


def _differs(wanted: Document, there: Mapping[str, Any]) -> bool:
    options = ("unique", "sparse", "expireAfterSeconds", "partialFilterExpression")
    keys = [(name, kind) for name, kind in wanted["key"].items()]
    same_keys = any(kind == "text" for _, kind in keys) or keys == [tuple(pair) for pair in there["key"]]
    return not same_keys or any((wanted.get(name) or None) != (there.get(name) or None) for name in options)


async def _redis(settings: Settings) -> Finding:
    if settings.redis_url is None:
        return await _embedded(REDIS)
    try:
        await probe_redis(settings.redis_url.get_secret_value())
    except Unusable as error:
        return Finding("Redis", [str(error)])
    return Finding("Redis")


async def _embedded(kind: Kind) -> Finding:
    """Whether the server that is started when none is set can be started here."""
    with tempfile.TemporaryDirectory(prefix="mixee-check-") as folder:
        try:
            newest, *_ = await find(kind, Path(folder))
        except EmbeddedError as error:
            return Finding(kind.title, [str(error)])
    return Finding(kind.title, notes=[f"embedded: {kind.program} {newest.release} starts with the server"])


def rows(
    settings: Settings, slices: Sequence[Slice[Any]], environment: Mapping[str, str]
) -> list[tuple[str, str, str]]:
    """Every setting: its name, its value (secrets hidden) and its meaning."""
    found = _rows("", settings)
    for one in slices:
        if one.settings:
            found += _rows(f"{one.name}_", section(one.settings, one.name, environment))
    return found


def _rows(prefix: str, values: BaseModel) -> list[tuple[str, str, str]]:
    return [
        (f"{PREFIX}{prefix}{name}".upper(), _value(getattr(values, name)), about.description or "")
        for name, about in type(values).model_fields.items()
    ]


def _value(value: object) -> str:
    if value is None:
        return "(unset)"
    return "(hidden)" if isinstance(value, SecretStr) else str(value)


def show(settings: Settings, slices: Sequence[Slice[Any]], environment: Mapping[str, str]) -> int:
    """Print every setting. The exit status is 2 when a slice's settings do not hold."""
    if faults := faults_of_sections(slices, environment):
        sys.stderr.write(listed(faults) + "\n")
        return 2
    table = Table("setting", "value", "meaning", box=None, pad_edge=False)
    for name, value, meaning in rows(settings, slices, environment):
        table.add_row(name, value, meaning)
    Console(file=sys.stdout, width=None if sys.stdout.isatty() else 160).print(table)
    return 0


def example(slices: Sequence[Slice[Any]]) -> str:
    """The settings example that is committed: every setting at its default, commented out, with its meaning."""
    lines = ["# Every setting of Mixee with its default. Copy what you change into `.env` or the environment.", ""]
    for name, about in _names(slices):
        default = "" if about.default is None or about.default_factory else _plain(about.default)
        lines += [f"# {about.description or ''}", f"# {name}={default}", ""]
    return "\n".join(lines).rstrip() + "\n"


def _names(slices: Sequence[Slice[Any]]) -> list[tuple[str, FieldInfo]]:
    """Every setting's name in the environment, the engine's first."""
    models: list[tuple[str, type[BaseModel]]] = [("", Settings)]
    models += [(f"{one.name}_", one.settings) for one in slices if one.settings]
    return [
        (f"{PREFIX}{prefix}{name}".upper(), about)
        for prefix, model in models
        for name, about in model.model_fields.items()
    ]


def _plain(value: object) -> str:
    return "" if isinstance(value, SecretStr) else str(value)
