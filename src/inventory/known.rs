//! Variable names that mean something, and the near misses that mean nothing.

use crate::error::nearest;

/// What follows `ansible_` in the names that a connection or Ansible itself looks at.
const ANSIBLE: &[&str] = &[
    "host",
    "port",
    "user",
    "password",
    "pass",
    "connection",
    "timeout",
    "pipelining",
    "private_key_file",
    "host_key_checking",
    "ssh_host",
    "ssh_port",
    "ssh_user",
    "ssh_pass",
    "ssh_password",
    "ssh_private_key_file",
    "ssh_private_key",
    "ssh_private_key_passphrase",
    "ssh_common_args",
    "ssh_extra_args",
    "ssh_args",
    "ssh_executable",
    "ssh_pipelining",
    "ssh_retries",
    "ssh_timeout",
    "ssh_transfer_method",
    "ssh_use_tty",
    "ssh_host_key_checking",
    "sftp_extra_args",
    "scp_extra_args",
    "scp_if_ssh",
    "sftp_batch_mode",
    "control_path",
    "control_path_dir",
    "become",
    "become_user",
    "become_method",
    "become_password",
    "become_pass",
    "become_exe",
    "become_flags",
    "sudo_pass",
    "shell_type",
    "shell_executable",
    "executable",
    "python_interpreter",
    "group_priority",
    "remote_tmp",
    "remote_user",
    "network_os",
    "winrm_transport",
    "hostname",
    "os_family",
    "distribution",
    "facts",
];

/// What follows `kafka_` in the names that count here.
const KAFKA: &[&str] = &["cluster", "broker_id", "log_dirs", "logs_dir"];

/// What follows `roundsman_`.
const ROUNDSMAN: &[&str] = &["legacy"];

/// The known name that `name` nearly is.
pub(super) fn near_miss(name: &str) -> Option<String> {
    let (prefix, rest) = name.split_once('_')?;
    let meant = nearest(prefix, ["ansible", "kafka", "roundsman"])?;
    let known = match meant {
        "ansible" => ANSIBLE,
        "kafka" => KAFKA,
        _ => ROUNDSMAN,
    };
    if known.contains(&rest) {
        return (prefix != meant).then(|| format!("{meant}_{rest}"));
    }
    // Two slips at most: `kafka_log_size` is a name of its own, `kafka_log_dir` is not.
    let near = nearest(rest, known.iter().copied())?;
    let lengths = (rest.chars().count(), near.chars().count());
    (lengths.0.abs_diff(lengths.1) <= 2).then(|| format!("{meant}_{near}"))
}

#[cfg(test)]
mod tests {
    use super::near_miss;

    #[test]
    fn slips_are_found_and_names_of_ones_own_left_alone() {
        for (name, meant) in [
            ("ansible_hots", "ansible_host"),
            ("ansble_host", "ansible_host"),
            ("ansible_usr", "ansible_user"),
            ("kafka_brokerid", "kafka_broker_id"),
            ("kafka_log_dir", "kafka_log_dirs"),
            ("kakfa_cluster", "kafka_cluster"),
            ("roundsman_legcay", "roundsman_legacy"),
        ] {
            assert_eq!(near_miss(name).as_deref(), Some(meant), "{name}");
        }
        for name in
            ["ansible_host", "ansible_become", "kafka_version", "kafka_heap_opts", "rack", "zookeeper_id"]
        {
            assert_eq!(near_miss(name), None, "{name}");
        }
    }
}
