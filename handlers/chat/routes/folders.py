"""Folders of one's conversations."""

from handlers.chat.models.folders import ChangedFolder, FolderOrder, Folders, NewFolder, OneFolder
from handlers.chat.routes.base import READING, SETTING, routes
from handlers.chat.service import Chat, FolderLimit
from server.actors import Actor
from server.errors import NotFound, Unavailable


@routes.command("GET /api/folders", event="folders:list", needs="chat:read", limits=READING)
async def list_folders(chat: Chat, actor: Actor) -> Folders:
    """List your folders, in your order. What is in one: `GET /api/conversations?folderId=`."""
    return await chat.folders.all_of(actor)


@routes.command(
    "POST /api/folders",
    event="folders:create",
    needs="chat:write",
    status=201,
    limits=SETTING,
    errors=(FolderLimit, Unavailable),
)
async def create_folder(chat: Chat, actor: Actor, body: NewFolder) -> Folders:
    """Make a folder: conversations that you name, and rules for others. Up to 20, told to your devices."""
    return await chat.folders.create(actor, body)


@routes.command(
    "PUT /api/folders", event="folders:order", needs="chat:write", limits=SETTING, errors=(NotFound, Unavailable)
)
async def order_folders(chat: Chat, actor: Actor, body: FolderOrder) -> Folders:
    """Put your folders in another order."""
    return await chat.folders.order(actor, body)


@routes.command(
    "PUT /api/folders/{folderId}",
    event="folders:change",
    needs="chat:write",
    limits=SETTING,
    errors=(NotFound, Unavailable),
)
async def change_folder(chat: Chat, actor: Actor, body: ChangedFolder) -> Folders:
    """Change a folder; what you leave out stays."""
    return await chat.folders.change(actor, body)


@routes.command(
    "DELETE /api/folders/{folderId}",
    event="folders:delete",
    needs="chat:write",
    status=200,
    limits=SETTING,
    errors=(NotFound, Unavailable),
)
async def delete_folder(chat: Chat, actor: Actor, body: OneFolder) -> Folders:
    """Delete a folder. The conversations in it stay."""
    return await chat.folders.delete(actor, body)
