"""The command line: `paperwire …`."""

import sys
from importlib.util import find_spec

# The packages of the extra, which a deployment on Vercel or Lambda does not need
if _missing := [name for name in ("rich", "typer", "uvicorn") if find_spec(name) is None]:
    sys.exit(
        f"The command line needs {', '.join(_missing)}: install the extra `cli`, for example with "
        "`pip install '.[cli]'` or `uvx --from '.[cli]' paperwire`."
    )
