"""Pub/sub over TLS: a certificate that is trusted is spoken to, any other is not."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from storage.pubsub import channel_of
from tests.harness.redis_cluster import PASSWORD, RedisProcess
from tests.harness.servers import until
from tests.storage.pubsub_kit import Ear, ear

NAME = channel_of(b"x")


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate of 127.0.0.1 and its key."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tests")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    certificate_file, key_file = folder / "certificate.pem", folder / "key.pem"
    certificate_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate_file, key_file


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()


@pytest.fixture
async def tunnel(redis_process: RedisProcess, tmp_path: Path) -> AsyncIterator[tuple[int, Path]]:
    """The port of a TLS server in front of Redis, and its certificate."""
    certificate_file, key_file = certificate(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate_file, key_file)
    served: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind_reader, behind_writer = await asyncio.open_connection("127.0.0.1", redis_process.port)
        back = asyncio.create_task(_pass_on(behind_reader, writer))
        served.add(back)
        await _pass_on(reader, behind_writer)
        await back

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1], certificate_file
        server.close()
        await asyncio.gather(*served)


async def test_what_is_published_over_tls_is_heard_over_tls(tunnel: tuple[int, Path]) -> None:
    port, trusted = tunnel
    async with ear("one", f"rediss://:{PASSWORD}@127.0.0.1:{port}/0?ssl_ca_certs={trusted}") as one:
        await one.hold(NAME)

        one.pubsub.publish([NAME], b"x" * 100_000)

        await until(lambda: one.heard == [(NAME, b"x" * 100_000)])


async def test_a_certificate_that_is_not_trusted_is_refused(tunnel: tuple[int, Path]) -> None:
    one = Ear(f"rediss://:{PASSWORD}@127.0.0.1:{tunnel[0]}/0", "one")

    with pytest.raises(ssl.SSLCertVerificationError):
        await one.pubsub.start()
