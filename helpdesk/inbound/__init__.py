"""Mail that comes in: what it says, whose it is, and what is done with it."""

from helpdesk.inbound.fetching import DELETE, fetch_now
from helpdesk.inbound.handling import MAX_ATTEMPTS, Named, beside, forget_person, naming, take_in
from helpdesk.inbound.reading import MAX_BYTES

__all__ = [
    "DELETE", "MAX_ATTEMPTS", "MAX_BYTES", "Named", "beside", "fetch_now", "forget_person", "naming", "take_in",
]  # fmt: skip
