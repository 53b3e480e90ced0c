#!/usr/bin/env python3
"""Asks a real studio with a real worker everything that its OpenAPI document allows, and much that it does not.

usage: check_api.py PROGRAMS [SECONDS]

PROGRAMS is the folder of the built `studio` and `studio-worker`. SECONDS bounds the questions.
Everything lives in a temporary folder and on loopback; the output ends with the studio's log when something failed.
"""

import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

from prometheus_client.openmetrics.parser import text_string_to_metric_families

HERE = pathlib.Path(__file__).parent
# From start to the first answer: a debug build with an empty database.
READY_SECONDS = 30
# For the few jobs that the questions are about.
JOBS_SECONDS = 60
# How long the questions go on unless the command line says otherwise.
USUAL_SECONDS = 60


class Studio:
    """A studio and a worker that end with this program."""

    def __init__(self, programs, home):
        self.programs, self.home, self.running = programs, home, []
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.url = f"http://127.0.0.1:{free.getsockname()[1]}"
        address = self.url.removeprefix("http://")
        data = home / "data"
        self.start("studio", "serve", "--data-dir", str(data), "--listen", address, "--no-starter-model")
        wait(READY_SECONDS, "the studio answers", self.is_ready)
        self.key = (data / "admin.key").read_text().strip()

    def start(self, program, *arguments):
        log = open(self.home / f"{program}.log", "ab")
        command = [str(self.programs / program), *arguments]
        self.running.append(subprocess.Popen(command, stdout=log, stderr=log, env=self.environment()))

    def environment(self):
        config = str(self.home / "worker" / "config.toml")
        return os.environ | {"STUDIO_WORKER_CONFIG": config, "STUDIO_WORKER_ENGINES": "synthetic", "NO_COLOR": "1",
            # Questions about fetching files must not fetch any: nobody listens there.
            "HTTPS_PROXY": "http://127.0.0.1:1"}

    def is_ready(self):
        try:
            return urllib.request.urlopen(f"{self.url}/readyz").status == 200
        except OSError:
            return False

    def join_worker(self):
        code = self.ask("POST", "/api/v1/join-codes", {})["code"]
        join = [str(self.programs / "studio-worker"), "join", self.url, code]
        subprocess.run(join, check=True, env=self.environment(), stdout=subprocess.DEVNULL)
        self.start("studio-worker", "run")

    def ask(self, method, path, body=None):
        headers = {"Authorization": f"Bearer {self.key}"}
        data = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            data = json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def text(self, path):
        request = urllib.request.Request(self.url + path, headers={"Authorization": f"Bearer {self.key}"})
        with urllib.request.urlopen(request) as answer:
            return answer.read().decode()

    def end(self):
        """Workers first; what does not end when asked is a fault of its own."""
        for process in reversed(self.running):
            process.terminate()
            process.wait(timeout=30)

    def kill(self):
        """Whatever happened, nothing is left behind."""
        for process in self.running:
            process.kill()
            process.wait()

    def log(self):
        return (self.home / "studio.log").read_text(errors="replace")


def wait(seconds, what, done):
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            sys.exit(f"within {seconds} s it did not come that {what}")
        time.sleep(0.05)


def image(prompt):
    return {"model": "synthetic", "task": {"kind": "image", "prompt": prompt, "width": 64, "height": 64, "steps": 2}}


def seed(studio):
    """Things to ask about, so that not every question is answered with 404."""
    batch = studio.ask("POST", "/api/v1/batches", {"name": "some", "jobs": [image("fox"), image("owl")]})["id"]
    chat = {"kind": "llm", "messages": [{"role": "user", "content": "hello"}], "maxTokens": 16}
    talk = studio.ask("POST", "/api/v1/jobs", {"model": "synthetic-chat", "task": chat})["id"]
    listed = lambda: studio.ask("GET", "/api/v1/jobs")["items"]
    wait(JOBS_SECONDS, "every job is done", lambda: all(job["state"] == "done" for job in listed()))
    jobs = [job["id"] for job in listed()]
    assert talk in jobs
    artefacts = [artefact["id"] for artefact in studio.ask("GET", "/api/v1/artefacts")["items"]]
    spare = studio.ask("POST", "/api/v1/keys", {"name": "spare", "role": "viewer"})["id"]
    models = [model["id"] for model in studio.ask("GET", "/api/v1/models")["items"]]
    return {
        "jobs": jobs, "batches": [batch], "artefacts": artefacts, "keys": [spare], "models": models,
        "workers": [worker_of(studio)],
    }


def worker_of(studio):
    return studio.ask("GET", "/api/v1/workers")["items"][0]["id"]


