"""What the hub uses of python-engineio, python-socketio and aiohttp beyond their documentation, name by name.

A new release of one of them that breaks the hub is found here, under the name that it has changed.
"""

import asyncio
import inspect
import re
import socket
from pathlib import Path
from typing import Any

import aiohttp
import engineio
import pytest
import socketio
from aiohttp import web
from aiohttp._websocket.models import WebSocketError
from aiohttp._websocket.reader import WebSocketDataQueue, WebSocketReader
from engineio import async_socket
from engineio.async_drivers import aiohttp as driver
from engineio.async_drivers.aiohttp import translate_request
from socketio import exceptions

ROOT = Path(__file__).parents[2]
MASKED_HELLO = b"\x81\x85\x00\x00\x00\x00hello"


def parameters(function: Any) -> list[str]:
    """Names of a function's parameters, without the first of a method."""
    return [name for name in inspect.signature(function).parameters if name != "self"]


@pytest.mark.parametrize("package", ["aiohttp", "python-engineio", "python-socketio"])
def test_the_three_libraries_are_pinned_to_one_release(package: str) -> None:
    wanted = (ROOT / "requirements.in").read_text()

    assert re.search(rf"^{package}==\d+\.\d+\.\d+$", wanted, re.MULTILINE)


class Inbox(WebSocketDataQueue):
    """Keeps what aiohttp's parser hands on."""

    def __init__(self) -> None:
        super().__init__(None, 0, loop=asyncio.get_running_loop())  # type: ignore[arg-type]  # nothing is ever paused
        self._buffer = None  # type: ignore[assignment]  # nothing ever waits
        self.got: list[tuple[Any, int]] = []
        self.failed: list[BaseException] = []

    def feed_data(self, data: Any, size: int) -> None:
        self.got.append((data, size))

    def set_exception(self, exc: BaseException, exc_cause: BaseException = WebSocketError(0, "")) -> None:  # noqa: B008 - aiohttp's signature
        self.failed.append(exc)


async def test_websocket_reader_calls_feed_data_of_a_subclass_of_its_queue() -> None:
    inbox = Inbox()
    reader = WebSocketReader(inbox, 100, compress=False, decode_text=False)

    reader.feed_data(MASKED_HELLO)

    ((message, size),) = inbox.got
    assert (message.type, message.data, size) == (aiohttp.WSMsgType.TEXT, b"hello", 5)


async def test_websocket_reader_calls_set_exception_of_a_subclass_of_its_queue() -> None:
    inbox = Inbox()
    reader = WebSocketReader(inbox, 100, compress=False, decode_text=False)

    reader.feed_data(b"\xf1\x80\x00\x00\x00\x00")

    (error,) = inbox.failed
    assert isinstance(error, WebSocketError)
    assert error.code == 1002


@pytest.mark.parametrize(("size", "fits"), [(99, True), (100, False)])
async def test_websocket_reader_takes_what_is_smaller_than_its_limit(size: int, fits: bool) -> None:
    inbox = Inbox()
    reader = WebSocketReader(inbox, 100, compress=False, decode_text=False)

    reader.feed_data(bytes((0x82, 0x80 + size)) + bytes(4) + bytes(size))

    assert (len(inbox.got), len(inbox.failed)) == ((1, 0) if fits else (0, 1))


async def test_websocket_reader_refuses_an_oversized_frame_before_its_payload_has_come() -> None:
    inbox = Inbox()
    reader = WebSocketReader(inbox, 100, compress=False, decode_text=False)

    reader.feed_data(b"\x82\xff" + (1 << 40).to_bytes(8, "big"))

    (error,) = inbox.failed
    assert isinstance(error, WebSocketError)
    assert error.code == 1009


def test_websocket_response_has_the_arguments_of_handshake() -> None:
    assert {"compress", "autoclose", "autoping"} <= set(parameters(web.WebSocketResponse.__init__))
    assert inspect.iscoroutinefunction(web.WebSocketResponse.write_eof)


async def test_request_handler_connection_lost_after_transport_none_leaves_the_transport_open() -> None:
    class Taker(asyncio.Protocol):
        def __init__(self) -> None:
            self.heard = asyncio.get_running_loop().create_future()

        def data_received(self, data: bytes) -> None:
            self.heard.set_result(data)

    takers: list[Taker] = []

    async def take_over(request: web.Request) -> web.StreamResponse:
        answer = Quiet(compress=False, autoclose=False, autoping=False)
        await answer.prepare(request)
        transport, taker = request.transport, Taker()
        assert transport is not None
        transport.set_protocol(taker)
        request.protocol.transport = None
        request.protocol.connection_lost(None)
        takers.append(taker)
        assert not transport.is_closing()
        return answer

    class Quiet(web.WebSocketResponse):
        async def write_eof(self, data: bytes = b"") -> None:
            pass

    app = web.Application()
    app.router.add_get("/", take_over)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    listener = socket.create_server(("127.0.0.1", 0))
    await web.SockSite(runner, listener).start()
    async with aiohttp.ClientSession() as session:
        client = await session.ws_connect(f"http://127.0.0.1:{listener.getsockname()[1]}/")
        await client.send_str("hello")
        assert (await asyncio.wait_for(takers[0].heard, 5))[:1] == b"\x81"
        assert runner.server is not None
        assert runner.server.connections == []
        client._response.close()
    await runner.cleanup()


