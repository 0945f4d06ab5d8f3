"""The whole way of an attachment with its bytes at a real S3 service."""

import secrets

import pytest
from aiobotocore.config import AioConfig
from aiobotocore.session import get_session

from handlers.media.models import PART_BYTES
from tests.conftest import Cluster, People
from tests.handlers.media.helpers import announce, download, fetch, link, picture, send, upload
from tests.harness.swifts import ACCESS_KEY, BUCKET, SECRET_KEY, Swift

DATA = secrets.token_bytes(9 * PART_BYTES + 17)


async def keys(service: Swift, prefix: str) -> list[str]:
    """The names of all objects with that prefix."""
    async with get_session().create_client(
        "s3",
        endpoint_url=service.url,
        region_name="us-east-1",
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
        config=AioConfig(signature_version="s3v4", s3={"addressing_style": "path"}),
    ) as client:
        page = await client.list_objects_v2(Bucket=BUCKET, Prefix=prefix)
        return [one["Key"] for one in page.get("Contents", ())]


async def test_attachments_live_at_an_s3_service_and_leave_it(
    swift: Swift, people: People, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    prefix = f"{secrets.token_hex(8)}/"
    for name, value in {
        "STORE": "s3",
        "S3_ENDPOINT": swift.url,
        "S3_BUCKET": BUCKET,
        "S3_PREFIX": prefix,
        "S3_ACCESS_KEY": ACCESS_KEY,
        "S3_SECRET_KEY": SECRET_KEY,
    }.items():
        monkeypatch.setenv(f"MIXEE_MEDIA_{name}", value)
    here, there = await cluster(), await cluster()
    (ada,) = await people("ada", at=here)

    media = await announce(ada, "file", DATA)
    await send(ada, media["id"], 0, DATA[:PART_BYTES])
    parts = await keys(swift, prefix)
    second = DATA[PART_BYTES : 2 * PART_BYTES]
    await send(ada.at(there), media["id"], PART_BYTES, second)
    for start in range(2 * PART_BYTES, len(DATA), PART_BYTES):
        await send(ada, media["id"], start, DATA[start : start + PART_BYTES])
    done = await ada.ask("POST", f"/api/media/{media['id']}/finish")
    image = await upload(ada, "image", picture())
    status, _, part = await fetch(ada.at(there), await link(ada, media["id"]), Range="bytes=8388600-8388699")

    assert [one.split("/")[1:3] for one in parts] == [[media["id"], "part"]]
    assert done["status"] == "ready"
    assert (status, part) == (206, DATA[8_388_600:8_388_700])
    assert await download(ada, media["id"]) == DATA
    assert len(await download(ada, image["id"], "thumbnail")) > 0
    kept = sorted(one.rpartition("/")[2] for one in await keys(swift, prefix))
    assert kept == ["original", "original", "thumbnail"]
    for one in (media, image):
        await ada.ask("DELETE", f"/api/media/{one['id']}")
    assert await keys(swift, prefix) == []
