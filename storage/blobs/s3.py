"""Bytes at a service that speaks S3, through the asynchronous client. The one module that names it."""

from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from botocore.exceptions import BotoCoreError, ClientError

from storage.blobs.blobs import PIECE, BlobsAway, NoBlob, checked

PART = 8 * 1024 * 1024
"""Bytes of a part of a large upload; S3 wants 5 MiB at least, and 10,000 parts at most."""
_GONE = {"NoSuchKey", "404", "NotFound"}
_PER_LIST = 1000


class S3Blobs:
    """An object each, in one bucket."""

    def __init__(
        self,
        *,
        bucket: str,
        access_key: str,
        secret_key: str,
        endpoint: str | None = None,
        region: str = "us-east-1",
        prefix: str = "",
    ) -> None:
        """`prefix` begins the key of every object, so that a bucket may be shared."""
        self._bucket = bucket
        self._prefix = prefix
        self._options: dict[str, Any] = {
            "endpoint_url": endpoint,
            "region_name": region,
            "aws_access_key_id": access_key,
            "aws_secret_access_key": secret_key,
            "config": AioConfig(
                signature_version="s3v4",
                s3={"addressing_style": "path"},
                connect_timeout=5,
                read_timeout=30,
                retries={"mode": "standard", "max_attempts": 3},
                max_pool_connections=32,
                # Checksums beyond the signature's own are news that not every service knows.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        }
        self._stack = AsyncExitStack()
        self._client: Any = None

    async def start(self) -> None:
        """Connect, and see that the bucket is there."""
        self._client = await self._stack.enter_async_context(get_session().create_client("s3", **self._options))
        async with _asked(self._bucket):
            await self._client.head_bucket(Bucket=self._bucket)

    async def close(self) -> None:
        """Give every connection back."""
        await self._stack.aclose()

    async def put(self, name: str, source: AsyncIterable[bytes]) -> int:
        """Keep all bytes of the source; how many there were. More than one part goes up part by part."""
        parts = _in_parts(source)
        async with _asked(name):
            first = await anext(parts, b"")
            second = await anext(parts, None) if len(first) == PART else None
            if second is None:
                await self._client.put_object(Bucket=self._bucket, Key=self._key(name), Body=first)
                return len(first)
            return await self._put_parts(name, [first, second], parts)

    async def _put_parts(self, name: str, begun: list[bytes], rest: AsyncIterator[bytes]) -> int:
        where = {"Bucket": self._bucket, "Key": self._key(name)}
        upload = (await self._client.create_multipart_upload(**where))["UploadId"]
        try:
            done: list[dict[str, Any]] = []
            size = 0
            async for part in _after(begun, rest):
                number = len(done) + 1
                answer = await self._client.upload_part(**where, UploadId=upload, PartNumber=number, Body=part)
                done.append({"ETag": answer["ETag"], "PartNumber": number})
                size += len(part)
            await self._client.complete_multipart_upload(**where, UploadId=upload, MultipartUpload={"Parts": done})
        except BaseException:
            await self._client.abort_multipart_upload(**where, UploadId=upload)
            raise
        return size

    async def read(self, name: str, start: int = 0, stop: int | None = None) -> AsyncGenerator[bytes, None]:
        """The bytes from `start` up to `stop`. Raises NoBlob."""
        if stop is not None and stop <= start:
            return
        wanted = {"Range": f"bytes={start}-{'' if stop is None else stop - 1}"} if start or stop is not None else {}
        async with _asked(name):
            answer = await self._client.get_object(Bucket=self._bucket, Key=self._key(name), **wanted)
            async with answer["Body"] as body:
                while piece := await body.read(PIECE):
                    yield piece

    async def delete(self, name: str) -> None:
        """Remove one object."""
        with suppress(NoBlob):
            async with _asked(name):
                await self._client.delete_object(Bucket=self._bucket, Key=self._key(name))

    async def clear(self, folder: str) -> None:
        """Remove every object below the folder."""
        below = self._key(folder) + "/"
        async with _asked(folder):
            while True:
                page = await self._client.list_objects_v2(Bucket=self._bucket, Prefix=below, MaxKeys=_PER_LIST)
                found = [{"Key": one["Key"]} for one in page.get("Contents", ())]
                if found:
                    await self._client.delete_objects(Bucket=self._bucket, Delete={"Objects": found, "Quiet": True})
                if not page.get("IsTruncated"):
                    return

    def _key(self, name: str) -> str:
        return self._prefix + checked(name)


@asynccontextmanager
async def _asked(what: str) -> AsyncIterator[None]:
    """Turns the client's errors into ours."""
    try:
        yield
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in _GONE:
            raise NoBlob(what) from error
        raise BlobsAway(f"the S3 service refuses {what}: {error}") from error
    except (BotoCoreError, OSError) as error:
        raise BlobsAway(f"the S3 service does not answer for {what}: {error}") from error


async def _in_parts(source: AsyncIterable[bytes]) -> AsyncGenerator[bytes, None]:
    """The source's bytes in pieces of one part each; only the last is smaller."""
    held = bytearray()
    async for piece in source:
        held += piece
        while len(held) >= PART:
            yield bytes(held[:PART])
            del held[:PART]
    if held:
        yield bytes(held)


async def _after(begun: list[bytes], rest: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    while begun:
        yield begun.pop(0)
    async for piece in rest:
        yield piece
