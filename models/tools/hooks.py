"""Hooks: how a lower package tells higher ones that something happened, without knowing them.

A base model declares a hook, whose docstring says when it is called and with what; a higher
package implements it with a method of its own name. Nothing is overridden, so neither the order
of imports nor a forgotten `super()` can change what happens:

    class WabaMessage(models.Model):                     # base
        @hook
        def _on_status(self, statuses):
            \"\"\"After statuses of these messages were stored. `statuses`: list of dict.\"\"\"

    class WabaMessage(models.Model):                     # a higher package, `_inherit`
        @implements("_on_status")
        def _refresh_open_threads(self, statuses):
            ...
"""

from functools import wraps
from inspect import getmembers, isfunction
from weakref import WeakKeyDictionary

# Model class -> (its classes when it was read, {hook: names of what implements it}).
_implementations = WeakKeyDictionary()


def hook(method):
    """Make of `method`, whose body is its documentation only, a call of all that implement it.

    Returns the list of their results, in the order of their names. No implementation may rely on
    that order; an error in one is an error of the call.
    """

    @wraps(method)
    def call_all(self, *args, **kwargs):
        names = _find_implementations(type(self)).get(method.__name__, ())
        return [getattr(self, name)(*args, **kwargs) for name in names]

    return call_all


def implements(hook_name):
    """Mark a method as what its package does when the model's hook `hook_name` is called."""

    def mark(method):
        method._implements_hook = hook_name
        return method

    return mark


def _find_implementations(model_class):
    classes, found = _implementations.get(model_class, (None, None))
    # Installing another addon gives the same class other bases: what was read before is stale.
    if classes is not model_class.__mro__:
        found = {}
        for name, method in getmembers(model_class, isfunction):
            if hook_name := getattr(method, "_implements_hook", None):
                found.setdefault(hook_name, []).append(name)
        _implementations[model_class] = (model_class.__mro__, found)
    return found
