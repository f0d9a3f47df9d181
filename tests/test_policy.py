"""Who may see and do what: every call by everybody, every status by every side. The tables here are the oracle."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from werkzeug.test import TestResponse

from blueprints import portal
from blueprints.http import served
from blueprints.pages import place_of_build
from helpdesk import policy
from helpdesk.errors import NotSignedIn
from helpdesk.policy import Action
from helpdesk.settings import ROOT
from models import Ticket, User, begin_write, db
from tests.contract import check, name_of
from tests.factories import Person, work
from tests.world import MISSING, PEOPLE, PERSONAL, REQUIRED, TARGETS, World, headers_of, sent_with, short, state

# The statuses are those of: anonymous, reporter, other customer, joined, agent, admin, deactivated.
MATRIX: list[tuple[str, str, str]] = [
    ("POST /api/auth/address", "", "204 204 204 204 204 204 204"),
    ("POST /api/auth/confirm", "", "200 200 200 200 200 200 200"),
    ("POST /api/auth/login", "", "200 200 200 200 200 200 200"),
    ("POST /api/auth/logout", "", "204 204 204 204 204 204 204"),
    ("POST /api/auth/password/change", "", "401 204 204 204 204 204 401"),
    ("POST /api/auth/password/forgot", "", "202 202 202 202 202 202 202"),
    ("POST /api/auth/password/reset", "", "204 204 204 204 204 204 204"),
    ("POST /api/auth/refresh", "", "200 200 200 200 200 200 200"),
    ("POST /api/auth/register", "", "202 202 202 202 202 202 202"),
    ("GET /api/analytics/heatmap", "", "401 403 403 403 200 200 401"),
    ("GET /api/analytics/rates", "", "401 403 403 403 200 200 401"),
    ("GET /api/analytics/report", "", "401 403 403 403 200 200 401"),
    ("GET /api/analytics/response-times", "", "401 403 403 403 200 200 401"),
    ("GET /api/analytics/sla", "", "401 403 403 403 200 200 401"),
    ("GET /api/analytics/summary", "", "401 403 403 403 200 200 401"),
    ("GET /api/analytics/trends", "", "401 403 403 403 200 200 401"),
    ("GET /api/auth/verify", "", "401 200 200 200 200 200 401"),
    ("GET /api/buildings", "", "200 200 200 200 200 200 200"),
    ("POST /api/buildings", "", "401 403 403 403 403 201 401"),
    ("GET /api/buildings/{building_id}", "building", "200 200 200 200 200 200 200"),
    ("PUT /api/buildings/{building_id}", "building", "401 403 403 403 403 200 401"),
    ("PATCH /api/buildings/{building_id}", "building", "401 403 403 403 403 200 401"),
    ("DELETE /api/buildings/{building_id}", "building", "401 403 403 403 403 204 401"),
    ("GET /api/categories", "", "200 200 200 200 200 200 200"),
    ("POST /api/categories", "", "401 403 403 403 403 201 401"),
    ("GET /api/categories/{category_id}", "category", "200 200 200 200 200 200 200"),
    ("PUT /api/categories/{category_id}", "category", "401 403 403 403 403 200 401"),
    ("PATCH /api/categories/{category_id}", "category", "401 403 403 403 403 200 401"),
    ("DELETE /api/categories/{category_id}", "category", "401 403 403 403 403 204 401"),
    ("GET /api/comments/{comment_id}", "words", "401 200 404 404 200 200 401"),
    ("GET /api/comments/{comment_id}", "joined's words", "401 404 404 200 200 200 401"),
    ("GET /api/comments/{comment_id}", "answer", "401 200 404 404 200 200 401"),
    ("GET /api/comments/{comment_id}", "broadcast", "401 200 404 200 200 200 401"),
    ("GET /api/comments/{comment_id}", "note", "401 404 404 404 200 200 401"),
    ("PUT /api/comments/{comment_id}", "words", "401 200 404 404 403 200 401"),
    ("PATCH /api/comments/{comment_id}", "words", "401 200 404 404 403 200 401"),
    ("PATCH /api/comments/{comment_id}", "joined's words", "401 404 404 200 403 200 401"),
    ("PATCH /api/comments/{comment_id}", "broadcast", "401 403 404 403 200 200 401"),
    ("PATCH /api/comments/{comment_id}", "note", "401 404 404 404 200 200 401"),
    ("DELETE /api/comments/{comment_id}", "words", "401 204 404 404 403 204 401"),
    ("DELETE /api/comments/{comment_id}", "joined's words", "401 404 404 204 403 204 401"),
    ("DELETE /api/comments/{comment_id}", "broadcast", "401 403 404 403 204 204 401"),
    ("DELETE /api/comments/{comment_id}", "note", "401 404 404 404 204 204 401"),
    ("POST /api/uploads", "", "401 201 201 201 201 201 401"),
    ("POST /api/comments/{comment_id}/undo", "reply just sent", "401 403 403 403 200 200 401"),
    ("POST /api/comments/{comment_id}/undo", "broadcast", "401 403 403 403 409 403 401"),
    ("POST /api/comments/{comment_id}/undo", "note", "401 403 403 403 409 403 401"),
    ("GET /api/images/{image_id}", "photo", "401 200 404 404 200 200 401"),
    ("GET /api/images/{image_id}", "untied photo", "401 200 404 404 404 404 401"),
    ("GET /api/images/{image_id}", "photo with words", "401 200 404 404 200 200 401"),
    ("GET /api/images/{image_id}", "photo with joined's words", "401 404 404 200 200 200 401"),
    ("GET /api/images/{image_id}", "photo with an answer", "401 200 404 404 200 200 401"),
    ("GET /api/images/{image_id}", "photo with a broadcast", "401 200 404 200 200 200 401"),
    ("GET /api/images/{image_id}", "photo with a note", "401 404 404 404 200 200 401"),
    ("GET /api/images/{image_id}/thumbnail", "photo", "401 200 404 404 200 200 401"),
    ("GET /api/images/{image_id}/thumbnail", "photo with a broadcast", "401 200 404 200 200 200 401"),
    ("GET /api/images/{image_id}/thumbnail", "photo with a note", "401 404 404 404 200 200 401"),
    ("DELETE /api/images/{image_id}", "photo", "401 204 404 404 204 204 401"),
    ("DELETE /api/images/{image_id}", "untied photo", "401 204 404 404 404 404 401"),
    ("DELETE /api/images/{image_id}", "photo with joined's words", "401 404 404 204 204 204 401"),
    ("DELETE /api/images/{image_id}", "photo with a broadcast", "401 403 404 403 204 204 401"),
    ("DELETE /api/images/{image_id}", "photo with a note", "401 404 404 404 204 204 401"),
    ("GET /api/report-subscriptions", "", "401 403 403 403 200 200 401"),
    ("POST /api/report-subscriptions", "", "401 403 403 403 403 201 401"),
    ("GET /api/report-subscriptions/{subscription_id}", "own mailed figures", "401 403 403 403 200 200 401"),
    ("GET /api/report-subscriptions/{subscription_id}", "another's mailed figures", "401 403 403 403 404 200 401"),
    ("DELETE /api/report-subscriptions/{subscription_id}", "own mailed figures", "401 403 403 403 204 204 401"),
    ("DELETE /api/report-subscriptions/{subscription_id}", "another's mailed figures", "401 403 403 403 404 204 401"),
    ("GET /api/saved-replies", "", "401 403 403 403 200 200 401"),
    ("POST /api/saved-replies", "", "401 403 403 403 201 201 401"),
    ("GET /api/saved-replies/{reply_id}", "saved reply", "401 403 403 403 200 200 401"),
    ("GET /api/saved-replies/{reply_id}", "own saved reply", "401 403 403 403 200 200 401"),
    ("GET /api/saved-replies/{reply_id}", "another's saved reply", "401 403 403 403 404 404 401"),
    ("PUT /api/saved-replies/{reply_id}", "saved reply", "401 403 403 403 403 200 401"),
    ("PUT /api/saved-replies/{reply_id}", "own saved reply", "401 403 403 403 200 200 401"),
    ("PATCH /api/saved-replies/{reply_id}", "saved reply", "401 403 403 403 403 200 401"),
    ("PATCH /api/saved-replies/{reply_id}", "own saved reply", "401 403 403 403 200 200 401"),
    ("PATCH /api/saved-replies/{reply_id}", "another's saved reply", "401 403 403 403 404 404 401"),
    ("DELETE /api/saved-replies/{reply_id}", "saved reply", "401 403 403 403 403 204 401"),
    ("DELETE /api/saved-replies/{reply_id}", "own saved reply", "401 403 403 403 204 204 401"),
    ("DELETE /api/saved-replies/{reply_id}", "another's saved reply", "401 403 403 403 404 404 401"),
    ("GET /api/calendars", "", "401 403 403 403 200 200 401"),
    ("POST /api/calendars", "", "401 403 403 403 403 201 401"),
    ("GET /api/calendars/{calendar_id}", "calendar", "401 403 403 403 200 200 401"),
    ("PUT /api/calendars/{calendar_id}", "calendar", "401 403 403 403 403 200 401"),
    ("PATCH /api/calendars/{calendar_id}", "calendar", "401 403 403 403 403 200 401"),
    ("DELETE /api/calendars/{calendar_id}", "calendar", "401 403 403 403 403 204 401"),
    ("GET /api/sla-policies", "", "401 403 403 403 200 200 401"),
    ("POST /api/sla-policies", "", "401 403 403 403 403 201 401"),
    ("GET /api/sla-policies/{policy_id}", "service level", "401 403 403 403 200 200 401"),
    ("PUT /api/sla-policies/{policy_id}", "service level", "401 403 403 403 403 200 401"),
    ("PATCH /api/sla-policies/{policy_id}", "service level", "401 403 403 403 403 200 401"),
    ("DELETE /api/sla-policies/{policy_id}", "service level", "401 403 403 403 403 204 401"),
    ("PUT /api/sla-policies/order", "", "401 403 403 403 403 200 401"),
    ("POST /api/sla-policies/dry-run", "", "401 403 403 403 403 200 401"),
    ("GET /api/sla-policies/recount", "", "401 403 403 403 200 200 401"),
    ("GET /api/site", "", "200 200 200 200 200 200 200"),
    ("GET /api/tags", "", "401 403 403 403 200 200 401"),
    ("POST /api/tags", "", "401 403 403 403 201 201 401"),
    ("GET /api/tags/{tag_id}", "tag", "401 403 403 403 200 200 401"),
    ("PUT /api/tags/{tag_id}", "tag", "401 403 403 403 200 200 401"),
    ("PATCH /api/tags/{tag_id}", "tag", "401 403 403 403 200 200 401"),
    ("POST /api/tags/{tag_id}/merge", "tag", "401 403 403 403 200 200 401"),
    ("DELETE /api/tags/{tag_id}", "tag", "401 403 403 403 204 204 401"),
    ("GET /api/tasks", "", "401 403 403 403 200 200 401"),
    ("POST /api/tasks", "", "401 403 403 403 201 201 401"),
    ("GET /api/tasks/{task_id}", "task", "401 403 403 403 200 200 401"),
    ("PUT /api/tasks/{task_id}", "task", "401 403 403 403 200 200 401"),
    ("PATCH /api/tasks/{task_id}", "task", "401 403 403 403 200 200 401"),
    ("DELETE /api/tasks/{task_id}", "task", "401 403 403 403 204 204 401"),
    ("GET /api/views", "", "401 403 403 403 200 200 401"),
    ("POST /api/views", "", "401 403 403 403 201 201 401"),
    ("GET /api/views/{view_id}", "view", "401 403 403 403 200 200 401"),
    ("GET /api/views/{view_id}", "shared view", "401 403 403 403 200 200 401"),
    ("GET /api/views/{view_id}", "somebody's view", "401 403 403 403 404 404 401"),
    ("PUT /api/views/{view_id}", "view", "401 403 403 403 200 200 401"),
    ("PUT /api/views/{view_id}", "shared view", "401 403 403 403 403 200 401"),
    ("PATCH /api/views/{view_id}", "view", "401 403 403 403 200 200 401"),
    ("PATCH /api/views/{view_id}", "shared view", "401 403 403 403 403 200 401"),
    ("PATCH /api/views/{view_id}", "somebody's view", "401 403 403 403 404 404 401"),
    ("DELETE /api/views/{view_id}", "view", "401 403 403 403 204 204 401"),
    ("DELETE /api/views/{view_id}", "shared view", "401 403 403 403 403 204 401"),
    ("DELETE /api/views/{view_id}", "somebody's view", "401 403 403 403 404 404 401"),
    ("POST /api/tickets/bulk", "", "401 403 403 403 200 200 401"),
    ("POST /api/bulk-edits/{bulk_edit_id}/undo", "own bulk edit", "401 403 403 403 200 200 401"),
    ("POST /api/bulk-edits/{bulk_edit_id}/undo", "other's bulk edit", "401 403 403 403 404 404 401"),
    ("GET /api/teams", "", "401 403 403 403 200 200 401"),
    ("POST /api/teams", "", "401 403 403 403 403 201 401"),
    ("GET /api/teams/{team_id}", "team", "401 403 403 403 200 200 401"),
    ("PUT /api/teams/{team_id}", "team", "401 403 403 403 403 200 401"),
    ("PATCH /api/teams/{team_id}", "team", "401 403 403 403 403 200 401"),
    ("DELETE /api/teams/{team_id}", "team", "401 403 403 403 403 204 401"),
    ("PUT /api/teams/{team_id}/members/{user_id}", "team and colleague", "401 403 403 403 403 200 401"),
    ("DELETE /api/teams/{team_id}/members/{user_id}", "member", "401 403 403 403 403 204 401"),
    ("PUT /api/users/me/away", "in a team", "401 403 403 403 204 204 401"),
    ("DELETE /api/users/me/away", "in a team", "401 403 403 403 204 204 401"),
    ("GET /api/tickets", "", "401 200 200 200 200 200 401"),
    ("GET /api/tickets/counts", "", "401 200 200 200 200 200 401"),
    ("GET /api/tickets/known", "", "401 200 200 200 200 200 401"),
    ("GET /api/tickets/similar", "", "401 200 200 200 200 200 401"),
    ("POST /api/tickets", "", "401 201 201 201 201 201 401"),
    ("POST /api/tickets/confirm", "", "200 200 200 200 200 200 200"),
    ("GET /api/tickets/by-link/{token}", "link", "200 200 200 200 200 200 200"),
    ("GET /api/tickets/by-link/{token}/timeline", "link", "200 200 200 200 200 200 200"),
    ("POST /api/tickets/by-link/{token}/comments", "link", "201 201 201 201 201 201 201"),
    ("POST /api/tickets/by-link/{token}/uploads", "link", "201 201 201 201 201 201 201"),
    ("POST /api/tickets/by-link/{token}/images", "link", "201 201 201 201 201 201 201"),
    ("GET /api/tickets/by-link/{token}/images", "link", "200 200 200 200 200 200 200"),
    ("GET /api/tickets/by-link/{token}/images/{image_id}", "photo by link", "200 200 200 200 200 200 200"),
    ("GET /api/tickets/by-link/{token}/images/{image_id}", "another's photo by link", "404 404 404 404 404 404 404"),
    ("GET /api/tickets/by-link/{token}/images/{image_id}/thumbnail", "photo by link", "200 200 200 200 200 200 200"),
    ("DELETE /api/tickets/by-link/{token}/images/{image_id}", "photo by link", "204 204 204 204 204 204 204"),
    ("DELETE /api/tickets/by-link/{token}/images/{image_id}", "another's photo by link", "404 404 404 404 404 404 404"),
    ("GET /api/tickets/{ticket_id}", "ticket", "401 200 404 200 200 200 401"),
    ("GET /api/tickets/{ticket_id}", "confidential", "401 200 404 404 200 200 401"),
    ("GET /api/tickets/{ticket_id}", "of staff", "401 404 404 404 200 200 401"),
    ("PUT /api/tickets/{ticket_id}", "ticket", "401 200 404 403 200 200 401"),
    ("PATCH /api/tickets/{ticket_id}", "ticket", "401 200 404 403 200 200 401"),
    ("PATCH /api/tickets/{ticket_id}", "confidential", "401 200 404 404 200 200 401"),
    ("DELETE /api/tickets/{ticket_id}", "ticket", "401 403 403 403 403 204 401"),
    ("PUT /api/tickets/{ticket_id}/read", "ticket", "401 403 403 403 204 204 401"),
    ("DELETE /api/tickets/{ticket_id}/read", "ticket", "401 403 403 403 204 204 401"),
    ("PUT /api/tickets/{ticket_id}/affected/me", "ticket", "401 204 204 204 204 204 401"),
    ("PUT /api/tickets/{ticket_id}/affected/me", "confidential", "401 404 404 404 404 404 401"),
    ("DELETE /api/tickets/{ticket_id}/affected/me", "ticket", "401 204 204 204 204 204 401"),
    ("DELETE /api/tickets/{ticket_id}/affected/me", "confidential", "401 404 404 404 404 404 401"),
    ("GET /api/tickets/{ticket_id}/affected", "ticket", "401 403 403 403 200 200 401"),
    ("POST /api/tickets/{ticket_id}/affected", "ticket", "401 403 403 403 204 204 401"),
    ("DELETE /api/tickets/{ticket_id}/affected/{user_id}", "joined", "401 403 403 403 204 204 401"),
    ("GET /api/tickets/{ticket_id}/comments", "ticket", "401 200 404 200 200 200 401"),
    ("GET /api/tickets/{ticket_id}/comments", "confidential", "401 200 404 404 200 200 401"),
    ("POST /api/tickets/{ticket_id}/comments", "ticket", "401 201 404 201 201 201 401"),
    ("POST /api/tickets/{ticket_id}/comments", "confidential", "401 201 404 404 201 201 401"),
    ("GET /api/tickets/{ticket_id}/draft", "draft", "401 403 403 403 200 200 401"),
    ("GET /api/tickets/{ticket_id}/draft", "ticket", "401 403 403 403 404 404 401"),
    ("PUT /api/tickets/{ticket_id}/draft", "draft", "401 403 403 403 204 204 401"),
    ("DELETE /api/tickets/{ticket_id}/draft", "draft", "401 403 403 403 204 204 401"),
    ("GET /api/tickets/{ticket_id}/due", "ticket", "401 403 403 403 200 200 401"),
    ("GET /api/tickets/{ticket_id}/events", "ticket", "401 200 404 200 200 200 401"),
    ("GET /api/tickets/{ticket_id}/events", "confidential", "401 200 404 404 200 200 401"),
    ("GET /api/tickets/{ticket_id}/images", "ticket", "401 200 404 200 200 200 401"),
    ("GET /api/tickets/{ticket_id}/images", "confidential", "401 200 404 404 200 200 401"),
    ("POST /api/tickets/{ticket_id}/images", "ticket", "401 201 404 403 201 201 401"),
    ("POST /api/tickets/{ticket_id}/images", "confidential", "401 201 404 404 201 201 401"),
    ("PUT /api/tickets/{ticket_id}/presence", "ticket", "401 403 403 403 200 200 401"),
    ("DELETE /api/tickets/{ticket_id}/presence", "ticket", "401 403 403 403 204 204 401"),
    ("GET /api/tickets/{ticket_id}/saved-replies/{reply_id}", "ticket and saved reply", "401 403 403 403 200 200 401"),
    ("GET /api/tickets/{ticket_id}/timeline", "ticket", "401 200 404 200 200 200 401"),
    ("GET /api/tickets/{ticket_id}/timeline", "confidential", "401 200 404 404 200 200 401"),
    ("POST /api/tickets/{ticket_id}/merge", "ticket", "401 403 403 403 200 200 401"),
    ("POST /api/tickets/{ticket_id}/unmerge", "merged", "401 403 403 403 200 200 401"),
    ("POST /api/comments/{comment_id}/split", "words", "401 403 403 403 201 201 401"),
    ("GET /api/users", "", "401 403 403 403 200 200 401"),
    ("POST /api/users", "", "401 403 403 403 403 201 401"),
    ("GET /api/users/{user_id}", "customer", "401 403 403 403 200 200 401"),
    ("GET /api/users/{user_id}", "colleague", "401 403 403 403 200 200 401"),
    ("PUT /api/users/{user_id}", "customer", "401 403 403 403 403 200 401"),
    ("PATCH /api/users/{user_id}", "customer", "401 403 403 403 403 200 401"),
    ("PATCH /api/users/{user_id}", "colleague", "401 403 403 403 403 200 401"),
    ("DELETE /api/users/{user_id}", "somebody", "401 403 403 403 403 204 401"),
    ("GET /api/audit-events", "", "401 403 403 403 403 200 401"),
    ("GET /api/jobs", "", "401 403 403 403 403 200 401"),
    ("GET /api/jobs/counts", "", "401 403 403 403 403 200 401"),
    ("POST /api/jobs/retry", "", "401 403 403 403 403 200 401"),
    ("GET /api/jobs/{job_id}", "job", "401 403 403 403 403 200 401"),
    ("POST /api/jobs/{job_id}/retry", "job", "401 403 403 403 403 200 401"),
    ("DELETE /api/jobs/{job_id}", "job", "401 403 403 403 403 204 401"),
    ("GET /api/inbound-mails", "", "401 403 403 403 403 200 401"),
    ("GET /api/inbound-mails/{mail_id}", "mail laid aside", "401 403 403 403 403 200 401"),
    ("GET /api/inbound-mails/{mail_id}/raw", "mail laid aside", "401 403 403 403 403 200 401"),
    ("POST /api/inbound-mails/{mail_id}/retry", "mail laid aside", "401 403 403 403 403 200 401"),
    ("POST /api/inbound-mails/{mail_id}/report", "mail laid aside", "401 403 403 403 403 200 401"),
    ("POST /api/inbound-mails/{mail_id}/dismiss", "mail laid aside", "401 403 403 403 403 200 401"),
    ("GET /api/comments/{comment_id}/original", "words by mail", "401 403 403 403 200 200 401"),
    ("GET /api/comments/{comment_id}/original", "words", "401 403 403 403 404 404 401"),
    ("GET /api/tickets/{ticket_id}/original", "report by mail", "401 403 403 403 200 200 401"),
    ("GET /api/tickets/{ticket_id}/original", "ticket", "401 403 403 403 404 404 401"),
    ("DELETE /api/users/{user_id}/bounce", "customer", "401 403 403 403 403 204 401"),
    ("GET /api/users/counts", "", "401 403 403 403 403 200 401"),
    ("POST /api/users/{user_id}/invite", "invited", "401 403 403 403 403 202 401"),
    ("POST /api/users/{user_id}/password-link", "somebody", "401 403 403 403 403 202 401"),
    ("GET /api/users/{user_id}/sessions", "customer", "401 403 403 403 403 200 401"),
    ("DELETE /api/users/{user_id}/sessions", "somebody", "401 403 403 403 403 204 401"),
    ("DELETE /api/users/{user_id}/sessions/{session_id}", "somebody's session", "401 403 403 403 403 204 401"),
    ("GET /api/users/me", "", "401 200 200 200 200 200 401"),
    ("PUT /api/users/me", "", "401 200 200 200 200 200 401"),
    ("PATCH /api/users/me", "", "401 200 200 200 200 200 401"),
    ("GET /api/users/me/sessions", "", "401 200 200 200 200 200 401"),
    ("DELETE /api/users/me/sessions", "", "401 204 204 204 204 204 401"),
    ("DELETE /api/users/me/sessions/{session_id}", "own session", "401 204 204 204 204 204 401"),
    ("DELETE /api/users/me/sessions/{session_id}", "other's session", "401 404 404 404 404 404 401"),
]

# What is served outside the contract: anonymous, customer, agent, admin, deactivated. 302 leads to the login page.
PAGES: dict[str, str] = {
    **dict.fromkeys(map(short, portal.PATHS), "200 200 200 200 200"),  # the same page for everybody: it asks the API
    "/manifest.webmanifest": "200 200 200 200 200",
    "/static/dist/assets/{name}": "200 200 200 200 200",
    "/report/plain": "200 200 200 200 200",
    "/report/plain/sent": "200 200 200 200 200",
    "/report/plain/sent/{ticket_id}": "401 404 200 200 401",
    "/api/docs": "200 200 200 200 200",
    "/api/openapi.json": "200 200 200 200 200",
    "/dev/mailbox": "200 200 200 200 200",
    "/healthz": "200 200 200 200 200",
    "/readyz": "200 200 200 200 200",
    "/static/{filename}": "200 200 200 200 200",
    "/account/address": "400 400 400 400 400",  # without the token of a link
    "/account/confirm": "400 400 400 400 400",
    "/account/done/{what}": "200 200 200 200 200",
    "/account/fixed": "400 400 400 400 400",
    "/account/forgot": "200 200 200 200 200",
    "/account/login": "200 302 302 302 200",
    "/account/mails/off": "400 400 400 400 400",
    "/account/report": "400 400 400 400 400",
    "/account/reset": "400 400 400 400 400",
    "/staff/": "302 403 200 200 302",
    "/staff/find": "302 403 200 200 302",
    "/staff/keys": "302 403 200 200 302",
    "/staff/admin/audit": "302 403 403 200 302",
    "/staff/admin/audit.csv": "302 403 403 200 302",
    "/staff/admin/jobs": "302 403 403 200 302",
    "/staff/admin/jobs/retry": "405 405 405 405 405",
    "/staff/admin/jobs/{job_id}": "302 403 403 200 302",
    "/staff/admin/jobs/{job_id}/retry": "405 405 405 405 405",
    "/staff/admin/jobs/{job_id}/drop": "405 405 405 405 405",
    "/staff/admin/mails": "302 403 403 200 302",
    "/staff/admin/mails/{mail_id}": "302 403 403 200 302",
    "/staff/admin/mails/{mail_id}/raw": "302 403 403 200 302",
    "/staff/admin/mails/{mail_id}/retry": "405 405 405 405 405",
    "/staff/admin/mails/{mail_id}/report": "405 405 405 405 405",
    "/staff/admin/mails/{mail_id}/dismiss": "405 405 405 405 405",
    "/staff/comments/{comment_id}/original": "302 403 404 404 302",  # that came by no mail
    "/staff/tickets/{ticket_id}/original": "302 403 404 404 302",
    "/staff/admin/users": "302 403 403 200 302",
    "/staff/admin/users/new": "302 403 403 200 302",
    "/staff/admin/users/{user_id}": "302 403 403 200 302",
    **dict.fromkeys(
        (f"/staff/admin/users/{{user_id}}/{form}" for form in ("role", "deactivate", "erase")), "302 403 403 200 302"
    ),
    **dict.fromkeys(
        (f"/staff/admin/users/{{user_id}}/{form}" for form in ("activate", "link", "reached", "sessions")),
        "405 405 405 405 405",
    ),
    "/staff/analytics": "302 403 200 200 302",
    "/staff/bulk": "302 302 302 302 302",  # the addresses of forms lead to the queue
    "/staff/bulk/{bulk_edit_id}/undo": "302 302 302 302 302",
    "/staff/suggest": "302 403 200 200 302",
    "/staff/views/new": "302 403 200 200 302",
    "/staff/views/{view_id}": "302 403 200 200 302",
    "/staff/login": "200 403 302 302 200",
    "/staff/logout": "405 405 405 405 405",
    "/staff/reports": "302 403 200 200 302",
    "/staff/reports/{subscription_id}/stop": "405 405 405 405 405",
    "/staff/replies": "302 403 200 200 302",
    "/staff/replies/{reply_id}": "302 403 200 200 302",
    "/staff/admin/teams": "302 403 200 200 302",
    "/staff/admin/teams/{team_id}": "302 403 200 200 302",
    "/staff/admin/teams/{team_id}/members": "405 405 405 405 405",
    "/staff/admin/categories": "302 403 403 200 302",
    "/staff/admin/categories/{category_id}": "302 403 403 200 302",
    "/staff/admin/buildings": "302 403 403 200 302",
    "/staff/admin/buildings/{building_id}": "302 403 403 200 302",
    "/staff/admin/buildings/{building_id}/labels": "302 403 403 200 302",
    "/staff/admin/tags": "302 403 200 200 302",
    "/staff/admin/tags/{tag_id}": "302 403 200 200 302",
    "/staff/away": "405 405 405 405 405",
    "/staff/admin/sla": "302 403 403 200 302",
    "/staff/admin/sla/new": "302 403 403 200 302",
    "/staff/admin/sla/{policy_id}": "302 403 403 200 302",
    "/staff/admin/calendars": "302 403 403 200 302",
    "/staff/admin/calendars/new": "302 403 403 200 302",
    "/staff/admin/calendars/{calendar_id}": "302 403 403 200 302",
    "/staff/tickets/{ticket_id}/due": "302 403 200 200 302",
    "/staff/tickets/new": "302 403 200 200 302",
    "/staff/tickets/{ticket_id}": "302 403 200 200 302",
    **dict.fromkeys(  # the address of a form leads to the ticket
        (f"/staff/tickets/{{ticket_id}}/{form}" for form in ("comments", "compose", "people", "tasks", "undo")),
        "302 302 302 302 302",
    ),
    "/staff/tickets/{ticket_id}/news": "302 403 200 200 302",
    "/staff/tickets/{ticket_id}/print": "302 403 200 200 302",
    "/staff/merge": "302 403 404 404 302",  # of no ticket
    "/staff/comments/{comment_id}/split": "302 403 200 200 302",
    "/staff/tasks": "302 403 200 200 302",
    "/staff/tasks/tick": "405 405 405 405 405",
    "/staff/tasks/{task_id}": "302 403 200 200 302",
    "/staff/tasks/{task_id}/delete": "405 405 405 405 405",
    "/staff/tickets/{ticket_id}/delete": "302 403 403 200 302",
    "/staff/tickets/{ticket_id}/unmerge": "405 405 405 405 405",
}


@pytest.fixture
def world(app: Flask) -> World:
    return World(app)


def test_every_call_stands_in_the_matrix_and_nothing_else_does(app: Flask) -> None:
    calls = {f"{call.method} {short(call.rule)}" for call in served(app)}
    assert {call for call, _, _ in MATRIX} == calls
    assert len({row[:2] for row in MATRIX}) == len(MATRIX)
    for call in calls:  # a refusal proves something only where the same request succeeds for who is entitled to it
        assert any(code[0] == "2" for name, _, codes in MATRIX if name == call for code in codes.split()), call


def _send(
    world: World, who: str, call: str, target: dict[str, int], sent: dict[str, Any], headers: dict[str, str]
) -> TestResponse:
    method, _, path = call.partition(" ")
    return world.people[who].open(method, path.format(**target) + REQUIRED.get(call, ""), headers=headers, **sent)


@pytest.mark.parametrize(("call", "target", "codes"), MATRIX, ids=lambda text: text.replace("/api/", ""))
def test_everybody_gets_what_the_matrix_says_as_documented_and_a_refusal_changes_nothing(
    world: World, call: str, target: str, codes: str
) -> None:
    documented = next(one for one in served(world.app) if name_of(one) == call)
    parts: dict[str, int] = {}
    used = True
    for who, expected in zip(PEOPLE, map(int, codes.split()), strict=True):
        if used or target in PERSONAL or "view" in target:
            parts = TARGETS[target](world, who)
        sent, headers = sent_with(call, world, who), headers_of(call, world, who)
        before = state()
        response = _send(world, who, call, parts, sent, headers)
        assert response.status_code == expected, (who, response.get_data(as_text=True))
        check(documented, response)
        used = expected < 300 and call[:3] != "GET"
        if not used:
            assert state() == before, who
        if expected == 404:
            missing = _send(world, who, call, dict.fromkeys(parts, MISSING), sent, headers)
            assert _told(missing) == _told(response), who
        if call[:3] == "GET":
            head = world.people[who].open("HEAD", call[4:].format(**parts) + REQUIRED.get(call, ""))
            assert (head.status_code, head.data) == (expected, b"")


def _told(response: TestResponse) -> tuple[Any, ...]:
    """All of an answer but the request's own name."""
    body = {name: value for name, value in response.json.items() if name != "request_id"}
    headers = {name: value for name, value in response.headers.items() if name != "X-Request-ID"}
    return response.status_code, body, headers


