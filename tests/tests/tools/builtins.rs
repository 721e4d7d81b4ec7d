//! `http_fetch` and the sql tools, as their users switch them on.

use callboard_tests::harness::{Callboard, Message, Results};
use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// Serves one page for ever; gives its port.
async fn serve(page: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                let Ok(1..) = stream.read_buf(&mut request).await else {
                    break;
                };
            }
            let answer = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{page}",
                page.len()
            );
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    port
}

fn database(folder: &TempDir) {
    let connection = rusqlite::Connection::open(folder.path().join("data.db")).unwrap();
    let setup = "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer TEXT); INSERT INTO orders VALUES (1, 'ana'), (2, 'bo');";
    connection.execute_batch(setup).unwrap();
}

#[tokio::test]
async fn built_in_tools_are_switched_on_by_set_and_file() {
    let port = serve("<h1>Hello</h1><p>to <b>you</b></p>").await;
    let folder = TempDir::with_prefix("callboard-tools-").unwrap();
    database(&folder);
    let file = format!(
        "[worker]\ntools = [\"http\", \"sql\"]\n[worker.fetch]\nallow = [\"localhost:{port}\"]\n[worker.sql]\ndatabase = \"data.db\"\nrows_max = 1\n"
    );
    std::fs::write(folder.path().join("worker.toml"), file).unwrap();
    let message = Message::new()
        .call(
            "page",
            "http_fetch",
            &json!({"url": format!("http://localhost:{port}/")}),
        )
        .call(
            "blocked",
            "http_fetch",
            &json!({"url": "http://169.254.169.254/latest/meta-data/"}),
        )
        .call(
            "rows",
            "sql_query",
            &json!({"sql": "SELECT * FROM orders WHERE customer >= ?", "parameters": ["a"]}),
        )
        .call("write", "sql_query", &json!({"sql": "DELETE FROM orders"}))
        .call("schema", "sql_schema", &json!({}));
    let execute = Callboard::new(["execute", "--config", "worker.toml"]).unwrap();
    let ended = execute
        .folder(folder.path())
        .input(message.json())
        .run()
        .await
        .unwrap();
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    let results = Results::of(&message, &ended.stdout).unwrap();
    let text = |id: &str| results.get(id).unwrap().text.clone();
    assert_eq!(text("page"), "# Hello\n\nto **you**");
    assert!(
        text("blocked").starts_with("Error (refused)"),
        "{}",
        text("blocked")
    );
    assert_eq!(
        text("rows"),
        r#"{"columns":["id","customer"],"rows":[[1,"ana"]],"note":"only the first 1 rows are here"}"#
    );
    assert!(
        text("write").starts_with("Error (refused)"),
        "{}",
        text("write")
    );
    assert!(
        text("schema").starts_with("CREATE TABLE orders"),
        "{}",
        text("schema")
    );
}

#[tokio::test]
async fn what_a_set_needs_is_asked_for() {
    let folder = TempDir::with_prefix("callboard-tools-").unwrap();
    database(&folder);
    std::fs::write(
        folder.path().join("text.db"),
        "this is no database at all, only a text",
    )
    .unwrap();
    std::fs::write(
        folder.path().join("fetch.toml"),
        "[worker.fetch]\nallow = [\"http://localhost\"]\n",
    )
    .unwrap();
    std::fs::write(
        folder.path().join("key.toml"),
        "[worker.fetch]\nproxy = \"x\"\n",
    )
    .unwrap();
    let mut texts = String::new();
    for words in [
        "tools --tools sql",
        "tools --tools sql --database missing.db",
        "tools --tools sql --database text.db",
        "tools --tools http --config fetch.toml",
        "tools --tools http --config key.toml",
        "tools --tools sql,http --database data.db",
    ] {
        let command = Callboard::new(words.split(' '))
            .unwrap()
            .folder(folder.path());
        let ended = command.run().await.unwrap();
        texts.push_str(&format!(
            "$ callboard {words}\n{}{}[exit {:?}]\n\n",
            ended.stdout, ended.stderr, ended.code
        ));
    }
    let here = folder.path().display().to_string();
    insta::assert_snapshot!(texts.replace(&here, "HERE"));
}
