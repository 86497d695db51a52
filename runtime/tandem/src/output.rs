//! What commands print: a table for people, JSON for programs.

use std::io::{self, Write as _};

use serde::Serialize;

/// Prints a value as JSON, or lets `table` print it.
pub fn print<T: Serialize + ?Sized>(json: bool, value: &T, table: impl FnOnce() -> Table) -> io::Result<()> {
    let mut text = if json {
        serde_json::to_string_pretty(value)?
    } else {
        table().render()
    };
    if json {
        text.push('\n');
    }
    write(&text)
}

/// Prints a line for people, or a value for programs.
pub fn say<T: Serialize + ?Sized>(json: bool, value: &T, line: &str) -> io::Result<()> {
    if json {
        write(&format!("{}\n", serde_json::to_string_pretty(value)?))
    } else {
        write(&format!("{line}\n"))
    }
}

/// Writes to the standard output. A reader that went away, as `head` does, is no error.
pub fn write(text: &str) -> io::Result<()> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Columns under their titles.
pub struct Table {
    rows: Vec<Vec<String>>,
    empty: &'static str,
}

impl Table {
    /// A table with these columns; `empty` is printed where it has no rows.
    pub fn new<const N: usize>(columns: [&str; N], empty: &'static str) -> Self {
        Self {
            rows: vec![columns.map(str::to_owned).to_vec()],
            empty,
        }
    }

    /// Adds a row.
    pub fn row<const N: usize>(&mut self, cells: [String; N]) {
        // What peers wrote must not move the terminal's cursor.
        self.rows
            .push(cells.map(|cell| cell.replace(char::is_control, " ")).to_vec());
    }

    fn render(&self) -> String {
        if self.rows.len() < 2 {
            return format!("{}\n", self.empty);
        }
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let mut text = String::new();
        for row in &self.rows {
            let cells: Vec<String> = row
                .iter()
                .zip(&widths)
                .map(|(cell, width)| format!("{cell:<width$}"))
                .collect();
            text.push_str(cells.join("  ").trim_end());
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(["name", "what"], "nothing");
        assert_eq!(table.render(), "nothing\n");
        table.row(["a long name".into(), "x\x1b[2J".into()]);
        assert_eq!(table.render(), "name         what\na long name  x [2J\n");
    }
}