@pytest.mark.parametrize("name", ["_messages", "_current_request"])
def test_request_handler_keeps_its_requests_under(name: str) -> None:
    assert name in web.RequestHandler.__slots__


@pytest.mark.parametrize("name", ["connection_made", "connection_lost", "data_received", "handle_error"])
def test_request_handler_has(name: str) -> None:
    assert callable(getattr(web.RequestHandler, name))


def test_server_makes_request_handlers_when_it_is_called() -> None:
    source = inspect.getsource(web.Server.__call__)

    assert "RequestHandler(self, loop=self._loop, **self._kwargs)" in source


async def test_app_runner_makes_its_server_with_make_server() -> None:
    assert inspect.iscoroutinefunction(web.AppRunner._make_server)
    assert parameters(web.AppRunner._make_server) == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("_cors_allowed_origins", ["environ"]),
        ("_cors_headers", ["environ"]),
        ("_trigger_event", ["event", "args", "kwargs"]),
        ("generate_id", []),
        ("attach", ["app", "engineio_path"]),
        ("send", ["sid", "data"]),
        ("shutdown", []),
    ],
)
def test_engineio_server_has(name: str, expected: list[str]) -> None:
    assert parameters(getattr(engineio.AsyncServer, name)) == expected


@pytest.mark.parametrize(
    "name",
    [
        "_async",
        "cors_allowed_origins",
        "transports",
        "allow_upgrades",
        "ping_interval",
        "ping_timeout",
        "max_http_buffer_size",
        "sockets",
        "handlers",
        "reason",
    ],
)
def test_engineio_server_keeps(name: str) -> None:
    server = engineio.AsyncServer(async_mode="aiohttp", monitor_clients=False)

    assert hasattr(server, name)


def test_engineio_async_says_how_a_route_is_made() -> None:
    server = engineio.AsyncServer(async_mode="aiohttp", monitor_clients=False)

    assert parameters(server._async["create_route"]) == ["app", "engineio_server", "engineio_endpoint"]
    assert driver._async["create_route"] is server._async["create_route"]


@pytest.mark.parametrize(
    "name", ["TRANSPORT_ERROR", "TRANSPORT_CLOSE", "CLIENT_DISCONNECT", "SERVER_DISCONNECT", "PING_TIMEOUT"]
)
def test_engineio_reason_has(name: str) -> None:
    server = engineio.AsyncServer(async_mode="aiohttp", monitor_clients=False)

    assert isinstance(getattr(server.reason, name), str)


def test_engineio_socket_has_the_methods_that_its_server_calls() -> None:
    assert parameters(async_socket.AsyncSocket.close) == ["wait", "abort", "reason"]
    assert parameters(async_socket.AsyncSocket.send) == ["pkt"]


def test_translate_request_is_a_function_of_the_request() -> None:
    assert parameters(translate_request) == ["request"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("_engineio_server_class", []),
        ("_trigger_event", ["event", "namespace", "args"]),
        ("_handle_ack", ["eio_sid", "namespace", "id", "data"]),
        ("disconnect", ["sid", "namespace", "ignore_queue"]),
        ("attach", ["app", "socketio_path"]),
    ],
)
def test_socketio_server_has(name: str, expected: list[str]) -> None:
    assert parameters(getattr(socketio.AsyncServer, name)) == expected


@pytest.mark.parametrize(
    "name", ["eio", "manager", "environ", "handlers", "namespace_handlers", "namespaces", "not_handled", "reason"]
)
def test_socketio_server_keeps(name: str) -> None:
    assert hasattr(socketio.AsyncServer(async_mode="aiohttp"), name)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("_generate_ack_id", ["sid", "callback"]),
        ("trigger_callback", ["sid", "id", "data"]),
        ("emit", ["event", "data", "namespace", "room", "skip_sid", "callback", "to", "kwargs"]),
        ("get_namespaces", []),
        ("get_participants", ["namespace", "room"]),
        ("is_connected", ["sid", "namespace"]),
        ("sid_from_eio_sid", ["eio_sid", "namespace"]),
        ("eio_sid_from_sid", ["sid", "namespace"]),
        ("pre_disconnect", ["sid", "namespace"]),
        ("basic_enter_room", ["sid", "namespace", "room", "eio_sid"]),
        ("basic_leave_room", ["sid", "namespace", "room"]),
        ("basic_close_room", ["room", "namespace"]),
        ("basic_disconnect", ["sid", "namespace", "kwargs"]),
        ("get_rooms", ["sid", "namespace"]),
    ],
)
def test_socketio_manager_has(name: str, expected: list[str]) -> None:
    assert parameters(getattr(socketio.AsyncManager, name)) == expected


def test_socketio_manager_keeps_callbacks_by_connection() -> None:
    manager = socketio.AsyncManager()

    number = manager._generate_ack_id("sid", print)

    assert manager.callbacks["sid"][number] is print


def test_a_refusal_of_socketio_keeps_what_the_client_is_told() -> None:
    assert exceptions.ConnectionRefusedError("no", {"code": 1}).error_args == {"message": "no", "data": {"code": 1}}
