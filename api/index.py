"""The entry point: `app`, for Vercel and for any ASGI server (`uvicorn api.index:app`)."""

import gc

gc.disable()  # imports make no garbage, and collections take a tenth of a cold start

from api.application import create_app_or_explain  # noqa: E402

app = create_app_or_explain()

gc.freeze()  # imported modules live as long as the process
gc.enable()
