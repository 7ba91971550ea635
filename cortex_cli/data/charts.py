"""The plotting library of the HTML reports: uPlot, its script and its style as its package ships them."""

import hashlib
from importlib.resources import files

from cortex_cli.errors import CortexError

UPLOT_VERSION = "1.6.32"

UPLOT_FILES = {
    "uPlot.iife.min.js": "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f",
    "uPlot.min.css": "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
}
"""SHA-256 by name, of the files in `dist/` of the npm package."""


def read_uplot() -> tuple[str, str]:
    """Return uPlot's script and its style.

    Raises:
        CortexError: A file is not the one its hash names.
    """
    script, style = (_read(name) for name in UPLOT_FILES)
    return script, style


def _read(name: str) -> str:
    data = files(__package__).joinpath(name).read_bytes()
    if hashlib.sha256(data).hexdigest() != UPLOT_FILES[name]:
        raise CortexError(f"{name} is damaged", hint="install cortex-cli again")
    return data.decode()
