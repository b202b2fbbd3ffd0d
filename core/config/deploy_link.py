"""The address that deploys a copy of this wire's own repository on Vercel, for the next person.

Parameters: https://vercel.com/docs/deploy-button/source
"""

import json
from urllib.parse import quote

from core.config.settings import Settings

_HOSTS = {"github": "github.com", "gitlab": "gitlab.com", "bitbucket": "bitbucket.org"}
_STORE = {
    "type": "integration",
    "integrationSlug": "upstash",
    "productSlug": "upstash-kv",
    "protocol": "storage",
}
_SECRETS = ("CRON_SECRET", "ADMIN_TOKEN")
_ABOUT = "Two long random texts: the first lets the daily cron refresh, the second lets you"


def deploy_url(settings: Settings) -> str:
    """Returns the address for the repository that Vercel says this copy is from; "" elsewhere."""
    host = _HOSTS.get(settings.vercel_git_provider)
    if not (host and settings.vercel_git_repo_owner and settings.vercel_git_repo_slug):
        return ""
    return clone_url(f"https://{host}/{settings.vercel_git_repo_owner}/{settings.vercel_git_repo_slug}")


def clone_url(repository: str) -> str:
    """Returns the address that copies a `repository`, adds a database, and asks for the two secrets."""
    parameters = {
        "repository-url": repository,
        "project-name": "paperwire",
        "repository-name": "paperwire",
        "env": ",".join(_SECRETS),
        "envDescription": _ABOUT,
        "products": json.dumps([_STORE], separators=(",", ":")),
    }
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in parameters.items())
    return f"https://vercel.com/new/clone?{query}"
