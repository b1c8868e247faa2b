"""GET /{account}/template_analytics: what became of each template's messages per day.

Source: Meta's "Analytics" page (2026-02-12): DAILY only, at most 10 templates, 90 days back, and
only once ``is_enabled_for_insights`` was confirmed. Days are those of UTC.
"""

from .paging import page
from .state import DAY
from .template_parts import invalid

METRICS = ("SENT", "DELIVERED", "READ", "CLICKED", "COST")
IDS_MAX = 10
DAYS_MAX = 90
PRODUCTS = ("CLOUD_API", "MARKETING_MESSAGES_LITE_API")


def product_of(message):
    """The endpoint by which a template message was sent, as analytics name it."""
    by_marketing = (message.pricing or {}).get("category") == "marketing_lite"
    return PRODUCTS[1] if by_marketing else PRODUCTS[0]


class TemplateAnalytics:
    """Reads the tallies that templates keep."""

    def __init__(self, world):
        self.world = world

    def read(self, account, query, base_url):
        if not account.is_enabled_for_insights:
            raise invalid("Template analytics have not been confirmed for this account.")
        start, end = self._window(query)
        ids = _list(query.get("template_ids"))
        if not 1 <= len(ids) <= IDS_MAX:
            raise invalid(f"template_ids: 1 to {IDS_MAX} templates of the account")
        found = [self.world.templates.get(template_id) for template_id in ids]
        if any(t is None or t.account_id != account.id for t in found):
            raise invalid("template_ids: a template of another account, or none")
        metrics = [m.upper() for m in _list(query.get("metric_types"))] or list(METRICS)
        if set(metrics) - set(METRICS):
            raise invalid(f"metric_types: some of {', '.join(METRICS)}")
        product = query.get("product_type", "CLOUD_API").upper()
        if product not in PRODUCTS:
            raise invalid(f"product_type: one of {', '.join(PRODUCTS)}")
        points = [self._point(template, day, product, metrics) for template in found
                  for day in sorted(template.days.get(product, ()))
                  if start <= day * DAY < end]
        found = page(points, query, base_url, 100)
        found["data"] = [{"granularity": "DAILY", "product_type": product.lower(),
                          "data_points": found["data"]}]
        return found

    def count_click(self, log, wamid):
        """A person tapped a quick reply of the message with this id."""
        entry = next((e for e in log.entries if wamid and e.wamid == wamid), None)
        name, _slash, language = entry.template.partition("/") if entry else ("", "", "")
        template = entry and self.world.find_template(entry.account_id, name, language)
        if template:
            template.tally("clicked", self.world.clock.now())

    def _window(self, query):
        if str(query.get("granularity", "")).upper() != "DAILY":
            raise invalid("granularity must be DAILY")
        try:
            start, end = int(query["start"]), int(query["end"])
        except (KeyError, ValueError):
            raise invalid("start and end are required, as Unix seconds") from None
        if end <= start or start < self.world.clock.now() - (DAYS_MAX + 1) * DAY:
            raise invalid(f"The window must lie within the last {DAYS_MAX} days")
        return start, end

    def _point(self, template, day, product, metrics):
        counts = template.days[product][day]
        point = {"template_id": template.id, "start": int(day * DAY), "end": int((day + 1) * DAY)}
        for metric in ("sent", "delivered", "read"):
            if metric.upper() in metrics:
                point[metric] = counts.get(metric, 0)
        if "CLICKED" in metrics and counts.get("clicked"):
            point["clicked"] = [{"type": "quick_reply_button",
                                 "button_content": _first_quick_reply(template),
                                 "count": counts["clicked"]}]
        if "COST" in metrics:
            price = self.world.settings.template_prices.get(template.category, 0)
            spent = round(price * counts.get("delivered", 0), 6)
            point["cost"] = [{"type": "amount_spent", "value": spent}]
            if counts.get("delivered"):
                point["cost"].append({"type": "cost_per_delivered", "value": price})
        return point


def _first_quick_reply(template):
    buttons = next((c["buttons"] for c in template.components if c["type"] == "BUTTONS"), [])
    return next((b["text"] for b in buttons if b["type"] == "QUICK_REPLY"), "")


def _list(text):
    return [part.strip(' "\'') for part in (text or "").strip("[] ").split(",") if part.strip()]
