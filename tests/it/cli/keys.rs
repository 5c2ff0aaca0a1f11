//! `jotrack keys` as a user runs it.

use std::fs::{self, File};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jotrack_tests::program::{Ended, Home};
use serde_json::Value;

const CANARY: &str = "sk-canary-5d1f0a9b7c3e";

/// Runs a command that logs all it can, with a file for standard input and variables.
async fn run(home: &Home, args: &[&str], input: Option<&str>, variables: &[(&str, &str)]) -> Ended {
    let path = home.write("input", input.unwrap_or_default());
    let mut command = home.command(args);
    command.stdin(File::open(&path).unwrap()).env("JOTRACK_LOG", "trace");
    command.envs(variables.iter().copied()).kill_on_drop(true);
    let output = command.output().await.unwrap();
    fs::remove_file(path).unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let (stdout, stderr) = (text(output.stdout), text(output.stderr));
    assert!(!stdout.contains(CANARY) && !stderr.contains(CANARY), "{stdout}{stderr}");
    Ended { code: output.status.code(), stdout, stderr }
}

fn master_key(byte: u8) -> String {
    STANDARD.encode([byte; 32])
}

#[tokio::test]
async fn a_key_is_kept_told_about_sealed_anew_and_forgotten_and_never_printed() {
    let home = Home::new();
    let run = async |args, input| run(&home, args, input, &[]).await;
    let data = home.path(".local/share/jotrack");

    let line = format!("{CANARY}\n");
    let kept = run(&["keys", "set", "anthropic"], Some(&line)).await;
    let told = kept.succeeded();
    assert!(told.starts_with("The key of anthropic is kept.\n"), "{told}");
    assert!(told.contains("the network is not allowed: repeat this with --use"), "{told}");
    let listed = run(&["keys", "list"], None).await.succeeded();
    assert!(listed.contains("anthropic") && listed.contains("7c3e"), "{listed}");
    let json = run(&["keys", "list", "--json"], None).await.succeeded();
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json[0]["provider"], &json[0]["last4"]), (&"ANTHROPIC".into(), &"7c3e".into()));

    let status = run(&["keys", "status"], None).await.succeeded();
    assert!(status.contains("ok") && status.contains("current"), "{status}");
    let rotated = run(&["keys", "rotate"], None).await;
    assert!(rotated.stderr.contains("Sealing"), "{rotated:?}");
    assert!(rotated.succeeded().starts_with("2 values were sealed with "));
    let keys = fs::read_to_string(data.join("master.key")).unwrap();
    assert_eq!(keys.lines().count(), 2);
    let status = run(&["keys", "status", "--json"], None).await.succeeded();
    assert!(!keys.lines().any(|key| status.contains(key)), "{status}");
    let status: Value = serde_json::from_str(&status).unwrap();
    assert_eq!((&status["ok"], &status["keys"][0]["rows"]), (&true.into(), &2.into()));

    let asked = run(&["keys", "delete", "anthropic"], None).await.failed(2);
    assert!(asked.contains("--yes"), "{asked}");
    run(&["keys", "delete", "anthropic", "--yes"], None).await.succeeded();
    let again = run(&["keys", "delete", "anthropic", "--yes"], None).await.failed(2);
    assert!(again.contains("no provider key of anthropic"), "{again}");
    assert!(run(&["keys", "list"], None).await.succeeded().contains("No provider's key"));
    for file in jotrack_tests::files(&data) {
        let bytes = fs::read(&file).unwrap();
        let found = bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes());
        assert!(!found, "{}", file.display());
    }
}

