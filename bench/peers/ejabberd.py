"""ejabberd as Debian packages it: a group chat (MUC) with an archive (MAM), spoken to in XMPP over TCP."""

import base64
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.crowd import Crowd, Greeting, Member
from bench.peers.peer import TEXT, Guest, Peer
from bench.programs import Program, free_port, listens
from bench.websocket import Unexpected

NAME = "ejabberd"
LIBRARIES = Path("/usr/lib/x86_64-linux-gnu")
END = b"</message>"
STREAM = (
    b"<stream:stream to='localhost' version='1.0' xmlns='jabber:client'"
    b" xmlns:stream='http://etherx.jabber.org/streams'>"
)
BIND = b"<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>"
CONFIGURATION = """
hosts: [localhost]
loglevel: warning
auth_method: [anonymous]
anonymous_protocol: login_anon
allow_multiple_connections: true
disable_sasl_mechanisms: [SCRAM-SHA-1, X-OAUTH2, DIGEST-MD5, ANONYMOUS]
default_db: mnesia
listen:
  - {port: %d, ip: "127.0.0.1", module: ejabberd_c2s, access: all, shaper: none, max_stanza_size: 262144, backlog: 1024}
modules:
  mod_mam: {default: always}
  mod_muc:
    access: all
    access_create: all
    max_users: 1000
    max_user_conferences: 100
    min_message_interval: 0
    min_presence_interval: 0
    history_size: 0
    default_room_options: {mam: true, max_users: 1000, persistent: false, presence_broadcast: []}
"""


class NoEjabberd(RuntimeError):
    """It is not installed; the message says how to get it."""


@dataclass(slots=True)
class Ejabberd(Peer):
    """The running server. Its groups are rooms that come into being when the first one enters."""

    def auth(self, guest: Guest) -> bytes:
        """His name, and the rooms that he enters."""
        rooms = [group for group, members in self.groups.items() if guest.user_id in members]
        return " ".join([guest.user_id, *rooms]).encode()

    def message(self, group: str, number: int, ack: int) -> bytes:
        """The same text, as a stanza."""
        head = f"<message type='groupchat' to='{group}@conference.localhost' id='{number}-{ack}'>"
        return f"{head}<body>{TEXT}</body></message>".encode()


class Entering:
    """The client's side of coming in: stream, PLAIN, stream, bind, and then a room after the other."""

    def __init__(self, auth: bytes) -> None:
        self.first = STREAM
        self.rest = b""
        name, *self._rooms = auth.decode().split()
        self._name = name
        plain = base64.b64encode(f"\0{name}\0x".encode()).decode()
        self._steps = [
            (b"</stream:features>", f"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{plain}</auth>"),
            (b"<success", STREAM.decode()),
            (b"</stream:features>", BIND.decode()),
            (b"</iq>", ""),
        ]
        for room in self._rooms:
            self._steps[-1] = (self._steps[-1][0], self._enter(room))
            self._steps.append((b"code='110'", ""))

    def hear(self, data: bytes) -> bytes | None:
        """Take what the server said. Raises Unexpected when it refuses."""
        data = self.rest + data
        if b"<failure" in data or b"type='error'" in data or b"<stream:error" in data:
            raise Unexpected(f"no entrance: {data[-300:].decode('utf-8', 'replace')}")
        wanted, answer = self._steps[0]
        before, found, after = data.partition(wanted)
        if not found:
            self.rest = before[-64:]  # what is waited for is shorter, and the others' presence is long
            return b""
        self._steps.pop(0)
        self.rest = after
        if not self._steps:
            self.rest = b""
            return None
        return answer.encode()

    def _enter(self, room: str) -> str:
        return (
            f"<presence to='{room}@conference.localhost/{self._name}'>"
            "<x xmlns='http://jabber.org/protocol/muc'><history maxstanzas='0'/></x></presence>"
        )


class XmppCrowd(Crowd):
    """Clients of ejabberd. That a sender hears his own message is the answer to it."""

    def greeting(self, auth: bytes) -> Greeting:
        """The handshake of a client who shows this."""
        return Entering(auth)

    def step(self, member: Member, data: bytes) -> None:
        """Count the messages in `data`."""
        heard = data.count(END)
        member.rest = data[-len(END) + 1 :] if not data.endswith(END) else b""
        member.heard += heard
        self.heard += heard
        if member is self.people[0]:
            for _ in range(heard):
                self.on_answer(member, 0, True)


async def start(folder: Path, *, on: Sequence[int]) -> Ejabberd:
    """Start it with a fresh store. Raises NoEjabberd."""
    erlang = shutil.which("erl")
    if erlang is None or shutil.which("ejabberdctl") is None:
        raise NoEjabberd(
            "ejabberd is not installed, so it is left out: apt-get install --no-install-recommends ejabberd"
        )
    port = free_port()
    home = folder / NAME
    home.mkdir()
    configuration = home / "ejabberd.yml"
    configuration.write_text(CONFIGURATION % port, encoding="utf-8")
    waiting = ["+sbwt", "none", "+sbwtdcpu", "none", "+sbwtdio", "none"]  # waiting busily would count as work
    program = Program.start(
        NAME,
        [erlang, "-noinput", "+K", "true", *waiting, "-mnesia", "dir", f'"{home}"', "-s", "ejabberd"],
        folder=folder,
        on=on,
        more={
            "ERL_LIBS": str(LIBRARIES),
            "EJABBERD_CONFIG_PATH": str(configuration),
            "EJABBERD_LOG_PATH": str(home / "ejabberd.log"),
            "HOME": str(home),
        },
    )
    await program.ready(lambda: listens(port))
    return Ejabberd(NAME, port, [program], [program.pid])
