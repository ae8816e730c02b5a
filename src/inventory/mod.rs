//! Hosts, groups, variables and patterns, as Ansible reads them.
