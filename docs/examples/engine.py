#!/usr/bin/env python3
"""An engine in one file: it answers chats with their last message. See docs/architecture/engines.md."""

import json, os, re, struct, sys, threading

frames, lock = os.fdopen(os.dup(1), "wb"), threading.Lock()
os.dup2(2, 1)  # A stray print goes to the log instead of between the frames.
loaded, running = set(), {}
counts = {"loads": 0, "done": 0, "failed": 0}


def say(**event):
    body = json.dumps(event).encode()
    with lock:
        frames.write(struct.pack(">I", len(body)) + body)
        frames.flush()


def fail(kind, message, retryable=False, **about):
    say(type="failed", **about, message=message, retryable=retryable, **{"class": kind})


def run(job, model, task, stop):
    counts["failed"] += 1  # Until it is done.
    if model not in loaded:
        return fail("model", f"model `{model}` is not loaded", True, jobId=job)
    if task["kind"] != "llm":
        return fail("badInput", f"the echo engine does no {task['kind']} jobs", jobId=job)
    text = task["messages"][-1]["content"]
    delay = re.search(r"\[\[delay=(\d+)\]\]", text)  # Stands for the work of a model.
    for step in range(int(delay[1]) // 50 if delay else 0):
        say(type="progress", jobId=job, step=step, steps=int(delay[1]) // 50)
        if stop.wait(0.05):
            return fail("cancelled", "cancelled", jobId=job)
    words = len(text.split())
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    usage = {"prompt_tokens": words, "completion_tokens": words, "total_tokens": 2 * words}
    result = {"id": "chatcmpl-echo", "object": "chat.completion", "created": 0, "model": model}
    counts.update(done=counts["done"] + 1, failed=counts["failed"] - 1)
    say(type="done", jobId=job, result={**result, "choices": [choice], "usage": usage})


def obey(command):
    kind, model, job = command["type"], command.get("model"), command.get("jobId")
    if kind == "hello":
        if 1 not in command["protocols"]:
            sys.exit(f"error: speaks protocol 1, not {command['protocols']}")
        say(type="ready", protocol=1, engine={"name": "echo", "version": "1", "kinds": ["llm"], "models": ["echo*"]})
    elif kind == "load":
        if not model.startswith("echo"):
            return fail("model", f"the echo engine has no model `{model}`", True, model=model)
        loaded.add(model)
        counts["loads"] += 1
        say(type="loaded", model=model)
    elif kind == "run":
        running[job] = threading.Event()
        threading.Thread(target=run, args=(job, model, command["task"], running[job]), daemon=True).start()
    elif kind == "cancel":
        running.get(job, threading.Event()).set()
    elif kind == "unload":
        loaded.discard(model)
        say(type="unloaded", model=model)
    elif kind == "stats":
        say(type="stats", models=sorted(loaded), **counts)
    elif kind == "shutdown":
        os._exit(0)
    # Other commands come from newer daemons: skip them.


while len(length := sys.stdin.buffer.read(4)) == 4:
    obey(json.loads(sys.stdin.buffer.read(*struct.unpack(">I", length))))
os._exit(0)  # The daemon is gone; never outlive it, whatever the threads are doing.
