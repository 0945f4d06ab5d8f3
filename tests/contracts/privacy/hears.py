"""The table of events: who hears each when Ada and her friends live their lives (`life.py`); nobody else may.

To add an event, add its line here and let it happen in `life.py`.
"""

HEARS = {
    # engine
    "session:ready": "",
    "session:closed": "",
    "sync:behind": "",
    "server:drain": "",
    # users, auth, factors
    "user:updated": "ada",
    "user:deleted": "",
    "user:restored": "",
    "user:suspended": "",
    "user:reported": "",
    "user:audience": "",
    "user:erased": "",
    "session:opened": "ada",
    "session:renamed": "ada",
    "session:ended": "ada",
    "factors:changed": "ada",
    # media
    "media:ready": "ada",
    "media:deleted": "ada",
    # social, contacts
    "friend:request": "moderator",
    "friend:accepted": "ada moderator",
    "friend:removed": "ada moderator",
    "friend:updated": "ada",
    "social:added": "",
    "social:removed": "",
    "social:permit": "",
    "user:blocked": "ada",
    "user:unblocked": "ada",
    "contacts:found": "ada",
    # presence
    "presence:updated": "ada friend moderator",
    "presence:batch": "",
    "presence:snapshot": "ada",
    "presence:count": "ada friend",
    # chat
    "message:new": "ada friend blocked",  # he hears what he says himself to the one who blocks him
    "message:updated": "ada friend",
    "message:deleted": "ada friend",
    "message:hidden": "ada",
    "message:starred": "ada",
    "draft:changed": "ada",
    "scheduled:changed": "ada",
    "conversation:updated": "ada friend",
    "conversation:removed": "friend",
    "conversation:read": "ada friend",
    "conversation:unread": "ada",
    "conversation:preferences": "ada",
    "conversation:request": "ada",
    "folders:changed": "ada",
    "thread:updated": "ada friend",
    "thread:followed": "ada",
    "message:typing": "friend",
    "receipt:update": "ada friend",
    # keys, envelopes
    "e2ee:keys_low": "ada",
    "e2ee:devices_changed": "ada",
    "e2ee:devices_gone": "",
    "e2ee:provision": "ada",
    "identity:changed": "ada friend",
    "e2ee:envelope": "friend",
    "e2ee:receipt": "ada",
    # notices, safety
    "notice:new": "ada friend moderator",
    "notice:read": "friend",
    "notice:preferences": "ada",
    "notice:push": "",
    "safety:warned": "friend",
    "safety:appeal": "friend",
    # automod
    "automod:alert": "ada",
    "automod:held": "ada",
    "automod:decided": "ada friend",
}
