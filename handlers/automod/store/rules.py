"""The rules of each scope, in one document."""

import asyncio

from handlers.automod.models.rules import RuleSet
from storage.mongo import Collection, Document, UpdateOne

RULES = "automod_rules"


class RuleStore:
    """Rules by scope."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    async def get(self, scope_id: str) -> RuleSet | None:
        """The rules of a scope. Six thousand terms take a while to be read, so a thread does that."""
        document = await self._collection.find_one({"_id": scope_id})
        return None if document is None else await asyncio.to_thread(_rules, document)

    def setting(self, rules: RuleSet) -> tuple[str, UpdateOne]:
        """The write by which these are the rules of their scope, in the transaction of whoever changes it."""
        document = rules.model_dump(by_alias=True)
        key = document.pop("scopeId")
        return RULES, UpdateOne({"_id": key}, {"$set": document}, upsert=True)


def _rules(document: Document) -> RuleSet:
    return RuleSet.model_validate({"scopeId": document.pop("_id"), **document})
