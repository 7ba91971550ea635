"""Which facts a request still shows."""

from hypothesis import given
from hypothesis import strategies as st

from cortex_cli.replaying.sight import Forms, Made, form_of

TEXTS = st.text(alphabet="ab \n\x1c\u3000", max_size=12)


@given(TEXTS, st.lists(TEXTS, max_size=6))
def test_a_fact_is_told_where_one_of_its_forms_stands(text: str, texts: list[str]) -> None:
    """A look at single words only saves the search; two forms each."""
    forms = Forms(form_of(at // 2, form) for at, form in enumerate(texts))
    assert Made(text, forms).facts == {at // 2 for at, form in enumerate(texts) if form in text}


@given(TEXTS, TEXTS, TEXTS)
def test_a_form_is_found_wherever_it_stands(before: str, form: str, behind: str) -> None:
    """Also where its first and last word are parts of longer ones."""
    assert Made(before + form + behind, Forms([form_of(0, form)])).facts == {0}
