"""The Marketing Messages API's own parts of a request: options of a message and of a template.

Sources: Meta, Send marketing messages (2026-03-20) and Set a max price for marketing messages
(2026-10-01), below
https://developers.facebook.com/documentation/business-messaging/whatsapp/marketing-messages/
"""

PRODUCT_POLICIES = ("CLOUD_API_FALLBACK", "STRICT")

# The only strategy that Meta accepts.
BID_STRATEGY = "LOWEST_COST_WITH_BID_CAP"
# `bid_amount` is an int32, the price of as many deliveries.
BID_DELIVERIES, MAX_BID = 1000, 2**31 - 1

# Seconds that Meta may try to deliver a marketing template (Time-to-live, 2025-10-31).
MIN_TTL_SECONDS, MAX_TTL_SECONDS = 43_200, 2_592_000

# Creative optimizations that a template can turn on or off (Send marketing messages, 2026-03-20).
CREATIVE_FEATURES = (
    "image_brightness_and_contrast",
    "image_touchups",
    "add_text_overlay",
    "image_animation",
    "image_background_gen",
    "auto_promotion_tag",
    "text_extraction_for_headline",
    "text_extraction_for_tap_target",
    "product_extensions",
    "text_formatting_optimization",
)


def with_marketing_options(body, product_policy="", activity_sharing=None, multiplier=None):
    """Return a template message's body with what was chosen of the endpoint's options.

    :param product_policy: one of PRODUCT_POLICIES, '' to leave it to Meta
    :param activity_sharing: whether events of this message are shared, None for the account's
        setting at Meta
    :param multiplier: share of the template's maximum price that this message may cost, above 0
    :raise ValueError: a value that Meta does not know
    """
    options = {}
    if product_policy:
        if product_policy not in PRODUCT_POLICIES:
            raise ValueError(f"unknown product policy {product_policy!r}")
        options["product_policy"] = product_policy
    if activity_sharing is not None:
        options["message_activity_sharing"] = bool(activity_sharing)
    if multiplier is not None:
        if not 0 < multiplier <= 1:
            raise ValueError("the multiplier is above 0 and at most 1")
        # The message's object kept the older name (changed for templates on 2026-06-18).
        options["bid_spec"] = {"per_message_bid_multiplier": float(multiplier)}
    return {**body, **options}


def delivery_changes(bid=None, ttl_seconds=None, features=None):
    """Return the body that changes how a template is delivered; only what is given.

    :param bid: see `nodes.TemplateDelivery`
    :param features: {one of CREATIVE_FEATURES: whether it is on}
    :raise ValueError: a value out of Meta's range
    """
    changes = {}
    if bid is not None:
        if not 0 < bid <= MAX_BID:
            raise ValueError("the maximum price is out of range")
        changes["optimization_spec"] = {"bid_amount": bid, "bid_strategy": BID_STRATEGY}
    if ttl_seconds is not None:
        if not MIN_TTL_SECONDS <= ttl_seconds <= MAX_TTL_SECONDS:
            raise ValueError("the time to live is out of range")
        changes["message_send_ttl_seconds"] = ttl_seconds
    if features:
        if unknown := set(features) - set(CREATIVE_FEATURES):
            raise ValueError(f"unknown creative optimization {sorted(unknown)[0]!r}")
        changes["degrees_of_freedom_spec"] = {
            "creative_features_spec": {
                name: {"enroll_status": "OPT_IN" if is_on else "OPT_OUT"}
                for name, is_on in features.items()
            }
        }
    return changes
