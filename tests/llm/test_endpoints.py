"""The kinds of endpoints in docs/endpoints.md: what each is known to send, and what it counts as."""

import json
from typing import Any

import pytest

from core.llm.replies import read_error, read_reply
from core.model.errors import ModelError
from tests.support.tables import each_row


def openai(message: str, code: Any = None) -> dict[str, Any]:
    """An error as OpenAI's protocol has it."""
    return {"error": {"message": message, "type": "invalid_request_error", "code": code}}


ERRORS: dict[str, tuple[int, Any, str]] = {
    "OpenAI": (429, openai("You exceeded your current quota", "insufficient_quota"), "no-credit"),
    "Azure": (400, openai("The response was filtered", "content_filter"), "refused"),
    "Gemini": (
        400,
        [{"error": {"code": 400, "message": "API key not valid.", "details": [{"reason": "API_KEY_INVALID"}]}}],
        "wrong-key",
    ),
    "Anthropic-compatible": (400, openai("prompt is too long: 9000 tokens > 4000 maximum"), "too-long"),
    "DeepSeek": (402, openai("Insufficient Balance"), "no-credit"),
    "DashScope": (400, openai("Access denied, account is in arrearage", "Arrearage"), "no-credit"),
    "SiliconFlow": (403, {"code": 30001, "message": "Sorry, your account balance is insufficient"}, "no-credit"),
    "Zhipu": (429, openai("余额不足或无可用资源包", "1113"), "no-credit"),
    "Groq": (429, openai("Request too large for model, tokens per minute: Limit 4000"), "too-long"),
    "Ollama": (404, openai('model "stand-in" not found, try pulling it first'), "no-model"),
    "vLLM": (400, {"object": "error", "message": "This model's maximum context length is 8192 tokens."}, "too-long"),
    "llama.cpp": (400, openai("the request exceeds the available context size", 400), "too-long"),
}


@each_row("kind", ERRORS)
def test_errors(kind: str) -> None:
    """The account's, the paper's and the length's errors are distinguished, whatever the status."""
    status, body, state = ERRORS[kind]
    assert state == read_error(status, json.dumps(body).encode()).state


def completion(message: dict[str, Any]) -> bytes:
    """An answer with status 200."""
    return json.dumps({"choices": [{"message": message, "finish_reason": "stop"}]}).encode()


REPLIES: dict[str, tuple[bytes, tuple[str, str]]] = {
    "Mistral": (
        completion({"content": [{"type": "thinking", "thinking": []}, {"type": "text", "text": "Yes."}]}),
        ("Yes.", ""),
    ),
    "DeepSeek": (completion({"content": "Yes.", "reasoning_content": "Hm."}), ("Yes.", "Hm.")),
    "OpenRouter": (completion({"content": "Yes.", "reasoning": "Hm."}), ("Yes.", "Hm.")),
    "LM Studio": (b'data: {"choices": [{"delta": {"content": "Yes."}}]}\n\ndata: [DONE]\n\n', ("Yes.", "")),
}


@pytest.mark.parametrize("kind", REPLIES)
def test_replies(kind: str) -> None:
    """Answers are read in each form, and thoughts are kept apart."""
    body, expected = REPLIES[kind]
    reply = read_reply(body)
    assert expected == (reply.text, reply.thoughts)


def test_errors_with_status_200() -> None:
    """OpenRouter sends errors with status 200."""
    with pytest.raises(ModelError) as caught:
        read_reply(json.dumps({"error": {"message": "Insufficient balance", "code": 402}}).encode())
    assert "no-credit" == caught.value.state