def test_the_matrix_equals_the_published_permission_table() -> None:
    published: dict[str, list[str]] = {}
    for line in (ROOT / "docs" / "permissions.md").read_text().splitlines():
        if found := re.match(r"\| `([A-Z]+ /api/[^`]*)` \| [^|]* \| (.*) \|$", line):
            published[found[1]] = [mark.strip() for mark in found[2].split("|")]
    assert published.keys() == {call for call, _, _ in MATRIX}
    for call, _, codes in MATRIX:
        of = dict(zip(PEOPLE, map(int, codes.split()), strict=True))
        anonymous, customer, agent, admin = (mark == "yes" for mark in published[call])
        assert (of["anonymous"] != 401) == (of["off"] != 401) == anonymous, call
        for allowed, people in ((customer, ("reporter", "other", "joined")), (agent, ("agent",)), (admin, ("admin",))):
            for who in people:
                # whoever's role may do it can still be refused one thing, but whoever's may not never gets further
                assert allowed or of[who] == 403, (call, who)


# --- what is served outside the contract ------------------------------------------------------------------------------


def test_every_other_address_stands_in_the_table_of_pages(app: Flask) -> None:
    contract = {call.endpoint for call in served(app)}
    rules = {short(rule.rule) for rule in app.url_map.iter_rules() if rule.endpoint not in contract}
    assert rules == PAGES.keys()


