"""Who may do what, as the running system answers: role × model × field × operation.

For the table of docs/security.md (dev/rights-table) and for the tests that compare it with the one
decided on (tests/project/test_security.py, tests/tools/test_system_fields.py). Not a test.
"""

USER, MANAGER, SYSTEM = "user", "manager", "system"
# What each role has at least; people of it may see the own leads alone, or all.
GROUPS = {
    USER: "sales_team.group_sale_salesman,waba_campaign.waba_group_user",
    MANAGER: "sales_team.group_sale_manager,waba_campaign.waba_group_manager",
    SYSTEM: "base.group_system",
}
OPERATIONS = {"r": "read", "w": "write", "c": "create", "d": "unlink"}
ADDON = "waba_campaign"


def fields_of_ours(model):
    """{name: field} of the fields that this addon defined first, in their order."""
    return {
        name: field
        for name, field in model._fields.items()
        if field._modules and field._modules[0] == ADDON and not field.inherited
    }


def models_of_ours(env):
    """Names of the models with a field of ours that something can be written to."""
    return [
        name
        for name in sorted(env.registry.models)
        if not env[name]._abstract and any(map(is_kept, fields_of_ours(env[name]).values()))
    ]


def is_kept(field):
    """Whether writing it changes anything anywhere."""
    return bool(field.store or field.inverse)


def operations(model):
    """'rwcd' or a part of it, for the user of the model's environment."""
    return "".join(
        letter for letter, operation in OPERATIONS.items() if model.has_access(operation)
    )


def writable(model):
    """Names of our fields that the user of the model's environment may write or create with."""
    if not set(operations(model)) & set("wc"):
        return set()
    return {
        name
        for name, field in fields_of_ours(model).items()
        if is_kept(field) and model._has_field_access(field, "write")
    }
