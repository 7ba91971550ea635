"""`python -m cortex_cli` is `cortex`."""

from cortex_cli.cli.main import run

if __name__ == "__main__":
    run()
