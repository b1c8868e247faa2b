"""The template edges: list, create, edit, unpause, delete, compare; pauses and pacing."""

from . import webhook_bodies as bodies
from .marketing import DELIVERY_KEYS, change_delivery
from .paging import page
from .state import DAY, Template
from .template_rules import check_components, check_template, invalid, normalised

COMPARE_WINDOWS = (604800, 2592000, 5184000, 7776000)
LOCK_AFTER_DELETE = 30 * DAY
# First and second pause of a template of low quality (Meta, "Template pausing", 2025-10).
PAUSE_SECONDS = {1: 3 * 3600, 2: 6 * 3600}
PAUSE_TITLES = {0: "RATE_LIMITING_PAUSE", 1: "FIRST_PAUSE", 2: "SECOND_PAUSE"}
FILTERS = ("name", "status", "language", "category")
LIST_FIELDS = ["name", "parameter_format", "components", "language", "status", "category"]
UNKNOWN_CURSOR = 131059


class Templates:
    """``calendar`` is a Timeline for what Meta does hours later (end of a pause, a review)."""

    def __init__(self, world, nodes, calendar, delivery, log):
        self.world = world
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

    def create(self, account, body):
        check_template(body)
        now = self.world.clock.now()
        name, language = body["name"], body["language"]
        if self.world.find_template(account.id, name, language):
            raise invalid("Content in this language already exists", 2388024)
        if self.world.locked_names.get((account.id, name), 0) > now:
            raise invalid("A template of this name was deleted less than 30 days ago", 2388023)
        template = Template(
            self.world.next_id("6000"), account.id, name, language, body["category"],
            normalised(body["components"]), status="PENDING",
            parameter_format=str(body.get("parameter_format", "POSITIONAL")).upper(),
            marketing_ready_at=now + self.world.settings.marketing_sync_seconds)
        change_delivery(template, account, body, now)
        self.world.add(template)
        self._plan_review(template)
        return {"id": template.id, "status": "PENDING", "category": template.category}

    def edit(self, template, body):
        if template.status not in ("APPROVED", "REJECTED", "PAUSED"):
            raise invalid(f"A {template.status} template cannot be edited")
        now = self.world.clock.now()
        change_delivery(template, self.world.find_account(template), body, now)
        if body and set(body) <= DELIVERY_KEYS:
            return {"success": True}
        category = body.get("category", template.category)
        if template.status == "APPROVED":
            if category != template.category:
                raise invalid("The category of an approved template cannot be changed")
            month = [at for at in template.edited_at if at > now - 30 * DAY]
            if len(month) >= 10 or (month and month[-1] > now - DAY):
                raise invalid("An approved template can be edited once a day, 10 times a month")
        components = body.get("components", template.components)
        check_components(components, body.get("parameter_format", template.parameter_format))
        template.edited_at.append(now)
        template.components, template.expected = normalised(components), None
        template.category = category
        template.parameter_format = body.get("parameter_format", template.parameter_format)
        template.status = "PENDING"
        self._plan_review(template)
        return {"success": True}

    def delete(self, account, query):
        name, object_id = query.get("name"), query.get("hsm_id")
        if not name:
            raise invalid("name is required")
        found = [t for t in self.world.account_templates(account.id)
                 if t.name == name and t.status != "DELETED" and object_id in (None, "", t.id)]
        if not found:
            raise invalid("No such message template", 2593002)
        now = self.world.clock.now()
        for template in found:
            if template.status == "APPROVED":
                self.world.locked_names[account.id, name] = now + LOCK_AFTER_DELETE
            template.status = "DELETED"
            self.delivery.enqueue_update(bodies.template_status_update(
                template, "PENDING_DELETION", now, reason=None))
        return {"success": True}

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

    def set_status(self, template, status, reason="NONE"):
        """Give a template any status, with its webhook."""
        template.status = status
        if status == "REJECTED":
            template.rejected_reason = reason
        self.delivery.enqueue_update(bodies.template_status_update(
            template, status, self.world.clock.now(), reason))

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

    def _plan_review(self, template):
        seconds = self.world.settings.template_review_seconds
        if seconds is not None:
            self.calendar.after(seconds, self._review, template)

    def _review(self, template):
        if template.status == "PENDING":
            self.set_status(template, "APPROVED")

    def _pause_ends(self, template, strike):
        if template.status == "PAUSED" and template.strikes == strike:
            self._unpause(template)

    def _unpause(self, template):
        template.status = "APPROVED"
        self.delivery.enqueue_update(bodies.template_status_update(
            template, "APPROVED", self.world.clock.now(), title="UNPAUSE"))



def _matches(value, wanted):
    return value == wanted.strip('[]"')
