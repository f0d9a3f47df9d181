"""What can be done with a ticket, and the lists of them."""

from helpdesk.tickets.affected import add_affected, affected, join, leave
from helpdesk.tickets.fields import EDITORS, end_joiners_access, person_by_email, staff_member
from helpdesk.tickets.lists import OF_OWN, OPEN_TO_ALL, count, count_each, listing, show, show_one, tags_of, today
from helpdesk.tickets.verbs import create, destroy, edit, move_by_itself, set_status, take

__all__ = [
    "EDITORS",
    "OF_OWN",
    "OPEN_TO_ALL",
    "add_affected",
    "affected",
    "count",
    "count_each",
    "create",
    "destroy",
    "edit",
    "end_joiners_access",
    "join",
    "leave",
    "listing",
    "move_by_itself",
    "person_by_email",
    "set_status",
    "show",
    "show_one",
    "staff_member",
    "tags_of",
    "take",
    "today",
]
