use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;

use super::*;
use crate::ssh::Secret;

/// `ansible-vault encrypt_string` of ansible-core 2.19.0, the password being `ansible`.
const SEALED: &str = include_str!("../../tests/fixtures/vault/value.txt");
/// The same with `--vault-id prod@…`, the password being `zürich`.
const NAMED: &str = include_str!("../../tests/fixtures/vault/named.txt");

fn locks(dir: &std::path::Path, passwords: &[(Option<&str>, &str)]) -> Vec<Lock> {
    let lock = |(at, (id, password)): (usize, &(Option<&str>, &str))| {
        let file = dir.join(format!("password{at}"));
        fs::write(&file, password).expect("a file");
        Lock { id: id.map(str::to_owned), source: Source::File(file) }
    };
    passwords.iter().enumerate().map(lock).collect()
}

fn keyring(passwords: &[(Option<&str>, &str)]) -> (Keyring, tempfile::TempDir) {
    let dir = tempfile::tempdir().expect("a directory");
    let locks = locks(dir.path(), passwords);
    (Keyring::new(locks, |_| Err("nobody".to_owned())).expect("the files are there"), dir)
}

#[test]
fn what_ansible_vault_wrote_is_read() {
    let envelope = Envelope::parse(SEALED).expect("well-formed");
    assert_eq!(envelope.id(), None);
    assert_eq!(envelope.open(b"ansible"), Ok(Some(b"hunter2 \xe2\x82\xac".to_vec())));
    assert_eq!(envelope.open(b"Ansible"), Ok(None));
    let envelope = Envelope::parse(NAMED).expect("well-formed");
    assert_eq!(envelope.id(), Some("prod"));
    assert_eq!(envelope.open("zürich".as_bytes()), Ok(Some(b"sixteen letters.".to_vec())));
}

#[test]
fn what_it_would_not_write_is_refused_by_name() {
    let header = |header: &str| SEALED.replacen("$ANSIBLE_VAULT;1.1;AES256", header, 1);
    assert_eq!(Envelope::parse("hello"), Err(Malformed::Header));
    assert_eq!(Envelope::parse("$ANSIBLE_VAULT;1.1"), Err(Malformed::Header));
    assert_eq!(Envelope::parse(&header("$ANSIBLE_VAULT;1.0;AES")), Err(Malformed::Cipher("AES".into())));
    assert_eq!(Envelope::parse("$ANSIBLE_VAULT;1.1;AES256\n"), Err(Malformed::Hex));
    assert_eq!(Envelope::parse("$ANSIBLE_VAULT;1.1;AES256\n3132\n313"), Err(Malformed::Hex));
    assert_eq!(Envelope::parse(&SEALED.replace('3', "z")), Err(Malformed::Hex));
    // Carriage returns and indentation do no harm.
    assert!(Envelope::parse(&SEALED.replace('\n', "\r\n    ")).is_ok());
}

#[test]
fn the_password_of_the_right_name_is_tried_first_and_the_others_after_it() {
    let (ring, _dir) = keyring(&[(None, "ansible\n"), (Some("prod"), " zürich ")]);
    assert_eq!(ring.open_text(NAMED).as_deref(), Ok("sixteen letters."));
    assert!(ring.locks[0].1.get().is_none(), "the other password was not needed");
    assert_eq!(ring.open_text(SEALED).as_deref(), Ok("hunter2 €"));
    let (ring, _dir) = keyring(&[(Some("dev"), "zürich")]);
    assert_eq!(ring.open_text(NAMED).as_deref(), Ok("sixteen letters."));
    let ring = keyring(&[(Some("dev"), "zürich")]).0.matching(true, None);
    let trouble = ring.open_text(NAMED).expect_err("the id does not match");
    assert!(trouble.message.contains("`prod`") && trouble.message.contains("vault_id_match"), "{trouble:?}");
}

#[test]
fn what_stays_closed_says_what_was_tried_and_never_the_password() {
    let (ring, dir) = keyring(&[(Some("dev"), "wrong-one"), (Some("prod"), "")]);
    let trouble = ring.open_text(NAMED).expect_err("no password fits");
    assert_eq!(trouble.message, "no vault password opens it; it is of the vault id `prod`");
    let hint = trouble.hint.clone().unwrap_or_default();
    let (first, second) = (dir.path().join("password1"), dir.path().join("password0"));
    assert_eq!(
        hint,
        format!(
            "tried: `prod` from {}: the password is empty; `dev` from {}: the password is wrong",
            first.display(),
            second.display()
        )
    );
    assert!(!format!("{ring:?}{trouble:?}").contains("wrong-one"));
    let trouble = Keyring::default().open_text(SEALED).expect_err("no password");
    assert_eq!(trouble.message, "no vault password was given");
    assert!(Keyring::new(vec![Lock::parse("prod@/nowhere/at/all")], |_| Err(String::new())).is_err());
}

