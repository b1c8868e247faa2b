"""The template edges: list, create, edit, unpause, archive, delete, compare; review, pauses.

Sources: Meta's "Template management" (2026-05-21), "Template archival" (2026-06-02), "Template
pausing" (2025-10), "Template library" (2026-04-09), "Templates overview" (2025-12-05).
"""

from . import library, review
from . import webhook_bodies as bodies
from .graph_errors import GraphError, missing_parameter
from .marketing import DELIVERY_KEYS, change_delivery
from .paging import page
from .state import DAY, Template
from .template_parts import invalid
from .template_rules import check_components, check_head, check_template, normalised

COMPARE_WINDOWS = (604800, 2592000, 5184000, 7776000)
LOCK_AFTER_DELETE = 30 * DAY
ARCHIVE_DAYS = 28
HOUR = 3600.0
# Templates of an account: of an unverified portfolio, of a verified one.
MOST_TEMPLATES, MOST_WHEN_VERIFIED = 250, 6000
IDS_MAX = 100
EDITS_PER_MONTH = 10
# First and second pause of a template of low quality (Meta, "Template pausing", 2025-10).
PAUSE_SECONDS = {1: 3 * 3600, 2: 6 * 3600}
PAUSE_TITLES = {0: "RATE_LIMITING_PAUSE", 1: "FIRST_PAUSE", 2: "SECOND_PAUSE"}
FILTERS = ("name", "status", "language", "category")
LIST_FIELDS = ["name", "parameter_format", "components", "language", "status", "category"]
UNKNOWN_CURSOR = 131059


