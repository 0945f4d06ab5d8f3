"""Chat from a terminal: `python examples/client.py ada` listens, `python examples/client.py bob ada` writes to her."""

import asyncio
import sys
import uuid

import aiohttp
import socketio


async def main(name: str, friend: str = "", url: str = "http://127.0.0.1:8080") -> None:
    """Sign in as `name`, print what arrives, and send each line of standard input to `friend`."""
    account = {"username": name, "password": f"the secret of {name}"}
    person = {"email": f"{name}@example.com", "displayName": name, "acceptTerms": True}
    async with aiohttp.ClientSession(url) as http:
        answer = await http.post("/api/auth/login", json=account)
        if answer.status == 401:  # there is no such account yet
            answer = await http.post("/api/auth/register", json=account | person)
        me = await answer.json()
        if answer.status >= 400:
            sys.exit(me["message"])

    client = socketio.AsyncClient()

    async def heard(message: dict[str, str]) -> None:
        if message["senderId"] != me["user"]["id"]:
            sender = await client.call("users:get", {"userId": message["senderId"]})
            print(f"{sender['data']['displayName']}: {message['content']}", flush=True)

    friends = asyncio.Event()

    async def asked(request: dict[str, str]) -> None:
        await client.call("friends:accept", {"friendshipId": request["id"]})

    client.on("message:new", heard)
    client.on("friend:request", asked)
    client.on("friend:accepted", lambda _: friends.set())
    await client.connect(url, auth={"token": me["tokens"]["accessToken"]}, transports=["websocket"])
    if not friend:
        print(f"{name} is listening", flush=True)
        await client.wait()
    found = await client.call("users:search", {"q": friend})
    friend_id = found["data"]["users"][0]["id"]
    request = await client.call("friends:request", {"recipientId": friend_id})
    if request["ok"]:  # a stranger could say one thing only; this waits until the other accepts
        await friends.wait()
    with_friend = {"type": "direct", "participantIds": [friend_id]}
    chat = await client.call("conversations:create", with_friend)
    while line := await asyncio.to_thread(sys.stdin.readline):
        text = {"type": "text", "content": line.strip(), "clientMessageId": uuid.uuid4().hex}
        await client.call("message:send", {"conversationId": chat["data"]["id"]} | text)
    await client.disconnect()


asyncio.run(main(*sys.argv[1:]))