@pytest.mark.parametrize("path", PAGES)
def test_everybody_gets_the_pages_that_are_theirs(world: World, path: str) -> None:
    built = next(place_of_build().glob("assets/portal-*.js")).name
    number = world.people["reporter"].reports()
    parts = {
        "ticket_id": number,
        "comment_id": world.people["reporter"].writes(number),
        "task_id": world.made("/api/tasks", title="Order a valve"),
        "bulk_edit_id": 1,
        "user_id": world.people["other"].id,
        **TARGETS["job"](world, "admin"),
        **TARGETS["mail laid aside"](world, "admin"),
        "subscription_id": 1,
        "view_id": world.view_of("agent", is_shared=True),
        **TARGETS["saved reply"](world, "admin"),
        **{
            name: part
            for word in ("team", "category", "building", "tag")
            for name, part in TARGETS[word](world, "").items()
        },
        **TARGETS["service level"](world, "admin"),
        **TARGETS["calendar"](world, "admin"),
    }
    address = path.format(filename="ui.css", name=built, what="sent", **parts)
    for who, expected in zip(("anonymous", "other", "agent", "admin", "off"), PAGES[path].split(), strict=True):
        response = world.people[who].get(address, headers={"Accept": "text/html,application/json;q=0.9"})
        assert response.status_code == int(expected), (who, response.get_data(as_text=True)[:500])
        response.close()


