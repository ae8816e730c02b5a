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
        assert_eq!(args.jump, expected, "{text}");
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
    let inner = JumpSpec {
        identity_files: vec!["~/.ssh/b".into()],
        host_keys: Some(HostKeyPolicy::Off),
        ..hop(None, "b", None)
    };
    assert_eq!(args.jump, Some(vec![hop(None, "outer", None), inner]));
    assert!(args.identity_files.is_empty(), "the key is the bastion's, not the node's");
}

#[test]
fn another_proxy_command_is_a_warning() {
    for command in ["nc -X 5 %h %p", "ssh bastion nc %h %p", "ssh -W other:22 b", "ssh -W %h:%p -F cfg b"] {
        let args = parse(&format!("-o ProxyCommand='{command}'"));
        assert_eq!(args.jump, None, "{command}");
        assert_eq!(args.warnings.len(), 1, "{command}");
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
    let usual = parse("-C -o ControlMaster=auto -o ControlPersist=60s -o ServerAliveInterval=30 -q -4");
    assert_eq!(usual, SshArgs::default());
    let odd = parse("-A -F /etc/cfg -o HostKeyAlias=x stray -L 1:b:2");
    assert_eq!(odd.warnings.len(), 5, "{:?}", odd.warnings);
    assert!(odd.warnings.iter().any(|warning| warning.contains("`HostKeyAlias x`")));
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
        "-i 'open",
        "-o ProxyCommand='ssh -W %h:%p $(id)'",
    ] {
        assert!(SshArgs::parse(text).is_err(), "{text}: {:?}", SshArgs::parse(text));
    }
    let long = vec!["a"; 17].join(",");
    assert!(SshArgs::parse(&format!("-J {long}")).is_err());
}

#[test]
fn tokens_expand_where_ssh_expands_them() {
    let tokens = Tokens { home: "/home/me", local_user: "me", host: "node1", port: 2222, user: "ops" };
    assert_eq!(tokens.expand("~/.ssh/%r@%h:%p"), "/home/me/.ssh/ops@node1:2222");
    assert_eq!(tokens.expand("%d/%u/%%/%x/%"), "/home/me/me/%/%x/%");
    assert_eq!(tokens.expand("/a/~/b"), "/a/~/b");
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
