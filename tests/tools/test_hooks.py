"""Hooks of base models: who is called, with what, in which order; see models/tools/hooks.py."""

from ...models.tools.hooks import hook, implements
from ..pure import PureCase


class Base:
    @hook
    def _on_status(self, statuses, at=None):
        """After statuses were stored."""


class Called(Base):
    @implements("_on_status")
    def _write_second(self, statuses, at=None):
        return "second", statuses, at

    @implements("_on_status")
    def _count_first(self, statuses, at=None):
        return "first", statuses, at

    @implements("_on_other")
    def _never_called(self, statuses, at=None):
        raise AssertionError("another hook's")


class TestHooks(PureCase):
    def test_a_hook_nobody_implements_does_nothing(self):
        self.assertEqual(Base()._on_status(["read"]), [])
        self.assertEqual(Base._on_status.__doc__, "After statuses were stored.")

    def test_all_that_implement_a_hook_are_called_in_the_order_of_their_names(self):
        self.assertEqual(
            Called()._on_status(["read"], at=7),
            [("first", ["read"], 7), ("second", ["read"], 7)],
        )

    def test_an_error_in_one_is_an_error_of_the_call(self):
        class Failing(Called):
            @implements("_on_status")
            def _fail(self, statuses, at=None):
                raise ValueError(statuses)

        with self.assertRaisesRegex(ValueError, "read"):
            Failing()._on_status(["read"])

    def test_a_class_extended_afterwards_is_read_again(self):
        class Later:
            @implements("_on_status")
            def _added(self, statuses, at=None):
                return "added"

        class Model(Called):
            pass

        model = Model()
        self.assertEqual(len(model._on_status([])), 2)
        Model.__bases__ = (Later, Called)
        self.assertEqual(model._on_status([])[0], "added")