# --- the workflow -----------------------------------------------------------------------------------------------------

# from | to, by staff | to, by the reporter; as in API.md
WORKFLOW = """
open        | in_progress, waiting, resolved, closed | closed
in_progress | open, waiting, resolved, closed        | closed
waiting     | open, in_progress, resolved, closed    | closed
resolved    | open, in_progress, closed              | open, closed
closed      | open                                   |
"""
STATUSES = ("open", "in_progress", "waiting", "resolved", "closed")


def _table() -> dict[tuple[str, str], set[str]]:
    """(side, from) → to."""
    found = {}
    for line in WORKFLOW.strip().splitlines():
        start, staff, reporter = (cell.strip() for cell in line.split("|"))
        for side, cell in (("staff", staff), ("reporter", reporter), ("joined", "")):
            found[side, start] = {word.strip() for word in cell.split(",") if word.strip()}
    return found


def _in(world: World, status: str) -> int:
    """A ticket in this status."""
    number = world.ticket()
    if status != "open":
        world.agent.sets(number, status=status)
    return number


@pytest.mark.parametrize("start", STATUSES)
@pytest.mark.parametrize("who", ["agent", "admin", "reporter", "joined"])
def test_a_status_changes_as_the_table_says_and_no_other_way(world: World, who: str, start: str) -> None:
    side = "staff" if who in ("agent", "admin") else who
    allowed, person = _table()[side, start], world.people[who]
    number = _in(world, start)
    assert set(person.sees(number)["transitions"]) == allowed
    for to in STATUSES:
        before = state()
        response = person.patch(f"/api/tickets/{number}", {"status": to})
        if to in allowed:
            assert (response.status_code, response.json["status"]) == (200, to)
            events = world.agent.get(f"/api/tickets/{number}/events").json["items"]
            assert (events[-1]["field"], events[-1]["from_value"], events[-1]["to_value"]) == ("status", start, to)
            number = _in(world, start)
            continue
        # to stay where one is changes nothing
        assert response.status_code == (403 if side == "joined" else 200 if to == start else 409), to
        assert state() == before


