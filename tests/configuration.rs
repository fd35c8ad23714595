//! The program itself: wrong configurations, a second server, commands.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::support::{Server, config};
use turnout::app::App;

/// The program in an empty environment and folder.
fn program(folder: &Path) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_turnout"));
    program.env_clear().current_dir(folder).stdin(Stdio::null());
    program
}

fn line(output: &Output) -> String {
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(text.lines().count(), 1, "{text}");
    text.trim_end().to_owned()
}

#[test]
fn a_postgres_server_that_is_not_there_stops_the_start_with_one_line_without_its_password() {
    let folder = tempfile::tempdir().unwrap();
    let output = program(folder.path())
        .env(
            "TURNOUT_DATABASE_URL",
            "postgres://turnout:hunter2@127.0.0.1:1/seats",
        )
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let line = line(&output);
    assert!(
        line.contains("cannot open postgres://127.0.0.1:1/seats: "),
        "{line}"
    );
    assert!(!line.contains("hunter2"), "{line}");
}

#[test]
fn a_wrong_configuration_stops_the_start_with_one_line_that_names_the_key() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("wrong.toml"), "colour = \"red\"\n").unwrap();
    let run = |arguments: &[&str], name: &str, value: &str| {
        let output = program(folder.path())
            .args(arguments)
            .env(name, value)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        line(&output)
    };
    for (arguments, name, value, expected) in [
        (
            &[][..],
            "TURNOUT_LISTEN",
            "foo",
            r#"configuration: TURNOUT_LISTEN: "foo" is not an address such as 127.0.0.1:8080"#,
        ),
        (
            &[],
            "TURNOUT_COLOUR",
            "red",
            "configuration: TURNOUT_COLOUR: there is no such key",
        ),
        (
            &["--listen", "nowhere"],
            "X",
            "",
            r#"configuration: --listen: "nowhere" is not an address such as 127.0.0.1:8080"#,
        ),
        (
            &["--config", "wrong.toml"],
            "X",
            "",
            "configuration: wrong.toml: colour: there is no such key",
        ),
        (
            &["migrate"],
            "DATABASE_URL",
            "mysql://x",
            "configuration: DATABASE_URL: is not of the form sqlite://FILE or postgres://HOST/DATABASE",
        ),
    ] {
        assert_eq!(run(arguments, name, value), expected);
    }
    assert!(!folder.path().join("data").exists(), "nothing was started");
}

#[tokio::test]
async fn a_second_server_on_the_same_database_refuses_to_start() {
    let server = Server::start().await;
    let Err(error) = App::start(config(server.folder())).await else {
        panic!("two servers on one database")
    };
    assert!(
        error.to_string().starts_with("another server is using "),
        "{error}"
    );

    // So does the program, with one line.
    let database = format!("sqlite://{}", server.folder().join("turnout.db").display());
    let output = program(server.folder())
        .args(["migrate", "--database-url", &database])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        line(&output).starts_with("turnout: another server is using "),
        "{output:?}"
    );
    server.stop().await;
}

#[tokio::test]
async fn an_operator_creates_accounts_beside_a_running_server() {
    let server = Server::start().await;
    let database = format!("sqlite://{}", server.folder().join("turnout.db").display());
    let create = |password: &str| {
        let mut create = program(server.folder());
        create.args([
            "--database-url",
            &database,
            "admin",
            "create-user",
            "--role",
            "admin",
        ]);
        create.args(["--email", "Root@example.com", "--name", "Root"]);
        create
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = create.spawn().unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(password.as_bytes())
            .unwrap();
        child.wait_with_output().unwrap()
    };
    assert!(line(&create("short\n")).contains("the password must have 8 to 128 characters"));
    assert!(create("correct horse\n").status.success());
    assert!(line(&create("correct horse\n")).contains("an account with this e-mail address exists"));

    let body = serde_json::json!({"email": "root@example.com", "password": "correct horse"});
    let logged_in = server.post("/auth/login").json(&body).send().await.expect(200);
    assert_eq!(logged_in["user"]["role"], "admin");
    server.stop().await;
}
