//! The pages themselves.

use super::Page;

/// A round's verdict and what else ends one.
const VERDICT: &[(&str, &str)] = &[
    ("0", "OK"),
    ("1", "WARNING"),
    ("2", "CRITICAL"),
    ("3", "UNKNOWN: evidence is missing, or a report was not delivered"),
    ("64", "wrong command line; nobody was contacted"),
    ("65", "a missing or wrong file; nobody was contacted"),
    ("75", "with --unattended: another round holds the lock"),
    ("130, 143", "interrupted, terminated; what was gathered is still reported"),
];

/// Of what only reads files of this machine.
const LOCAL: &[(&str, &str)] =
    &[("0", "done"), ("64", "wrong command line"), ("65", "a missing or wrong file")];

const RENDERED: &[(&str, &str)] = &[
    ("0 to 3", "the round's verdict: OK, WARNING, CRITICAL, UNKNOWN"),
    ("64", "wrong command line"),
    ("65", "a missing or wrong file"),
];

/// How to get to the hosts.
const GET: &[&str] = &["inventory", "limit", "extra_vars", "user", "become", "ask_pass", "ask_become_pass"];

const ROUND: &[&str] = &[
    "inventory",
    "limit",
    "extra_vars",
    "user",
    "become",
    "ask_pass",
    "ask_become_pass",
    "since",
    "format",
    "output",
    "save",
    "unattended",
    "quiet",
    "dry_run",
];

const PATTERNS: &str = "A pattern names hosts as in Ansible: a group, a host, a glob; a:b is both, a:&b what is in \
    both, a:!b what is in a alone; ~ begins a regular expression, group[0:2] is a part. What a shell would act on \
    stands in quotes.";