@pytest.mark.parametrize("start", STATUSES)
def test_only_the_reporters_comment_moves_a_ticket(world: World, start: str) -> None:
    def after(who: str, **body: Any) -> tuple[int, str]:
        number = _in(world, start)
        response = world.people[who].post(f"/api/tickets/{number}/comments", {"text": "It drips again.", **body})
        return response.status_code, world.agent.sees(number)["status"]

    customers = 409 if start == "closed" else 201
    assert after("agent") == after("agent", audience="affected") == after("admin", audience="internal") == (201, start)
    assert after("joined") == (customers, start)
    assert after("reporter") == (customers, "open" if start in ("waiting", "resolved") else start)


def test_staff_who_reported_something_reopen_it_by_an_answer_but_not_by_a_note(world: World) -> None:
    number = world.agent.reports()
    world.agent.sets(number, status="waiting")
    world.agent.writes(number, "For ourselves.", audience="internal")
    assert world.agent.sees(number)["status"] == "waiting"
    world.agent.writes(number, "Here is what you asked for.")
    assert world.agent.sees(number)["status"] == "open"


@pytest.mark.parametrize(
    ("after", "comment", "status"), [(timedelta(days=14, seconds=-1), 201, "open"), (timedelta(days=14), 409, "closed")]
)
def test_a_resolved_ticket_reopens_by_comment_for_14_days_and_then_closes(
    world: World, after: timedelta, comment: int, status: str
) -> None:
    start = datetime(2026, 5, 4, 10, tzinfo=UTC)
    with time_machine.travel(start, tick=False):
        world = World(world.app)
        number, other = _in(world, "resolved"), _in(world, "in_progress")
        silent = _in(world, "resolved")
    with time_machine.travel(start + after, tick=False):
        reporter, agent = (_again(world.people[name]) for name in ("reporter", "agent"))
        joined = _again(world.joined)
        assert joined.post(f"/api/tickets/{number}/comments", {"text": "Here too."}).status_code == comment
        assert reporter.post(f"/api/tickets/{number}/comments", {"text": "It drips."}).status_code == comment
        work()
        assert agent.sees(number)["status"] == status
        assert agent.sees(silent)["status"] == ("closed" if status == "closed" else "resolved")
        assert agent.sees(other)["status"] == "in_progress"
        closing = agent.get(f"/api/tickets/{silent}/events").json["items"][-1]
        assert (closing["to_value"], closing["actor_kind"]) == (
            ("closed", "system") if status == "closed" else ("resolved", "user")
        )
        # the staff can still open it, and then there is no trace of its end
        opened = agent.sets(silent, status="open")
        assert (opened["resolved_at"], opened["closed_at"]) == (None, None)


