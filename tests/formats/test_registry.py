"""The registry of formats."""

import pytest

from cortex_cli import formats
from cortex_cli.errors import OptionError


def test_unknown_name_is_an_option_error():
    """A typing mistake in --format must not end in a traceback."""
    with pytest.raises(OptionError):
        formats.find("no-such-format")
