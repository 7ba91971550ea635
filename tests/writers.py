"""Every way to write a conversation down, for tests that hold for all formats."""

from tests import wire, wire_agents, wire_clients
from tests.wire import Writer

WRITERS: dict[str, tuple[str, Writer]] = {
    "openai lines": ("openai", wire.openai_lines),
    "openai request": ("openai", wire.openai_request),
    "openai array": ("openai", wire.openai_array),
    "responses request": ("openai-responses", wire.responses_request),
    "responses lines": ("openai-responses", wire.responses_lines),
    "anthropic request": ("anthropic", wire.anthropic_request),
    "anthropic lines": ("anthropic", wire.anthropic_lines),
    "axio": ("axio", wire.axio_list),
    "bedrock": ("bedrock-converse", wire.bedrock_request),
    "gemini request": ("gemini", wire.gemini_request),
    "gemini without ids": ("gemini", wire.gemini_without_ids),
    "gemini adk": ("gemini", wire.adk_session),
    "gemini-cli lines": ("gemini-cli", wire_clients.gemini_cli_lines),
    "gemini-cli json": ("gemini-cli", wire_clients.gemini_cli_json),
    "cortex session": ("cortex-session", wire_clients.cortex_session),
    "cline": ("cline", wire_clients.cline_session),
    "claude-code stream": ("claude-code-stream", wire_clients.claude_stream),
    "codex legacy lines": ("codex-legacy", wire_clients.codex_legacy),
    "codex legacy document": ("codex-legacy", wire_clients.codex_legacy_document),
    "claude-code": ("claude-code", wire.claude_code),
    "codex": ("codex", wire.codex),
    "pi": ("pi", wire.pi_session),
    "pi-history lines": ("pi-history", wire.pi_history),
    "pi-history array": ("pi-history", wire.pi_history_array),
    "tau-bench": ("tau-bench", wire_agents.tau_bench),
    "mini-swe-agent": ("mini-swe-agent", wire_agents.mini_swe_agent),
    "mini-swe-agent text": ("mini-swe-agent", wire_agents.mini_swe_agent_text),
    "swe-agent": ("swe-agent", wire_agents.swe_agent),
    "sharegpt": ("sharegpt", wire_agents.sharegpt),
    "sharegpt media": ("sharegpt", wire_agents.sharegpt_media),
    "atif": ("atif", wire_agents.atif),
    "openhands": ("openhands", wire_agents.openhands),
    "openhands V0": ("openhands", wire_agents.openhands_v0),
    "langchain dumpd": ("langchain", wire_agents.langchain_dumpd),
    "langchain dicts": ("langchain", wire_agents.langchain_dicts),
    "swe-agent text": ("swe-agent", wire_agents.swe_agent_text),
}
"""What is written -> (name of its format, writer)."""
