//! Three files stand on both sides, because neither side may depend on the other.

use std::path::Path;

#[test]
fn both_sides_have_the_same_nats_files() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    for file in ["connection.rs", "headers.rs", "outbox.rs"] {
        let read = |side: &str| {
            let path = root.join(side).join("src/link/nats").join(file);
            std::fs::read_to_string(path).unwrap()
        };
        assert_eq!(
            read("coordinator"),
            read("worker"),
            "copy {file} from the side that was changed to the other"
        );
    }
}
