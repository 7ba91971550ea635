"""What a tool call did to the world, whatever the agent calls the tool: files, commands, searches, plans.

Known by the names of the common agents' tools and, where the name says nothing, by the names of the
arguments. What came of it is told by `outcomes.py`.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import orjson

from cortex_cli.messages import Part

Deed = Literal[
    "read", "changed", "created", "deleted", "ran", "looked", "fetched", "planned", "asked", "delegated", "used"
]

MAX_TARGET_CHARS = 140
"""Of a longer command or query the first so many characters are shown, up to a blank."""


class Todo(NamedTuple):
    """One item of a plan."""

    text: str
    state: str
    """`pending`, `in progress` or `done`."""
    id: str = ""


class Action(NamedTuple):
    """One deed of one tool call; a patch of three files is three."""

    deed: Deed
    tool: str
    target: str
    """Path, command, address or question, on one line."""
    key: str
    """The same for the same deed done again: tells whether a later try went well."""
    call_id: str = ""
    message: int = 0
    todos: tuple[Todo, ...] = ()
    said: str = ""
    """A plan or report in prose, to be read like an assistant's words."""


_PATHS = (
    "file_path", "path", "absolute_path", "notebook_path", "target_file", "filename", "file", "filepath",
    "relative_workspace_path", "file_name", "relative_path", "abs_path",
)  # fmt: skip
_COMMANDS = ("command", "cmd", "script", "code", "input", "action", "keystrokes")
_QUERIES = ("pattern", "query", "url", "urls", "regex", "glob", "q", "search_term", "uri", "prompt", "description")
_NAMES: tuple[tuple[Deed, str], ...] = (
    (
        "read",
        """read read_file read_files view view_file view_image open open_file cat notebookread fs_read file_read
        read_many_files read_text_file read_multiple_files get_file_contents goto scroll_down scroll_up""",
    ),
    (
        "changed",
        """edit multiedit str_replace replace edit_file replace_in_file apply_diff insert notebookedit insert_line
        search_replace apply_patch patch str_replace_editor file_editor str_replace_based_edit_tool undo_edit""",
    ),
    ("created", "write write_file create write_to_file create_file save_file new_file fs_write"),
    ("deleted", "delete_file remove_file delete"),
    (
        "ran",
        """bash shell exec exec_command shell_command local_shell local_shell_call container.exec run_command powershell
        run_shell_command run_terminal_cmd run_in_terminal execute_command execute_bash cmd_run terminal run python
        execute_ipython_cell run_ipython ipython bashexecution unified_exec code_execution repl""",
    ),
    (
        "looked",
        """grep glob ls search search_files search_file search_dir list_dir list_directory list_files find find_file
        search_code search_file_content codebase_search grep_search file_search rg bashoutput write_stdin think
        taskoutput get_task_output killshell get_status wait sleep directory_tree tool_search toolsearch skill""",
    ),
    ("fetched", "webfetch web_fetch websearch web_search google_web_search fetch browser_navigate http_request curl"),
    (
        "planned",
        "todowrite todoread update_plan write_todos task_tracker taskcreate taskupdate tasklist manage_todo_list",
    ),
    ("asked", "askuserquestion ask_followup_question ask_user request_user_input"),
    (
        "delegated",
        """task agent subagent spawn_agent new_task delegate exitplanmode exit_plan_mode plan_mode_respond finish
        attempt_completion""",
    ),
)
_DEEDS: Mapping[str, Deed] = {name: deed for deed, names in _NAMES for name in names.split()}
_PREFIX = re.compile(r"\A(?:functions|default_api|tools)[.:]")
_PATCH_FILE = re.compile(r"^\*\*\* (Add|Update|Delete) File: (.+)$", re.MULTILINE)
_CD = re.compile(
    r"\A(?:cd [^&;|\n]+(?:&&|;|\n)\s*|export \S+\s*(?:&&|;)\s*|[A-Z_][A-Z0-9_]*=\S*\s+|sudo\s+|timeout \S+\s+)+"
)
_TRIMMED = re.compile(r"\s*(?:\d?>&\d|\d?>\s?/dev/null|\|\s*(?:head|tail|grep|less|cat|sort|wc|tee)\b[^|;&\n]*)")
"""What only shortens a command's output: with or without it, it is the same try."""
_LOOKING = re.compile(
    r"\A(?:ls|cat|head|tail|sed -n|nl|wc|rg|grep|egrep|find|fd|tree|pwd|which|stat|file|du|df|ps|env|echo|printenv"
    r"|whoami|Get-ChildItem|Get-Content|dir|type|less|awk|sleep|true|date|uname|jq"
    r"|git (?:-C \S+ |--no-pager )*(?:status|diff|log|show|branch|blame|remote|ls-files|grep|rev-parse))\b"
)
_READING = re.compile(r"(?:cat|head|tail|nl|less|sed -n|Get-Content|type|awk)\b")
_WRITING = re.compile(
    r"(?:cat|tee|echo|printf)\b[^|;&\n]*?>{1,2}\s*([\w./~-]+)|\btee (?:-a )?([\w./~-]+)"
    r"|sed -i\S* (?:.*\s)?([\w./~-]+)\Z"
)
_FILE_WORD = re.compile(r"(?<![\w=>-])(?:[\w.~-]*/)*[\w.-]+\.[A-Za-z]\w{0,7}(?![\w/(])")
_STATES = {
    "completed": "done", "done": "done", "complete": "done", "cancelled": "done", "canceled": "done", "deleted": "done",
    "in_progress": "in progress", "in-progress": "in progress", "doing": "in progress", "active": "in progress",
}  # fmt: skip


