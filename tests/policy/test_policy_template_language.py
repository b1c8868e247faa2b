from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ...policy.template_language import choose_language
from ..pure import PureCase

CODES = ("es", "es_ES", "es_MX", "es_AR", "en", "en_US", "en_GB", "pt_BR", "pt_PT", "zh_CN",
         "zh_HK", "zh_TW", "fr", "ar")  # fmt: skip


class TestTemplateLanguage(PureCase):
    def test_the_nearest_version_is_chosen(self):
        cases = [
            (["es_MX"], ["es", "es_MX", "en"], "es_MX"),
            (["es_MX"], ["es_AR", "es", "en"], "es"),
            (["es_MX"], ["es_ES", "es_AR", "en"], "es_AR"),
            (["es"], ["es_MX", "en"], "es_MX"),
            (["es_MX"], ["en", "pt_BR"], None),
            (["pt_PT"], ["pt_BR"], "pt_BR"),
            # The contact's own language comes before that of the country.
            (["fr_FR", "de"], ["de", "fr"], "fr"),
            (["fr_FR", "de"], ["de", "en"], "de"),
            (["", "de"], ["de"], "de"),
            ([], ["es"], None),
            (["es"], [], None),
            (["zh_TW"], ["zh_CN"], None),
            (["zh_TW"], ["zh_CN", "zh_HK"], "zh_HK"),
            (["zh_CN"], ["zh_CN", "zh_HK"], "zh_CN"),
            (["zh"], ["zh_CN"], None),
            (["ES_mx"], ["es"], "es"),
        ]
        for wanted, available, expected in cases:
            with self.subTest(wanted=wanted, available=available):
                self.assertEqual(choose_language(wanted, available), expected)

    @settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
    @given(
        st.lists(st.sampled_from(CODES), max_size=3),
        st.lists(st.sampled_from(CODES), unique=True),
        st.randoms(),
    )
    def test_a_version_is_one_of_them_and_their_order_does_not_matter(self, wanted, available, rng):
        chosen = choose_language(wanted, available)
        shuffled = available[:]
        rng.shuffle(shuffled)
        self.assertEqual(choose_language(wanted, shuffled), chosen)
        if chosen is None:
            self.assertFalse({*wanted} & {*available})
        else:
            self.assertIn(chosen, available)
            self.assertIn(chosen.split("_")[0], {code.split("_")[0] for code in wanted})
