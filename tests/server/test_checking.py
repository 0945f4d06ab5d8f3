"""What an operator is told about settings, connections and indexes before a start."""

import os
import socket
from typing import Any

import pytest
from pydantic import BaseModel, Field, SecretStr, ValidationError
from pydantic_settings import SettingsError

from config.settings import Settings
from server import assembly, checking
from server.checking import Unusable
from storage.mongo import IndexModel, Mongo
from tests.harness.redis_cluster import RedisCluster
from tests.harness.servers import MONGODB, REDIS
from tests.server.notes import slice_of

OUTSIDE = {"mongodb_url": SecretStr("mongodb://u:hush@127.0.0.1:9/"), "redis_url": SecretStr("redis://:hush@h:9")}


class Secretive(BaseModel):
    """Settings of a slice, one of them secret."""

    key: SecretStr = Field(SecretStr("hush"), description="Opens everything.")
    most: int = Field(3, description="How many.", le=5)


def settings(**given: Any) -> Settings:
    return Settings(_env_file=None, **given)


@pytest.fixture
def outside(database: str) -> Settings:
    """Settings that name the tests' servers as outside ones."""
    return settings(
        mongodb_url=SecretStr(os.environ[MONGODB]), redis_url=SecretStr(os.environ[REDIS]), mongodb_database=database
    )


