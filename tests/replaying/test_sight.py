"""Which facts a request still shows."""

from hypothesis import given
from hypothesis import strategies as st

from cortex_cli.replaying.sight import Made, form_of

TEXTS = st.text(alphabet="ab \n\x1c\u3000", max_size=12)


@given(TEXTS, st.lists(TEXTS, min_size=1, max_size=3))
def test_a_fact_is_told_where_one_of_its_forms_stands(text: str, forms: list[str]) -> None:
    """A look at single words only saves the search."""
    assert Made(text).holds(0, [form_of(form) for form in forms]) == any(form in text for form in forms)


@given(TEXTS, TEXTS, TEXTS)
def test_a_form_is_found_wherever_it_stands(before: str, form: str, behind: str) -> None:
    """Also where its first and last word are parts of longer ones."""
    assert Made(before + form + behind).holds(0, [form_of(form)])
