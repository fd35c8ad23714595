//! Every path that a source file names: in `use` declarations with their groups taken apart, and in code.
//!
//! It knows as much of Rust as that takes: comments, texts, braces, modules inside of a file. It knows no macros
//! that make names, of which there are none here.

/// A path from the root of its crate on (`crate::…`), or from another crate's name on.
pub(super) type Path = Vec<String>;

/// What an open brace belongs to.
enum Brace {
    /// `path::{`: what is inside continues the path.
    Group(Path),
    /// `mod name {`
    Module(String),
    /// Code.
    Block,
}

/// The paths in a file that is the module `module` of its crate, such as `["store", "db"]`.
pub(super) fn paths(source: &str, module: &[&str]) -> Vec<Path> {
    let tokens = tokens(source);
    let mut found = Vec::new();
    let mut braces: Vec<Brace> = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let token = tokens[at].as_str();
        at += 1;
        match token {
            "{" => braces.push(Brace::Block),
            "}" => drop(braces.pop()),
            // The new name is no path.
            "as" => at += 1,
            "mod" if tokens.get(at + 1).is_some_and(|next| next == "{") => {
                braces.push(Brace::Module(tokens[at].clone()));
                at += 2;
            }
            _ if is_name(token) => {
                let mut path = vec![token.to_owned()];
                while tokens.get(at).is_some_and(|next| next == "::")
                    && tokens.get(at + 1).is_some_and(|next| is_name(next))
                {
                    path.push(tokens[at + 1].clone());
                    at += 2;
                }
                let group = match braces.last() {
                    Some(Brace::Group(prefix)) => Some(prefix.clone()),
                    _ => None,
                };
                let opens_group = tokens.get(at).is_some_and(|next| next == "::")
                    && tokens.get(at + 1).is_some_and(|next| next == "{");
                let is_glob = tokens.get(at).is_some_and(|next| next == "::") && !opens_group;
                let follows_use = at >= 2
                    && tokens[..at - (2 * path.len() - 1)]
                        .last()
                        .is_some_and(|t| t == "use");
                // A name by itself is something of the same scope, not a path.
                let is_path = path.len() > 1 || group.is_some() || opens_group || is_glob || follows_use;
                let whole = match group {
                    Some(prefix) => [prefix, path].concat(),
                    None => resolved(path, module, &braces),
                };
                if opens_group {
                    braces.push(Brace::Group(whole));
                    at += 2;
                } else if is_path {
                    found.push(whole);
                }
            }
            _ => {}
        }
    }
    found
}

/// The path with `self` and `super` replaced by where they lead.
fn resolved(path: Path, module: &[&str], braces: &[Brace]) -> Path {
    let is_relative = |name: &String| name == "self" || name == "super";
    if !path.first().is_some_and(is_relative) {
        return path;
    }
    let mut here: Path = std::iter::once("crate")
        .chain(module.iter().copied())
        .map(str::to_owned)
        .collect();
    here.extend(braces.iter().filter_map(|brace| match brace {
        Brace::Module(name) => Some(name.clone()),
        Brace::Group(_) | Brace::Block => None,
    }));
    let rest = path
        .iter()
        .position(|name| !is_relative(name))
        .unwrap_or(path.len());
    let ups = path[..rest].iter().filter(|name| *name == "super").count();
    here.truncate(here.len().saturating_sub(ups).max(1));
    here.extend_from_slice(&path[rest..]);
    here
}

fn is_name(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Names, `::` and braces; everything else only keeps them apart.
fn tokens(source: &str) -> Vec<String> {
    let chars: Vec<char> = source.chars().collect();
    let starts = |at: usize, text: &str| {
        text.chars()
            .enumerate()
            .all(|(i, c)| chars.get(at + i) == Some(&c))
    };
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        let c = chars[at];
        if starts(at, "//") {
            at += chars[at..].iter().take_while(|c| **c != '\n').count();
        } else if starts(at, "/*") {
            let end = (at + 2..chars.len()).find(|end| starts(*end, "*/"));
            at = end.map_or(chars.len(), |end| end + 2);
        } else if c == '"' {
            at = end_of_text(&chars, at + 1);
        } else if raw_text(&chars, at).is_some() {
            at = raw_text(&chars, at).unwrap_or(chars.len());
        } else if c == '\'' {
            // A character, or the beginning of a lifetime.
            let escaped = chars.get(at + 1) == Some(&'\\');
            let from = at + if escaped { 3 } else { 2 };
            let end = (from..chars.len()).find(|end| chars[*end] == '\'').unwrap_or(at);
            at = if escaped || end == at + 2 { end + 1 } else { at + 1 };
        } else if is_name(&c.to_string()) {
            let name: String = chars[at..]
                .iter()
                .take_while(|c| c.is_alphanumeric() || **c == '_')
                .collect();
            at += name.chars().count();
            tokens.push(name);
        } else if starts(at, "::") {
            at += 2;
            tokens.push("::".to_owned());
        } else {
            at += 1;
            if !c.is_whitespace() {
                tokens.push(c.to_string());
            }
        }
    }
    tokens
}

/// Where a text ends that began just before `at`.
fn end_of_text(chars: &[char], mut at: usize) -> usize {
    while at < chars.len() && chars[at] != '"' {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

/// Where a raw text ends that begins at `at`, if one does.
fn raw_text(chars: &[char], at: usize) -> Option<usize> {
    let after_name = at > 0 && (chars[at - 1].is_alphanumeric() || chars[at - 1] == '_');
    if chars[at] != 'r' || after_name {
        return None;
    }
    let hashes = chars[at + 1..].iter().take_while(|c| **c == '#').count();
    if chars.get(at + 1 + hashes) != Some(&'"') {
        return None;
    }
    let mut end = vec!['"'];
    end.resize(1 + hashes, '#');
    let from = at + 2 + hashes;
    let length = chars
        .get(from..)?
        .windows(end.len())
        .position(|window| window == end)?;
    Some(from + length + end.len())
}

#[test]
fn every_way_to_name_a_path_is_found() {
    let source = r#"
        //! Not [`crate::comment`].
        use crate::http::Problem;
        use crate::{app, store::{self, db::Db as Other}};
        use super::lock::*;
        use sqlx;
        /* crate::hidden */
        const TEXT: &str = "crate::text \" crate::text";
        fn code<'a>(c: char) -> Result<'a> { c == '"' || c == '\'' || crate::inline::call(self::near::x()) }
        mod tests { use super::super::up::X; use super::inner; }
    "#;
    let found: Vec<String> = paths(source, &["store", "db"])
        .iter()
        .map(|path| path.join("::"))
        .collect();
    assert_eq!(
        found,
        [
            "crate::http::Problem",
            "crate::app",
            "crate::store::self",
            "crate::store::db::Db",
            "crate::store::lock",
            "sqlx",
            "crate::inline::call",
            "crate::store::db::near::x",
            "crate::store::up::X",
            "crate::store::db::inner",
        ]
    );
}
