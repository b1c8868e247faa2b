"""A finding: what a rule says about one place of a template."""

from dataclasses import dataclass, field

from .template_rule_list import RULES


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with, or worth a look in, one place of a template.

    No texts: `models.tools.template_rule_texts` has them.

    :param key: of `template_rule_list.RULES`
    :param level: 'error', 'warning' or 'advice'
    :param place: 'template', 'name', 'language', 'category', 'header', 'body', 'footer', 'offer',
        'buttons', 'button:0', 'carousel', 'card:1', 'card:1.header', 'card:1.body',
        'card:1.buttons' or 'card:1.button:0'; positions from 0
    :param figures: what the text needs: 'length', 'limit', 'name', 'quote', 'start', 'end'…
    :param source: page and date
    """

    key: str
    level: str
    place: str
    figures: dict = field(default_factory=dict)
    source: str = ""


def finding(key: str, place: str, **figures) -> Finding:
    """Return the finding of a rule, with its level, its limit and its source."""
    rule = RULES[key]
    if rule.limit is not None:
        figures.setdefault("limit", rule.limit)
    return Finding(key, rule.level, place, figures, str(rule.source))


def is_refused(findings) -> bool:
    """Return whether there is an error among the findings."""
    return any(found.level == "error" for found in findings)
