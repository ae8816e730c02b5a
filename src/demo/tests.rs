//! The servers as a client meets them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use russh::client::{self, Handle};
use russh::keys::{PrivateKeyWithHashAlg, PublicKeyOrCertificate, load_secret_key};
use russh::{ChannelMsg, ChannelOpenFailure, Disconnect, Sig};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::*;

struct Trusting;

impl client::Handler for Trusting {
    type Error = russh::Error;

    async fn check_server_key(&mut self, _: &PublicKeyOrCertificate) -> Result<bool, Self::Error> {
        Ok(true)
    }
}

/// What an exec came to.
#[derive(Debug, Default)]
struct Answer {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    status: Option<u32>,
    signal: Option<Sig>,
    eof: bool,
    closed: bool,
}

async fn dial(node: &Node) -> Result<Handle<Trusting>, russh::Error> {
    let config = client::Config {
        nodelay: true,
        inactivity_timeout: Some(Duration::from_secs(20)),
        ..Default::default()
    };
    let connect = client::connect(Arc::new(config), node.address(), Trusting);
    timeout(Duration::from_secs(20), connect).await.unwrap_or(Err(russh::Error::InactivityTimeout))
}

async fn login(fleet: &Fleet, index: usize) -> Handle<Trusting> {
    let mut handle = dial(&fleet.nodes()[index]).await.unwrap();
    let key = PrivateKeyWithHashAlg::new(Arc::new(load_secret_key(fleet.key_path(), None).unwrap()), None);
    assert!(handle.authenticate_publickey(fleet.user(), key).await.unwrap().success());
    handle
}

async fn exec(handle: &Handle<Trusting>, command: &str, stdin: &[u8]) -> Answer {
    let mut channel = handle.channel_open_session().await.unwrap();
    channel.exec(true, command).await.unwrap();
    channel.data(stdin).await.unwrap();
    channel.eof().await.unwrap();
    let mut answer = Answer::default();
    while let Some(message) = timeout(Duration::from_secs(30), channel.wait()).await.unwrap() {
        match message {
            ChannelMsg::Data { data } => answer.stdout.extend_from_slice(&data),
            ChannelMsg::ExtendedData { data, ext: 1 } => answer.stderr.extend_from_slice(&data),
            ChannelMsg::ExitStatus { exit_status } => answer.status = Some(exit_status),
            ChannelMsg::ExitSignal { signal_name, .. } => answer.signal = Some(signal_name),
            ChannelMsg::Eof => answer.eof = true,
            ChannelMsg::Close => answer.closed = true,
            _ => {}
        }
    }
    answer
}

async fn one(fault: Fault) -> Fleet {
    Fleet::builder().nodes(1).fault(0, fault).start().await.unwrap()
}

/// A number of seconds that only this run's `test` sleeps for.
fn mark(test: u32) -> String {
    format!("{}.{}", 1000 + test, std::process::id())
}

/// Waits until no process has `mark` in its command line; false if one is still there.
async fn gone(mark: &str) -> bool {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(10) {
        let found = fs::read_dir("/proc").unwrap().flatten().any(|entry| {
            let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&line).contains(mark)
        });
        if !found {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    false
}

#[tokio::test]
async fn a_command_gets_its_input_and_its_streams_and_status_come_back_apart() {
    let fleet = one(Fault::Healthy).await;
    let handle = login(&fleet, 0).await;
    let answer = exec(&handle, "cat; echo no >&2; exit 3", b"yes").await;
    assert_eq!(
        (answer.stdout.as_slice(), answer.stderr.as_slice(), answer.status),
        (&b"yes"[..], &b"no\n"[..], Some(3))
    );
    assert!(answer.eof && answer.closed);
}

#[tokio::test]
async fn a_command_starts_in_its_sandbox_with_a_bare_environment() {
    let fleet = one(Fault::Healthy).await;
    let handle = login(&fleet, 0).await;
    let answer = exec(&handle, "pwd; echo $HOME $USER $LOGNAME $SHELL; env | wc -l", b"").await;
    let sandbox = fleet.nodes()[0].sandbox().display().to_string();
    let text = String::from_utf8(answer.stdout).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[..2], [sandbox.clone(), format!("{sandbox} demo demo /bin/sh")]);
    // PATH, HOME, USER, LOGNAME, SHELL, and PWD, which the shell itself adds.
    assert!(lines[2].trim().parse::<u32>().unwrap() <= 7, "{}", lines[2]);
}