@pytest.mark.parametrize(("days", "status"), [(13, "open"), (15, "resolved")])
def test_what_staff_reported_reopens_by_their_comment_for_14_days_too(world: World, days: int, status: str) -> None:
    number = world.agent.reports()
    world.agent.sets(number, status="resolved")
    with time_machine.travel(datetime.now(UTC) + timedelta(days=days), tick=False):
        agent = _again(world.agent)
        agent.writes(number, "It drips again.")  # staff write on what is long over, a customer cannot
        assert agent.sees(number)["status"] == status


def test_whoever_is_nobody_may_do_nothing() -> None:
    for action in Action:
        assert not policy.can(policy.ANONYMOUS, action)
        with pytest.raises(NotSignedIn):
            policy.require(policy.ANONYMOUS, action)
        policy.require(policy.SYSTEM, action)


def _again(person: Person) -> Person:
    """The same person, signed in at this moment."""
    return Person(person.app, db.session.get_one(User, person.id))


def test_entering_an_end_sets_its_time_once_and_leaving_clears_it(world: World) -> None:
    number = world.ticket()
    seen = world.agent.sets(number, status="resolved")
    resolved_at = seen["resolved_at"]
    assert resolved_at
    assert seen["closed_at"] is None
    seen = world.agent.sets(number, status="closed")
    assert seen["resolved_at"] == resolved_at
    assert seen["closed_at"]
    seen = world.agent.sets(number, status="open")
    assert (seen["resolved_at"], seen["closed_at"]) == (None, None)


