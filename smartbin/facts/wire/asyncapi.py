"""The published form of the wire format: AsyncAPI 3 with JSON Schema, made from the code.

``python -m smartbin.facts.wire.asyncapi FILE`` writes it; a test keeps docs/asyncapi.json current.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from pydantic.json_schema import models_json_schema

from smartbin.facts.wire.messages import MAX_BATCH, MAX_PAYLOAD_BYTES, MESSAGES, ROOT, BatchMessage

VERSION = "1.0.0"


def document() -> dict[str, Any]:
    """The AsyncAPI 3.0 document."""
    models = {**MESSAGES, "batch": BatchMessage}
    _, definitions = models_json_schema(
        [(model, "validation") for model in models.values()],
        ref_template="#/components/schemas/{model}",
    )
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "smartbin devices",
            "version": VERSION,
            "description": (
                "What smart bins and collection points publish: MQTT 3.1.1 or 5, QoS 1, JSON in "
                f"UTF-8, at most {MAX_PAYLOAD_BYTES} bytes, at most {MAX_BATCH} events a batch."
            ),
        },
        "defaultContentType": "application/json",
        "channels": {
            kind: {
                "address": f"{ROOT}/{{site}}/{{device}}/{kind}",
                "parameters": {
                    "site": {"description": "the site's id, for example xinbei"},
                    "device": {"description": "the device's id, for example bin-007"},
                },
                "messages": {kind: {"$ref": f"#/components/messages/{kind}"}},
            }
            for kind in models
        },
        "operations": {
            kind: {
                "action": "receive",
                "channel": {"$ref": f"#/channels/{kind}"},
                "bindings": {"mqtt": {"qos": 1, "retain": kind == "status"}},
            }
            for kind in models
        },
        "components": {
            "messages": {
                kind: {
                    "summary": (model.__doc__ or "").split("\n")[0],
                    "payload": {"$ref": f"#/components/schemas/{model.__name__}"},
                }
                for kind, model in models.items()
            },
            "schemas": definitions["$defs"],
        },
    }


def text() -> str:
    """The document as it stands in docs/."""
    return json.dumps(document(), indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(text(), encoding="utf-8")
