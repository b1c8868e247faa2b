"""Builds a World from a seed: the JSON form described in README.md."""

import json

from .default_world import default_seed
from .state import Account, Business, Number, Template, Token, World


def read_seed(path):
    """The seed in a JSON file, or the default one."""
    if not path:
        return default_seed()
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def build_world(seed):
    """A World; TypeError names a key that no such object has."""
    world = World(**seed.get("app", {}))
    for values in seed["businesses"]:
        world.add(Business(**values))
    for values in seed["accounts"]:
        own = {k: v for k, v in values.items() if k not in ("numbers", "templates")}
        account = world.add(Account(**own))
        for number in values.get("numbers", []):
            world.add(Number(account_id=account.id, **number))
        for template in values.get("templates", []):
            if "id" not in template:
                template = {"id": world.next_id("5000"), **template}
            world.add(Template(account_id=account.id, **template))
    for values in seed["tokens"]:
        world.add(Token(**values))
    return world