def read_call(part: Part, message: int) -> list[Action]:
    """Tell what a tool call does.

    Args:
        part: A call; its text is JSON, or whatever the model wrote in its place.
        message: Position of its message.
    """
    arguments = _arguments(part.text)
    name = _PREFIX.sub("", part.name.strip()).casefold().rsplit("__", 1)[-1]
    deed = _deed(name, arguments)
    found = list(_actions(deed, name, part, arguments))
    return [action._replace(call_id=part.call_id, message=message) for action in found]


def _arguments(text: str) -> Mapping[str, Any]:
    try:
        value = orjson.loads(text)
    except (orjson.JSONDecodeError, ValueError):
        return {"input": text}
    return value if isinstance(value, dict) else {"input": value if isinstance(value, str) else text}


def _deed(name: str, arguments: Mapping[str, Any]) -> Deed:
    known = _DEEDS.get(name)
    inner = arguments.get("command")
    if (
        known == "changed"
        and isinstance(inner, str)
        and inner in ("view", "create", "str_replace", "insert", "undo_edit")
    ):
        return "read" if inner == "view" else "created" if inner == "create" else "changed"
    if known is not None:
        return known
    if any(key in arguments for key in ("command", "cmd")):
        return "ran"
    if any(key in arguments for key in ("old_string", "oldText", "new_string", "diff", "patch", "new_str")):
        return "changed"
    if "content" in arguments and _first(arguments, _PATHS):
        return "created"
    if "url" in arguments:
        return "fetched"
    return "read" if name.startswith(("read", "view", "open", "get_file")) and _first(arguments, _PATHS) else "used"


def _actions(deed: Deed, name: str, part: Part, arguments: Mapping[str, Any]) -> Iterator[Action]:
    tool = part.name
    if deed == "planned":
        yield Action(deed, tool, "", name, todos=tuple(_todos(name, arguments)))
    elif deed in ("asked", "delegated"):
        said = _text_of(_first(arguments, ("plan", "message", "result", "response", "summary")))
        target = one_line(_text_of(_first(arguments, ("description", "question", "questions", "prompt", "agent"))))
        yield Action(deed, tool, target, f"{name} {target}", said=said)
    elif deed in ("read", "changed", "created", "deleted"):
        yield from _file_actions(deed, tool, arguments)
    elif deed == "ran":
        yield from _command_actions(tool, arguments)
    else:
        target = one_line(_text_of(_first(arguments, (*_QUERIES, *_PATHS, *_COMMANDS))) or _short_json(part.text))
        yield Action(deed, tool, target, f"{name} {target}")


def _file_actions(deed: Deed, tool: str, arguments: Mapping[str, Any]) -> Iterator[Action]:
    path = _first(arguments, _PATHS)
    many = arguments.get("paths") or arguments.get("files") or arguments.get("file_paths")
    patches = list(patched_files(_text_of(_first(arguments, ("input", "patch", "diff", "patch_text")))))
    if patches:
        for one, file in patches:
            yield Action(one, tool, file, f"file {file}")
    elif isinstance(path, str) and path:
        yield Action(deed, tool, path, f"file {path}")
    elif isinstance(many, Sequence) and not isinstance(many, str):
        for each in many:
            file = each if isinstance(each, str) else _text_of(_first(each, _PATHS)) if isinstance(each, dict) else ""
            if file:
                yield Action(deed, tool, file, f"file {file}")


