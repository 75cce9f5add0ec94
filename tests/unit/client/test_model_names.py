"""Whether two names are of one model."""

from __future__ import annotations

import pytest

from fceval.client.model_names import is_same_model

SAME = [
    ("gpt-4o", "gpt-4o"),
    ("gpt-4o", "GPT-4o"),
    ("gpt-4o", "gpt-4o-2024-08-06"),
    ("gpt-4", "gpt-4-0613"),
    ("gpt-4o", "openai/gpt-4o"),
    ("openrouter/openai/gpt-4o", "gpt-4o"),
    ("gemini-2.5-flash", "models/gemini-2.5-flash"),
    ("gemini-2.5-flash", "gemini-2.5-flash-preview-05-20"),
    ("gemini-1.5-pro", "gemini-1.5-pro-002"),
    ("claude-3-5-sonnet-latest", "claude-3-5-sonnet-20241022"),
    ("claude-3.5-sonnet", "anthropic/claude-3-5-sonnet@20240620"),
    ("gpt-3.5-turbo", "gpt-35-turbo"),
    ("llama3.1", "llama3.1:latest"),
    ("qwen2.5:7b", "qwen2.5:7b-q4_K_M"),
    ("deepseek/deepseek-r1:free", "deepseek-r1"),
    ("Qwen/Qwen2.5-7B-Instruct", "Qwen2.5-7B-Instruct-AWQ"),
    ("qwen2.5-0.5b-instruct", "/models/Qwen2.5-0.5B-Instruct-Q4_K_M.gguf"),
]
OTHERS = [
    ("gpt-4o", "gpt-4o-mini"),
    ("gpt-4", "gpt-4-32k"),
    ("gpt-4", "gpt-4o"),
    ("gpt-5", "gpt-5.1"),
    ("gpt-4o-2024-05-13", "gpt-4o-2024-08-06"),
    ("gpt-4-0613", "gpt-4-1106"),
    ("qwen2.5:7b", "qwen2.5:14b"),
    ("qwen2.5-7b", "qwen2.5-7b-coder"),
    ("kimi-k2-int4", "kimi-k2-fp8"),
    ("mistral-7b-instruct-v0.2", "mistral-7b-instruct-v0.3"),
    ("gpt-4o", "unknown"),
]


@pytest.mark.parametrize(("asked", "served"), SAME)
def test_same_model(asked: str, served: str) -> None:
    """Prefixes, snapshots and builds that only one side names do not count, whichever side it is."""
    assert is_same_model(asked, served)
    assert is_same_model(served, asked)


@pytest.mark.parametrize(("asked", "served"), OTHERS)
def test_another_model(asked: str, served: str) -> None:
    """Another size, version, snapshot or build is another model."""
    assert not is_same_model(asked, served)
    assert not is_same_model(served, asked)
