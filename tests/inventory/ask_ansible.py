"""Answers every case of cases.json with ansible-core itself, in one process, as JSON on stdout.

Ansible walks a group's grandchildren in the order of a set of objects, that is by their addresses
in memory, which differs from run to run. Here the same walk keeps the order of the inventory; what
it finds is checked against Ansible's own.
"""

import json
import os
import sys
from itertools import chain

from ansible import context
from ansible.cli.inventory import InventoryCLI
from ansible.inventory.group import Group
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader
from ansible.utils.context_objects import CLIArgs
from ansible.vars.manager import VariableManager

walk_of_ansible = Group._walk_relationship


def walk_in_order(self, rel, include_self=False, preserve_ordering=False):
    found = list(dict.fromkeys(([self] if include_self else []) + list(getattr(self, rel))))
    unprocessed = list(found)
    while unprocessed:
        below = dict.fromkeys(chain.from_iterable(getattr(group, rel) for group in unprocessed))
        unprocessed = [group for group in below if group not in found]
        found.extend(unprocessed)
    assert set(found) == set(walk_of_ansible(self, rel, include_self, preserve_ordering))
    return found if preserve_ordering else set(found)


Group._walk_relationship = walk_in_order


def answer(case, root):
    def resolve(source):
        return source if "," in source else os.path.join(root, source)

    basedir = case.get("playbook_dir") and os.path.join(root, case["playbook_dir"])
    context.CLIARGS = CLIArgs(dict(
        list=True, graph=False, host=None, yaml=False, toml=False, export=False, show_vars=False,
        basedir=basedir, subset=None, pattern="all", extra_vars=(), verbosity=0,
    ))
    loader = DataLoader()
    if basedir:
        loader.set_basedir(basedir)
    manager = InventoryManager(loader=loader, sources=[resolve(source) for source in case["sources"]])
    cli = InventoryCLI(["ansible-inventory"])
    cli.loader, cli.inventory = loader, manager
    cli.vm = VariableManager(loader=loader, inventory=manager, version_info={})
    selections = []
    for pattern, limit in case["patterns"]:
        try:
            manager.subset(limit and limit.replace("@", "@" + root + "/"))
            selections.append([host if isinstance(host, str) else host.name for host in manager.list_hosts(pattern)])
        except Exception as error:
            selections.append({"error": str(error)})
    manager.subset(None)
    return {
        "name": case["name"],
        "list": cli.dump(cli.json_inventory(cli._get_group("all"))),
        "graph": cli.inventory_graph(),
        "hosts": {host.name: cli.dump(cli._get_host_variables(host)) for host in manager.get_hosts("all")},
        "groups": {name: list(hosts) for name, hosts in manager.get_groups_dict().items()},
        "group_names": {host.name: host.get_magic_vars()["group_names"] for host in manager.get_hosts("all")},
        "short": {host.name: host.get_magic_vars()["inventory_hostname_short"] for host in manager.get_hosts("all")},
        "selections": selections,
    }


root = sys.argv[1]
init_plugin_loader()
with open(os.path.join(root, "cases.json"), encoding="utf-8") as file:
    cases = json.load(file)
json.dump([answer(case, root) for case in cases], sys.stdout)
