"""A process that appends: `python -m tests.storage.log_worker URL DATABASE CONVERSATION NAME TASKS EACH`."""

import asyncio
import sys

from storage.mongo import Mongo
from tests.storage.log_nodes import message, nodes


async def main(arguments: list[str]) -> None:
    """Wait for a line of input, then let every task send its messages without waiting for the answers in between."""
    url, database, conversation, name = arguments[:4]
    tasks, each = map(int, arguments[4:])
    mongo = Mongo(url, database)
    async with nodes(mongo, 1) as (log,):
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)

        async def send(task: int) -> None:
            futures = [log.submit(message(conversation, f"{name}/{task}/{number}")) for number in range(each)]
            await asyncio.gather(*futures)

        await asyncio.gather(*map(send, range(tasks)))
    await mongo.close()
    print("done", flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
