//! ansible-core itself, in a virtual environment below `target`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

const ANSIBLE_CORE: &str = "2.19.0";
/// What reads YAML for it. In 6.0.4 the later mapping of a merge sequence wins, against YAML's own rule and all releases
/// before (yaml/pyyaml issue 953).
const PYYAML: &str = "6.0.3";

/// A virtual environment with the pinned ansible-core and PyYAML, made once and kept below `target`.
pub fn bin() -> &'static Path {
    static VENV: OnceLock<PathBuf> = OnceLock::new();
    VENV.get_or_init(|| {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("target/tmp has a parent");
        let venv = target.join("ansible-venv");
        let bin = venv.join("bin");
        let installed = Command::new(bin.join("python"))
            .args([
                "-c",
                "import ansible.release, yaml; print(ansible.release.__version__, yaml.__version__)",
            ])
            .output()
            .is_ok_and(|output| {
                String::from_utf8_lossy(&output.stdout).trim() == format!("{ANSIBLE_CORE} {PYYAML}")
            });
        if !installed {
            succeed(
                Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv),
                "python3 -m venv (3.11 or newer)",
            );
            let packages = [format!("ansible-core=={ANSIBLE_CORE}"), format!("PyYAML=={PYYAML}")];
            let mut pip = Command::new(bin.join("pip"));
            succeed(
                pip.args(["install", "--quiet", "--disable-pip-version-check"]).args(packages),
                "pip install ansible-core",
            );
        }
        bin
    })
}

pub fn succeed(command: &mut Command, what: &str) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{what} cannot be run: {error}"));
    assert!(output.status.success(), "{what} failed: {}", String::from_utf8_lossy(&output.stderr));
    output
}

/// An ansible tool in an empty directory, without the user's configuration.
pub fn tool(name: &str) -> Command {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ansible-home");
    fs::create_dir_all(&home).expect("a directory for ansible");
    let mut command = Command::new(bin().join(name));
    command.env_clear().current_dir(&home).env("HOME", &home).env("LC_ALL", "C.UTF-8");
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command
}
