//! What an agent leaves behind that is dropped.

use std::path::Path;
use std::time::Duration;

use clock::Clock;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use crate::disk::Disk;
use crate::{Agent, AgentSettings};

async fn agent(folder: &Path) -> Agent {
    let identity = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/identity.json");
    std::fs::copy(identity, folder.join("identity.json")).unwrap();
    // Nobody listens there.
    let server = "http://127.0.0.1:9".parse().unwrap();
    let settings = AgentSettings {
        listen: Some("127.0.0.1:0".parse().unwrap()),
        ..AgentSettings::new(vec![server], folder.into())
    };
    let started = Agent::start(settings, Clock::system(), CancellationToken::new());
    started.await.unwrap()
}

#[tokio::test]
async fn an_agent_that_is_dropped_gives_its_folder_free_while_a_site_stays_connected() {
    let folder = tempfile::tempdir().unwrap();
    let agent = agent(folder.path()).await;
    let mut site = TcpStream::connect(agent.address().unwrap()).await.unwrap();
    let asks = b"GET /livez HTTP/1.1\r\nhost: agent\r\n\r\n";
    site.write_all(asks).await.unwrap();
    let mut answer = [0; 12];
    site.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
    assert!(Disk::open(folder.path()).is_err(), "it is the agent's");
    drop(agent);
    let clock = Clock::system();
    for _ in 0..500 {
        if Disk::open(folder.path()).is_ok() {
            return;
        }
        clock.sleep(Duration::from_millis(10)).await;
    }
    panic!("the folder is still locked");
}
