//! The client against OpenSSH: keys, host keys, commands, jump hosts, and what goes wrong.

mod sshd;

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use roundsman::ssh::{
    ConnectError, Connection, Dialer, Exec, HostKeyPolicy, Limits, Output, Progress, Reason, Route,
    SessionError, Stage,
};
use sshd::{Agent, Options, Sshd, free_port, keygen, public_line, user};

/// A client's directory: a key of its own and a known_hosts file.
struct Client {
    dir: tempfile::TempDir,
}

impl Client {
    fn new() -> Client {
        let dir = tempfile::tempdir().unwrap();
        keygen(&dir.path().join("id"), "ed25519", "");
        Client { dir }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn sshd(&self) -> Sshd {
        self.sshd_with(&[])
    }

    fn sshd_with(&self, config: &[&str]) -> Sshd {
        let sshd = Sshd::start(Options { config, authorized: &[public_line(&self.path("id"))] });
        self.trust(&sshd);
        sshd
    }

    fn trust(&self, sshd: &Sshd) {
        let known = fs::read_to_string(self.path("known_hosts")).unwrap_or_default();
        fs::write(self.path("known_hosts"), known + &sshd.known_host()).unwrap();
    }

    /// The way to port `port`, with this client's key.
    fn route(&self, port: u16) -> Route {
        Route {
            port,
            identity_files: vec![self.path("id")],
            known_hosts: vec![self.path("known_hosts")],
            ..Route::new("127.0.0.1", user())
        }
    }
}

async fn connect(route: &Route) -> Result<Connection, ConnectError> {
    Dialer::new(Limits::default()).connect(route, &Progress::new()).await
}

async fn failure(route: &Route) -> ConnectError {
    match connect(route).await {
        Ok(_) => panic!("a login that should have failed"),
        Err(error) => error,
    }
}

/// Everything a command says until its channel is closed.
#[derive(Debug, Default, PartialEq)]
struct Said {
    stdout: String,
    stderr: String,
    exit: Option<u32>,
    signal: Option<String>,
    closed: bool,
}

async fn listen(exec: &mut Exec) -> Said {
    let mut said = Said::default();
    while let Some(output) = exec.next().await {
        match output {
            Output::Stdout(bytes) => said.stdout += &String::from_utf8_lossy(&bytes),
            Output::Stderr(bytes) => said.stderr += &String::from_utf8_lossy(&bytes),
            Output::Exit(status) => said.exit = Some(status),
            Output::Signal(name) => said.signal = Some(name),
            Output::Closed => said.closed = true,
        }
    }
    said
}

async fn run(connection: &Connection, command: &str) -> Said {
    listen(&mut connection.exec(command.as_bytes()).await.unwrap()).await
}

#[tokio::test]
async fn every_kind_of_key_logs_in() {
    let client = Client::new();
    for kind in ["ecdsa", "rsa"] {
        keygen(&client.path(kind), kind, "");
    }
    let authorized: Vec<_> = ["id", "ecdsa", "rsa"].map(|key| public_line(&client.path(key))).into();
    let sshd = Sshd::start(Options { authorized: &authorized, ..Options::default() });
    client.trust(&sshd);
    for key in ["id", "ecdsa", "rsa"] {
        let route = Route { identity_files: vec![client.path(key)], ..client.route(sshd.port) };
        let connection = connect(&route).await.unwrap_or_else(|error| panic!("{key}: {error}"));
        assert_eq!(run(&connection, "echo hi").await.stdout, "hi\n", "{key}");
        assert!(connection.server_version().is_some_and(|version| version.starts_with("SSH-2.0-OpenSSH")));
        connection.close().await;
    }
    assert_eq!(sshd.logins(), 3);
}

#[tokio::test]
async fn a_command_has_input_output_status_and_signal() {
    let client = Client::new();
    let sshd = client.sshd();
    let connection = connect(&client.route(sshd.port)).await.unwrap();

    let mut cat = connection.exec(b"cat; echo done >&2; exit 3").await.unwrap();
    cat.write("one\n".as_bytes().to_vec()).await.unwrap();
    assert_eq!(cat.next().await, Some(Output::Stdout("one\n".into())), "answered while input is open");
    cat.write("two\n").await.unwrap();
    cat.eof().await;
    let said = listen(&mut cat).await;
    assert_eq!((said.stdout.as_str(), said.stderr.as_str()), ("two\n", "done\n"));
    assert_eq!((said.exit, said.signal, said.closed), (Some(3), None, true));

    let said = run(&connection, "kill -9 $$").await;
    assert_eq!((said.exit, said.signal.as_deref(), said.closed), (None, Some("KILL"), true));
}

#[tokio::test]
async fn input_larger_than_any_window_goes_through_while_output_comes() {
    let client = Client::new();
    let sshd = client.sshd();
    let connection = connect(&client.route(sshd.port)).await.unwrap();
    let (mut reader, writer) = connection.exec(b"cat").await.unwrap().split();
    let sent = 8 << 20;
    let feeding = tokio::spawn(async move {
        for _ in 0..sent >> 16 {
            writer.write(vec![b'x'; 1 << 16]).await.unwrap();
        }
        writer.eof().await;
    });
    let mut got = 0;
    while let Some(output) = reader.next().await {
        if let Output::Stdout(bytes) = output {
            got += bytes.len();
        }
    }
    feeding.await.unwrap();
    assert_eq!(got, sent);
}

#[tokio::test]
async fn a_connection_that_dies_ends_without_closed() {
    let client = Client::new();
    let sshd = client.sshd();
    let connection = connect(&client.route(sshd.port)).await.unwrap();
    // The parent of the command's shell is the sshd process of this connection.
    let said = run(&connection, "echo hi; kill -9 $PPID; sleep 5").await;
    assert!(!said.closed, "{said:?}");
    let error = connection.exec(b"true").await.err();
    assert!(matches!(error, Some(SessionError::Lost(_))), "{error:?}");
}

#[tokio::test]
async fn the_agent_signs_when_the_file_cannot() {
    let client = Client::new();
    keygen(&client.path("rsa"), "rsa", "");
    let sshd = Sshd::start(Options { authorized: &[public_line(&client.path("rsa"))], ..Options::default() });
    client.trust(&sshd);
    let agent = Agent::start(&[&client.path("id"), &client.path("rsa")]);
    // Only the public half is left, as with a key on a token.
    fs::remove_file(client.path("rsa")).unwrap();
    let base = Route { agent: Some(agent.socket.clone()), ..client.route(sshd.port) };

    let named = Route { identity_files: vec![client.path("rsa")], identities_only: true, ..base.clone() };
    connect(&named).await.unwrap();
    let unnamed = Route { identity_files: Vec::new(), ..base.clone() };
    connect(&unnamed).await.unwrap();
    let other = Route { identities_only: true, ..base };
    let error = failure(&other).await;
    assert!(matches!(error.reason, Reason::AuthRefused { .. }), "{error}");
}

#[tokio::test]
async fn a_hung_agent_is_named_and_other_keys_still_work() {
    let client = Client::new();
    let sshd = client.sshd();
    let socket = client.path("hung");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let default = Route {
        identity_files: Vec::new(),
        default_identities: vec![client.path("id")],
        agent: Some(socket),
        ..client.route(sshd.port)
    };
    let began = Instant::now();
    connect(&default).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(6));

