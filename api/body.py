"""Reads the body of a request, within limits of size and time."""

import asyncio

from fastapi import HTTPException, Request

MOST_BODY = 64_000  # bytes of a form
BODY_SECONDS = 5.0  # to receive a form


async def read_body(
    request: Request, most: int = MOST_BODY, seconds: float = BODY_SECONDS, *, what: str = "body"
) -> bytes:
    """Returns the body of a request, which the errors call `what`. Raises `HTTPException` at a limit."""
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            async for part in request.stream():
                body += part
                if len(body) > most:
                    raise HTTPException(413, f"A {what} has up to {most:,} bytes.", {"Connection": "close"})
    except TimeoutError:
        raise HTTPException(408, f"The {what} was not there after {seconds:g} s.", {"Connection": "close"}) from None
    return bytes(body)
