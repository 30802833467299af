//! Every body over every file of its corpus, with the ordinary toolchain: what fuzzing found once stays found.

use std::path::{Path, PathBuf};

fn corpus(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<_> = entries.map(|entry| entry.expect("a readable folder").path()).collect();
    files.sort();
    files.into_iter().map(|path| (path.clone(), std::fs::read(&path).expect("a readable file"))).collect()
}

/// Runs a body over its corpus. `good` are files that it must be able to read: a corpus of nothing but broken files would
/// no longer reach what lies behind the first check.
#[track_caller]
fn check(target: &str, body: fn(&[u8]) -> usize, good: &[&str]) {
    let files = corpus(target);
    assert!(files.len() >= 12, "the corpus of {target} has {} files", files.len());
    for (path, data) in &files {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let read = body(data);
        if good.contains(&name.as_str()) {
            assert!(read > 0, "{name} can no longer be read: the seed is of an older format");
        }
    }
    for name in good {
        assert!(files.iter().any(|(path, _)| path.ends_with(name)), "{name} is missing");
    }
}

#[test]
fn csv() {
    check("csv", tapclear_fuzz::csv, &["one-record", "carriage-returns", "quoted", "mark-and-chinese", "gzip", "no-header-gbk"]);
}

#[test]
fn json() {
    check("json", tapclear_fuzz::json, &["answer", "two-answers", "lines", "array-at-top", "gzip"]);
}

#[test]
fn capture() {
    check("capture", tapclear_fuzz::capture, &["one-package", "every-kind"]);
}

#[test]
fn mapping() {
    check("mapping", tapclear_fuzz::mapping, &["smallest", "transit-day", "shenzhen", "oyster", "native", "like", "headerless", "base-date"]);
}

#[test]
fn scheme() {
    check("scheme", tapclear_fuzz::scheme, &["good", "two-files"]);
}
