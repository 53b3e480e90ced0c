"""An engine that says only `heartbeat` while it works, and things that no daemon of today knows."""

import json, struct, sys, time


def say(**event):
    body = json.dumps(event).encode()
    sys.stdout.buffer.write(struct.pack(">I", len(body)) + body)
    sys.stdout.buffer.flush()


while len(length := sys.stdin.buffer.read(4)) == 4:
    command = json.loads(sys.stdin.buffer.read(*struct.unpack(">I", length)))
    if command["type"] == "hello":
        say(type="ready", protocol=1, engine={"name": "synthetic", "version": "1", "kinds": ["llm", "smell"]}, x=1)
    elif command["type"] == "load":
        say(type="loaded", model=command["model"])
    elif command["type"] == "run":
        for _ in range(12):
            time.sleep(0.1)
            say(type="heartbeat", jobId=command["jobId"])
            say(type="fromTheFuture", jobId=command["jobId"])
        say(type="done", jobId="job-of-nobody", result={})
        say(type="done", jobId=command["jobId"], result={"said": command["task"]["messages"][0]["content"]})
    elif command["type"] == "shutdown":
        break
