#![expect(clippy::unwrap_used, reason = "tests")]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use callboard_proto::Part;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Database, SqlLimits, tools};
use crate::http::testing::said;
use crate::tool::{CallControl, ToolCall, ToolResult, Tools};

const SETUP: &str = "
    CREATE TABLE orders (id INTEGER PRIMARY KEY, customer TEXT NOT NULL, total REAL, note BLOB);
    CREATE INDEX by_customer ON orders (customer);
    CREATE VIEW big AS SELECT * FROM orders WHERE total > 10;
    CREATE TABLE log (line TEXT);
    CREATE TRIGGER t AFTER INSERT ON log BEGIN DELETE FROM orders; END;
    INSERT INTO orders VALUES (1, 'ana', 9.5, NULL), (2, 'bo', 12.0, x'00ff'), (9007199254740993, 'c\"ü', 1e999, zeroblob(5000));
";

struct World {
    folder: TempDir,
    tools: Tools,
}

impl World {
    fn new(limits: SqlLimits) -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("data.db");
        let connection = rusqlite::Connection::open(&path).unwrap();
        connection.execute_batch(SETUP).unwrap();
        let database = Database::open(&path, limits).unwrap();
        let tools = Tools::new(tools(&database)).unwrap();
        Self { folder, tools }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("data.db")
    }

    fn begin(
        &self,
        tool: &str,
        arguments: &Value,
    ) -> (
        futures_util::future::BoxFuture<'static, ToolResult>,
        CallControl,
    ) {
        let offer = self.tools.find(&tool.parse().unwrap()).unwrap();
        let (call, control) = ToolCall::detached(arguments.to_string());
        (offer.tool.call(call), control)
    }

    async fn query(&self, arguments: Value) -> String {
        let (future, _control) = self.begin("sql_query", &arguments);
        said(&future.await)
    }
}

#[tokio::test]
async fn rows_come_with_their_types() {
    let world = World::new(SqlLimits::default());
    let texts = [
        world.query(json!({"sql": "SELECT * FROM orders ORDER BY id"})).await,
        world.query(json!({"sql": "SELECT customer FROM big WHERE id = ?", "parameters": [2]})).await,
        world.query(json!({"sql": "SELECT :a, @b, $c, :a", "parameters": {"a": null, "@b": true, "c": {"base64": "AP8="}}})).await,
        world.query(json!({"sql": "SELECT ?1 + 0, ?1 AS \"a\", ?2 AS a", "parameters": [9_007_199_254_740_993_i64, 1.5]})).await,
        world.query(json!({"sql": "VALUES (1), (2);  -- and a remark"})).await,
        world.query(json!({"sql": "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 3) SELECT json_group_array(i) FROM n"})).await,
        world.query(json!({"sql": "SELECT name FROM pragma_table_info('log')"})).await,
        world.query(json!({"sql": "SELECT customer FROM orders WHERE customer LIKE 'A%' AND date('now') > '2000'"})).await,
        world.query(json!({"sql": "SELECT * FROM log"})).await,
    ];
    insta::assert_snapshot!(texts.join("\n"));
}

