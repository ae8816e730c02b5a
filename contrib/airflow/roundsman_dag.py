"""Rounds of the Kafka brokers as an Airflow DAG (Airflow 2.4 and later).

A round's exit status is its verdict, and decides what becomes of the task:

====== =============================================== ==========================
status                                                 task
====== =============================================== ==========================
0      OK                                              success
1      WARNING                                         success, told in the log
2      CRITICAL                                        failed, not tried again
3      UNKNOWN: evidence is missing                    failed, tried again
64, 65 wrong command line or file                      failed, not tried again
75     another round holds the lock                    skipped
others ended by a signal                               failed, tried again
====== =============================================== ==========================
"""

from __future__ import annotations

import datetime
import logging
import subprocess

try:  # Airflow 3
    from airflow.sdk import dag, task
except ImportError:
    from airflow.decorators import dag, task
from airflow.exceptions import AirflowException, AirflowFailException, AirflowSkipException

COMMAND = [
    "roundsman",
    "run",
    "/etc/roundsman/kafka-audit.yml",
    "-i",
    "/etc/roundsman/inventory.yml",
    "--unattended",
    "--since",
    "26h",
]

# Longer than the round's own limit (--round-timeout).
PATIENCE = datetime.timedelta(minutes=15)

log = logging.getLogger(__name__)


def outcome(status: int) -> tuple[str, str]:
    """What becomes of the task (success, skipped, failed or retry), and why."""
    if status == 0:
        return "success", "OK"
    if status == 1:
        return "success", "WARNING: see the report above"
    if status == 2:
        return "failed", "CRITICAL: see the report above"
    if status == 3:
        return "retry", "UNKNOWN: evidence is missing, see the report above"
    if status in (64, 65):
        return "failed", "wrong command line or file: nobody was contacted"
    if status == 75:
        return "skipped", "another round holds the lock"
    return "retry", f"roundsman ended with {status}"


def judge(status: int) -> str:
    """Returns for success, raises what Airflow takes for skipped, failed or failed for now."""
    state, why = outcome(status)
    if state == "skipped":
        raise AirflowSkipException(why)
    if state == "failed":
        raise AirflowFailException(why)
    if state == "retry":
        raise AirflowException(why)
    if status != 0:
        log.warning(why)
    return why


def make_round(command: list[str]) -> int:
    """Runs one round, its report line by line into the task's log; gives its exit status."""
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as child:
        try:
            for line in child.stdout:
                log.info(line.rstrip("\n"))
            return child.wait()
        finally:
            # A task that is ended by hand or by its time limit ends the round too; it still tells what it has.
            if child.poll() is None:
                child.terminate()
                try:
                    child.wait(timeout=30)
                except subprocess.TimeoutExpired:
                    child.kill()


@dag(
    dag_id="roundsman",
    schedule="@hourly",
    start_date=datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc),
    catchup=False,
    max_active_runs=1,
    tags=["kafka"],
    doc_md=__doc__,
)
def rounds():
    @task(task_id="round", retries=2, retry_delay=datetime.timedelta(minutes=5), execution_timeout=PATIENCE)
    def one_round() -> str:
        return judge(make_round(COMMAND))

    one_round()


rounds()
