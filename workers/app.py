"""The Celery application: `celery -A workers.app worker` and `celery -A workers.app beat`.

The broker is a doorbell. Whatever must happen stands in the database first, so no result is
kept, nothing is stored in the broker for long, and any job may be lost or run twice.
"""

import gc

from celery import Celery
from celery.signals import setup_logging, worker_process_init
from kombu import Queue

from geoservices import logs
from geoservices.tables import all_tables
from workers import runtime
from workers.lost_broker import outlive_the_broker
from workers.lost_database import Job
from workers.schedule import SCHEDULE
from workers.tls import broker_tls

# A listing of a kind whose class no job has imported could not be loaded.
all_tables()
broker_url = runtime.settings().broker_url.get_secret_value()
outlive_the_broker()
app = Celery("geoservices", broker=broker_url, task_cls=Job)
app.conf.update(
    broker_use_ssl=broker_tls(broker_url),
    include=[
        "workers.jobs.audit",
        "workers.jobs.campaigns",
        "workers.jobs.credentials",
        "workers.jobs.deliveries",
        "workers.jobs.erasures",
        "workers.jobs.exports",
        "workers.jobs.files",
        "workers.jobs.imports",
        "workers.jobs.feeds",
        "workers.jobs.events",
        "workers.jobs.letters",
        "workers.jobs.limiting",
        "workers.jobs.pings",
        "workers.jobs.places",
        "workers.jobs.replays",
        "workers.jobs.retention",
        "workers.jobs.shifts",
        "workers.jobs.outcomes",
        "workers.jobs.statistics",
        "workers.jobs.subscriptions",
        "workers.jobs.tasks",
        "workers.jobs.visits",
    ],
    # RabbitMQ keeps the queue on a majority of its nodes; Redis and Valkey ignore the argument.
    task_queues=[Queue("geoservices", queue_arguments={"x-queue-type": "quorum"})],
    task_default_queue="geoservices",
    task_ignore_result=True,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_serializer="json",
    accept_content=["json"],
    worker_prefetch_multiplier=4,
    worker_detect_quorum_queues=True,
    # No job is ever delayed, so the 28 queues that Celery makes for delays may be the cheap kind.
    broker_native_delayed_delivery_queue_type="classic",
    broker_connection_retry_on_startup=True,
    # The first is for Redis and Valkey, the second for RabbitMQ: a job counts as published once
    # the broker says that it has it.
    broker_transport_options={"visibility_timeout": 300, "confirm_publish": True},
    beat_schedule=SCHEDULE,
    beat_max_loop_interval=1,
    timezone="UTC",
)


@setup_logging.connect
def _set_up_logs(**_: object) -> None:
    logs.configure()


@worker_process_init.connect
def _start_afresh(**_: object) -> None:
    # A connection opened before the fork must not be used by two processes. What the first job
    # needs is made now, so that the first person does not wait for it.
    runtime.sessions.cache_clear()
    runtime.picking_sessions.cache_clear()
    runtime.delivery_sessions.cache_clear()
    runtime.gateway()
    runtime.sessions()
    runtime.picking_sessions()
    runtime.delivery_sessions()
    # What is loaded by now stays for good. Looking through it for garbage, again and again while a
    # job makes many rows, took a sixth of that job's time.
    gc.collect()
    gc.freeze()
