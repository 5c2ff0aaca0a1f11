//! A LiteLLM proxy of one version, in a virtual environment of its own, for the comparison.

use std::{
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Output, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;
use tokio::{
    net::TcpStream,
    process::{Child, Command},
    time::timeout,
};

use crate::{
    load::{Site, post},
    meter,
};

/// The one that is compared with. Other versions are never installed.
pub(crate) const VERSION: &str = "1.98.1";

/// Says that the proxy may be installed and run.
const FLAG: &str = "--litellm";
const INSTALL_MOST: Duration = Duration::from_secs(600);
const START_MOST: Duration = Duration::from_secs(120);

/// A running proxy that keeps answers in its own memory.
pub(crate) struct LiteLlm {
    pub(crate) child: Child,
    pub(crate) site: Site,
    /// From the start to the first connection.
    pub(crate) ready: Duration,
    _dir: TempDir,
}

impl LiteLlm {
    /// Starts a proxy in front of a provider; says why it cannot.
    pub(crate) async fn start(provider: &str) -> Result<Self, String> {
        if !meter::has(FLAG) {
            return Err(format!("{FLAG} installs and runs it"));
        }
        let bin = installed().await?;
        let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let config = dir.path().join("config.yaml");
        std::fs::write(&config, settings(provider)).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let mut command = Command::new(bin.join("litellm"));
        command.args(["--host", "127.0.0.1", "--port", &address.port().to_string(), "--config"]);
        command.arg(&config).args(["--num_workers", "1", "--telemetry", "False"]);
        command.current_dir(dir.path()).env_clear().env("PATH", &bin).env("HOME", dir.path());
        command.env("LITELLM_LOG", "ERROR").env("LITELLM_LOCAL_MODEL_COST_MAP", "True");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let began = Instant::now();
        let mut child = command.kill_on_drop(true).spawn().map_err(|e| e.to_string())?;
        let listens = async {
            while TcpStream::connect(address).await.is_err() {
                if let Ok(Some(status)) = child.try_wait() {
                    return Err(format!("the proxy ended: {status}"));
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            Ok(())
        };
        timeout(START_MOST, listens).await.map_err(|_| String::from("it does not start"))??;
        let ready = began.elapsed();
        let pid = child.id().ok_or("the proxy has ended")?;
        let site = Site { address, pid, request: request(address) };
        Ok(Self { child, site, ready, _dir: dir })
    }
}

fn request(address: SocketAddr) -> Vec<u8> {
    let body = serde_json::json!({
        "model": "bench",
        "temperature": 0,
        "messages": [
            { "role": "system", "content": "List the companies around a company." },
            { "role": "user", "content": "Ruede Metals" },
        ],
    });
    post(address, "/v1/chat/completions", "none", &body.to_string())
}

fn settings(provider: &str) -> String {
    format!(
        "model_list:\n  - model_name: bench\n    litellm_params:\n      model: openai/bench\n      \
         api_base: {provider}\n      api_key: none\nlitellm_settings:\n  cache: true\n  \
         cache_params:\n    type: local\n    ttl: 3600\n"
    )
}

/// Returns the folder of the programs, after installing them where they are missing.
async fn installed() -> Result<PathBuf, String> {
    let venv = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("litellm-{VERSION}"));
    let (bin, done) = (venv.join("bin"), venv.join("installed"));
    if done.exists() {
        return Ok(bin);
    }
    println!("installing LiteLLM {VERSION} into {}", venv.display());
    run(Command::new("python3").args(["-m", "venv"]).arg(&venv)).await?;
    let package = format!("litellm[proxy]=={VERSION}");
    let mut pip = Command::new(bin.join("pip"));
    pip.args(["install", "--quiet", "--disable-pip-version-check", "--no-input"]);
    run(pip.args(["--only-binary", ":all:", &package, "async-timeout"])).await?;
    std::fs::write(done, VERSION).map_err(|e| e.to_string())?;
    Ok(bin)
}

async fn run(command: &mut Command) -> Result<(), String> {
    let ended = command.kill_on_drop(true).stdin(Stdio::null()).output();
    let Ok(ended) = timeout(INSTALL_MOST, ended).await else {
        return Err(String::from("installing takes too long"));
    };
    let Output { status, stderr, .. } = ended.map_err(|e| e.to_string())?;
    let last = String::from_utf8_lossy(&stderr).lines().last().unwrap_or_default().to_owned();
    if status.success() { Ok(()) } else { Err(last) }
}
