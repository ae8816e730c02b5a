#!/usr/bin/env python3
import json, sys
if sys.argv[1:] == ["--list"]:
    print(json.dumps({"web": ["w1", "w2"], "lonely": {"colour": "red"}}))
elif sys.argv[1] == "--host" and sys.argv[2] == "w1":
    print(json.dumps({"asked": sys.argv[2]}))