def narrow(document, known):
    """Names things that are there, and tasks that their model can do, where the document allows any text.

    Names that are not there stay among them. Nothing is deleted at once that other questions are about.
    """
    for path, operations in document["paths"].items():
        thing = path.split("/")[3]
        for method, operation in operations.items():
            names = known.get(thing, []) if method not in ("delete", "put") or thing == "keys" else []
            for parameter in operation.get("parameters", []):
                if parameter["in"] == "path" and parameter["name"] == "id" and names:
                    parameter["schema"] = {"anyOf": [{"type": "string", "enum": names}, parameter["schema"]]}
    # A made-up cookie beside the key would be refused before anything else is looked at.
    del document["components"]["securitySchemes"]["cookie"]
    document["security"] = [{"bearer": []}]
    for operations in document["paths"].values():
        for operation in operations.values():
            if operation.get("security"):
                operation["security"] = []
    schemas = document["components"]["schemas"]
    for name in ("NewJob", "BatchJob"):
        fields = schemas[name]["properties"]
        fields["model"] = {"type": "string", "enum": ["synthetic"]}
        side = {"type": "integer", "minimum": 8, "maximum": 64}
        small = {
            "type": "object",
            "required": ["kind", "prompt", "width", "height"],
            "properties": {
                "kind": {"enum": ["image"]}, "prompt": {"type": "string"}, "width": side, "height": side,
                "steps": {"type": "integer", "minimum": 1, "maximum": 2},
            },
        }
        fields["task"] = {"anyOf": [small, fields["task"]]}
        fields["count"] = {"type": "integer", "minimum": 1, "maximum": 3}
    return document


def check_metrics(studio):
    """What /metrics says, read by the parser of another project."""
    found = {}
    for family in text_string_to_metric_families(studio.text("/metrics")):
        for sample in family.samples:
            found[sample.name, tuple(sorted(sample.labels.items()))] = sample.value
    value = lambda name, **labels: found.get((name, tuple(sorted(labels.items()))))
    expected = [
        (value("studio_jobs", state="done"), 3), (value("studio_sessions"), 1),
        (value("studio_jobs_ended_total", outcome="done"), 3),
        (value("studio_attempts_ended_total", outcome="done"), 3),
        (value("studio_jobs_queued_total", kind="image"), 2), (value("studio_jobs_queued_total", kind="llm"), 1),
        (value("studio_job_wait_seconds_count", kind="image"), 2),
        (value("studio_job_run_seconds_count", kind="llm"), 1),
        (value("studio_artefacts_stored_total"), 2), (value("studio_worker_engines", engine="synthetic"), 1),
    ]
    wrong = [f"{at}: {found} is not {wanted}" for at, (found, wanted) in enumerate(expected) if found != wanted]
    if value("studio_offers_total") < 3 or value("process_open_fds") < 10:
        wrong.append("offers or files are not counted")
    return wrong


def ask_everything(studio, home, seconds):
    studio.join_worker()
    known = seed(studio)
    # Heartbeats tell it, a while after the job.
    told = lambda: 'studio_models_loaded{model="synthetic' in studio.text("/metrics")
    wait(JOBS_SECONDS, "the worker's model is among the loaded ones", told)
    wrong = check_metrics(studio)
    document = narrow(studio.ask("GET", "/api/v1/openapi.json"), known)
    (home / "openapi.json").write_text(json.dumps(document))
    program = pathlib.Path(sys.executable).parent / "schemathesis"
    asked = subprocess.run([
        program, "--config-file", HERE / "schemathesis.toml", "--no-color", "run", home / "openapi.json",
        "--url", studio.url, "--header", f"Authorization: Bearer {studio.key}", "--max-time", str(seconds),
    ], cwd=home)
    failures = [] if asked.returncode == 0 else ["schemathesis found the above"]
    failures.extend(f"/metrics: {line}" for line in wrong)
    # The worker may be drained or removed by a question, and ends then.
    if studio.running[0].poll() is not None:
        failures.append("the studio ended by itself")
    if not studio.is_ready() or studio.ask("GET", "/api/v1/status")["version"] == "":
        failures.append("the studio or its first key is not what it was")
    studio.end()
    bad = [line for line in studio.log().splitlines() if "ERROR" in line or "panicked" in line]
    if bad:
        failures.append("the studio's log has errors in it")
    if failures:
        print(studio.log()[-8000:])
        sys.exit("; ".join(failures))


def main():
    programs = pathlib.Path(sys.argv[1]).absolute()
    seconds = int(sys.argv[2]) if len(sys.argv) > 2 else USUAL_SECONDS
    with tempfile.TemporaryDirectory(prefix="studio-api-") as home:
        home = pathlib.Path(home)
        studio = Studio(programs, home)
        try:
            ask_everything(studio, home, seconds)
        finally:
            studio.kill()


if __name__ == "__main__":
    main()
