//! `jotrack serve`: the API and the playground for the person at this machine.

use std::io::{self, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use jotrack_core::{Config, Engine};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use super::failure::{Failure, Outcome};
use super::settings::DEFAULT_LISTEN;
use super::terminal::tell;
use super::{DatabaseArgs, Globals, answering, opening, start_log};
use crate::server::{self, Token};

/// Folder of the data in the platform's folder for data.
pub(super) const FOLDER: &str = "jotrack";

pub(super) const EXAMPLES: &str = "\
Examples:
  jotrack serve                           serve on 127.0.0.1:4000
  jotrack serve --listen 127.0.0.1:0      let the system choose a free port
  jotrack serve --data ~/applications     use another data folder
  JOTRACK_DATA=/srv/jt jotrack serve      the same from the environment
  jotrack serve --database postgres://jt@db.example:5432/jt
                                          keep the data in PostgreSQL
  JOTRACK_DATABASE_URL=postgres://... jotrack serve
                                          the same, its password unseen

The server answers to this machine only. The address it prints carries the
token of the data folder: open it in a browser. Programs send the token of the
file DIR/token as `Authorization: Bearer TOKEN`. Ctrl-C ends it after running
requests are answered.

PostgreSQL 14 or newer needs no preparation but an empty database. The data
folder then keeps the files alone; servers on one database share the folder.
A password in an option can be seen by everybody on this machine who lists
processes: keep it in JOTRACK_DATABASE_URL, in the file that
JOTRACK_DATABASE_URL_FILE names, or in the settings file:

  database = 'postgres://jt:PASSWORD@bouncer.example:6432/jt'

  [postgres]
  direct_url = 'postgres://jt:PASSWORD@db.example:5432/jt'
  replica_urls = ['postgres://jt:PASSWORD@replica.example:5432/jt']
  pool = 16
  startup_wait_ms = 30000

As variables these are JOTRACK_POSTGRES_DIRECT_URL, JOTRACK_POSTGRES_POOL, ...;
JOTRACK_POSTGRES_REPLICA_URLS takes several, with commas between.
TLS: add ?sslmode=require or ?sslmode=verify-full&sslrootcert=FILE.

The engine's own analyses need no model and send no text anywhere. To have a
model answer, name its provider: that is the consent to send texts of jobs to it.

  JOTRACK_AI_PROVIDER   local, anthropic, openai or openai_compatible
  JOTRACK_AI_MODEL      the model's name
  JOTRACK_AI_API_KEY    the key; never shown again
  JOTRACK_AI_BASE_URL   where a compatible server listens, on this machine too
  JOTRACK_AI_PROTOCOL   chat, responses or messages, as the server speaks

In the settings file, with all that can be set beside them:

  [ai]
  provider = 'openai_compatible'
  base_url = 'http://127.0.0.1:8080/v1'
  model = 'small'
  cache_days = 90

  [[ai.prices]]
  provider = 'openai_compatible'
  model = 'small*'
  valid_from = '2026-01-01'
  input = 100000
  output = 400000
  cached = 10000

Prices are millionths of a dollar per million tokens.";

/// Options of `serve`.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct ServeArgs {
    #[command(flatten)]
    pub(super) local: LocalArgs,
    #[command(flatten)]
    pub(super) database: DatabaseArgs,
}

/// Options of the commands that serve.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct LocalArgs {
    /// Loopback address and port [default: 127.0.0.1:4000]
    #[arg(long, value_name = "ADDR")]
    pub(super) listen: Option<String>,
    /// Data folder [default: a folder in the platform's folder for data]
    #[arg(long, value_name = "DIR")]
    pub(super) data: Option<PathBuf>,
}

/// What to do when the port is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PortPolicy {
    /// Fail: somebody asked for this port.
    Exactly,
    /// Take any free one: nobody asked.
    OrAnyFree,
}

/// Serves until the process is told to end.
pub(super) fn run(args: &ServeArgs, globals: &Globals) -> Outcome {
    let settings = globals.settings(&args.local, &args.database)?;
    start_log(&settings);
    let dir = settings.data_dir(&globals.env, FOLDER)?;
    let config = globals.engine_config(&settings, dir);
    let address = settings.listen.unwrap_or(DEFAULT_LISTEN);
    runtime()?.block_on(serve(config, address, PortPolicy::Exactly))
}

/// Starts the runtime of a command that uses the engine.
pub(super) fn runtime() -> Result<Runtime, Failure> {
    Ok(Runtime::new().context("start the runtime")?)
}

/// Opens the data folder, prints the address and serves until a signal comes.
pub(super) async fn serve(config: Config, address: SocketAddr, policy: PortPolicy) -> Outcome {
    // The port first: a second server on the same port must not even open the data.
    let listener = bind(address, policy).await?;
    let data = opening::name_of_data(&config);
    let engine = opening::open(config).await?;
    let served = serve_engine(listener, &engine, &data).await;
    let closed = engine.close().await.context("close the database");
    served.and_then(|()| Ok(closed?))
}

async fn serve_engine(listener: TcpListener, engine: &Engine, data: &str) -> Outcome {
    let dir = engine.config().data_dir.clone().context("the server needs a data folder")?;
    let token = Token::load_or_create(&dir).context("read the token")?;
    let address = listener.local_addr().context("read the address")?;
    let stop = stop_signal()?;
    let wishes = engine.ai_settings().await.context("read the settings of AI")?;
    let keys = engine.provider_keys().await.context("list the keys of providers")?;
    tell(&answering::name_of_provider(&engine.config().ai, &wishes, &keys));
    tell(&format!(
        "JoTrack serves the data in {data}. Ctrl-C ends it.\nOpen this address in a browser:\n"
    ));
    print_link(&format!("http://{address}/#token={}\n", token.reveal()));
    server::serve(listener, engine.clone(), token, stop).await.context("serve")?;
    Ok(())
}

/// Nobody may read our output, as in a service manager; the server is of use all the same.
fn print_link(link: &str) {
    let mut stdout = io::stdout().lock();
    drop(stdout.write_all(link.as_bytes()).and_then(|()| stdout.flush()));
}

/// Returns a future that ends when the process is asked to end, by Ctrl-C or by SIGTERM.
#[cfg(unix)]
fn stop_signal() -> Result<impl Future<Output = ()> + Send + 'static, Failure> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut interrupt = signal(SignalKind::interrupt()).context("listen for SIGINT")?;
    let mut terminate = signal(SignalKind::terminate()).context("listen for SIGTERM")?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        tell("Stopping\n");
    })
}

/// Returns a future that ends when the process is asked to end, by Ctrl-C.
#[cfg(not(unix))]
fn stop_signal() -> Result<impl Future<Output = ()> + Send + 'static, Failure> {
    Ok(async {
        if tokio::signal::ctrl_c().await.is_ok() {
            tell("Stopping\n");
        } else {
            std::future::pending::<()>().await;
        }
    })
}

async fn bind(address: SocketAddr, policy: PortPolicy) -> Result<TcpListener, Failure> {
    match TcpListener::bind(address).await {
        Ok(listener) => Ok(listener),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => match policy {
            PortPolicy::Exactly => Err(Failure::Other(anyhow::anyhow!(
                "{address} is in use by another program; stop it or choose another port, \
                 for example --listen {}:{}",
                address.ip(),
                address.port().saturating_add(1)
            ))),
            PortPolicy::OrAnyFree => {
                tell(&format!("{address} is in use by another program, taking a free port\n"));
                Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("listen")?)
            }
        },
        Err(error) => Err(anyhow::Error::new(error).context(format!("listen on {address}")).into()),
    }
}
