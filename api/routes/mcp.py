"""The MCP endpoint, at which assistants query this wire (https://modelcontextprotocol.io)."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

router = APIRouter(include_in_schema=False)


@router.post("/mcp")
async def answer_mcp(request: Request) -> Response:
    """One JSON-RPC message of the streamable HTTP transport, without sessions: any instance answers any message."""
    from api.mcp.protocol import answer  # not at a cold start

    return await answer(request)


@router.get("/mcp")
@router.delete("/mcp")
async def refuse_mcp() -> Response:
    """There is no stream to listen to and no session to end."""
    return Response("POST JSON-RPC messages here; see docs/mcp.md.\n", 405, {"Allow": "POST"}, "text/plain")