    let nothing = Route { default_identities: Vec::new(), ..default };
    let error = failure(&nothing).await;
    assert_eq!(error.reason, Reason::NoUsableKey);
    assert!(error.message.contains("hung does not answer"), "{error}");
}

#[tokio::test]
async fn an_agent_that_will_not_sign_is_what_the_deadline_names() {
    let client = Client::new();
    let sshd = client.sshd();
    let agent = Agent::start(&[&client.path("id")]);
    let dialer = Dialer::new(Limits { login: Duration::from_secs(1), ..Limits::default() });
    let route =
        Route { identity_files: Vec::new(), agent: Some(agent.socket.clone()), ..client.route(sshd.port) };
    dialer.connect(&route, &Progress::new()).await.unwrap();
    agent.freeze();
    let error = dialer.connect(&route, &Progress::new()).await.err();
    let error = error.unwrap_or_else(|| panic!("a login without a signature"));
    assert_eq!((error.stage, &error.reason), (Stage::Login, &Reason::AgentSilent));
    assert_eq!(error.message, "no login within 1s: gave up while waiting for the ssh-agent");
    until_no_socket_to(sshd.port).await;
}

#[tokio::test]
async fn an_encrypted_key_needs_the_agent_and_says_so() {
    let client = Client::new();
    keygen(&client.path("locked"), "ed25519", "secret");
    let sshd = client.sshd();
    let route = Route { identity_files: vec![client.path("locked")], ..client.route(sshd.port) };
    let error = failure(&route).await;
    assert_eq!((error.stage, &error.reason), (Stage::Login, &Reason::NoUsableKey));
    assert!(error.message.contains("locked is encrypted and no agent holds it"), "{error}");
}

