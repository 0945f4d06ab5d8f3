"""What this slice refuses, and in which words."""

from server.errors import Conflict, Forbidden, Invalid, MixeeError, NotFound


class OwnMessage(Invalid):
    """One's own messages cannot be reported."""

    code = "safety.own_message"

    def __init__(self) -> None:
        super().__init__("This is your own message: delete it if you do not want it there.")


class NotARequest(NotFound):
    """The conversation is no request of a stranger to the one who asks."""

    code = "safety.no_request"

    def __init__(self) -> None:
        super().__init__("This conversation is no request to you.")


class NoSuchCase(NotFound):
    """There is no such report."""

    code = "safety.no_such_case"

    def __init__(self) -> None:
        super().__init__("There is no such case.")


class NotYours(Conflict):
    """Another moderator has the case, or it is closed."""

    code = "safety.not_yours"


class NobodyToBlame(Conflict):
    """The case is about a group: there is no one person to take a measure against."""

    code = "safety.nobody_to_blame"

    def __init__(self) -> None:
        super().__init__("The case is about a group: warn or suspend its people one by one.")


class NoSuchAccount(NotFound):
    """There is no such account."""

    code = "safety.no_such_account"

    def __init__(self, name: str = "") -> None:
        super().__init__(f"Nobody is registered here as “{name}”." if name else "There is no such account.")


class Untouchable(Forbidden):
    """Nobody moderates himself, and only an admin moderates moderators and admins."""

    code = "safety.untouchable"

    def __init__(self) -> None:
        super().__init__("You cannot do this to yourself; to moderators and admins only an admin can.")


class AlreadySuspended(Conflict):
    """The person is suspended already."""

    code = "safety.already_suspended"

    def __init__(self) -> None:
        super().__init__("This account is suspended already.")


class NotSuspended(Conflict):
    """The person is not suspended."""

    code = "safety.not_suspended"

    def __init__(self) -> None:
        super().__init__("This account is not suspended.")


class NothingToAppeal(NotFound):
    """There is no such warning or suspension, or it is over."""

    code = "safety.nothing_to_appeal"

    def __init__(self) -> None:
        super().__init__("There is no warning or suspension to object to, or it is over.")


class AlreadyAppealed(Conflict):
    """There is one appeal against each measure."""

    code = "safety.already_appealed"

    def __init__(self) -> None:
        super().__init__("You have objected to this already: one appeal is heard.")


class NoSuchAppeal(NotFound):
    """There is no such appeal that waits for a decision."""

    code = "safety.no_such_appeal"

    def __init__(self) -> None:
        super().__init__("There is no such appeal that is open.")


class OwnMeasure(Forbidden):
    """Another moderator decides, or an admin."""

    code = "safety.own_measure"

    def __init__(self) -> None:
        super().__init__("You took this measure: another moderator decides about the appeal, or an admin.")


class LastAdmin(Conflict):
    """There must be an admin who can sign in."""

    code = "safety.last_admin"

    def __init__(self) -> None:
        super().__init__("This is the last admin: make somebody else an admin first.")


class NotActive(Conflict):
    """An account that is suspended or about to be deleted gets no office."""

    code = "safety.not_active"

    def __init__(self) -> None:
        super().__init__("This account is suspended or about to be deleted: it can be given no office.")


class NotAdmin(Forbidden):
    """The token says admin, and the account is none any more."""

    code = "safety.not_admin"

    def __init__(self) -> None:
        super().__init__("You are no admin any more: sign in again.")


ERRORS: tuple[type[MixeeError], ...] = (
    OwnMessage,
    LastAdmin,
    NotActive,
    NotAdmin,
    NotARequest,
    NoSuchCase,
    NotYours,
    NobodyToBlame,
    NoSuchAccount,
    Untouchable,
    AlreadySuspended,
    NotSuspended,
    NothingToAppeal,
    AlreadyAppealed,
    NoSuchAppeal,
    OwnMeasure,
)
