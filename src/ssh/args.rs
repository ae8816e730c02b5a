//! Ansible's ssh argument strings, read as far as they make sense here.
