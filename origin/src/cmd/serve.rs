//! `pocketrank serve`: an origin over HTTP.

use super::data::Output;
use super::publisher::block_on;
use clap::Args;
use pocketrank_origin::error::{Error, Result};
use pocketrank_origin::serve::{Limits, Server};
use serde_json::json;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Serves what was published to a folder: over HTTP/1.1, for the proxy or the CDN that has the certificate.
///
/// Beside it /healthz and /metrics (for Prometheus; keep it from the public). SIGTERM and Ctrl-C end it once what is under way is sent, a
/// second one at once.
#[derive(Debug, Args)]
pub struct Serve {
    /// The folder that `publish` writes to.
    folder: PathBuf,
    /// Address to listen at; port 0 for a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    #[command(flatten)]
    print: Output,
}

impl Serve {
    /// Does it.
    pub fn run(self) -> Result<()> {
        block_on(async {
            let stop = Stop::new()?;
            let server = Server::bind(&self.folder, self.listen, Limits::default()).await?;
            let address = server.address().to_string();
            self.print.print(
                format_args!("{}: served at http://{address}", self.folder.display()),
                &json!({ "address": address }),
            )?;
            server.run(stop.wait()).await;
            Ok(())
        })
    }
}

/// Listens to the signals that end a process.
struct Stop {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl Stop {
    fn new() -> Result<Self> {
        #[cfg(unix)]
        let terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate());
        Ok(Self {
            #[cfg(unix)]
            terminate: terminate.map_err(|e| Error::Internal(format!("cannot listen to SIGTERM: {e}")))?,
        })
    }

    /// Waits for the first; the second ends the process.
    async fn wait(mut self) {
        self.next().await;
        tokio::spawn(async move {
            self.next().await;
            std::process::exit(130);
        });
    }

    async fn next(&mut self) {
        #[cfg(unix)]
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = self.terminate.recv() => {}
        }
        #[cfg(not(unix))]
        let _ = tokio::signal::ctrl_c().await;
    }
}
