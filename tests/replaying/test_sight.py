"""Which facts a request still shows."""

from hypothesis import given
from hypothesis import strategies as st

from cortex_cli.replaying.sight import Form, Forms

TEXTS = st.text(alphabet="ab. ¦\n\x1c\u3000", max_size=12)


@given(TEXTS, st.lists(TEXTS, max_size=6))
def test_a_fact_is_told_where_one_of_its_forms_stands(text: str, texts: list[str]) -> None:
    """A look at single words only saves the search; two forms each."""
    forms = Forms(Form(at // 2, form) for at, form in enumerate(texts))
    assert forms.facts_in(text) == forms.facts_in(text) == {at // 2 for at, form in enumerate(texts) if form in text}


@given(TEXTS, TEXTS, TEXTS)
def test_a_form_is_found_wherever_it_stands(before: str, form: str, behind: str) -> None:
    """Also where its first and last word are parts of longer ones."""
    assert Forms([Form(0, form)]).facts_in(before + form + behind) == {0}