#[tokio::test]
async fn a_key_is_put_to_use_and_is_kept_when_that_is_refused() {
    let home = Home::new();
    let run = async |args| run(&home, args, Some(CANARY), &[]).await;
    let status = async || {
        let status = run(&["keys", "status", "--json"]).await.succeeded();
        serde_json::from_str::<Value>(&status).unwrap()["ai"].take()
    };

    let refused = run(&["keys", "set", "openai", "--use", "--model", "a\nb"]).await;
    assert!(refused.stdout.contains("The key of openai is kept."), "{refused:?}");
    assert!(refused.failed(2).contains("model"));
    assert_eq!(status().await["networkEnabled"], false);

    let used = run(&["keys", "set", "openai", "--use", "--model", "large"]).await.succeeded();
    assert!(used.contains("Texts may be sent to openai, which answers from now on."), "{used}");
    let told = status().await;
    assert_eq!(
        (&told["networkEnabled"], &told["provider"], &told["model"]),
        (&true.into(), &"OPENAI".into(), &"large".into())
    );
    run(&["keys", "delete", "openai", "--yes"]).await.succeeded();
    assert_eq!(status().await["provider"], Value::Null, "nobody can ask it any more");
}

#[tokio::test]
async fn wrong_words_end_with_code_2_and_make_nothing() {
    let home = Home::new();
    let data = home.path(".local/share/jotrack");
    let cases: [(&[&str], Option<&str>, &str); 8] = [
        (&["keys"], None, "Usage"),
        (&["keys", "set", "local"], Some(CANARY), "a provider is"),
        (&["keys", "set", "somebody"], Some(CANARY), "a provider is"),
        (&["keys", "set", "openai"], Some(" \n"), "holds no key"),
        (&["keys", "list"], None, "no database"),
        (&["keys", "status"], None, "no database"),
        (&["keys", "rotate"], None, "no database"),
        (&["keys", "delete", "openai", "--yes"], None, "no database"),
    ];

    for (args, input, told) in cases {
        let why = run(&home, args, input, &[]).await.failed(2);
        assert!(why.contains(told), "{args:?}: {why}");
    }

    assert!(!data.exists());
    for (args, told) in [
        (&["keys", "set", "openai_compatible"][..], "baseUrl"),
        (&["keys", "set", "openai", "--base-url", "http://127.0.0.1:1"], "baseUrl"),
    ] {
        let why = run(&home, args, Some(CANARY), &[]).await.failed(2);
        assert!(why.contains(told), "{args:?}: {why}");
    }
    assert!(!data.join("master.key").exists());
}

#[tokio::test]
async fn the_environment_gives_the_master_key_or_the_program_stops() {
    let home = Home::new();
    let data = home.path(".local/share/jotrack");
    let (old, new) = (master_key(1), master_key(2));
    let variable = "JOTRACK_MASTER_KEY";
    let set: &[&str] = &["keys", "set", "openai"];

    for wrong in [CANARY, "AAEC", old.trim_end_matches('=')] {
        let why = run(&home, set, Some(CANARY), &[(variable, wrong)]).await.failed(2);
        assert!(why.contains(variable) && why.contains("32 bytes"), "{why}");
    }
    let why = run(&home, &["serve"], None, &[("JOTRACK_MASTER_KEY_FILE", "/none")]).await.failed(2);
    assert!(why.contains("/none"), "{why}");
    assert!(!data.exists());

    run(&home, set, Some(CANARY), &[(variable, &old)]).await.succeeded();
    assert!(!data.join("master.key").exists());

    // Without it, and with another one, nothing opens and nothing is lost.
    for variables in [&[][..], &[(variable, &*new)]] {
        let status = run(&home, &["keys", "status"], None, variables).await;
        assert!(status.stdout.contains("missing"), "{status:?}");
        status.failed(3);
        let refused = run(&home, set, Some("sk-another-key-0"), variables).await.failed(1);
        assert!(refused.contains("master key"), "{refused}");
    }
    assert!(!data.join("master.key").exists());

    let file = home.write("keys", format!("{new}\n{old}\n"));
    let variables = [("JOTRACK_MASTER_KEY_FILE", file.to_str().unwrap())];
    let rotated = run(&home, &["keys", "rotate"], None, &variables).await.succeeded();
    assert!(rotated.contains("the first of the given keys"), "{rotated}");
    let status = run(&home, &["keys", "status"], None, &[(variable, &new)]).await.succeeded();
    assert!(status.contains("given") && status.contains("not needed"), "{status}");
}