#[tokio::test]
async fn a_killed_command_ends_with_its_signal() {
    let fleet = one(Fault::Healthy).await;
    let answer = exec(&login(&fleet, 0).await, "kill -9 $$", b"").await;
    assert!(matches!(answer.signal, Some(Sig::KILL)), "{answer:?}");
    assert_eq!(answer.status, None);
}

#[tokio::test]
async fn a_client_may_signal_its_command() {
    let fleet = one(Fault::Healthy).await;
    let handle = login(&fleet, 0).await;
    let mut channel = handle.channel_open_session().await.unwrap();
    channel.exec(true, "trap 'exit 5' TERM; echo up; sleep 30 & wait").await.unwrap();
    let mut status = None;
    // Not until the end of the channel: the signal may miss a child between fork and exec.
    while status.is_none() {
        match timeout(Duration::from_secs(10), channel.wait()).await.unwrap().unwrap() {
            ChannelMsg::Data { .. } => channel.signal(Sig::TERM).await.unwrap(),
            ChannelMsg::ExitStatus { exit_status } => status = Some(exit_status),
            _ => {}
        }
    }
    assert_eq!(status, Some(5));
}

#[tokio::test]
async fn a_child_left_behind_holds_the_channel_but_not_the_status() {
    let fleet = one(Fault::Healthy).await;
    let start = Instant::now();
    let answer = exec(&login(&fleet, 0).await, "(sleep 1; echo late) & exit 3", b"").await;
    assert_eq!((answer.stdout.as_slice(), answer.status), (&b"late\n"[..], Some(3)));
    assert!(start.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn what_is_no_exec_is_refused() {
    let fleet = one(Fault::Healthy).await;
    let handle = login(&fleet, 0).await;
    let mut channel = handle.channel_open_session().await.unwrap();
    channel.request_shell(true).await.unwrap();
    channel.request_pty(true, "xterm", 80, 24, 0, 0, &[]).await.unwrap();
    channel.exec(true, "a\0b").await.unwrap();
    let mut refused = 0;
    while refused < 3 {
        let message = timeout(Duration::from_secs(10), channel.wait()).await.unwrap().unwrap();
        assert!(!matches!(message, ChannelMsg::Success));
        refused += u32::from(matches!(message, ChannelMsg::Failure));
    }
}

#[tokio::test]
async fn much_output_and_much_input_pass_through_small_buffers() {
    let fleet = one(Fault::Healthy).await;
    let handle = login(&fleet, 0).await;
    let answer = exec(&handle, "head -c 20000000 /dev/zero", b"").await;
    assert_eq!((answer.stdout.len(), answer.status), (20_000_000, Some(0)));
    let answer = exec(&handle, "wc -c", &vec![b'x'; 3_000_000]).await;
    assert_eq!(String::from_utf8_lossy(&answer.stdout).trim(), "3000000");
}

#[tokio::test]
async fn input_that_nobody_reads_does_not_hold_the_answer_back() {
    let fleet = one(Fault::Healthy).await;
    let answer = exec(&login(&fleet, 0).await, "exec <&-; echo done", &vec![b'x'; 500_000]).await;
    assert_eq!((answer.stdout.as_slice(), answer.status), (&b"done\n"[..], Some(0)));
}

#[tokio::test]
async fn a_lost_client_takes_its_commands_along() {
    let fleet = one(Fault::Healthy).await;
    let handle = login(&fleet, 0).await;
    let channel = handle.channel_open_session().await.unwrap();
    // The mark is in the arguments of the shell and of both its children.
    let mark = mark(1);
    channel.exec(true, format!("sleep {mark} & sleep {mark}")).await.unwrap();
    exec(&handle, "true", b"").await;
    handle.disconnect(Disconnect::ByApplication, "", "en").await.unwrap();
    drop(handle);
    assert!(gone(&mark).await);
}

#[tokio::test]
async fn a_lost_client_is_seen_as_the_end_of_input() {
    let fleet = one(Fault::Healthy).await;
    let handle = login(&fleet, 0).await;
    let channel = handle.channel_open_session().await.unwrap();
    channel.exec(true, "cat >/dev/null; echo seen > after").await.unwrap();
    exec(&handle, "true", b"").await;
    channel.close().await.unwrap();
    let after = fleet.nodes()[0].sandbox().join("after");
    let start = Instant::now();
    while fs::read(&after).ok().as_deref() != Some(b"seen\n") {
        assert!(start.elapsed() < Duration::from_secs(10));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn stop_waits_for_commands_and_the_directory_goes() {
    let fleet = one(Fault::Healthy).await;
    let dir = fleet.dir().to_owned();
    let handle = login(&fleet, 0).await;
    let channel = handle.channel_open_session().await.unwrap();
    let mark = mark(2);
    channel.exec(true, format!("sleep {mark}")).await.unwrap();
    exec(&handle, "true", b"").await;
    timeout(Duration::from_secs(10), fleet.stop()).await.unwrap();
    assert!(timeout(Duration::from_secs(10), handle).await.unwrap().is_err(), "the connection is cut");
    assert!(gone(&mark).await);
    assert!(!dir.exists());
}

#[tokio::test]
async fn only_the_fleets_key_may_log_in() {
    let (fleet, other) = (one(Fault::Healthy).await, one(Fault::Healthy).await);
    let mut handle = dial(&fleet.nodes()[0]).await.unwrap();
    let key = PrivateKeyWithHashAlg::new(Arc::new(load_secret_key(other.key_path(), None).unwrap()), None);
    assert!(!handle.authenticate_publickey("demo", key).await.unwrap().success());
    assert!(!handle.authenticate_password("demo", "demo").await.unwrap().success());
}

#[tokio::test]
async fn a_node_is_a_jump_host_to_its_neighbours_only() {
    let fleet = Fleet::builder().nodes(2).start().await.unwrap();
    let jump = login(&fleet, 0).await;
    let port = u32::from(fleet.nodes()[1].address().port());
    let tunnel = jump.channel_open_direct_tcpip("127.0.0.1", port, "127.0.0.1", 0).await.unwrap();
    let config = Arc::new(client::Config::default());
    let mut inner = client::connect_stream(config, tunnel.into_stream(), Trusting).await.unwrap();
    let key = PrivateKeyWithHashAlg::new(Arc::new(load_secret_key(fleet.key_path(), None).unwrap()), None);
    assert!(inner.authenticate_publickey("demo", key).await.unwrap().success());
    let answer = exec(&inner, "basename \"$PWD\"", b"").await;
    assert_eq!(answer.stdout, b"node-002\n");
    assert!(jump.channel_open_direct_tcpip("127.0.0.1", 22, "127.0.0.1", 0).await.is_err());
}

#[tokio::test]
async fn faults_before_login_look_like_what_they_are() {
    let fleet = Fleet::builder()
        .nodes(5)
        .fault(0, Fault::Refuse)
        .fault(1, Fault::DropBeforeBanner)
        .fault(2, Fault::Mute)
        .fault(3, Fault::DenyAuth)
        .fault(4, Fault::WrongHostKey);
    let fleet = fleet.start().await.unwrap();
    let nodes = fleet.nodes();
    let refused = TcpStream::connect(nodes[0].address()).await.unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    assert!(dial(&nodes[1]).await.is_err());
    assert!(timeout(Duration::from_millis(300), dial(&nodes[2])).await.is_err());
    let mut denied = dial(&nodes[3]).await.unwrap();
    let key = PrivateKeyWithHashAlg::new(Arc::new(load_secret_key(fleet.key_path(), None).unwrap()), None);
    assert!(!denied.authenticate_publickey("demo", key).await.unwrap().success());
    for (index, trusted) in [(3, true), (4, false)] {
        let known = fs::read_to_string(fleet.known_hosts_path()).unwrap();
        let shown = shown_key(&nodes[index]).await;
        let line = format!("[127.0.0.1]:{} {shown}", nodes[index].address().port());
        assert_eq!(known.lines().any(|known| known == line), trusted);
    }
}

/// The host key a node shows, as known_hosts would hold it.
async fn shown_key(node: &Node) -> String {
    struct Curious(tokio::sync::mpsc::UnboundedSender<String>);
    impl client::Handler for Curious {
        type Error = russh::Error;
        async fn check_server_key(&mut self, key: &PublicKeyOrCertificate) -> Result<bool, Self::Error> {
            let _ = self.0.send(key.public_key().to_openssh().unwrap());
            Ok(true)
        }
    }
    let (send, mut receive) = tokio::sync::mpsc::unbounded_channel();
    client::connect(Arc::new(client::Config::default()), node.address(), Curious(send)).await.unwrap();
    receive.recv().await.unwrap()
}

#[tokio::test]
async fn a_frozen_command_never_answers_and_is_not_run() {
    let fleet = one(Fault::FreezeAfterExec).await;
    let handle = login(&fleet, 0).await;
    let answer = timeout(Duration::from_millis(500), exec(&handle, "touch run", b"")).await;
    assert!(answer.is_err());
    assert!(!fleet.nodes()[0].sandbox().join("run").exists());
}

#[tokio::test]
async fn a_cut_connection_ends_without_goodbye_after_so_many_bytes() {
    let fleet = one(Fault::CutAfter(100_000)).await;
    let mark = mark(3);
    let command = format!("head -c 400000 /dev/zero; sleep {mark}");
    let answer = exec(&login(&fleet, 0).await, &command, b"").await;
    assert_eq!(answer.stdout.len(), 100_000);
    assert!(!answer.closed && !answer.eof && answer.status.is_none(), "{:?}", answer.status);
    assert!(gone(&mark).await);
}

#[tokio::test]
async fn a_command_without_a_status_still_ends() {
    let fleet = one(Fault::NoExitStatus).await;
    let answer = exec(&login(&fleet, 0).await, "echo x; exit 3", b"").await;
    assert_eq!((answer.stdout.as_slice(), answer.status, answer.closed), (&b"x\n"[..], None, true));
}

#[tokio::test]
async fn with_max_sessions_1_the_next_session_waits_for_the_end_of_the_first() {
    let fleet = one(Fault::MaxSessions1).await;
    let handle = login(&fleet, 0).await;
    let first = handle.channel_open_session().await.unwrap();
    first.exec(true, "cat").await.unwrap();
    let second = handle.channel_open_session().await.unwrap_err();
    assert!(
        matches!(second, russh::Error::ChannelOpenFailure(ChannelOpenFailure::ConnectFailed)),
        "{second}"
    );
    first.close().await.unwrap();
    drop(first);
    tokio::time::sleep(Duration::from_millis(200)).await;
    for _ in 0..5 {
        assert_eq!(exec(&handle, "exit 4", b"").await.status, Some(4));
    }
}

#[tokio::test]
async fn the_files_are_what_ssh_and_ansible_read() {
    let dir = tempfile::tempdir().unwrap();
    let fleet = Fleet::builder().node("10.200.8.177").node("a: b").broker_id(0, 7).dir(dir.path());
    let fleet = fleet.start().await.unwrap();
    assert_eq!(fs::metadata(fleet.key_path()).unwrap().permissions().mode() & 0o777, 0o600);
    let text = fs::read_to_string(fleet.inventory_path()).unwrap();
    let yaml: serde_json::Value = serde_yaml::from_str(&text).unwrap();
    let group = &yaml["all"]["children"]["queue_nodes"];
    let host = &group["hosts"]["10.200.8.177"];
    let node = &fleet.nodes()[0];
    assert_eq!(host["ansible_host"], "127.0.0.1");
    assert_eq!(host["ansible_port"], node.address().port());
    assert_eq!(host["kafka_broker_id"], 7);
    assert_eq!(host["kafka_log_dirs"][0], node.log_dir().to_string_lossy().as_ref());
    assert_eq!(host["kafka_logs_dir"], node.logs_dir().to_string_lossy().as_ref());
    assert!(group["hosts"]["a: b"].is_object());
    assert_eq!(group["vars"]["ansible_user"], fleet.user());
    assert_eq!(group["vars"]["ansible_ssh_private_key_file"], fleet.key_path().to_string_lossy().as_ref());
    let arguments = shlex::split(group["vars"]["ansible_ssh_common_args"].as_str().unwrap()).unwrap();
    assert_eq!(arguments[1], format!("UserKnownHostsFile={}", fleet.known_hosts_path().display()));
    drop(fleet);
    assert!(dir.path().exists(), "a directory that was given stays");
}

#[tokio::test]
async fn a_fault_on_a_node_that_is_not_there_is_an_error() {
    let error = Fleet::builder().nodes(2).fault(2, Fault::Mute).start().await.unwrap_err();
    assert!(matches!(error, DemoError::NoSuchNode(2)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_nodes_answer_at_once() {
    let fleet = Arc::new(Fleet::builder().nodes(500).start().await.unwrap());
    let visits = (0..500).map(|index| {
        let fleet = fleet.clone();
        tokio::spawn(async move { exec(&login(&fleet, index).await, "echo here", b"").await.stdout })
    });
    for visit in futures::future::join_all(visits).await {
        assert_eq!(visit.unwrap(), b"here\n");
    }
}

#[tokio::test]
async fn the_demo_holds_the_incident_and_leaves_nothing_behind() {
    let demo = Demo::start().await.unwrap();
    let dir = demo.dir().to_owned();
    assert!(demo.inventory_path().starts_with(&dir));
    for (index, total) in [(0, "99M"), (1, "44M"), (2, "40M")] {
        let handle = login(demo.fleet(), index).await;
        let answer = exec(&handle, "du -ch services/kafka/completeProduct-* | tail -n 1", b"").await;
        assert_eq!(String::from_utf8(answer.stdout).unwrap(), format!("{total}\ttotal\n"));
    }
    drop(demo);
    assert!(!dir.exists());
}
