# SPDX-License-Identifier: BSD-2-Clause
"""Prints whether each spec matches the JSON schema in the file."""

import json
import jsonschema
import sys

with open(sys.argv[1], encoding="utf-8") as file:
    schema = jsonschema.Draft202012Validator(json.load(file))
for spec in sys.argv[2:]:
    print(schema.is_valid(json.loads(spec)))
