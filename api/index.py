"""The entry point: `app`, for Vercel and for any ASGI server (`uvicorn api.index:app`)."""

import sys

from api.application import create_app
from core.domain.errors import ConfigError

try:
    app = create_app()
except ConfigError as error:
    sys.exit(f"Paperwire cannot start; `paperwire check` explains more:\n{error}")
