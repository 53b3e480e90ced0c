"""The fleet that the tests use; started by tests/clients.rs, which says where it is."""

import json
import os
import time
import urllib.request

import anthropic
import openai
import pytest

URL = os.environ["STUDIO_URL"]
KEY = os.environ["STUDIO_KEY"]
OTHER_KEY = os.environ["STUDIO_OTHER_KEY"]
ADMIN_KEY = os.environ["STUDIO_ADMIN_KEY"]

SOON = 30.0


@pytest.fixture
def client():
    return openai.OpenAI(base_url=f"{URL}/v1", api_key=KEY, max_retries=0, timeout=60)


@pytest.fixture
def claude():
    return anthropic.Anthropic(base_url=URL, api_key=KEY, max_retries=0, timeout=60)


def api(path):
    """What the studio's own API says, as its administrator."""
    request = urllib.request.Request(f"{URL}/api/v1{path}", headers={"Authorization": f"Bearer {ADMIN_KEY}"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def fetch(url):
    """The bytes behind an address, without any credential."""
    with urllib.request.urlopen(url, timeout=30) as answer:
        return answer.read()


def latest_job(model):
    return api(f"/jobs?model={model}&limit=1")["items"][0]


def until(what, holds):
    """Waits for a condition and returns what it found."""
    end = time.monotonic() + SOON
    while True:
        found = holds()
        if found:
            return found
        assert time.monotonic() < end, f"not within {SOON} s: {what}"
        time.sleep(0.05)
