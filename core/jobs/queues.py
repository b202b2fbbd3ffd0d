"""The queue that the settings name: QStash where its token is set, else SQS on Lambda."""

from core.config.queues import queue_problem
from core.config.settings import Settings
from core.queue.base import Queue
from core.queue.qstash import QStashQueue
from core.queue.sqs import Credentials, SqsQueue

WORK_PATH = "/api/work"


def open_queue(settings: Settings) -> Queue | None:
    """Returns the queue that calls this deployment, None without one; see `queue_problem`."""
    if settings.qstash_token and not queue_problem(settings):
        return QStashQueue(settings.qstash_url, settings.qstash_token, f"{settings.public_url}{WORK_PATH}")
    if settings.sqs_queue_url and settings.aws_lambda_function_name:
        keys = Credentials(settings.aws_access_key_id, settings.aws_secret_access_key, settings.aws_session_token)
        return SqsQueue(settings.sqs_queue_url, settings.aws_region, keys)
    return None
