"""Opens the store that the settings name: Upstash over REST, else Redis by URL, else a SQLite file."""

from pathlib import Path
from urllib.parse import urlsplit

from core.config.settings import Settings
from core.model.errors import ConfigError
from core.store.base import Store
from core.store.space import Space

DEFAULT_FILE = Path(".paperwire/store.sqlite3")
_REST = (
    ("UPSTASH_REDIS_REST_URL", "UPSTASH_REDIS_REST_TOKEN"),
    ("KV_REST_API_URL", "KV_REST_API_TOKEN"),
)

NO_STORE = """No store is configured, and this platform has no permanent disk. Add a Redis database:
on Vercel, open the project's Storage tab, choose Upstash for Redis, connect it to this project, and deploy again; \
that sets KV_REST_API_URL and KV_REST_API_TOKEN.
Elsewhere, make a database at https://console.upstash.com and set UPSTASH_REDIS_REST_URL and UPSTASH_REDIS_REST_TOKEN, \
or set REDIS_URL to a Redis or Valkey server of yours."""


NO_CLIENT = "REDIS_URL needs the package redis: pip install 'redis>=5.2'"
NO_CLIENT_HERE = (
    'REDIS_URL needs the package redis, which this build does not have: add "redis>=5.2" to `dependencies` in '
    "pyproject.toml and deploy again, or connect a database of Upstash instead (UPSTASH_REDIS_REST_URL and _TOKEN), "
    "which needs no package"
)


def may_exist(settings: Settings) -> bool:
    """Returns False if the store is a SQLite file that does not exist yet, else True."""
    remote = settings.redis_url or any(getattr(settings, url.lower()) for url, _ in _REST)
    return bool(remote) or Path(settings.sqlite_path or DEFAULT_FILE).exists()


def open_store(settings: Settings) -> Space:
    """Returns this wire's part of the store that `settings` name; it connects on first use. Raises `ConfigError`."""
    return Space(_open_whole(settings), settings.prefix)


def _open_whole(settings: Settings) -> Store:
    """Returns the store that `settings` name. Raises `ConfigError`.

    Each client is imported only if it is used, because the imports take much of a cold start.
    """
    if settings.sample:
        return _sqlite(settings)
    bounds = {"connect_seconds": settings.store_connect_seconds, "read_seconds": settings.store_read_seconds}
    for url_name, token_name in _REST:
        url, token = getattr(settings, url_name.lower()), getattr(settings, token_name.lower())
        if not url and not token:
            continue
        if not url or not token:
            there, missing = (url_name, token_name) if url else (token_name, url_name)
            raise ConfigError([f"{there} is set, but {missing} is not"])
        _host(url_name, url)
        from core.store.upstash import UpstashStore

        return UpstashStore(url, token, **bounds)
    if settings.redis_url:
        try:
            from core.store.redis import RedisStore
        except ImportError as error:
            raise ConfigError([NO_CLIENT_HERE if settings.serverless else NO_CLIENT]) from error
        return RedisStore(settings.redis_url, **bounds)
    if settings.vercel or (settings.aws_lambda_function_name and not settings.sqlite_path):
        raise ConfigError(NO_STORE.splitlines())
    return _sqlite(settings)


def _sqlite(settings: Settings) -> Store:
    from core.store.sqlite import SqliteStore

    return SqliteStore(settings.sqlite_path or DEFAULT_FILE)


def _host(name: str, url: str) -> str:
    """Returns scheme, host and port of a REST address. Raises `ConfigError`, which does not quote it."""
    if not url.startswith(("https://", "http://")):
        raise ConfigError([f"{name}: it has to begin with https://; redis:// belongs into REDIS_URL"])
    try:
        address = urlsplit(url)
        host, port = address.hostname, address.port
    except ValueError:
        host, port = None, None
    if not host or " " in host:
        raise ConfigError([f"{name}: it is no address; it has to look like https://name.upstash.io"])
    return f"{address.scheme}://{host}" + (f":{port}" if port else "")


def describe(settings: Settings) -> str:
    """Describe the store for its owner, without secrets. Raises `ConfigError`."""
    return _place_of(settings) + (f", keys with the prefix {settings.prefix}" if settings.prefix else "")


def _place_of(settings: Settings) -> str:
    open_store(settings)  # validates the settings; it does not connect
    for url_name, _ in _REST:
        if (url := getattr(settings, url_name.lower())) and not settings.sample:
            return f"Upstash at {_host(url_name, url)} ({url_name})"
    if settings.redis_url and not settings.sample:
        from core.store.redis import place_of

        return f"Redis at {place_of(settings.redis_url)} (REDIS_URL)"
    return str(settings.sqlite_path or DEFAULT_FILE)