class Templates:
    """``calendar`` is a Timeline for what Meta does hours later (end of a pause, a review)."""

    def __init__(self, world, nodes, uploads, calendar, delivery, log):
        self.world = world
        self.uploads = uploads
        self.nodes = nodes
        self.calendar = calendar
        self.delivery = delivery
        self.log = log

    def list(self, account, query, version, base_url):
        found = [t for t in self.world.account_templates(account.id) if t.status != "DELETED"]
        for name in FILTERS:
            if query.get(name):
                found = [t for t in found if _matches(getattr(t, name), query[name])]
        found = page(found, query, base_url, UNKNOWN_CURSOR)
        found["data"] = [self.nodes.read(t, query.get("fields"), version, LIST_FIELDS)
                         for t in found["data"]]
        return found

    def create(self, account, body, origin=""):
        now = self.world.clock.now()
        chosen = None
        if body.get("library_template_name"):
            body, chosen = self._from_library(body)
        else:
            check_template(body, self.uploads.handles())
        name, language = body["name"], body["language"]
        self._check_new_name(account, name, language, now)
        self._check_amounts(account, now)
        category = str(body["category"]).upper()
        template = Template(
            self.world.next_id("6000"), account.id, name, language, category,
            normalised(body["components"], category, self.uploads.address(origin)),
            status="PENDING",
            parameter_format=str(body.get("parameter_format", "POSITIONAL")).upper(),
            marketing_ready_at=now + self.world.settings.marketing_sync_seconds)
        change_delivery(template, account, body, now)
        self.world.add(template)
        account.creations.append(now)
        if chosen:
            template.library_template_name = chosen["name"]
            self.set_status(template, "APPROVED")
        else:
            self._plan_review(template)
        return {"id": template.id, "status": template.status, "category": template.category}

    def edit(self, template, body, origin=""):
        if template.status not in ("APPROVED", "REJECTED", "PAUSED"):
            raise invalid(f"A {template.status} template cannot be edited")
        now = self.world.clock.now()
        change_delivery(template, self.world.find_account(template), body, now)
        if body and set(body) <= DELIVERY_KEYS:
            return {"success": True}
        category = str(body.get("category", template.category)).upper()
        if template.library_template_name and "components" in body:
            raise invalid("The content of a template from the library cannot be edited")
        if template.status == "APPROVED":
            if category != template.category:
                raise invalid("The category of an approved template cannot be changed", 2388025)
            month = [at for at in template.edited_at if at > now - 30 * DAY]
            if len(month) >= EDITS_PER_MONTH or (month and month[-1] > now - DAY):
                raise invalid("An approved template can be edited once a day, "
                              f"{EDITS_PER_MONTH} times a month", 2388026)
        components = body.get("components", template.components)
        if "components" in body:
            named = str(body.get("parameter_format", template.parameter_format)).upper()
            check_components(components, named, category, self.uploads.handles(template))
            template.parameter_format = named
        template.edited_at.append(now)
        template.components = normalised(components, category, self.uploads.address(origin))
        template.expected = None
        template.category = category
        template.status = "PENDING"
        template.rejected_reason, template.rejection_info = "NONE", {}
        self._plan_review(template)
        return {"success": True}

    def delete(self, account, query):
        """By name (every language), by name and ``hsm_id``, or up to 100 ``hsm_ids``."""
        name, object_id = query.get("name"), query.get("hsm_id")
        ids = _ids(query.get("hsm_ids"))
        if not name and not ids:
            raise invalid("name is required")
        found = [t for t in self.world.account_templates(account.id) if t.status != "DELETED" and (
            t.id in ids if ids else t.name == name and object_id in (None, "", t.id))]
        if not found or (ids and len(found) < len(set(ids))):
            raise invalid("No such message template", 2593002)
        now = self.world.clock.now()
        for template in found:
            if template.status == "APPROVED":
                self.world.locked_names[account.id, template.name] = now + LOCK_AFTER_DELETE
            template.status = "DELETED"
            self.delivery.enqueue_update(bodies.template_status_update(
                template, "PENDING_DELETION", now, reason=None))
        return {"success": True}

    def archive(self, account, body):
        """Approved and rejected ones; they are deleted after 28 days."""
        done, failed = [], {}
        for template, problem in self._chosen(account, body, ("APPROVED", "REJECTED"),
                                               "Only approved or rejected templates can be "
                                               "archived"):
            if problem:
                failed[template] = problem
                continue
            template.before_archive = template.status
            template.archived_at = self.world.clock.now()
            self.set_status(template, "ARCHIVED")
            done.append(template.id)
        return {"archived_templates": done, "failed_templates": failed}

    def unarchive(self, account, body):
        """Back to the status it had, within 28 days."""
        done, failed = [], {}
        for template, problem in self._chosen(account, body, ("ARCHIVED",),
                                              "Only archived templates can be unarchived"):
            if problem:
                failed[template] = problem
                continue
            if self.world.clock.now() > template.archived_at + ARCHIVE_DAYS * DAY:
                failed[template.id] = "The template was archived more than 28 days ago"
                continue
            template.status = template.before_archive
            self.delivery.enqueue_update(bodies.template_status_update(
                template, "UNARCHIVED", self.world.clock.now()))
            done.append(template.id)
        return {"unarchived_templates": done, "failed_templates": failed}

    def unpause(self, template):
        """Only a pause that came from pacing is lifted manually (Meta, "Template pausing")."""
        if template.status != "PAUSED":
            raise invalid("The template is not paused")
        if template.strikes:
            raise invalid("The template is paused for its quality and will be unpaused by itself")
        self._unpause(template)
        return {"success": True}

    def pause(self, template, strike, seconds=None):
        """Pause for low quality (strike 1 or 2), disable at strike 3, or by pacing (0)."""
        now = self.world.clock.now()
        template.strikes = strike
        if strike >= 3:
            template.status = "DISABLED"
            self.delivery.enqueue_update(bodies.template_status_update(
                template, "DISABLED", now, title="DISABLED", disable_date=int(now)))
            return
        template.status = "PAUSED"
        self.delivery.enqueue_update(bodies.template_status_update(
            template, "PAUSED", now, title=PAUSE_TITLES[strike]))
        if strike:
            wait = PAUSE_SECONDS[strike] if seconds is None else seconds
            self.calendar.after(wait, self._pause_ends, template, strike)

    def set_status(self, template, status, reason="NONE", info=None):
        """Give a template any status, with its webhook; ``info`` explains an INVALID_FORMAT."""
        template.status = status
        if status == "REJECTED":
            template.rejected_reason, template.rejection_info = reason, info or {}
        self.delivery.enqueue_update(bodies.template_status_update(
            template, status, self.world.clock.now(), reason))

    def set_category(self, template, category):
        """Meta's own change of category, with the done form of its webhook."""
        template.previous_category, template.category = template.category, category
        self.delivery.enqueue_update(bodies.template_category_update(
            template, self.world.clock.now()))

    def set_components(self, template, components):
        """Somebody edited the template in WhatsApp Manager: its webhook tells the new texts."""
        template.components, template.expected = normalised(components, template.category), None
        self.delivery.enqueue_update(bodies.template_components_update(
            template, self.world.clock.now()))

    def set_quality(self, template, score):
        now = self.world.clock.now()
        previous, template.quality = template.quality, score
        template.quality_date = int(now)
        self.delivery.enqueue_update(bodies.template_quality_update(template, previous, now))

    def compare(self, template, query):
        """Template comparison (Meta's page of 2026-06-24): order of block rates, sends, reason."""
        other = self._compared(template, query.get("template_ids", ""))
        try:
            start, end = int(query["start"]), int(query["end"])
        except (KeyError, ValueError):
            raise invalid("start and end are required, as Unix seconds") from None
        if end - start not in COMPARE_WINDOWS:
            raise invalid("The window must be 7, 30, 60 or 90 days")
        pair = [template, other]
        sends = {t.id: self._sends(t, start, end) for t in pair}
        if min(sends.values()) < self.world.settings.compare_minimum:
            raise invalid("Each template must have been sent at least "
                          f"{self.world.settings.compare_minimum} times in the window")
        by_rate = sorted(pair, key=lambda t: t.block_rate)
        return {"data": [
            {"metric": "BLOCK_RATE", "type": "RELATIVE",
             "order_by_relative_metric": [t.id for t in by_rate]},
            {"metric": "MESSAGE_SENDS", "type": "NUMBER_VALUES",
             "number_values": [{"key": t.id, "value": sends[t.id]} for t in pair]},
            {"metric": "TOP_BLOCK_REASON", "type": "STRING_VALUES",
             "string_values": [{"key": t.id, "value": t.top_block_reason} for t in pair]}]}

    # ---- steps --------------------------------------------------------------------------------

    def _compared(self, template, text):
        ids = text.strip("[] ").replace('"', "").split(",")
        other = self.world.templates.get(ids[0].strip()) if len(ids) == 1 else None
        if other is None or other is template or other.account_id != template.account_id:
            raise invalid("template_ids must name one other template of the same account")
        return other

    def _sends(self, template, start, end):
        return sum(e.accepted and e.account_id == template.account_id
                   and e.template == f"{template.name}/{template.language}"
                   and start <= e.received_at <= end for e in self.log.entries)

    def _check_new_name(self, account, name, language, now):
        if self.world.find_template(account.id, name, language):
            raise invalid("Content in this language already exists", 2388024)
        if self.world.locked_names.get((account.id, name), 0) > now:
            raise invalid("A template of this name was deleted less than 30 days ago", 2388023)

    def _check_amounts(self, account, now):
        """Creations per hour (error 80008), templates per account."""
        hourly = self.world.settings.creations_per_hour
        while account.creations and account.creations[0] <= now - HOUR:
            account.creations.popleft()
        if hourly is not None and len(account.creations) >= hourly:
            raise GraphError(80008, f"At most {hourly} templates can be created per hour.")
        verified = self.world.businesses[account.business_id].verification_status == "verified"
        most = self.world.settings.templates_most or (
            MOST_WHEN_VERIFIED if verified else MOST_TEMPLATES)
        kept = [t for t in self.world.account_templates(account.id) if t.status != "DELETED"]
        if len(kept) >= most:
            raise invalid(f"The account has its most of {most} templates", 2388019)

    def _from_library(self, body):
        for key in ("name", "language", "category"):
            if not body.get(key):
                raise missing_parameter(key)
        check_head(body)
        components, chosen = library.components_of(body)
        return {**body, "components": components, "parameter_format": "POSITIONAL"}, chosen

    def _chosen(self, account, body, statuses, refusal):
        """(Template, "") for each id that qualifies, (id, refusal) for the others."""
        ids = _ids(body.get("hsm_ids") if isinstance(body, dict) else None)
        if not ids:
            raise missing_parameter("hsm_ids")
        if len(ids) > IDS_MAX:
            raise invalid(f"hsm_ids: at most {IDS_MAX}")
        for template_id in ids:
            template = self.world.templates.get(template_id)
            if template is None or template.account_id != account.id:
                yield template_id, "The template does not exist"
            elif template.status not in statuses:
                yield template_id, refusal
            else:
                yield template, ""

    def _plan_review(self, template):
        seconds = self.world.settings.template_review_seconds
        if seconds is not None:
            self.calendar.after(seconds, self.review, template)

    def review(self, template):
        """Decide about a template in review or in appeal: by a script, by rule, else approve."""
        if template.status not in ("PENDING", "IN_APPEAL"):
            return
        verdict = review.scripted(self.world, template)
        if verdict is None and self.world.settings.review_by_rules:
            verdict = review.judged(self.world, template)
        verdict = verdict or review.Verdict()
        if verdict.category and verdict.category != template.category:
            self.set_category(template, verdict.category)
        self.set_status(template, verdict.outcome, verdict.reason, verdict.info)

    def _pause_ends(self, template, strike):
        if template.status == "PAUSED" and template.strikes == strike:
            self._unpause(template)

    def _unpause(self, template):
        template.status = "APPROVED"
        self.delivery.enqueue_update(bodies.template_status_update(
            template, "APPROVED", self.world.clock.now(), title="UNPAUSE"))


def _matches(value, wanted):
    return value == wanted.strip('[]"')


def _ids(value):
    """Ids from a JSON array, or from a text with commas and perhaps brackets."""
    if isinstance(value, str):
        value = [text.strip(' "') for text in value.strip("[] ").split(",")]
    return [str(item) for item in value if item] if isinstance(value, list) else []
