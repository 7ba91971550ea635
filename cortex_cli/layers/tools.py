"""What kind of tool a result came from: whether it can be had again, and what it is worth when old."""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Literal, get_args

from cortex_cli.errors import OptionError

Category = Literal["rereadable", "non-reproducible", "ephemeral", "computational"]

CATEGORIES: tuple[Category, ...] = get_args(Category)

_NAMES: dict[Category, str] = {
    "rereadable": """
        read glob grep ls notebookread readmcpresourcetool listmcpresourcestool
        read_file read_files read_many_files view view_file view_image open_file cat open file_read fs_read
        list_dir list_directory list_files listdir find find_file find_files file_search
        search search_files search_file search_dir search_code search_file_content codebase_search grep_search
        rg ripgrep list_code_definition_names read_text_file read_multiple_files directory_tree get_file_contents
    """,
    "non-reproducible": """
        webfetch bash websearch task agent powershell
        shell exec exec_command shell_command local_shell local_shell_call write_stdin container.exec
        run_command run_shell_command run_terminal_cmd run_in_terminal execute_command execute_bash cmd_run
        execute_ipython_cell run_ipython python ipython terminal bashexecution unified_exec
        web_fetch web_search google_web_search fetch browser browse browser_action browse_interactive
        http_request curl url_fetch
    """,
    "ephemeral": """
        subagent taskoutput bashoutput killshell killbash agentoutputtool taskstop
        task_output get_task_output check_task_status task_status wait sleep get_status status poll
        get_terminal_output list_processes
    """,
}
"""Names in lower case. Source: SPEC section 3, and the tool lists of the agents whose formats are read here."""

_DEFAULTS: dict[str, Category] = {name: kind for kind, names in _NAMES.items() for name in names.split()}
_NAMESPACE = re.compile(r"\A(?:functions|default_api|tools)[.:]")


def categories(settings_pairs: Iterable[str]) -> Mapping[str, Category]:
    """Return name (lower case) -> category, the user's own included.

    Args:
        settings_pairs: `NAME=KIND`, as in `--tool-category`.

    Raises:
        OptionError: A pair names no category.
    """
    known = dict(_DEFAULTS)
    for pair in settings_pairs:
        name, _, kind = pair.rpartition("=")
        if not name.strip() or kind.strip() not in CATEGORIES:
            raise OptionError(
                f"{pair!r} is not NAME=KIND",
                hint=f"kinds are {', '.join(CATEGORIES)}",
                where="--tool-category",
            )
        known[_key(name)] = next(one for one in CATEGORIES if one == kind.strip())
    return known


def category_of(tool: str, known: Mapping[str, Category]) -> Category | None:
    """Return a tool's category, None where it has none; case does not matter."""
    return known.get(_key(tool))


def names(tools: Iterable[str]) -> frozenset[str]:
    """Return tool names in the form in which they are compared."""
    return frozenset(map(_key, tools))


def is_named(tool: str, tools: frozenset[str]) -> bool:
    """Tell whether a tool is one of `names`."""
    return bool(tools) and _key(tool) in tools


@lru_cache(maxsize=1_000)
def _key(tool: str) -> str:
    return _NAMESPACE.sub("", tool.strip()).casefold()
