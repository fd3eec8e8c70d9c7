"""Prints every input of fediverse-pasture-inputs as JSON, by its group and number."""

from __future__ import annotations

import json

from fediverse_pasture_inputs import available

print(json.dumps({name: data.examples for name, data in sorted(available.items())}))