pub const PAGES: &[Page] = &[
    Page {
        command: "",
        examples: &[
            ("Find the recorded incident on three brokers inside the program.", "roundsman demo"),
            (
                "Can I get in, and read what must be read?",
                "roundsman check all -i inventories/production.yml",
            ),
            ("Find Kafka on all hosts and look at it.", "roundsman audit -i inventories/production.yml"),
            (
                "A playbook's questions to the hosts of a group.",
                "roundsman run playbooks/kafka-audit.yml \\\n-i inventories/production.yml -l queue_nodes",
            ),
            ("What does a finding mean?", "roundsman explain cleaner-dead"),
        ],
        notes: &[
            "`roundsman COMMAND -h` shows a command's common options, `--help` all of them and examples.",
        ],
        exits: VERDICT,
        common: &[],
    },
    Page {
        command: "run",
        examples: &[
            (
                "All that the playbook looks at, on one group.",
                "roundsman run playbooks/kafka-audit.yml -i prod.yml -l queue_nodes",
            ),
            (
                "One topic, the logs of two days; the round is kept in a file.",
                "roundsman run playbooks/kafka-audit.yml -i prod.yml \\\n-e topic=completeProduct --since 2d --save round.json",
            ),
            (
                "May this broker go down now?",
                "roundsman run playbooks/upgrade-gate.yml -i prod.yml \\\n-e restart=queue01.example.com",
            ),
            (
                "The hosts, scripts and limits; nobody is contacted.",
                "roundsman run playbooks/kafka-audit.yml -i prod.yml --dry-run",
            ),
            (
                "A table here, a page for the post-mortem, metrics for node_exporter.",
                "roundsman run playbooks/kafka-audit.yml -i prod.yml \\\n-o report.html -o roundsman.prom",
            ),
        ],
        notes: &[],
        exits: VERDICT,
        common: ROUND,
    },
    Page {
        command: "audit",
        examples: &[
            ("Every host of the inventory.", "roundsman audit -i inventories/prod.yml"),
            (
                "One group, as root, the logs of two days.",
                "roundsman audit queue_nodes -i prod.yml -b --since 2d --save round.json",
            ),
            ("No inventory but two names.", "roundsman audit -i 10.200.8.176,10.200.8.177, -u ops"),
        ],
        notes: &[
            "What is found: processes, systemd units, the usual places; settings by an allow-list. kafka_log_dirs, \
             kafka_logs_dir, kafka_broker_id and kafka_cluster of the inventory stand above it.",
            PATTERNS,
        ],
        exits: VERDICT,
        common: ROUND,
    },
    Page {
        command: "exec",
        examples: &[
            ("One command on a group.", "roundsman exec queue_nodes -i prod.yml -- uptime"),
            (
                "All but one host; hosts with the same answer together.",
                "roundsman exec 'queue_nodes:!10.200.8.177' -i prod.yml --fold -- uname -r",
            ),
            (
                "What a shell on the node expands stands in quotes.",
                "roundsman exec all -i prod.yml -- du -ch '/services/kafka/completeProduct-*'",
            ),
            (
                "Lines as they come.",
                "roundsman exec all -i prod.yml --stream -- \\\ntail -n 5 /services/log/kafka/server.log",
            ),
        ],
        notes: &[PATTERNS],
        exits: &[
            ("0", "the command ended with 0 everywhere"),
            ("2", "it failed on a host, or a host's key has changed"),
            ("3", "a host gave no answer, or not all of it"),
            ("64, 65", "wrong command line, wrong file; nobody was contacted"),
            ("130, 143", "interrupted, terminated"),
        ],
        common: &[
            "inventory",
            "limit",
            "extra_vars",
            "user",
            "become",
            "ask_pass",
            "ask_become_pass",
            "fold",
            "stream",
            "dry_run",
        ],
    },
    Page {
        command: "check",
        examples: &[
            ("Every host.", "roundsman check all -i inventories/production.yml"),
            ("Is sudo allowed? Every step is told.", "roundsman check queue_nodes -i prod.yml -b -vv"),
        ],
        notes: &[PATTERNS],
        exits: &[
            ("0", "every host can be worked with"),
            ("2", "a host's key has changed"),
            ("3", "a host can't be reached, read or worked on"),
            ("64, 65", "wrong command line, wrong file; nobody was contacted"),
            ("130, 143", "interrupted, terminated"),
        ],
        common: GET,
    },
    Page {
        command: "trust",
        examples: &[
            ("Show the keys and ask about each new one.", "roundsman trust queue_nodes -i prod.yml"),
            (
                "Believe what somebody wrote down at the machines.",
                "roundsman trust all -i prod.yml --fingerprints keys.txt",
            ),
        ],
        notes: &[PATTERNS],
        exits: &[
            ("0", "all keys are known or were added"),
            ("2", "a key has changed, is revoked or is not the one in FILE"),
            ("3", "a host was not reached or its key not confirmed"),
            ("64, 65", "wrong command line, wrong file; nobody was contacted"),
        ],
        common: &[
            "inventory",
            "limit",
            "extra_vars",
            "user",
            "become",
            "ask_pass",
            "ask_become_pass",
            "fingerprints",
        ],
    },
    Page {
        command: "inventory",
        examples: &[
            ("Which groups and hosts are there?", "roundsman inventory graph -i prod.yml"),
            (
                "How is this host reached, and what says so?",
                "roundsman inventory host queue01.example.com -i prod.yml --ssh",
            ),
        ],
        notes: &[],
        exits: LOCAL,
        common: &[],
    },
    Page {
        command: "inventory list",
        examples: &[("The JSON of ansible-inventory --list.", "roundsman inventory list -i prod.yml")],
        notes: &[],
        exits: LOCAL,
        common: &["inventory"],
    },
    Page {
        command: "inventory graph",
        examples: &[("Two sources, one tree.", "roundsman inventory graph -i prod.yml -i staging.yml")],
        notes: &[],
        exits: LOCAL,
        common: &["inventory"],
    },
    Page {
        command: "inventory host",
        examples: &[
            ("Its variables.", "roundsman inventory host queue01.example.com -i prod.yml"),
            (
                "Every setting of the way to it, and what gave it its value.",
                "roundsman inventory host queue01.example.com -i prod.yml --ssh",
            ),
        ],
        notes: &[],
        exits: LOCAL,
        common: &["inventory", "ssh"],
    },
    Page {
        command: "report",
        examples: &[
            ("A round that was saved.", "roundsman report --from round.json --width 120"),
            (
                "What somebody pasted into the ticket.",
                "roundsman report --du-transcript du.txt \\\n--log 10.200.8.176=server.log --log-zone +02:00",
            ),
            (
                "A round joined with what kafka-topics.sh says, for the ticket.",
                "roundsman report --from round.json --kafka-topics topics.txt -o report.md",
            ),
        ],
        notes: &[],
        exits: RENDERED,
        common: &["from", "du_transcript", "log", "kafka_topics", "inventory", "save", "format", "output"],
    },
    Page {
        command: "explain",
        examples: &[
            ("All codes, a line each.", "roundsman explain"),
            ("One of them in full.", "roundsman explain cleaner-dead"),
            ("A runbook page, or all pages.", "roundsman explain data-lost --format runbook"),
        ],
        notes: &[],
        exits: &[("0", "done"), ("64", "there is no such code")],
        common: &["format"],
    },
    Page {
        command: "history",
        examples: &[
            ("The newest rounds.", "roundsman history list"),
            ("The last one again, as a page.", "roundsman history show last --format html"),
        ],
        notes: &[],
        exits: LOCAL,
        common: &[],
    },
    Page {
        command: "history list",
        examples: &[("The newest five, for a program.", "roundsman history list -n 5 --format json")],
        notes: &[],
        exits: LOCAL,
        common: &["number", "format"],
    },
    Page {
        command: "history show",
        examples: &[
            ("The last round.", "roundsman history show"),
            ("The one before, for a ticket.", "roundsman history show last~1 --format markdown"),
        ],
        notes: &[],
        exits: RENDERED,
        common: &["format", "output"],
    },
    Page {
        command: "history trend",
        examples: &[
            ("A topic, from as many rounds as a line shows.", "roundsman history trend completeProduct"),
            ("One partition, for a program.", "roundsman history trend completeProduct-13 --format json"),
        ],
        notes: &[],
        exits: LOCAL,
        common: &["number", "of", "format"],
    },
    Page {
        command: "history prune",
        examples: &[(
            "A month is enough, but never fewer than 50.",
            "roundsman history prune --older-than 30d --keep 50",
        )],
        notes: &[],
        exits: LOCAL,
        common: &["older_than", "keep"],
    },
    Page {
        command: "diff",
        examples: &[
            ("The last round and the one before.", "roundsman diff"),
            ("A file of before the upgrade and the last round.", "roundsman diff before.json last"),
        ],
        notes: &[],
        exits: &[
            ("0", "nothing is new or worse"),
            ("1, 2, 3", "the worst that is: WARNING, CRITICAL, UNKNOWN"),
            ("64, 65", "wrong command line, wrong file"),
        ],
        common: &["number", "format"],
    },
    Page {
        command: "ack",
        examples: &[
            (
                "What was lost has been published again; nobody need be called for a month.",
                "roundsman ack 3f1c --reason 'published again, OPS-1234' --until 30d",
            ),
            (
                "Kept beside the playbook, for everybody.",
                "roundsman ack 3f1c --reason 'leaves on Friday' --until 2026-12-01 \\\n--file playbooks/kafka-audit.acks.yml",
            ),
        ],
        notes: &[
            "An acknowledged finding is shown as such and does not set the exit status. It comes back when it grows \
             worse (severity, offsets lost, an instance that was not there, a crash or cut that happened since) or the \
             date has passed.",
        ],
        exits: LOCAL,
        common: &["reason", "until", "file", "round"],
    },
    Page {
        command: "ack list",
        examples: &[("All, those included whose date has passed.", "roundsman ack list")],
        notes: &[],
        exits: LOCAL,
        common: &["format"],
    },
    Page {
        command: "ack drop",
        examples: &[("It sets the exit status again.", "roundsman ack drop 3f1c")],
        notes: &[],
        exits: LOCAL,
        common: &[],
    },
    Page {
        command: "config",
        examples: &[
            ("What every option of `run` is, and what says so.", "roundsman config"),
            (
                "The same of a line that could be typed.",
                "roundsman config audit queue_nodes -i prod.yml --unattended",
            ),
        ],
        notes: &[],
        exits: LOCAL,
        common: &["format"],
    },
    Page {
        command: "demo",
        examples: &[
            ("Find the incident.", "roundsman demo"),
            ("The same as a page.", "roundsman demo -o incident.html"),
            ("Three brokers to try commands on.", "roundsman demo --serve"),
        ],
        notes: &[],
        exits: &[
            ("2", "the incident was found: it is CRITICAL"),
            ("0", "with --serve: it was ended by Ctrl-C"),
            ("64", "wrong command line, or the demo can't start"),
        ],
        common: &["serve", "format", "output"],
    },
    Page {
        command: "completions",
        examples: &[
            ("For this bash; in ~/.bashrc for every one.", "roundsman completions bash"),
            ("In a directory of zsh's fpath, as _roundsman.", "roundsman completions zsh > _roundsman"),
            ("For fish.", "roundsman completions fish > ~/.config/fish/completions/roundsman.fish"),
        ],
        notes: &[
            "bash: source <(roundsman completions bash). Hosts and groups are those of -i on the line, of \
             ROUNDSMAN_INVENTORY or of ansible.cfg; inventory scripts are not run, vaults stay closed, and nobody is \
             contacted.",
        ],
        exits: &[("0", "done"), ("64", "wrong command line")],
        common: &[],
    },
];
