//! ZooKeeper sessions and requests.

use super::message::{Found, Message, message};
use crate::kafka::event::Class;

pub(super) fn messages() -> Vec<Message> {
    vec![
        // org.I0Itec.zkclient up to 1.0; up to 0.10.2 on the standard output alone.
        message(&["zookeeper state changed ("], r"zookeeper state changed \(Expired\)", |_| {
            Some(Class::SessionExpired)
        }),
        message(
            &["zookeeper state changed ("],
            r"zookeeper state changed \((?:Disconnected|AuthFailed)\)",
            |_| Some(Class::SessionLost),
        ),
        message(&["zookeeper state changed ("], r"zookeeper state changed \(SyncConnected\)", |_| {
            Some(Class::SessionOpened { broker: None })
        }),
        // kafka.zookeeper.ZooKeeperClient, 1.1–2.7; later only the new session.
        message(&["] Session expired"], r"\[ZooKeeperClient[^\]]*\] Session expired", |_| {
            Some(Class::SessionExpired)
        }),
        message(
            &["Session has expired while "],
            r"Session has expired while (?:creating|reading znode)",
            |_| Some(Class::SessionExpired),
        ),
        message(
            &["] Initializing a new session"],
            r"\[ZooKeeperClient[^\]]*\] Initializing a new session",
            |_| Some(Class::SessionOpened { broker: None }),
        ),
        // org.apache.zookeeper.ClientCnxn, 3.4 to 3.8; in server.log from 0.11 on (KAFKA-5486), before on the standard
        // output. It tries again every second or two for as long as it gets no answer.
        message(
            &[
                "Socket error occurred: ",
                "Session 0x",
                "Unable to read additional data from server sessionid",
                "Client session timed out, have not heard from server",
            ],
            r"Socket error occurred: \S+: |Session 0x[0-9a-f]+ for \w+ .*[Cc]losing socket connection|Unable to read additional data from server sessionid 0x|Client session timed out, have not heard from server in \d+ms",
            |_| Some(Class::SessionLost),
        ),
        message(
            &["Session establishment complete on server"],
            "Session establishment complete on server",
            |_| Some(Class::SessionOpened { broker: None }),
        ),
        // kafka.server.KafkaHealthcheck up to 1.0: only after an expiry.
        message(
            &["re-registering broker info in ZK"],
            r"re-registering broker info in ZK for broker (?P<broker>\d+)",
            |found| Some(Class::SessionOpened { broker: found.number("broker") }),
        ),
        message(
            &["Timed out waiting for the controller to approve"],
            "Timed out waiting for the controller to approve controlled shutdown",
            |_| Some(Class::RequestTimeout),
        ),
    ]
}

/// In any record.
fn refused(found: &Found<'_>) -> Option<Class> {
    Some(Class::RequestRefused { api: found.owned("api")?, version: found.number("version") })
}

pub(super) fn exceptions() -> Vec<Message> {
    vec![
        message(
            &["errors.TimeoutException"],
            r"org\.apache\.kafka\.common\.errors\.TimeoutException",
            |_| Some(Class::RequestTimeout),
        ),
        // kafka.network.RequestChannel, 0.10 and later: below two ERROR lines of kafka.network.Processor.
        message(
            &["Error getting request for apiKey: "],
            r"Error getting request for apiKey: (?P<api>\w+)(?:,| and) apiVersion: (?P<version>\d+)",
            refused,
        ),
        // kafka.network.SocketServer, 3.x and later.
        message(
            &["Received request for api with key "],
            r"Received request for api with key \d+ \((?P<api>\w+)\) and unsupported version (?P<version>\d+)",
            refused,
        ),
    ]
}
