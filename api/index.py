"""The entry point: `app`, for Vercel and for any ASGI server (`uvicorn api.index:app`)."""

import gc

gc.disable()  # nothing that is imported is garbage, and looking for it takes a tenth of a cold start

from api.application import create_app_or_explain  # noqa: E402

app = create_app_or_explain()

gc.freeze()  # nor will it ever be
gc.enable()
