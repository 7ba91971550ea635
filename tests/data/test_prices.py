"""The extract of the price list: the same as the package's, and replaced by a newer package."""

import zlib

import pytest

from cortex_cli.data import prices
from cortex_cli.data.prices import PRICES_FILE, extract, installed_version, read_prices


def test_extract_is_what_the_package_says():
    """The file in the package must not drift from its source."""
    if installed_version() != read_prices().version:
        pytest.skip("another genai-prices is installed than the extract was made from")
    assert extract(installed_version()) == zlib.decompress(PRICES_FILE.read_bytes())


def test_newer_package_wins(monkeypatch):
    """Prices change; who updates the price list gets the new prices."""
    monkeypatch.setattr(prices, "installed_version", lambda: "9999.1")
    assert read_prices.__wrapped__().version == "9999.1"


@pytest.mark.parametrize("version", ["0.0.1", ""])
def test_older_or_missing_package_does_not(version, monkeypatch):
    """The extract is the newer one then, and it is enough by itself."""
    monkeypatch.setattr(prices, "installed_version", lambda: version)
    monkeypatch.setattr(prices, "extract", None)
    assert read_prices.__wrapped__().providers


def test_version_is_read_without_import(monkeypatch):
    """Asking importlib.metadata alone would cost as much as reading the extract."""
    metadata = pytest.importorskip("importlib.metadata")
    assert installed_version() == metadata.version("genai-prices")
    monkeypatch.setattr(prices, "find_spec", lambda _: None)
    assert installed_version() == ""