#[tokio::test]
async fn a_refused_key_lists_what_was_tried_and_what_is_taken() {
    let client = Client::new();
    let sshd = Sshd::start(Options { config: &["PasswordAuthentication yes"], ..Options::default() });
    client.trust(&sshd);
    let error = failure(&client.route(sshd.port)).await;
    let Reason::AuthRefused { tried, offered } = &error.reason else { panic!("{error}") };
    assert_eq!(tried, &[client.path("id").display().to_string()]);
    assert_eq!(offered, &["publickey", "password"]);
    assert!(error.reason.is_auth());
    assert_eq!(error.attempts, 1, "a refusal is not tried again");
}

#[tokio::test]
async fn more_keys_than_the_server_bears_are_offered_on_several_connections() {
    let client = Client::new();
    let names = ["a", "b", "c", "d", "e"];
    for name in names {
        keygen(&client.path(name), "ed25519", "");
    }
    let sshd = client.sshd_with(&["MaxAuthTries 3"]);
    let route = Route {
        identity_files: names.iter().map(|name| client.path(name)).collect(),
        ..client.route(sshd.port)
    };
    let error = failure(&route).await;
    let Reason::AuthRefused { tried, .. } = &error.reason else { panic!("{error}") };
    assert_eq!((tried.len(), error.attempts), (5, 2), "{error:?}");
}

#[tokio::test]
async fn host_keys_must_be_known() {
    let client = Client::new();
    let sshd = client.sshd();
    fs::write(client.path("known_hosts"), "").unwrap();
    let error = failure(&client.route(sshd.port)).await;
    assert_eq!(error.stage, Stage::HostKey);
    assert!(
        matches!(&error.reason, Reason::HostKeyUnknown { fingerprint, .. } if fingerprint.starts_with("SHA256:"))
    );
    assert_eq!(error.attempts, 1);

    let other = public_line(&client.path("id"));
    let line = format!("# old\n[127.0.0.1]:{} {other}\n", sshd.port);
    fs::write(client.path("known_hosts"), line).unwrap();
    let error = failure(&client.route(sshd.port)).await;
    assert!(matches!(error.reason, Reason::HostKeyChanged { line: 2, .. }), "{error}");
    let file = client.path("known_hosts");
    let remedy = format!("ssh-keygen -R '[127.0.0.1]:{}' -f {}", sshd.port, file.display());
    assert!(error.hint.as_deref().is_some_and(|hint| hint.ends_with(&remedy)), "{:?}", error.hint);
    assert_eq!(sshd.logins(), 0);
}

#[tokio::test]
async fn accept_new_writes_what_openssh_reads() {
    let client = Client::new();
    let sshd = client.sshd();
    let file = client.path("new/known_hosts");
    let route = Route {
        known_hosts: vec![file.clone()],
        accept_new_into: Some(file.clone()),
        host_keys: HostKeyPolicy::AcceptNew,
        ..client.route(sshd.port)
    };
    connect(&route).await.unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), sshd.known_host());
    connect(&Route { host_keys: HostKeyPolicy::Strict, ..route }).await.unwrap();
}