#[test]
fn a_question_is_asked_once_and_only_when_needed() {
    static ASKED: AtomicUsize = AtomicUsize::new(0);
    let ask = |question: &str| {
        assert_eq!(question, "Vault password (prod): ");
        ASKED.fetch_add(1, Ordering::Relaxed);
        Ok(Secret::new("zürich"))
    };
    let ring = Keyring::new(vec![Lock::parse("prod@prompt")], ask).expect("nothing to look for");
    ring.warm(&[NAMED]);
    assert_eq!(ASKED.load(Ordering::Relaxed), 0);
    for _ in 0..3 {
        assert_eq!(ring.open_text(NAMED).as_deref(), Ok("sixteen letters."));
        assert!(ring.open_text(SEALED).is_err());
    }
    assert_eq!(ASKED.load(Ordering::Relaxed), 1);
}

#[cfg(unix)]
#[test]
fn programs_print_passwords_and_clients_are_told_the_id() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().expect("a directory");
    let program = |name: &str, text: &str| {
        let file = dir.path().join(name);
        fs::write(&file, format!("#!/bin/sh\n{text}\n")).expect("a file");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("mode");
        file.display().to_string()
    };
    let ring = |lock: &str| Keyring::new(vec![Lock::parse(lock)], |_| Err(String::new())).expect("is there");
    let plain = program("get-pass", "test $# = 0 && echo zürich");
    assert_eq!(ring(&format!("prod@{plain}")).open_text(NAMED).as_deref(), Ok("sixteen letters."));
    let client = program("pass-client.sh", "test \"$*\" = '--vault-id prod' && echo zürich || exit 2");
    assert_eq!(ring(&format!("prod@{client}")).open_text(NAMED).as_deref(), Ok("sixteen letters."));
    let hint = ring(&format!("dev@{client}")).open_text(NAMED).expect_err("not its id").hint;
    assert!(hint.is_some_and(|hint| hint.contains("knows no password of this id")));
    let failing = program("fails", "exit 3");
    let hint = ring(&failing).open_text(NAMED).expect_err("no password").hint;
    assert!(hint.is_some_and(|hint| hint.contains("ended with exit status: 3")));
}

#[test]
fn a_password_file_may_be_encrypted_with_an_earlier_one() {
    // `SEALED` holds `hunter2 €`, which opens nothing here: that it was read is what counts.
    let (ring, _dir) = keyring(&[(None, "ansible"), (Some("prod"), SEALED)]);
    assert!(ring.password(1).is_ok_and(|password| password.0 == "hunter2 €".as_bytes()));
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What ansible-vault would write.
fn seal(text: &[u8], password: &[u8], salt: &[u8]) -> String {
    let empty = Envelope { id: None, salt: salt.to_vec(), mac: Vec::new(), ciphertext: Vec::new() };
    let keys = empty.keys(password);
    let padding = BLOCK - text.len() % BLOCK;
    let mut ciphertext = [text, &vec![u8::try_from(padding).expect("at most 16"); padding]].concat();
    ctr::Ctr128BE::<aes::Aes256>::new(&keys.cipher.into(), &keys.counter.into())
        .apply_keystream(&mut ciphertext);
    let mut mac = Hmac::<Sha256>::new_from_slice(&keys.mac).expect("any length");
    mac.update(&ciphertext);
    let mac = mac.finalize().into_bytes();
    let inner = format!("{}\n{}\n{}", hex(salt), hex(&mac), hex(&ciphertext));
    format!("$ANSIBLE_VAULT;1.1;AES256\n{}\n", hex(inner.as_bytes()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_is_sealed_opens(text in prop::collection::vec(any::<u8>(), 0..70), password in "[a-zä]{1,9}", salt in prop::collection::vec(any::<u8>(), 0..40)) {
        let envelope = Envelope::parse(&seal(&text, password.as_bytes(), &salt)).expect("well-formed");
        prop_assert_eq!(envelope.open(password.as_bytes()), Ok(Some(text)));
        prop_assert_eq!(envelope.open(b"another"), Ok(None));
    }

    #[test]
    fn a_damaged_text_never_opens(at in 0usize..400, with in "[0-9a-f]") {
        let body = SEALED.split_once('\n').expect("two lines").1;
        let mut damaged = SEALED.to_owned();
        let at = SEALED.len() - body.len() + at % body.trim_end().len();
        damaged.replace_range(at..=at, &with);
        // A hex digit may change its case.
        if let Ok(envelope) = Envelope::parse(&damaged)
            && Ok(&envelope) != Envelope::parse(SEALED).as_ref()
        {
            prop_assert_eq!(envelope.open(b"ansible"), Ok(None));
        }
    }

    #[test]
    fn no_text_panics(text in "(\\$ANSIBLE_VAULT|;|1\\.1|AES256|\n|[0-9a-f]{0,8}|0a|3a|ä){0,20}") {
        let _ = Envelope::parse(&text);
        let _ = Envelope::parse(&format!("$ANSIBLE_VAULT;1.2;AES256;x\n{text}"));
    }
}