#[tokio::test]
async fn nothing_but_reading_is_done() {
    let world = World::new(SqlLimits::default());
    let before = std::fs::read(world.path()).unwrap();
    let other = world.folder.path().join("other.db");
    rusqlite::Connection::open(&other)
        .unwrap()
        .execute_batch("CREATE TABLE secret (x)")
        .unwrap();
    let mut texts = Vec::new();
    for sql in [
        "INSERT INTO log VALUES ('x')",
        "INSERT INTO log VALUES ('x') RETURNING line",
        "UPDATE orders SET total = 0",
        "DELETE FROM orders RETURNING id",
        "WITH x AS (SELECT 1) DELETE FROM orders",
        "DROP TABLE orders",
        "CREATE TABLE x (y)",
        "CREATE TEMP TABLE x AS SELECT 1",
        "ALTER TABLE log ADD COLUMN x",
        "ATTACH DATABASE 'other.db' AS other",
        "ATTACH DATABASE ':memory:' AS other",
        "DETACH DATABASE main",
        "VACUUM INTO 'copy.db'",
        "VACUUM",
        "REINDEX",
        "ANALYZE",
        "BEGIN",
        "SAVEPOINT x",
        "PRAGMA query_only = 0",
        "PRAGMA writable_schema = 1",
        "PRAGMA journal_mode = DELETE",
        "PRAGMA user_version = 5",
        "PRAGMA database_list",
        "SELECT * FROM pragma_database_list",
        "PRAGMA wal_checkpoint",
        "PRAGMA temp_store_directory = '/tmp'",
        "SELECT load_extension('/tmp/evil.so')",
        "SELECT fts3_tokenizer('simple')",
        "SELECT readfile('/etc/passwd')",
        "SELECT writefile('x', 'y')",
        "SELECT edit('x')",
        "CREATE VIRTUAL TABLE x USING fts5(y)",
        "EXPLAIN DELETE FROM orders",
    ] {
        let said = world.query(json!({ "sql": sql })).await;
        assert!(!said.starts_with("json"), "{sql}: {said}");
        texts.push(format!("{sql}: {said}"));
    }
    insta::assert_snapshot!(texts.join("\n"));
    assert_eq!(std::fs::read(world.path()).unwrap(), before);
    let files = std::fs::read_dir(world.folder.path()).unwrap().count();
    assert_eq!(files, 2);
}

#[tokio::test]
async fn what_cannot_be_run_says_why() {
    let world = World::new(SqlLimits::default());
    let texts = [
        world.query(json!({"sql": ""})).await,
        world.query(json!({"sql": "-- nothing"})).await,
        world.query(json!({"sql": "SELEKT 1"})).await,
        world
            .query(json!({"sql": "SELECT missing FROM orders"}))
            .await,
        world.query(json!({"sql": "SELECT * FROM missing"})).await,
        world.query(json!({"sql": "SELECT 1; SELECT 2"})).await,
        world
            .query(json!({"sql": "SELECT 1; DELETE FROM orders"}))
            .await,
        world.query(json!({"sql": "SELECT ?"})).await,
        world
            .query(json!({"sql": "SELECT 1", "parameters": [1]}))
            .await,
        world
            .query(json!({"sql": "SELECT :a", "parameters": {}}))
            .await,
        world
            .query(json!({"sql": "SELECT :a", "parameters": {"a": 1, "b": 2}}))
            .await,
        world
            .query(json!({"sql": "SELECT ?", "parameters": [[1]]}))
            .await,
        world
            .query(json!({"sql": "SELECT ?", "parameters": [18_446_744_073_709_551_615_u64]}))
            .await,
        world
            .query(json!({"sql": "SELECT ?", "parameters": [{"base64": "%"}]}))
            .await,
        world
            .query(json!({"sql": "SELECT length(zeroblob(1000000000))"}))
            .await,
        world.query(json!({"sql": "SELECT 1", "rows_max": 0})).await,
        world
            .query(json!({"sql": format!("SELECT '{}'", "x".repeat(100_000))}))
            .await,
        world.query(json!({"sql": "SELECT 1\u{0}2"})).await,
        world
            .query(json!({"sql": "SELECT abs(-9223372036854775808)"}))
            .await,
    ];
    insta::assert_snapshot!(texts.join("\n"));
}