#[tokio::test]
async fn a_key_of_a_kind_we_know_is_asked_for_first() {
    let client = Client::new();
    keygen(&client.path("host_rsa"), "rsa", "");
    let line = format!("HostKey {}", client.path("host_rsa").display());
    let sshd = client.sshd_with(&[&line]);
    let known = format!("[127.0.0.1]:{} {}\n", sshd.port, public_line(&client.path("host_rsa")));
    fs::write(client.path("known_hosts"), known).unwrap();
    connect(&client.route(sshd.port)).await.unwrap();
}

#[tokio::test]
async fn nothing_there_is_told_apart() {
    let client = Client::new();
    let error = failure(&client.route(free_port())).await;
    assert_eq!((error.stage, &error.reason), (Stage::Connect, &Reason::Refused));

    let error = failure(&Route { host: "no-such-host.invalid".into(), ..client.route(22) }).await;
    assert_eq!((error.stage, &error.reason), (Stage::Resolve, &Reason::NameUnknown));

    let http = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = http.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = http.accept().await {
            use tokio::io::AsyncWriteExt;
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
    });
    let error = failure(&client.route(port)).await;
    assert_eq!((error.stage, &error.reason), (Stage::Handshake, &Reason::NotSsh));
    assert_eq!(error.remote.as_deref(), Some("HTTP/1.1 400 Bad Request"));
}

#[tokio::test]
async fn a_connection_closed_before_the_handshake_is_tried_as_often_as_was_said() {
    let client = Client::new();
    let rude = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = rude.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            drop(rude.accept().await.unwrap());
        }
    });
    for retries in [0, 2] {
        let dialer = Dialer::new(Limits { retries, ..Limits::default() });
        let error = dialer.connect(&client.route(port), &Progress::new()).await.err().unwrap();
        assert_eq!((&error.reason, error.attempts), (&Reason::ClosedEarly, retries + 1), "{error}");
    }
    // However many there may be, they keep inside the time for the login.
    let login = Duration::from_secs(2);
    let dialer = Dialer::new(Limits { retries: 100, login, ..Limits::default() });
    let began = Instant::now();
    let error = dialer.connect(&client.route(port), &Progress::new()).await.err().unwrap();
    assert!(began.elapsed() <= login + Duration::from_millis(500), "{:?}", began.elapsed());
    assert!(error.attempts > 2, "{error:?}");
}

#[tokio::test]
async fn a_connection_lost_before_login_succeeds_the_second_time() {
    let client = Client::new();
    let sshd = client.sshd();
    let door = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = door.local_addr().unwrap().port();
    let behind = sshd.port;
    tokio::spawn(async move {
        drop(door.accept().await.unwrap());
        let (mut near, _) = door.accept().await.unwrap();
        let mut far = tokio::net::TcpStream::connect(("127.0.0.1", behind)).await.unwrap();
        let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
    });
    let line = format!("[127.0.0.1]:{port} {}\n", sshd.host_key());
    fs::write(client.path("known_hosts"), line).unwrap();
    let connection = connect(&client.route(port)).await.unwrap();
    assert_eq!(connection.attempts(), 2);
    assert_eq!(run(&connection, "echo hi").await.stdout, "hi\n");
}

/// How many sockets of this process are connected to `port`.
fn open_sockets(port: u16) -> usize {
    let mine: Vec<String> = fs::read_dir("/proc/self/fd")
        .unwrap()
        .filter_map(|fd| fs::read_link(fd.ok()?.path()).ok())
        .map(|link| link.display().to_string())
        .collect();
    let remote = format!(":{port:04X}");
    fs::read_to_string("/proc/self/net/tcp")
        .unwrap()
        .lines()
        .filter(|line| {
            let words: Vec<_> = line.split_whitespace().collect();
            words.len() > 9 && words[2].ends_with(&remote) && mine.contains(&format!("socket:[{}]", words[9]))
        })
        .count()
}