# --- what a role may send ---------------------------------------------------------------------------------------------

TRIAGE: dict[str, Any] = {
    "priority": "urgent", "assignee_id": None, "team_id": None, "tags": [], "is_confidential": True,
    "category": "it-wifi", "public_title": "A leak", "reporter_id": 1,
}  # fmt: skip


@pytest.mark.parametrize("field", TRIAGE)
def test_customers_cannot_triage_their_own_tickets(world: World, field: str) -> None:
    number = world.ticket()
    body = {field: world.other.id if field == "reporter_id" else TRIAGE[field]}
    before = state()
    assert world.reporter.patch(f"/api/tickets/{number}", body).status_code == 403
    assert world.reporter.patch(f"/api/tickets/{number}", {"room": "1", **body}).status_code == 403
    assert state() == before
    if field == "team_id":
        body["handoff_reason"] = "Nobody’s."
    assert world.agent.patch(f"/api/tickets/{number}", body).status_code == 200


@pytest.mark.parametrize("field", ["priority", "assignee_id", "team_id", "tags", "reporter_id", "email", "name"])
def test_customers_cannot_report_for_others_or_triage_while_reporting(world: World, field: str) -> None:
    others = {"reporter_id": world.other.id, "email": "new@campus.test", "name": "New"}
    body = {"title": "Leak", "description": "Drip.", "category": "facilities-leaks", field: {**TRIAGE, **others}[field]}
    before = state()
    assert world.reporter.post("/api/tickets", body).status_code == 403
    assert state() == before
    assert world.agent.post("/api/tickets", body).status_code == 201


def test_customers_do_not_choose_who_reads_their_comments(world: World) -> None:
    number = world.ticket()
    for audience in ("internal", "reporter", "affected"):
        before, body = state(), {"text": "Psst.", "audience": audience}
        for who in ("reporter", "joined"):
            assert world.people[who].post(f"/api/tickets/{number}/comments", body).status_code == 403
        assert state() == before
        said = world.agent.post(f"/api/tickets/{number}/comments", body)
        assert (said.status_code, said.json["audience"]) == (201, audience)
    assert world.agent.post(f"/api/tickets/{number}/comments", {"text": "x", "audience": "desk"}).status_code == 422


SERVER_OWNED = [
    "id", "version", "activity_seq", "held", "channel", "created_by_id", "merged_into_id", "reopened_count", "author_id",
    "affected_count", "comment_count", "image_count", "created_at", "updated_at", "first_response_at", "resolved_at",
    "resolution_due_at", "due_at", "closed_at", "reporter_name", "is_admin", "role",
]  # fmt: skip


@pytest.mark.parametrize("who", ["reporter", "admin"])
def test_what_the_server_owns_cannot_be_sent(world: World, who: str) -> None:
    number, person = world.ticket(), world.people[who]
    report = {"title": "Leak", "description": "Drip.", "category": "facilities-leaks"}
    before = state()
    for field in SERVER_OWNED:
        for value in (1, "2026-01-01T00:00:00Z", None):
            for method, path, body in (
                ("POST", "/api/tickets", report),
                ("PATCH", f"/api/tickets/{number}", {"title": "Changed"}),
                ("POST", f"/api/tickets/{number}/comments", {"text": "Hello."}),
                ("PATCH", "/api/users/me", {"name": "Changed"}),
            ):
                answer = person.open(method, path, json={**body, field: value})
                assert answer.status_code == 422, (field, answer.json)
                assert field in answer.json["errors"]
    assert state() == before
    assert person.patch(f"/api/tickets/{number}", {"title": "Changed"}).status_code == 200