def patched_files(patch: str) -> Iterator[tuple[Deed, str]]:
    """Yield what a patch in Codex's own form does to which file."""
    kinds: Mapping[str, Deed] = {"Add": "created", "Update": "changed", "Delete": "deleted"}
    for match in _PATCH_FILE.finditer(patch):
        yield kinds[match[1]], match[2].strip()


def _command_actions(tool: str, arguments: Mapping[str, Any]) -> Iterator[Action]:
    command = _command(_first(arguments, _COMMANDS))
    patches = list(patched_files(command)) if "*** Begin Patch" in command else []
    if patches:
        for deed, file in patches:
            yield Action(deed, tool, file, f"file {file}")
        return
    bare = _CD.sub("", command.strip())
    key = " ".join(_TRIMMED.sub("", bare).split())[:400]
    is_looking = _LOOKING.match(bare) is not None and ">" not in bare.replace("2>", "").replace("&>", "")
    yield Action("looked" if is_looking else "ran", tool, one_line(bare or command), key)
    if is_looking and _READING.match(bare):
        for file in dict.fromkeys(_FILE_WORD.findall(bare)):
            yield Action("read", tool, file, f"file {file}")
    elif not is_looking:
        for match in _WRITING.finditer(bare.partition("\n")[0]):
            file = match[1] or match[2] or match[3]
            if file and not file.startswith("/dev/"):
                yield Action("changed", tool, file, f"file {file}")


def _command(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, Sequence):
        words = [word for word in value if isinstance(word, str)]
        if len(words) >= 3 and words[0].rsplit("/", 1)[-1] in ("bash", "sh", "zsh") and words[1].startswith("-"):
            return words[2]
        return " ".join(words)
    return ""


def one_line(text: str) -> str:
    """Return a command on one line: what follows its first line, or is too long, is left out and marked so."""
    lines = [line for line in text.strip().split("\n") if line.strip() and not line.lstrip().startswith(("# ", "//"))]
    if not lines:
        return ""
    first = " ".join(lines[0].split())
    if len(lines) > 1 and (first.endswith(("\"$(cat <<'EOF'", "<<'EOF'", "<<EOF")) and "commit" in first):
        first = f"{first[: first.index('<<')].removesuffix('cat ').rstrip('$( ')}{' '.join(lines[1].split())}"
    if len(first) > MAX_TARGET_CHARS:
        first = f"{first[: first.rfind(' ', 0, MAX_TARGET_CHARS)].rstrip()} …"
    elif len(lines) > 1:
        first = f"{first} …"
    return first


def _todos(name: str, arguments: Mapping[str, Any]) -> Iterator[Todo]:
    if name == "taskcreate" and isinstance(arguments.get("subject"), str):
        yield Todo(arguments["subject"], "pending", "new")
        return
    if name == "taskupdate":
        state = arguments.get("status")
        if isinstance(state, str):
            yield Todo(
                _text_of(arguments.get("subject")), _STATES.get(state, "pending"), str(arguments.get("taskId", ""))
            )
        return
    items = _first(arguments, ("todos", "plan", "task_list", "tasks", "todoList", "items"))
    if isinstance(items, str):
        items = _loads(items)
    for item in items if isinstance(items, list) else ():
        if isinstance(item, dict):
            text = _text_of(_first(item, ("content", "step", "title", "description", "task", "text", "name")))
            state = str(item.get("status", item.get("state", "pending"))).lower()
            if text.strip():
                yield Todo(" ".join(text.split()), _STATES.get(state, "pending"))


def _loads(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None


def _first(arguments: Mapping[str, Any], keys: Sequence[str]) -> Any:
    return next((arguments[key] for key in keys if arguments.get(key)), None)


def _text_of(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        texts = [each.get("question", "") if isinstance(each, dict) else each for each in value]
        return "; ".join(text for text in texts if isinstance(text, str))
    return "" if value is None else json.dumps(value, ensure_ascii=False)


def _short_json(text: str) -> str:
    return "" if text in ("{}", "") else text
