"""Mail that comes in: what it says, whose it is, and what is done with it."""

from helpdesk.inbound.handling import MAX_ATTEMPTS, beside, forget_person, take_in
from helpdesk.inbound.reading import MAX_BYTES

__all__ = ["MAX_ATTEMPTS", "MAX_BYTES", "beside", "forget_person", "take_in"]