def test_agents_make_nobody_an_admin(world: World) -> None:
    before = state()
    own = f"/api/users/{world.agent.id}"
    assert world.agent.patch(own, {"role": "admin"}).status_code == 403
    assert world.agent.patch("/api/users/me", {"role": "admin"}).status_code == 422
    invitation = {"email": "boss@campus.test", "name": "Boss", "role": "admin"}
    assert world.agent.post("/api/users", invitation).status_code == 403
    assert state() == before
    assert world.admin.post("/api/users", invitation).status_code == 201
    assert world.admin.patch(own, {"role": "admin"}).json["role"] == "admin"
    assert world.agent.get(own).json["username"] == world.agent.username  # at once, with the token from before


def test_a_right_that_is_taken_away_is_gone_at_the_next_request(world: World) -> None:
    assert world.agent.get("/api/tasks").status_code == 200
    assert world.admin.patch(f"/api/users/{world.agent.id}", {"role": "customer"}).status_code == 200
    assert world.agent.get("/api/tasks").status_code == 403
    assert world.agent.get("/api/tickets").json["items"] == []
    assert world.admin.patch(f"/api/users/{world.agent.id}", {"is_active": False}).status_code == 200
    assert world.agent.get("/api/users/me").status_code == 401


# --- what is there for whom -------------------------------------------------------------------------------------------


def test_a_customers_list_holds_exactly_what_is_theirs(world: World) -> None:
    own = {world.reporter.reports() for _ in range(7)}
    for _ in range(5):
        world.other.reports()
    shared = world.other.reports()
    world.reporter.joins(shared)
    seen, path = [], "/api/tickets?limit=3"
    while path:
        answer = world.reporter.get(path)
        seen += [item["id"] for item in answer.json["items"]]
        path = re.match(r"<(.*)>", answer.headers["Link"])[1] if "Link" in answer.headers else ""
    assert sorted(seen) == sorted(own | {shared})
    assert world.reporter.get("/api/tickets/counts").json["total"] == {"count": 8, "more": False}
    assert world.agent.get("/api/tickets/counts").json["total"] == {"count": 13, "more": False}


def test_whoever_leaves_sees_it_no_more_and_can_come_back(world: World) -> None:
    number = world.ticket()
    words = world.joined.writes(number)
    assert world.joined.delete(f"/api/tickets/{number}/affected/me").status_code == 204
    for path in (f"/api/tickets/{number}", f"/api/tickets/{number}/timeline", f"/api/comments/{words}"):
        assert world.joined.get(path).status_code == 404
    assert world.joined.get("/api/tickets").json["items"] == []
    assert world.agent.sees(number)["affected_count"] == 1
    world.joined.joins(number)
    assert world.joined.get(f"/api/comments/{words}").status_code == 200
    assert world.agent.sees(number)["affected_count"] == 2


@pytest.mark.parametrize("how", ["ticket", "category", "move"])
def test_what_becomes_confidential_is_gone_for_those_who_joined(world: World, how: str) -> None:
    category = world.made("/api/categories", slug="shared", name="Shared")
    number = world.ticket(category="shared")
    words, said = world.joined.writes(number), world.comment("broadcast", number)
    paths = [f"/api/tickets/{number}", f"/api/tickets/{number}/comments", f"/api/tickets/{number}/events",
             f"/api/tickets/{number}/timeline", f"/api/comments/{words}", f"/api/comments/{said}"]  # fmt: skip
    assert {world.joined.get(path).status_code for path in paths} == {200}
    if how == "ticket":
        world.agent.sets(number, is_confidential=True)
    elif how == "move":
        world.agent.sets(number, category="services-complaints")
    else:
        assert world.admin.patch(f"/api/categories/{category}", {"is_joinable": False}).status_code == 200
    assert {world.joined.get(path).status_code for path in paths} == {404}
    assert world.joined.patch(f"/api/comments/{words}", {"text": "x"}).status_code == 404
    assert world.joined.post(f"/api/tickets/{number}/comments", {"text": "x"}).status_code == 404
    assert world.joined.get("/api/tickets").json["items"] == []
    assert world.joined.get("/api/tickets/counts").json["total"]["count"] == 0
    assert world.other.put(f"/api/tickets/{number}/affected/me").status_code == 404
    refused = world.agent.post(f"/api/tickets/{number}/affected", {"user_id": world.other.id})
    assert refused.status_code == 409
    assert {world.reporter.get(path).status_code for path in paths if "comments/" not in path} == {200}


def test_a_held_ticket_is_there_for_the_staff_alone(world: World) -> None:
    number, plain = world.ticket(), world.ticket()
    begin_write()
    db.session.get_one(Ticket, number).held = True
    db.session.commit()
    for who in ("reporter", "joined", "other"):
        assert world.people[who].get(f"/api/tickets/{number}").status_code == 404
        assert world.people[who].put(f"/api/tickets/{number}/affected/me").status_code == 404
        assert world.people[who].get("/api/tickets?held=true").json["items"] == []
    assert [item["id"] for item in world.agent.get("/api/tickets").json["items"]] == [plain]
    assert [item["id"] for item in world.agent.get("/api/tickets?held=true").json["items"]] == [number]
    assert world.agent.get("/api/tickets/counts").json["total"]["count"] == 1
    assert world.agent.post(f"/api/tickets/{number}/affected", {"user_id": world.other.id}).status_code == 409
    assert world.agent.sees(number)["held"] is True


def test_agents_look_up_reporters_by_address_and_colleagues_by_name_alone(world: World) -> None:
    def found(who: str, q: str) -> list[int]:
        return [item["id"] for item in world.people[who].get(f"/api/users?q={q}").json["items"]]

    assert found("agent", world.reporter.email) == [world.reporter.id]
    assert found("agent", world.admin.email) == []
    assert found("admin", world.admin.email) == [world.admin.id]
    assert world.admin.id in found("agent", "Admin")
    assert found("agent", world.off.email) == []
    assert found("admin", world.off.email) == [world.off.id]
    hidden = ("username", "created_at", "updated_at", "last_seen_at")
    reporter, admin = (world.agent.get(f"/api/users/{world.people[who].id}").json for who in ("reporter", "admin"))
    assert (reporter["email"], admin["email"]) == (world.reporter.email, None)
    assert {reporter[name] for name in hidden} == {admin[name] for name in hidden} == {None}
    assert world.agent.get(f"/api/users/{world.off.id}").status_code == 404
    assert world.admin.get(f"/api/users/{world.agent.id}").json["username"] == world.agent.username
