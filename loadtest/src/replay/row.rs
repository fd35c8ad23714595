//! One row of a history: one person's answer to one event.

use serde::Deserialize;

/// A person's final answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the words of the file")]
pub enum Response {
    Yes,
    No,
    Waitlist,
}

/// One row, in the columns of the file. Times are milliseconds since 1970. A real history has rows without an
/// id of their own; their `rsvp_id` is -1.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[expect(missing_docs, reason = "the columns of the file")]
pub struct Row {
    pub rsvp_id: i64,
    pub event_id: String,
    pub member_id: u64,
    pub guests: u32,
    pub response: Response,
    #[serde(rename = "created")]
    pub created_ms: i64,
    #[serde(rename = "mtime")]
    pub changed_ms: i64,
}

/// The columns that a history must have, in any order and among others.
const COLUMNS: [&str; 7] = [
    "rsvp_id",
    "event_id",
    "member_id",
    "guests",
    "response",
    "created",
    "mtime",
];

/// Why there are no rows.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// It cannot be read, or a row is not what its columns say.
    #[error(transparent)]
    Unreadable(#[from] csv::Error),
    /// The header lacks columns.
    #[error("its header has no {}", .0.join(", "))]
    Columns(Vec<&'static str>),
}

/// Reads every row of a CSV file with a header.
pub fn read_rows(input: impl std::io::Read) -> Result<Vec<Row>, HistoryError> {
    let mut reader = csv::Reader::from_reader(input);
    let header = reader.headers()?;
    let missing: Vec<&str> = COLUMNS
        .into_iter()
        .filter(|column| !header.iter().any(|there| there == *column))
        .collect();
    if !missing.is_empty() {
        return Err(HistoryError::Columns(missing));
    }
    Ok(reader.deserialize().collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_by_their_columns() {
        let file = "rsvp_id,event_id,member_id,guests,response,created,mtime\n\
                    47375112,\"10058814\",4075117,2,\"waitlist\",1240338022000,1240338022001\n";
        let rows = read_rows(file.as_bytes()).unwrap();
        assert_eq!(
            rows,
            [Row {
                rsvp_id: 47_375_112,
                event_id: "10058814".into(),
                member_id: 4_075_117,
                guests: 2,
                response: Response::Waitlist,
                created_ms: 1_240_338_022_000,
                changed_ms: 1_240_338_022_001,
            }]
        );
    }

    #[test]
    fn a_row_without_an_id_of_its_own_is_read() {
        let file = "rsvp_id,event_id,member_id,guests,response,created,mtime\n-1,e,1,0,yes,0,0\n";
        assert_eq!(read_rows(file.as_bytes()).unwrap()[0].rsvp_id, -1);
    }

    #[test]
    fn what_is_no_history_is_told_from_an_empty_one() {
        let columns = "rsvp_id,event_id,member_id,guests,response,created,mtime\n";
        assert_eq!(read_rows(columns.as_bytes()).unwrap(), []);
        for (file, told) in [
            (
                "",
                "its header has no rsvp_id, event_id, member_id, guests, response, created, mtime",
            ),
            (
                "rsvp_id;event_id\n1;2\n",
                "its header has no rsvp_id, event_id, member_id, guests, response, created, mtime",
            ),
            (&columns.replace("mtime", "changed"), "its header has no mtime"),
        ] {
            assert_eq!(read_rows(file.as_bytes()).unwrap_err().to_string(), told);
        }
        let folder = std::fs::File::open("/").unwrap();
        assert!(matches!(read_rows(folder), Err(HistoryError::Unreadable(_))));
    }

    #[test]
    fn an_unknown_response_is_an_error() {
        let file = "rsvp_id,event_id,member_id,guests,response,created,mtime\n1,e,1,0,maybe,0,0\n";
        assert!(read_rows(file.as_bytes()).is_err());
    }
}