class TestSettings:
    def test_a_wrong_value_is_named_as_the_operator_writes_it(self) -> None:
        with pytest.raises(ValidationError) as wrong:
            settings(port=99_999, limits="maybe")

        assert checking.explain(wrong.value) == (
            "The settings do not hold:\n"
            "- MIXEE_PORT: Input should be less than or equal to 65535\n"
            "- MIXEE_LIMITS: Input should be 'on' or 'off'"
        )

    @pytest.mark.parametrize(
        ("given", "says"),
        [
            (
                {"workers": 6, "worker_port_base": 65_530},
                "MIXEE_WORKER_PORT_BASE is too high: worker 6 would listen on port 65536.",
            ),
            (
                {"port": 8081, "workers": 2, "worker_port_base": 8080},
                "MIXEE_PORT=8081 is also a worker's own: choose another MIXEE_WORKER_PORT_BASE.",
            ),
        ],
    )
    def test_ports_that_do_not_go_together_are_named(self, given: dict[str, int], says: str) -> None:
        with pytest.raises(ValidationError) as wrong:
            settings(**given)

        assert checking.explain(wrong.value) == f"The settings do not hold:\n- {says}"

    def test_the_name_of_no_worker_begins_that_of_another(self) -> None:
        one = settings(worker_name="ab")

        assert [one.name_of_worker(number) for number in (1, 10, 64)] == ["ab01", "ab10", "ab64"]

    def test_a_list_that_is_no_json_says_what_it_should_be(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("MIXEE_ALLOWED_ORIGINS", "https://example.com")

        with pytest.raises(SettingsError) as wrong:
            settings()

        assert checking.explain(wrong.value) == (
            'The settings do not hold:\n- MIXEE_ALLOWED_ORIGINS: must be JSON, a list such as ["one", "two"]'
        )

    def test_a_slices_wrong_value_has_the_slices_name(self) -> None:
        slices = [slice_of(settings=Secretive)]

        faults = checking.faults_of_sections(slices, {"MIXEE_NOTES_MOST": "9", "MIXEE_NOTES_KEY": "x"})

        assert faults == ["MIXEE_NOTES_MOST: Input should be less than or equal to 5"]

    def test_every_setting_is_listed_with_its_meaning_and_secrets_are_hidden(self) -> None:
        found = checking.rows(
            settings(**OUTSIDE), [slice_of(settings=Secretive)], {"MIXEE_NOTES_KEY": "hush", "MIXEE_NOTES_MOST": "4"}
        )

        assert ("MIXEE_PORT", "8080", "Port to listen on; 0 takes any free one.") in found
        assert ("MIXEE_PUBLIC_URL", "(unset)", "How clients reach the server, when it stands behind a proxy.") in found
        assert found[-2:] == [
            ("MIXEE_NOTES_KEY", "(hidden)", "Opens everything."),
            ("MIXEE_NOTES_MOST", "4", "How many."),
        ]
        assert "hush" not in str(found)

    def test_the_example_has_every_setting_at_its_default_and_no_secret(self) -> None:
        example = checking.example([slice_of(settings=Secretive)])

        assert "# Port to listen on; 0 takes any free one.\n# MIXEE_PORT=8080\n" in example
        assert "# Opens everything.\n# MIXEE_NOTES_KEY=\n" in example
        assert "# How many.\n# MIXEE_NOTES_MOST=3\n" in example
        assert all(line.startswith("# ") or not line for line in example.splitlines())


class TestProbes:
    async def test_a_server_that_runs_passes(self, outside: Settings) -> None:
        assert outside.mongodb_url
        assert outside.redis_url

        await checking.probe_mongodb(outside.mongodb_url.get_secret_value(), "anything")
        await checking.probe_redis(outside.redis_url.get_secret_value())

    @pytest.mark.parametrize(
        ("url", "reason"),
        [
            ("mongodb://u:hush@127.0.0.1:9/?replicaSet=x", "127.0.0.1:9: [Errno 111] Connect call failed"),
            ("mongodb://", "Must provide at least one hostname or IP."),
            ("nonsense", "nonsense:27017:"),
        ],
    )
    async def test_mongodb_that_cannot_be_used_is_one_sentence(self, url: str, reason: str) -> None:
        with pytest.raises(Unusable) as refused:
            await checking.probe_mongodb(url, "anything", seconds=0.3)

        first, second = str(refused.value).splitlines()
        assert first.startswith(f"MongoDB cannot be used: {reason}")
        assert second == "Check MIXEE_MONGODB_URL: it must name a replica set that is running."
        assert "hush" not in first

    async def test_a_redis_that_does_not_answer_is_one_sentence(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(Unusable) as refused:
            await checking.probe_redis(f"redis://127.0.0.1:{silent.getsockname()[1]}", seconds=0.2)

        first, second = str(refused.value).splitlines()
        assert first.startswith("Redis cannot be used: Timeout reading from 127.0.0.1:")
        assert second == "Check MIXEE_REDIS_URL: it must name a Redis 7 or newer that is running."

    async def test_a_redis_cluster_that_the_url_does_not_name_as_one_is_one_sentence(
        self, redis_cluster: RedisCluster
    ) -> None:
        with pytest.raises(Unusable) as refused:
            await checking.probe_redis(redis_cluster.servers[1].url)

        assert str(refused.value).splitlines() == [
            "Redis cannot be used: it is a Redis Cluster, and the URL does not say so.",
            "Add `?cluster=true` to MIXEE_REDIS_URL.",
        ]
        await checking.probe_redis(redis_cluster.url)

    async def test_a_redis_that_is_no_cluster_but_named_as_one_is_one_sentence(self, outside: Settings) -> None:
        assert outside.redis_url
        with pytest.raises(Unusable, match="Redis cannot be used") as refused:
            await checking.probe_redis(f"{outside.redis_url.get_secret_value()}?cluster=true")

        assert len(str(refused.value).splitlines()) == 2

    async def test_another_word_than_true_or_false_for_a_cluster_is_refused(self) -> None:
        with pytest.raises(Unusable, match="cluster must be true or false"):
            await checking.probe_redis("redis://127.0.0.1:9/?cluster=maybe")


class TestCheck:
    async def test_all_is_well_after_a_start(
        self, outside: Settings, mongo: Mongo, capsys: pytest.CaptureFixture[str]
    ) -> None:
        slices = [slice_of()]
        for name, indexes in assembly.indexes(slices).items():
            await mongo.collection(name).create_indexes(indexes)

        status = await checking.check(outside, slices, {})

        assert status == 0
        assert [line for line in capsys.readouterr().out.splitlines() if not line.startswith(" ")] == [
            "settings   ok",
            "slices     ok",
            "MongoDB    ok",
            "Redis      ok",
        ]

    async def test_a_missing_index_and_one_that_differs_are_named(
        self, outside: Settings, mongo: Mongo, capsys: pytest.CaptureFixture[str]
    ) -> None:
        slices = [slice_of()]
        wanted = assembly.indexes(slices)
        for name in wanted:
            await mongo.collection(name).raw.drop_indexes()
        await mongo.collection("notes").create_indexes([IndexModel([("author", 1)], name="text")])

        status = await checking.check(outside, slices, {})

        said = capsys.readouterr().out
        missing = sum(len(indexes) for indexes in wanted.values()) - 1
        assert status == 1
        assert said.count("is missing: the next start makes it") == missing
        assert "- index text of collection notes is another than it must be: drop it" in said

    async def test_without_urls_it_says_which_servers_will_be_started(self, capsys: pytest.CaptureFixture[str]) -> None:
        status = await checking.check(settings(), [slice_of()], {})

        said = capsys.readouterr().out
        assert status == 0
        assert "embedded: mongod " in said
        assert "embedded: redis-server " in said
        assert "before production: MIXEE_MONGODB_URL is unset" in said

    async def test_weak_settings_of_a_slice_are_named_too(self, capsys: pytest.CaptureFixture[str]) -> None:
        class Weak(BaseModel):
            key: str = Field("", description="A key.")

            def weaknesses(self) -> list[str]:
                return [] if self.key else ["MIXEE_NOTES_KEY is unset: set one."]

        slices = [slice_of(settings=Weak)]
        status = await checking.check(settings(), slices, {})
        early = capsys.readouterr().out
        await checking.check(settings(mode="production"), slices, {})
        late = capsys.readouterr().out
        await checking.check(settings(mode="production"), slices, {"MIXEE_NOTES_KEY": "x"})

        assert status == 0
        assert "before production: MIXEE_NOTES_KEY is unset: set one." in early
        assert "- MIXEE_NOTES_KEY is unset: set one." in late
        assert "MIXEE_NOTES_KEY" not in capsys.readouterr().out

    async def test_every_area_with_a_problem_counts(self, capsys: pytest.CaptureFixture[str]) -> None:
        weak = settings(mode="production", limits="off", redis_url=SecretStr("nonsense"))
        twice = [slice_of(), slice_of()]

        status = await checking.check(weak, twice, {"MIXEE_LIMIT": "off", "HOME": "/"})

        said = capsys.readouterr().out
        assert status == 3
        assert "- MIXEE_LIMIT is no setting: did you mean MIXEE_LIMITS?" in said
        assert "- MIXEE_LIMITS=off removes every rate limit: set it to on." in said
        assert "slice notes is declared 2 times" in said
        assert "Redis cannot be used: Redis URL must specify one of the following schemes" in said
