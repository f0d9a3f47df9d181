"""Every JSON shape, in the order of openapi.yml. Strict both ways: unknown fields are refused, nothing is coerced."""

# ruff: noqa: F403  (each module lists nothing but shapes and words, and all of them are meant)

from helpdesk.schemas.analytics import *
from helpdesk.schemas.desk import *
from helpdesk.schemas.lists import *
from helpdesk.schemas.people import *
from helpdesk.schemas.running import *
from helpdesk.schemas.shape import *
from helpdesk.schemas.sla import *
from helpdesk.schemas.tickets import *
from helpdesk.schemas.words import *
from helpdesk.schemas.writing import *
