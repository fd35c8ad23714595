//! Where docs/semantics.md points to a test, there is one of this name, in the place that is named.

use std::collections::BTreeMap;
use std::fs;

use super::{files, root};

/// Where the tests of a short name are: files, folders, or all files of a folder.
type Places<'a> = BTreeMap<&'a str, Vec<&'a str>>;

/// What is in a line of a table or in a paragraph.
fn blocks(page: &str) -> impl Iterator<Item = &str> {
    page.split("\n\n").flat_map(|block| {
        let is_table = block.starts_with('|');
        block.split(move |c: char| is_table && c == '\n')
    })
}

/// The table of short names.
fn places(page: &str) -> Places<'_> {
    let table = blocks(page).skip_while(|line| !line.starts_with("| short name |"));
    let rows = table.skip(2).take_while(|line| line.starts_with('|'));
    let mut places = Places::new();
    for row in rows {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        for name in cells[1].split(", ") {
            places.insert(name, cells[2].split('`').skip(1).step_by(2).collect());
        }
    }
    places
}

/// The tests that a block points to, each with the short name or the path in the parentheses that follow.
fn pointers<'a>(block: &'a str, places: &Places<'_>) -> Vec<(&'a str, &'a str)> {
    let is_list = block.starts_with('→');
    let is_test = |code: &str| {
        let is_name = code
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        // Elsewhere there are fields and codes, too. They are shorter.
        is_name && (is_list || code.matches('_').count() >= 3)
    };
    let (mut found, mut homeless) = (Vec::new(), Vec::new());
    let mut is_label = false;
    // Code and what is between code take turns.
    for (index, piece) in block.split('`').enumerate() {
        if index % 2 == 1 {
            if is_label && piece.contains('/') {
                found.extend(homeless.drain(..).map(|test| (test, piece)));
            } else if is_test(piece) {
                homeless.push(piece);
            }
            continue;
        }
        for label in piece.split('(').skip(1) {
            let label = label.split([')', ':']).next().unwrap_or_default();
            if places.contains_key(label) {
                found.extend(homeless.drain(..).map(|test| (test, label)));
            }
        }
        is_label = piece.ends_with('(');
    }
    assert!(homeless.is_empty(), "it is not said where {homeless:?} are");
    found
}

/// All that is written in a place.
fn sources(place: &str) -> String {
    let folder = place.strip_suffix("/*.rs").unwrap_or(place);
    let path = root().join(folder);
    let files = if path.is_dir() {
        files(folder, ".rs")
    } else {
        vec![path]
    };
    files
        .iter()
        .map(|file| fs::read_to_string(file).unwrap_or_else(|error| panic!("{place}: {error}")))
        .collect()
}

#[test]
fn every_test_that_the_rules_point_to_is_where_they_say() {
    let page = fs::read_to_string(root().join("docs/semantics.md")).unwrap();
    let places = places(&page);
    let mut written: BTreeMap<&str, String> = BTreeMap::new();
    for (name, paths) in &places {
        written.insert(name, paths.iter().map(|path| sources(path)).collect());
    }
    let mut count = 0;
    for (test, place) in blocks(&page).flat_map(|block| pointers(block, &places)) {
        let written = written.entry(place).or_insert_with(|| sources(place));
        assert!(
            written.contains(&format!("fn {test}(")),
            "docs/semantics.md points to {test} ({place}), which is not there"
        );
        count += 1;
    }
    assert!(count > 200, "only {count} pointers were found");
}

#[test]
fn a_pointer_leads_to_the_place_in_the_parentheses_that_follow() {
    let page = "\
        | short name | where |\n| --- | --- |\n| model, scan | `a/b.rs`, `a/b/*.rs` |\n| server | `tests/*.rs` |\n\n\
        A field such as `at_most_two` (or none) is no test, but `this_one_is_a_test` is (scan).\n\n\
        → `first`, `second_one` (model:\nboth, in `b.rs`), `third` (`c/d.rs`),\n`fourth` (server)\n";
    let places = places(page);
    assert_eq!(places["model"], ["a/b.rs", "a/b/*.rs"]);
    assert_eq!(places["scan"], places["model"]);
    assert_eq!(places["server"], ["tests/*.rs"]);
    let found: Vec<_> = blocks(page).flat_map(|block| pointers(block, &places)).collect();
    let expected = [
        ("this_one_is_a_test", "scan"),
        ("first", "model"),
        ("second_one", "model"),
        ("third", "c/d.rs"),
        ("fourth", "server"),
    ];
    assert_eq!(found, expected);
}