#[tokio::test]
async fn much_is_cut_and_says_so() {
    let world = World::new(SqlLimits {
        rows_max: 3,
        answer_bytes_max: 2_000,
        ..SqlLimits::default()
    });
    let numbers =
        "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n) SELECT i FROM n";
    let texts = [
        world.query(json!({ "sql": numbers })).await,
        world.query(json!({ "sql": numbers, "rows_max": 2 })).await,
        world.query(json!({ "sql": numbers, "rows_max": 100 })).await,
        world.query(json!({ "sql": format!("{numbers} LIMIT 3") })).await,
        world.query(json!({ "sql": "SELECT printf('%1500c', '-') UNION ALL SELECT printf('%1500c', '+')" })).await.replace(&" ".repeat(1_499), "…"),
        world.query(json!({ "sql": "SELECT printf('%3000c', '-')" })).await,
        world.query(json!({ "sql": "SELECT zeroblob(5000), 1" })).await,
    ];
    insta::assert_snapshot!(texts.join("\n"));
    let whole = World::new(SqlLimits::default());
    let long = whole
        .query(json!({ "sql": "SELECT replace(printf('%20000c', '-'), ' ', 'ä')" }))
        .await;
    assert!(
        long.contains("bytes left out; read a part with substr()") && long.len() < 20_000,
        "{long}"
    );
}

#[tokio::test]
async fn a_query_without_end_is_stopped() {
    let endless = json!({"sql": "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"});
    let world = World::new(SqlLimits {
        timeout: Duration::from_millis(200),
        ..SqlLimits::default()
    });
    insta::assert_snapshot!(world.query(endless.clone()).await, @r#"error: text "The query was stopped because it took more than 200ms; narrow it, for example with WHERE or LIMIT.""#);
    let world = World::new(SqlLimits::default());
    let (running, control) = world.begin("sql_query", &endless);
    let running = tokio::spawn(running);
    let began = Instant::now();
    control.cancel();
    let said = said(&running.await.unwrap());
    assert!(said.starts_with("cancelled"), "{said}");
    assert!(began.elapsed() < Duration::from_secs(20));
}

#[tokio::test]
async fn the_schema_is_told() {
    let world = World::new(SqlLimits::default());
    let schema = async |arguments: Value| {
        let (future, _control) = world.begin("sql_schema", &arguments);
        match future.await {
            Ok(answer) => match answer.content() {
                [Part::Text(text)] => text.clone(),
                other => panic!("one text was expected: {other:?}"),
            },
            error => said(&error),
        }
    };
    let texts = [
        schema(json!({})).await,
        schema(json!({"table": "ORDERS"})).await,
        schema(json!({"table": "nothing"})).await,
    ];
    insta::assert_snapshot!(texts.join("\n----\n"));
    let small = World::new(SqlLimits {
        answer_bytes_max: 100,
        ..SqlLimits::default()
    });
    let (future, _control) = small.begin("sql_schema", &json!({}));
    insta::assert_snapshot!("names", said(&future.await));
}

#[tokio::test]
async fn a_writer_beside_it_is_seen() {
    let world = World::new(SqlLimits::default());
    let writer = rusqlite::Connection::open(world.path()).unwrap();
    writer.pragma_update(None, "journal_mode", "WAL").unwrap();
    writer
        .execute("INSERT INTO orders VALUES (3, 'new', 1, NULL)", [])
        .unwrap();
    let said = world
        .query(json!({"sql": "SELECT customer FROM orders WHERE id = 3"}))
        .await;
    assert_eq!(said, r#"json {"columns":["customer"],"rows":[["new"]]}"#);
}

#[test]
fn what_is_no_database_is_refused() {
    let folder = TempDir::new().unwrap();
    let text = folder.path().join("text");
    std::fs::write(&text, "no database, but long enough to be looked at as one").unwrap();
    for path in [
        folder.path().join("missing.db"),
        text,
        folder.path().to_owned(),
    ] {
        Database::open(&path, SqlLimits::default()).unwrap_err();
        assert!(!folder.path().join("missing.db").exists());
    }
    let limits = SqlLimits {
        rows_max: 0,
        ..SqlLimits::default()
    };
    Database::open(folder.path(), limits).unwrap_err();
}
