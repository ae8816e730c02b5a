#!/usr/bin/env python3
import json, sys
if sys.argv[1:] == ["--list"]:
    print(json.dumps({
        "kafka": {"hosts": ["k1", "k2"], "vars": {"port": 9092, "text": "yes", "ansible_group_priority": 3}, "children": ["inner"]},
        "inner": {"hosts": ["k3", "k1"], "vars": {"port": 9093}},
        "bare": ["k2", "k4"],
        "empty": {"hosts": []},
        "all": {"vars": {"everywhere": [1, {"a": None}]}},
        "_meta": {"hostvars": {"k1": {"id": 1}, "k2": {"id": 2, "secret": {"__ansible_unsafe": "{{ x }}"}}, "stranger": {"id": 9}}},
    }))
