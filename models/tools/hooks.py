"""Tools: hooks, by which a lower package notifies higher ones without knowing them.

A base model declares a hook, whose docstring states when it is called and with what; a higher
package implements it with a method of another name. Nothing is overridden, so neither the order
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

# Model class -> (its bases when it was read, {hook: names of implementing methods}).
_implementations = WeakKeyDictionary()


def hook(method):
    """Decorator: calling `method`, which has only a docstring, calls all its implementations.

    The call returns the list of their results, in the order of their names. No implementation may
    rely on that order; an error in one is an error of the call.
    """

    @wraps(method)
    def call_all(self, *args, **kwargs):
        names = _find_implementations(type(self)).get(method.__name__, ())
        return [getattr(self, name)(*args, **kwargs) for name in names]

    return call_all


def implements(hook_name):
    """Decorator: the method is called whenever the model's hook `hook_name` is."""

    def mark(method):
        method._implements_hook = hook_name
        return method

    return mark


def _find_implementations(model_class):
    classes, found = _implementations.get(model_class, (None, None))
    # Installing another addon changes the bases of the same class.
    if classes is not model_class.__mro__:
        found = {}
        for name, method in getmembers(model_class, isfunction):
            if hook_name := getattr(method, "_implements_hook", None):
                found.setdefault(hook_name, []).append(name)
        _implementations[model_class] = (model_class.__mro__, found)
    return found
