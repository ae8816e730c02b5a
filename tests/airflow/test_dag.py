"""The DAG beside a stand-in for Airflow: which status becomes what, and what a round's end looks like."""

import importlib.util
import os
import sys
import time
import types
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
DAG = os.path.join(HERE, "..", "..", "contrib", "airflow", "roundsman_dag.py")


class AirflowException(Exception):
    pass


class AirflowFailException(AirflowException):
    pass


class AirflowSkipException(AirflowException):
    pass


def load(version):
    """The DAG's module as Airflow 2 or 3 would load it, and the DAGs and tasks that it made."""
    made = {"dags": {}, "tasks": {}}

    def dag(**options):
        return lambda function: lambda: made["dags"].setdefault(options["dag_id"], (options, function()))

    def task(**options):
        return lambda function: lambda: made["tasks"].setdefault(options["task_id"], (options, function))

    modules = {"airflow": types.ModuleType("airflow"), "airflow.exceptions": types.ModuleType("airflow.exceptions")}
    for kind in (AirflowException, AirflowFailException, AirflowSkipException):
        setattr(modules["airflow.exceptions"], kind.__name__, kind)
    place = types.ModuleType("airflow.sdk" if version == 3 else "airflow.decorators")
    place.dag, place.task = dag, task
    modules[place.__name__] = place
    for name in list(sys.modules):
        if name.split(".")[0] == "airflow":
            del sys.modules[name]
    sys.modules.update(modules)
    spec = importlib.util.spec_from_file_location("roundsman_dag", DAG)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module, made


class Dag(unittest.TestCase):
    def test_one_dag_with_one_task_in_both_versions(self):
        for version in (2, 3):
            module, made = load(version)
            options, _ = made["dags"]["roundsman"]
            self.assertFalse(options["catchup"])
            self.assertEqual(options["max_active_runs"], 1)
            self.assertEqual(list(made["tasks"]), ["round"])
            self.assertEqual(module.COMMAND[:2], ["roundsman", "run"])
            self.assertIn("--unattended", module.COMMAND)

    def test_every_status(self):
        module, _ = load(2)
        self.assertEqual(module.judge(0), "OK")
        self.assertIn("WARNING", module.judge(1))
        for status in (2, 64, 65):
            self.assertRaises(AirflowFailException, module.judge, status)
        self.assertRaises(AirflowSkipException, module.judge, 75)
        for status in (3, 130, 143, -9, 101):
            with self.assertRaises(AirflowException) as caught:
                module.judge(status)
            self.assertIs(type(caught.exception), AirflowException, status)

    def test_the_task_runs_the_program(self):
        module, made = load(2)
        _, one_round = made["tasks"]["round"]
        for status, raised in ((2, AirflowFailException), (75, AirflowSkipException)):
            module.COMMAND = ["sh", "-c", f"echo report; echo complaint >&2; exit {status}"]
            with self.assertLogs(module.log) as logs, self.assertRaises(raised):
                one_round()
            self.assertEqual([record.getMessage() for record in logs.records], ["report", "complaint"])
        module.COMMAND = [os.environ["ROUNDSMAN"], "explain", "no-such-code"]
        with self.assertLogs(module.log), self.assertRaises(AirflowFailException):
            one_round()

    def test_a_task_that_is_ended_ends_the_round(self):
        module, _ = load(2)
        mark = f"roundsman-airflow-{os.getpid()}"

        class Ended(BaseException):
            pass

        def end(message):
            raise Ended

        module.log = types.SimpleNamespace(info=end)
        began = time.monotonic()
        with self.assertRaises(Ended):
            module.make_round(["sh", "-c", f"trap 'exit 143' TERM; echo {mark}; while :; do sleep 0.1; done"])
        self.assertLess(time.monotonic() - began, 20)


if __name__ == "__main__":
    unittest.main()
