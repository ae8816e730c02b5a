use super::*;
use proptest::prelude::*;

fn parse(text: &str) -> SshArgs {
    SshArgs::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn hop(user: Option<&str>, host: &str, port: Option<u16>) -> JumpSpec {
    JumpSpec { user: user.map(str::to_owned), host: host.to_owned(), port, ..JumpSpec::default() }
}

#[test]
fn every_spelling_of_a_jump_host_is_the_same() {
    let expected = Some(vec![hop(Some("ops"), "bastion", Some(2222))]);
    for text in [
        "-J ops@bastion:2222",
        "-Jops@bastion:2222",
        "-CJ ops@bastion:2222",
        "-o ProxyJump=ops@bastion:2222",
        "-oProxyJump=ops@bastion:2222",
        "-o 'ProxyJump ops@bastion:2222'",
        "-o \"proxyjump = ops@bastion:2222\"",
        "-J ssh://ops@bastion:2222",
        "-o ProxyJump=ssh://ops@bastion:2222/",
        "-o ProxyCommand='ssh -W %h:%p -p 2222 ops@bastion'",
        "-o ProxyCommand=\"ssh -W %h:%p -q -l ops -p2222 bastion\"",
        "-o 'ProxyCommand ssh -qW %h:%p ops@bastion -p 2222'",
        "-o ProxyCommand='exec /usr/bin/ssh -W[%h]:%p ssh://ops@bastion:2222'",
    ] {
        let args = parse(text);
        let plain = |jump: JumpSpec| JumpSpec { own: None, ..jump };
        let jump = args.jump.map(|jump| jump.into_iter().map(plain).collect());
        assert_eq!(jump, expected, "{text}");
        assert!(args.warnings.is_empty(), "{text}: {:?}", args.warnings);
    }
}

#[test]
fn chains_addresses_and_none() {
    assert_eq!(parse("-J a,b@c").jump, Some(vec![hop(None, "a", None), hop(Some("b"), "c", None)]));
    assert_eq!(parse("-J [fe80::1%eth0]:22").jump, Some(vec![hop(None, "fe80::1%eth0", Some(22))]));
    assert_eq!(parse("-J 2001:db8::1").jump, Some(vec![hop(None, "2001:db8::1", None)]));
    assert_eq!(parse("-o ProxyJump=none").jump, Some(Vec::new()));
    assert_eq!(parse("-o ProxyCommand=none").jump, Some(Vec::new()));
    assert_eq!(parse("").jump, None);
    assert_eq!(parse("-J a -o ProxyJump=b").jump, Some(vec![hop(None, "a", None)]), "the first counts");
}

#[test]
fn a_proxy_command_keeps_its_own_key_and_jump_host() {
    let args = parse("-o ProxyCommand='ssh -W %h:%p -i ~/.ssh/b -o StrictHostKeyChecking=no -J outer b'");
    let jump = args.jump.expect("a jump");
    assert_eq!(jump.len(), 2);
    assert_eq!(jump[0], hop(None, "outer", None));
    let own = jump[1].own.as_deref().expect("its own options");
    assert_eq!((jump[1].host.as_str(), own.host_keys), ("b", Some(HostKeyPolicy::Off)));
    assert_eq!(own.identity_files, [PathBuf::from("~/.ssh/b")]);
    assert!(args.identity_files.is_empty(), "the key is the bastion's, not the node's");
}

#[test]
fn another_proxy_command_stays_a_command() {
    for command in ["nc -X 5 %h %p", "ssh bastion nc %h %p", "ssh -W other:22 b", "ssh -W %h:%p -A b"] {
        let args = parse(&format!("-o ProxyCommand='{command}'"));
        assert_eq!(args.jump, None, "{command}");
        assert_eq!(args.proxy_command.as_deref(), Some(command));
        assert!(args.warnings.is_empty(), "{command}");
    }
}

#[test]
fn the_other_options() {
    let args = parse(
        "-i ~/.ssh/a -o IdentityFile=\"/k/b c\" -p 2200 -o Port=9 -l ops -o User=no -o IdentitiesOnly=yes \
         -o StrictHostKeyChecking=accept-new -o ConnectTimeout=1m30 -o 'UserKnownHostsFile=/a /b' \
         -o GlobalKnownHostsFile=none",
    );
    assert_eq!(args.identity_files, [PathBuf::from("~/.ssh/a"), PathBuf::from("/k/b c")]);
    assert_eq!((args.port, args.user.as_deref()), (Some(2200), Some("ops")));
    assert_eq!(args.identities_only, Some(true));
    assert_eq!(args.host_keys, Some(HostKeyPolicy::AcceptNew));
    assert_eq!(args.connect_timeout, Some(Duration::from_secs(90)));
    assert_eq!(args.user_known_hosts, Some(vec!["/a".into(), "/b".into()]));
    assert_eq!(args.global_known_hosts, Some(Vec::new()));
    assert!(args.warnings.is_empty(), "{:?}", args.warnings);
}

#[test]
fn what_ansible_adds_by_default_is_no_news_and_the_rest_is() {
    let usual = parse("-C -o ControlMaster=auto -o ControlPersist=60s -q");
    assert_eq!(usual, SshArgs::default());
    let odd = parse("-A -o VerifyHostKeyDNS=yes stray -L 1:b:2");
    assert_eq!(odd.warnings.len(), 4, "{:?}", odd.warnings);
    assert!(odd.warnings.iter().any(|warning| warning.contains("`VerifyHostKeyDNS yes`")));
}

#[test]
fn algorithms_and_the_other_ways() {
    let args = parse(
        "-F /etc/cfg -6 -c +aes128-cbc -o KexAlgorithms=+diffie-hellman-group1-sha1 -m hmac-sha1 \
         -o HostKeyAlgorithms=+ssh-rsa -o HostName=%h.dc1 -o HostKeyAlias=x -o CertificateFile=~/c \
         -o IdentityAgent=none -o ServerAliveInterval=30 -o ServerAliveCountMax=5 -o BatchMode=yes \
         -o HashKnownHosts=yes -o AddressFamily=inet -o ProxyCommand='nc %h %p' -J late",
    );
    assert!(args.warnings.is_empty(), "{:?}", args.warnings);
    assert_eq!(args.config.as_deref(), Some("/etc/cfg"));
    assert_eq!(args.address_family, Some(AddressFamily::Inet6), "the first counts");
    assert_eq!(args.ciphers.as_deref(), Some("+aes128-cbc"));
    assert_eq!(args.kex.as_deref(), Some("+diffie-hellman-group1-sha1"));
    assert_eq!(
        (args.macs.as_deref(), args.host_key_algorithms.as_deref()),
        (Some("hmac-sha1"), Some("+ssh-rsa"))
    );
    assert_eq!((args.hostname.as_deref(), args.host_key_alias.as_deref()), (Some("%h.dc1"), Some("x")));
    assert_eq!(args.certificate_files, [PathBuf::from("~/c")]);
    assert_eq!(args.identity_agent.as_deref(), Some("none"));
    assert_eq!((args.alive_interval, args.alive_count), (Some(Duration::from_secs(30)), Some(5)));
    assert_eq!((args.batch, args.hash_known_hosts), (Some(true), Some(true)));
    assert_eq!((args.proxy_command.as_deref(), args.jump), (Some("nc %h %p"), None), "the first counts");
}

#[test]
fn a_jump_by_command_may_read_its_own_configuration() {
    let jump = parse("-o ProxyCommand='ssh -F ~/cfg -W %h:%p b'").jump.expect("a jump");
    assert_eq!(jump[0].own.as_deref().and_then(|own| own.config.as_deref()), Some("~/cfg"));
}

#[test]
fn nonsense_is_refused() {
    for text in [
        "-J -oProxyCommand=evil",
        "-J 'a;rm'",
        "-J '$(id)'",
        "-J a,,b",
        "-J a:0",
        "-J a:b",
        "-J user@",
        "-J '-l@host'",
        "-J [::1",
        "-J %h",
        "-J a:b:c",
        "-l '-x'",
        "-p 70000",
        "-p",
        "-o Port",
        "-o StrictHostKeyChecking=maybe",
        "-o ConnectTimeout=soon",
        "-o IdentitiesOnly=perhaps",
        "-o AddressFamily=ipx",
        "-o ServerAliveCountMax=-1",
        "-o HostName=-x",
        "-o HostName=a;b",
        "-i 'open",
        "-o ProxyCommand='ssh -W %h:%p $(id)'",
    ] {
        assert!(SshArgs::parse(text).is_err(), "{text}: {:?}", SshArgs::parse(text));
    }
    let long = vec!["a"; 17].join(",");
    assert!(SshArgs::parse(&format!("-J {long}")).is_err());
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in ".{0,60}") {
        let _ = SshArgs::parse(&text);
    }

    #[test]
    fn no_arguments_make_it_panic(words in proptest::collection::vec(
        "-[JiplWoFA4C]|-o|(Proxy(Jump|Command)|Port|User|ConnectTimeout|IdentityFile)[= ]|[a-z@:\\[\\]%,\"'=é -]{0,12}|ssh -W %h:%p", 0..8)
    ) {
        let _ = SshArgs::parse(&words.join(" "));
        let _ = SshArgs::parse(&words.concat());
    }
}
