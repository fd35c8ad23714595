//! Tables as CSV, for people who open them in a spreadsheet.
//!
//! UTF-8, with a header line, lines that end in CR LF (RFC 4180), and no cell that a spreadsheet would run.

use std::borrow::Cow;

use csv::{Terminator, Writer, WriterBuilder};

/// A table with a fixed number of columns, written row by row.
pub struct CsvTable<const COLUMNS: usize> {
    writer: Writer<Vec<u8>>,
}

impl<const COLUMNS: usize> CsvTable<COLUMNS> {
    /// A table without rows.
    pub fn new(header: [&str; COLUMNS]) -> Self {
        let mut table = Self { writer: writer() };
        table.row(header);
        table
    }

    /// Adds a row.
    pub fn row(&mut self, cells: [&str; COLUMNS]) {
        self.writer
            .write_record(cells.map(harmless).iter().map(|cell| cell.as_bytes()))
            .expect("rows have one length, and memory takes everything");
    }

    /// What was written since the last time, so that a long table can be sent in pieces.
    pub fn take(&mut self) -> String {
        self.writer.flush().expect("memory takes everything");
        let next = writer();
        let written = std::mem::replace(&mut self.writer, next).into_inner();
        let bytes = written.expect("memory takes everything");
        String::from_utf8(bytes).expect("what was written is text")
    }
}

fn writer() -> Writer<Vec<u8>> {
    WriterBuilder::new()
        .terminator(Terminator::CRLF)
        .from_writer(Vec::new())
}

/// A cell that spreadsheets take for text, never for a formula: whoever chooses their name does not choose what the
/// host's machine runs. See OWASP, CSV injection.
fn harmless(cell: &str) -> Cow<'_, str> {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        Cow::Owned(format!("'{cell}"))
    } else {
        Cow::Borrowed(cell)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(rows: &[[&str; 2]]) -> String {
        let mut table = CsvTable::new(["name", "note"]);
        for row in rows {
            table.row(*row);
        }
        table.take()
    }

    /// The rows as a reader of CSV finds them.
    fn read(table: &str) -> Vec<Vec<String>> {
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .from_reader(table.as_bytes());
        let rows = reader
            .records()
            .map(|row| row.unwrap().iter().map(str::to_owned).collect());
        rows.collect()
    }

    #[test]
    fn a_table_begins_with_its_header_also_when_it_is_empty() {
        assert_eq!(table(&[]), "name,note\r\n");
        assert_eq!(table(&[["Ada", ""]]), "name,note\r\nAda,\r\n");
    }

    #[test]
    fn whatever_is_in_a_cell_stays_in_it() {
        for cell in [
            "a,b",
            "say \"hello\"",
            "\"",
            "two\nlines",
            "two\r\nlines",
            "ends in\r",
            "'quoted'",
            " spaces ",
            "Zoë Ångström 李小龍 🎟",
            "a=b+c-d@e",
            "",
        ] {
            let written = table(&[[cell, "next"], ["more", cell]]);
            let expected = [["name", "note"], [cell, "next"], ["more", cell]];
            assert_eq!(read(&written), expected, "{written}");
        }
    }

    #[test]
    fn quotes_are_doubled_and_only_cells_that_need_them_have_any() {
        assert_eq!(
            table(&[["a,b", "say \"hi\""], ["Zoë", "two\nlines"]]),
            "name,note\r\n\"a,b\",\"say \"\"hi\"\"\"\r\nZoë,\"two\nlines\"\r\n"
        );
    }

    #[test]
    fn a_cell_that_a_spreadsheet_would_run_is_made_a_text() {
        for cell in [
            "=HYPERLINK(\"http://x\")",
            "+1",
            "-1",
            "@SUM(1)",
            "\t=1",
            "\r=1",
            "=",
        ] {
            let written = table(&[["Ada", cell], [cell, "Ada"]]);
            let made_a_text = format!("'{cell}");
            assert_eq!(
                read(&written)[1..],
                [["Ada", &made_a_text], [&made_a_text, "Ada"]],
                "{written}"
            );
        }
    }

    #[test]
    fn a_long_table_can_be_taken_in_pieces() {
        let mut table = CsvTable::new(["name"]);
        table.row(["Zoë"]);
        assert_eq!(table.take(), "name\r\nZoë\r\n");
        table.row(["Ada"]);
        assert_eq!((table.take().as_str(), table.take().as_str()), ("Ada\r\n", ""));
    }
}
