//! `demo`: the product's own path on an embedded fleet that holds a recorded incident.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use jiff::Timestamp;

use super::keep::Before;
use super::output::{self, Out};
use super::round::{self, Judged};
use super::{runtime, signals};
use crate::cli;
use crate::demo::Demo;
use crate::error::Refusal;
use crate::plan::build::{self, Options};
use crate::plan::connection::ConnectionOptions;
use crate::playbook::{Playbook, ProbeKind};

/// The playbook that the demo runs: the one that is shipped.
const PLAYBOOK: &str = include_str!("../../playbooks/kafka-audit.yml");

/// See [`cli::Demo`].
pub fn demo(args: &cli::Demo, out: &Out) -> Result<u8, Refusal> {
    let destinations = output::destinations(&args.show)?;
    let failed = |error: &dyn std::fmt::Display| Refusal::usage(format!("the demo can't start: {error}"));
    runtime()?.block_on(async {
        let temporary = Arc::new(OnceLock::<PathBuf>::new());
        let left = temporary.clone();
        let mut stop = signals::watch_signals_and(move || {
            if let Some(dir) = left.get() {
                // Whoever presses Ctrl-C twice wants to leave; what can't be removed stays.
                let _ = std::fs::remove_dir_all(dir);
            }
        });
        let demo = Demo::start().await.map_err(|error| failed(&error))?;
        // Set once, here.
        let _ = temporary.set(demo.dir().to_owned());
        if args.serve {
            out.print(&invitation(&demo.inventory_path()));
            // The switch is thrown by a signal; if it is gone, so is the reason to wait.
            let _ = stop.wait_for(Option::is_some).await;
            demo.stop().await;
            return Ok(0);
        }
        let mut playbook = Playbook::parse(Path::new("playbooks/kafka-audit.yml"), PLAYBOOK.to_owned())?;
        for play in &mut playbook.plays {
            // The three brokers' disk is this machine's own: how full that is belongs to no incident.
            play.probes.retain(|probe| !matches!(probe.kind, ProbeKind::DiskFree { .. }));
        }
        let options = Options {
            inventories: vec![demo.inventory_path().display().to_string()],
            connection: ConnectionOptions {
                local_user: "demo".to_owned(),
                // The brokers are ours; nobody's configuration is about them.
                config: Some("none".to_owned()),
                ..ConnectionOptions::default()
            },
            ..Options::default()
        };
        out.complain("Three brokers on this machine hold the incident of 2017-04-03 (sparse files: du shows a MiB for each GiB); making the rounds …");
        let plan = build::playbook_plan(&playbook, &options, Timestamp::now())?;
        let round = round::make_round(&plan, crate::cli::Watch::default(), stop, out).await;
        let status = Judged::of(&round, &Before::default()).tell(&destinations, &output::style(&args.show), out);
        demo.stop().await;
        Ok(status)
    })
}

fn invitation(inventory: &Path) -> String {
    let inventory = inventory.display();
    format!(
        "Three brokers that hold the incident of 2017-04-03 are up. In another terminal:\n\n  \
         roundsman check all -i {inventory}\n  \
         roundsman run playbooks/kafka-audit.yml -i {inventory}\n  \
         roundsman exec all -i {inventory} -- 'du -ch services/kafka/completeProduct-* | tail -1'\n  \
         roundsman exec all -i {inventory} -- 'grep -c ERROR services/log/kafka/server.log || :'\n\n\
         Ctrl-C ends them and removes what they hold.\n"
    )
}