async fn until_no_socket_to(port: u16) {
    let until = Instant::now() + Duration::from_secs(2);
    while open_sockets(port) > 0 {
        assert!(Instant::now() < until, "a socket to port {port} stays open");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn giving_up_on_a_mute_host_leaves_no_socket_and_says_where_it_hung() {
    let client = Client::new();
    let mute = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = mute.local_addr().unwrap().port();
    // One that never speaks, one that goes silent after its version: russh has spawned its task by then.
    for greeting in ["", "SSH-2.0-OpenSSH_9.9\r\n"] {
        let dialer = Dialer::new(Limits::default());
        let (route, progress) = (client.route(port), Progress::new());
        let attempt = dialer.connect(&route, &progress);
        let serving = async {
            let (mut stream, _) = mute.accept().await.unwrap();
            tokio::io::AsyncWriteExt::write_all(&mut stream, greeting.as_bytes()).await.unwrap();
            std::future::pending::<()>().await
        };
        let outer =
            tokio::time::timeout(Duration::from_millis(300), async { tokio::join!(attempt, serving) });
        assert!(outer.await.is_err());
        assert_eq!(progress.stage(), Stage::Handshake);
        until_no_socket_to(port).await;

        let quick = Route { timeout: Some(Duration::from_millis(200)), ..route };
        let error = match dialer.connect(&quick, &Progress::new()).await {
            Ok(_) => panic!("a login on a mute host"),
            Err(error) => error,
        };
        assert_eq!((error.stage, &error.reason), (Stage::Handshake, &Reason::TimedOut));
        drop(mute.accept().await);
    }
}

#[tokio::test]
async fn dropping_a_connection_closes_its_socket() {
    let client = Client::new();
    let sshd = client.sshd();
    let connection = connect(&client.route(sshd.port)).await.unwrap();
    let mut sleeping = connection.exec(b"sleep 60").await.unwrap();
    assert_eq!(open_sockets(sshd.port), 1);
    drop(connection);
    assert_eq!(sleeping.next().await, None);
    until_no_socket_to(sshd.port).await;
}

#[tokio::test]
async fn max_sessions_one_serves_one_command_at_a_time() {
    let client = Client::new();
    let sshd = client.sshd_with(&["MaxSessions 1"]);
    let connection = connect(&client.route(sshd.port)).await.unwrap();
    let mut cat = connection.exec(b"cat").await.unwrap();
    let second = connection.exec(b"true").await.err();
    assert!(matches!(second, Some(SessionError::ChannelRefused(_))), "{second:?}");
    cat.eof().await;
    assert_eq!(listen(&mut cat).await.exit, Some(0), "the first is none the worse");
}

fn behind(client: &Client, jump: &Sshd, node: u16) -> Route {
    let jump = Route { host: "localhost".into(), ..client.route(jump.port) };
    Route { jump: Some(Arc::new(jump)), ..client.route(node) }
}

/// Lets the client know `sshd` by the name `localhost` too.
fn trust_localhost(client: &Client, sshd: &Sshd) {
    let known = fs::read_to_string(client.path("known_hosts")).unwrap();
    let line = sshd.known_host().replace("127.0.0.1", "localhost");
    fs::write(client.path("known_hosts"), known + &line).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_hosts_share_one_login_on_their_jump_host() {
    let client = Client::new();
    let (jump, node) = (client.sshd(), client.sshd());
    trust_localhost(&client, &jump);
    let dialer = Dialer::new(Limits::default());
    let route = behind(&client, &jump, node.port);
    let visits = (0..20).map(|visit| {
        let (dialer, route) = (&dialer, &route);
        async move {
            let connection = dialer.connect(route, &Progress::new()).await.unwrap();
            let said = run(&connection, &format!("echo {visit}")).await;
            connection.close().await;
            said.stdout
        }
    });
    let said = futures::future::join_all(visits).await;
    let expected: Vec<_> = (0..20).map(|visit| format!("{visit}\n")).collect();
    assert_eq!(said, expected);
    assert_eq!((jump.logins(), node.logins()), (1, 20));
    dialer.close().await;
    until_no_socket_to(jump.port).await;
}

#[tokio::test]
async fn a_jump_host_may_have_a_jump_host() {
    let client = Client::new();
    let (first, second, node) = (client.sshd(), client.sshd(), client.sshd());
    trust_localhost(&client, &first);
    let inner = behind(&client, &first, second.port);
    let route = Route { jump: Some(Arc::new(inner)), ..client.route(node.port) };
    let connection = connect(&route).await.unwrap();
    assert_eq!(run(&connection, "echo hi").await.stdout, "hi\n");
    assert_eq!((first.logins(), second.logins(), node.logins()), (1, 1, 1));
}

#[tokio::test]
async fn trouble_with_a_jump_host_is_told_from_trouble_behind_it() {
    let client = Client::new();
    let jump = client.sshd();
    trust_localhost(&client, &jump);

    let error = failure(&behind(&client, &jump, free_port())).await;
    assert_eq!((error.stage, &error.reason), (Stage::Connect, &Reason::Refused), "{error:?}");
    assert!(error.message.contains("asked from jump host localhost"), "{error}");

    let lost = Route { host: "no-such-host.invalid".into(), ..behind(&client, &jump, 22) };
    let error = failure(&lost).await;
    assert_eq!(error.reason, Reason::NameUnknown, "{error:?}");

    let closed = client.sshd_with(&["AllowTcpForwarding no"]);
    trust_localhost(&client, &closed);
    let error = failure(&behind(&client, &closed, jump.port)).await;
    assert_eq!(error.reason, Reason::JumpForbids { jump: "localhost".into() }, "{error:?}");

    let mut nowhere = behind(&client, &jump, jump.port);
    nowhere.jump = Some(Arc::new(client.route(free_port())));
    let dialer = Dialer::new(Limits::default());
    let (first, second) = (Progress::new(), Progress::new());
    let (one, two) = tokio::join!(dialer.connect(&nowhere, &first), dialer.connect(&nowhere, &second));
    for error in [one.err(), two.err()].into_iter().flatten() {
        assert_eq!((error.stage, error.reason.root()), (Stage::Jump, &Reason::Refused));
        assert!(error.message.starts_with("jump host 127.0.0.1: "), "{error}");
    }
}

#[tokio::test]
async fn giving_up_behind_a_jump_host_ends_its_connection_to_the_node() {
    let client = Client::new();
    let jump = client.sshd();
    trust_localhost(&client, &jump);
    let mute = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let route = behind(&client, &jump, mute.local_addr().unwrap().port());
    let (dialer, progress) = (Dialer::new(Limits::default()), Progress::new());
    let mut forwarded = tokio::select! {
        _ = dialer.connect(&route, &progress) => panic!("a login on a mute host"),
        accepted = mute.accept() => accepted.unwrap().0,
    };
    assert!(progress.stage() >= Stage::Connect);
    let mut rest = Vec::new();
    let ended = tokio::io::AsyncReadExt::read_to_end(&mut forwarded, &mut rest);
    tokio::time::timeout(Duration::from_secs(3), ended).await.expect("the forwarding ends").unwrap();
}

#[tokio::test]
async fn a_jump_login_that_was_lost_is_made_again() {
    let client = Client::new();
    let (jump, node) = (client.sshd(), client.sshd());
    trust_localhost(&client, &jump);
    let dialer = Dialer::new(Limits::default());
    let route = behind(&client, &jump, node.port);
    let connection = dialer.connect(&route, &Progress::new()).await.unwrap();
    jump.cut_connections();
    let mut gone = connection.exec(b"true").await.err();
    let until = Instant::now() + Duration::from_secs(5);
    while gone.is_none() && Instant::now() < until {
        gone = connection.exec(b"true").await.err();
    }
    assert!(matches!(gone, Some(SessionError::Lost(_))), "{gone:?}");
    dialer.connect(&route, &Progress::new()).await.unwrap();
    assert_eq!(jump.logins(), 2);
}

#[test]
fn the_dialer_can_be_shared_by_tasks() {
    fn shared<T: Send + Sync>() {}
    shared::<Dialer>();
    shared::<Connection>();
    shared::<Progress>();
}
