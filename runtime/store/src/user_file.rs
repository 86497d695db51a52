//! Users in a file of comma-separated values (RFC 4180), as spreadsheets write it: read and checked as a whole, before
//! anything is made.
//!
//! [`UserFile::read`] → [`Store::check_user_file`] (what the domain has already) → [`Store::import_users`]. Whoever has a
//! file corrects it once: all that is wrong is told, by line and column.

use std::collections::{HashMap, HashSet};

use serde::Serialize;
use sqlx::Row;
use utoipa::ToSchema;

use crate::domains::now;
use crate::numbers::checked_number;
use crate::users::{checked_display, checked_name, insert_user, password_problem};
use crate::{DomainScope, NewUser, Store, StoreError};

/// Most users of one file.
pub const USERS_FILE_MOST: usize = 20_000;
/// Longest file that whoever reads it should take, in bytes.
pub const USERS_FILE_BYTES_MAX: usize = 4 << 20;
/// Most problems of a file that are told; beyond, they are counted.
const PROBLEMS_MOST: usize = 1_000;
/// Longest text of a file that is told again, in characters.
const VALUE_MOST: usize = 64;
/// The columns, of which `name` has to be there.
const COLUMNS: &str = "name, display_name, numbers, password";

/// A user of a file.
#[derive(Clone, PartialEq, Eq)]
pub struct FileUser {
    /// Where it begins, from 1.
    pub line: u64,
    /// Its name, which is its extension.
    pub name: String,
    /// What people read; may be empty.
    pub display_name: String,
    /// That lead to it besides its name.
    pub numbers: Vec<String>,
    /// Of its phones; none: whoever imports makes one.
    pub password: Option<String>,
}

impl std::fmt::Debug for FileUser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileUser")
            .field("line", &self.line)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// What is wrong with a line of a file of users.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LineFault {
    /// The file is not UTF-8.
    NotUtf8,
    /// There is no column `name`.
    NoNameColumn,
    /// A column that means nothing.
    UnknownColumn,
    /// A column that is there twice.
    ColumnTwice,
    /// A file has fewer users.
    TooManyUsers,
    /// More fields than columns.
    TooManyFields,
    /// A user without a name.
    NoName,
    /// A name that none can have.
    BadName,
    /// There is such a user.
    NameThere,
    /// Another line has the name.
    NameTwice,
    /// A display name that none can have.
    BadDisplayName,
    /// A number that none can be.
    BadNumber,
    /// A user has the number.
    NumberThere,
    /// The file has the number twice.
    NumberTwice,
    /// A password that is too short or too long.
    BadPassword,
}

/// A problem of a file of users.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LineProblem {
    /// From 1, the line with the columns' names.
    pub line: u64,
    /// The column; empty: the whole line.
    pub field: String,
    /// What it is, for programs.
    pub code: LineFault,
    /// What is wrong, never a password; at most 64 characters of it.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schema(required = false)]
    pub value: String,
    /// The line that has it too.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = u64, required = false)]
    pub other_line: Option<u64>,
    /// The same in words.
    pub detail: String,
}

impl LineProblem {
    fn new(line: u64, field: &str, code: LineFault, value: &str, detail: impl Into<String>) -> Self {
        Self {
            line,
            field: field.to_owned(),
            code,
            value: value.chars().take(VALUE_MOST).collect(),
            other_line: None,
            detail: detail.into(),
        }
    }

    fn with(self, other_line: u64) -> Self {
        Self {
            other_line: Some(other_line),
            ..self
        }
    }
}

/// A file of users as it was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserFile {
    /// In the order of the file. Only where there is no problem may they be made.
    pub users: Vec<FileUser>,
    /// What is wrong, by line; at most 1,000 are told.
    pub problems: Vec<LineProblem>,
    /// How many more there are.
    pub problems_untold: u64,
}

impl UserFile {
    /// Reads a file: a line with the columns' names, then a line a user, parted by commas, semicolons or tabs, whichever
    /// the first line has most of. Its cost grows with the file's length, which the caller bounds
    /// ([`USERS_FILE_BYTES_MAX`]).
    pub fn read(file: &[u8]) -> Self {
        let mut read = Self::default();
        let text = match std::str::from_utf8(file) {
            // One kind of line end, so that lines count as an editor counts them.
            Ok(text) => text
                .trim_start_matches('\u{FEFF}')
                .replace("\r\n", "\n")
                .replace('\r', "\n"),
            Err(error) => {
                let before = file.get(..error.valid_up_to()).unwrap_or_default();
                let line = before.split(|byte| *byte == b'\n').count() as u64;
                let words = "the file is not UTF-8: save it as “CSV UTF-8”";
                read.say(LineProblem::new(line, "", LineFault::NotUtf8, "", words));
                return read;
            }
        };
        let mut lines = Lines::of(&text);
        let Some(columns) = read.columns(lines.next().unwrap_or((1, Vec::new()))) else {
            return read;
        };
        let mut seen = Seen::default();
        for (line, fields) in lines {
            if read.users.len() >= USERS_FILE_MOST {
                let words = format!("a file has at most {USERS_FILE_MOST} users");
                read.say(LineProblem::new(line, "", LineFault::TooManyUsers, "", words));
                break;
            }
            read.user(line, &fields, &columns, &mut seen);
        }
        read
    }

    /// What the columns mean; none: the file has no users.
    fn columns(&mut self, (line, names): (u64, Vec<String>)) -> Option<Vec<Option<Column>>> {
        let (mut columns, mut named) = (Vec::new(), 0);
        for name in names {
            let plain = name.to_lowercase().replace([' ', '-'], "_");
            let column = Column::of(&plain);
            if column.is_none() && !plain.is_empty() {
                let words = format!("there is no such column; there are {COLUMNS}");
                self.say(LineProblem::new(
                    line,
                    &name,
                    LineFault::UnknownColumn,
                    &name,
                    words,
                ));
            }
            if column.is_some() && columns.contains(&column) {
                let words = "the column is there twice";
                self.say(LineProblem::new(
                    line,
                    &name,
                    LineFault::ColumnTwice,
                    &name,
                    words,
                ));
            }
            columns.push(column);
            if !plain.is_empty() {
                named = columns.len();
            }
        }
        // What spreadsheets leave behind the last column is none.
        columns.truncate(named);
        if columns.contains(&Some(Column::Name)) {
            return Some(columns);
        }
        let words = format!("the first line names the columns, of {COLUMNS}; the column name is missing");
        self.say(LineProblem::new(line, "name", LineFault::NoNameColumn, "", words));
        None
    }

    fn user(&mut self, line: u64, fields: &[String], columns: &[Option<Column>], seen: &mut Seen) {
        let mut user = FileUser {
            line,
            name: String::new(),
            display_name: String::new(),
            numbers: Vec::new(),
            password: None,
        };
        for (place, field) in fields.iter().enumerate() {
            match columns.get(place).copied() {
                Some(Some(Column::Name)) => user.name.clone_from(field),
                Some(Some(Column::DisplayName)) => user.display_name.clone_from(field),
                Some(Some(Column::Numbers)) => user.numbers = numbers_of(field),
                Some(Some(Column::Password)) => {
                    user.password = Some(field.clone()).filter(|password| !password.is_empty());
                }
                // A column with a name was told.
                Some(None) => (),
                None if field.is_empty() => (),
                None => {
                    let words = "the line has more fields than there are columns";
                    self.say(LineProblem::new(line, "", LineFault::TooManyFields, "", words));
                }
            }
        }
        self.check(&user, seen);
        self.users.push(user);
    }

    /// Tells what is wrong with a user, by itself and beside those before it.
    fn check(&mut self, user: &FileUser, seen: &mut Seen) {
        let line = user.line;
        if user.name.is_empty() {
            let words = "the name is missing";
            self.say(LineProblem::new(line, "name", LineFault::NoName, "", words));
        } else if let Err(error) = checked_name(&user.name) {
            self.say(LineProblem::new(
                line,
                "name",
                LineFault::BadName,
                &user.name,
                error.to_string(),
            ));
        } else if let Some(other) = seen.names.insert(user.name.clone(), line) {
            let words = format!("line {other} has the name {} too", user.name);
            self.say(LineProblem::new(line, "name", LineFault::NameTwice, &user.name, words).with(other));
        }
        if let Err(error) = checked_display(&user.display_name) {
            let (code, value) = (LineFault::BadDisplayName, &user.display_name);
            self.say(LineProblem::new(
                line,
                "display_name",
                code,
                value,
                error.to_string(),
            ));
        }
        for number in &user.numbers {
            if let Err(error) = checked_number(number) {
                let code = LineFault::BadNumber;
                self.say(LineProblem::new(line, "numbers", code, number, error.to_string()));
            } else if let Some(other) = seen.numbers.insert(number.clone(), line) {
                let words = format!("line {other} has the number {number} too");
                let problem = LineProblem::new(line, "numbers", LineFault::NumberTwice, number, words);
                self.say(problem.with(other));
            }
        }
        if let Some(words) = user.password.as_deref().and_then(password_problem) {
            let words = format!("password: {words}");
            self.say(LineProblem::new(
                line,
                "password",
                LineFault::BadPassword,
                "",
                words,
            ));
        }
    }

    fn say(&mut self, problem: LineProblem) {
        if self.problems.len() < PROBLEMS_MOST {
            self.problems.push(problem);
        } else {
            self.problems_untold += 1;
        }
    }
}

impl Store {
    /// Tells which names and numbers of a file the domain has already.
    pub async fn check_user_file(&self, scope: &DomainScope, file: &mut UserFile) -> Result<(), StoreError> {
        let names = self
            .texts(scope, "SELECT name FROM users WHERE domain_id = $1")
            .await?;
        let numbers = self
            .texts(scope, "SELECT number FROM user_numbers WHERE domain_id = $1")
            .await?;
        let mut found = Vec::new();
        for user in &file.users {
            if names.contains(&user.name) {
                let words = format!("there is a user {} already", user.name);
                found.push(LineProblem::new(
                    user.line,
                    "name",
                    LineFault::NameThere,
                    &user.name,
                    words,
                ));
            }
            for number in user.numbers.iter().filter(|number| numbers.contains(*number)) {
                let words = format!("the number {number} leads to a user of the domain already");
                found.push(LineProblem::new(
                    user.line,
                    "numbers",
                    LineFault::NumberThere,
                    number,
                    words,
                ));
            }
        }
        for problem in found {
            file.say(problem);
        }
        file.problems.sort_by_key(|problem| problem.line);
        Ok(())
    }

    /// Makes users with their numbers, or none of them. Errors: [`StoreError::Exists`] (a name or a number that somebody
    /// else has taken meanwhile), [`StoreError::Invalid`], [`StoreError::TooLarge`].
    pub async fn import_users(
        &self,
        scope: &DomainScope,
        users: &[(NewUser, Vec<String>)],
    ) -> Result<(), StoreError> {
        let created_at = now();
        for (user, numbers) in users {
            user.checked()?;
            numbers.iter().try_for_each(|number| checked_number(number))?;
        }
        let mut write = self.write().await?;
        for (user, numbers) in users {
            insert_user(&mut write, scope, user, created_at).await?;
            for number in numbers {
                sqlx::query("INSERT INTO user_numbers (domain_id, number, user_name) VALUES ($1, $2, $3)")
                    .bind(scope.id())
                    .bind(number)
                    .bind(&user.name)
                    .execute(&mut *write)
                    .await
                    .map_err(|error| StoreError::on_insert(error, "number", number))?;
            }
        }
        self.commit_directory(write).await
    }

    /// The one column of a query about the domain.
    async fn texts(&self, scope: &DomainScope, query: &'static str) -> Result<HashSet<String>, StoreError> {
        let rows = sqlx::query(query).bind(scope.id()).fetch_all(self.read()).await?;
        let texts = rows.iter().map(|row| row.try_get(0));
        Ok(texts.collect::<Result<_, _>>()?)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Name,
    DisplayName,
    Numbers,
    Password,
}

impl Column {
    fn of(name: &str) -> Option<Self> {
        match name {
            "name" => Some(Self::Name),
            "display_name" => Some(Self::DisplayName),
            "numbers" => Some(Self::Numbers),
            "password" => Some(Self::Password),
            _ => None,
        }
    }
}

/// Which line has a name or a number.
#[derive(Default)]
struct Seen {
    names: HashMap<String, u64>,
    numbers: HashMap<String, u64>,
}

/// The lines of a file with their fields, without space around them. Those without any text are left out.
struct Lines<'a> {
    text: &'a str,
    records: csv::StringRecordsIntoIter<&'a [u8]>,
}

impl<'a> Lines<'a> {
    fn of(text: &'a str) -> Self {
        let reader = csv::ReaderBuilder::new()
            .delimiter(separator(text))
            .has_headers(false)
            .flexible(true)
            .trim(csv::Trim::All)
            .from_reader(text.as_bytes());
        Self {
            text,
            records: reader.into_records(),
        }
    }
}

impl Iterator for Lines<'_> {
    type Item = (u64, Vec<String>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            // Of text that is UTF-8, with any number of fields, every record can be read.
            let record = self.records.next()?.ok()?;
            if record.iter().all(str::is_empty) {
                continue;
            }
            let (mut line, from) = record
                .position()
                .map_or((1, 0), |at| (at.line(), at.byte() as usize));
            // A record's place is before the empty lines that come before it.
            let rest = self.text.as_bytes().get(from..).unwrap_or_default();
            line += rest.iter().take_while(|byte| **byte == b'\n').count() as u64;
            return Some((line, record.iter().map(str::to_owned).collect()));
        }
    }
}

/// What parts the fields: what the first line has most of.
fn separator(text: &str) -> u8 {
    let first = text.trim_start().lines().next().unwrap_or_default();
    let count = |separator: u8| first.bytes().filter(|byte| *byte == separator).count();
    let mut best = b',';
    for other in *b";\t" {
        if count(other) > count(best) {
            best = other;
        }
    }
    best
}

/// The numbers of a field, in which commas, semicolons or spaces part them.
fn numbers_of(field: &str) -> Vec<String> {
    field
        .split(|letter: char| letter.is_whitespace() || letter == ',' || letter == ';')
        .filter(|number| !number.is_empty())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(file: &str) -> Vec<(u64, String, LineFault)> {
        let problems = UserFile::read(file.as_bytes()).problems;
        problems
            .into_iter()
            .map(|problem| (problem.line, problem.field, problem.code))
            .collect()
    }

    #[test]
    fn users_are_read_by_the_names_of_the_columns() {
        let file = "\u{FEFF}numbers;Name;Display Name;password\r\n+49302 302;302;\"Bob \"\"B\"\"; Example\";\r\n\r\n;303;;a secret of mine\r\n";
        let read = UserFile::read(file.as_bytes());
        assert_eq!(read.problems, []);
        let user = |line, name: &str, display: &str, numbers: &[&str], password: Option<&str>| FileUser {
            line,
            name: name.into(),
            display_name: display.into(),
            numbers: numbers.iter().map(|number| (*number).to_owned()).collect(),
            password: password.map(str::to_owned),
        };
        let bob = user(2, "302", "Bob \"B\"; Example", &["+49302", "302"], None);
        assert_eq!(
            read.users,
            [bob, user(4, "303", "", &[], Some("a secret of mine"))]
        );
        let tabs = UserFile::read(b"name\tnumbers\r301\t1,2\r\r302\t3\r");
        let lines: Vec<_> = tabs
            .users
            .iter()
            .map(|user| (user.line, user.numbers.len()))
            .collect();
        assert_eq!((lines, tabs.problems), (vec![(2, 2), (4, 1)], vec![]));
    }

    #[test]
    fn all_that_is_wrong_is_told_by_line_and_column() {
        use LineFault::*;
        let file = "name,numbers,colour,password\n301,+1\n301,abc\n,,,\n,2\n\u{f6},+1\n304,1,x,short,more\n305,,,\"two\nlines\"\n";
        let wanted = [
            (1, "colour", UnknownColumn),
            (3, "name", NameTwice),
            (3, "numbers", BadNumber),
            (5, "name", NoName),
            (6, "name", BadName),
            (6, "numbers", NumberTwice),
            (7, "", TooManyFields),
            (7, "password", BadPassword),
            (8, "password", BadPassword),
        ];
        let wanted: Vec<_> = wanted
            .into_iter()
            .map(|(line, field, code)| (line, field.to_owned(), code))
            .collect();
        assert_eq!(told(file), wanted);
        let twice = &UserFile::read(file.as_bytes()).problems[1];
        assert_eq!((twice.other_line, twice.value.as_str()), (Some(2), "301"));
    }

    #[test]
    fn what_is_no_file_of_users_is_told_so() {
        use LineFault::*;
        assert_eq!(told(""), [(1, "name".to_owned(), NoNameColumn)]);
        assert_eq!(
            told("number\n1"),
            [
                (1, "number".to_owned(), UnknownColumn),
                (1, "name".to_owned(), NoNameColumn)
            ]
        );
        assert_eq!(told("name;name\n1"), [(1, "name".to_owned(), ColumnTwice)]);
        let windows = UserFile::read(b"name,display_name\n301,\xC0\xED\xED\xE0");
        assert_eq!((windows.problems[0].line, windows.problems[0].code), (2, NotUtf8));
    }

    #[test]
    fn a_file_and_what_is_told_of_it_are_bounded() {
        let many = "1\n".repeat(USERS_FILE_MOST + 10);
        let read = UserFile::read(format!("name\n{many}").as_bytes());
        assert_eq!(read.users.len(), USERS_FILE_MOST);
        assert_eq!(read.problems.len(), PROBLEMS_MOST);
        // All but the first are there twice, and one line is too many.
        assert_eq!(read.problems_untold as usize, USERS_FILE_MOST - PROBLEMS_MOST);
        let long = UserFile::read(format!("name\n{}", "x".repeat(100_000)).as_bytes());
        assert_eq!(long.problems[0].value.len(), VALUE_MOST);
    }

    /// Every prefix of a file, and every byte changed: an answer, never a panic.
    #[test]
    fn damaged_files_are_harmless() {
        let file = b"name;display_name;numbers;password\n301;\"A; \"\"n\";1 2;secret word\n\n302;;;\n";
        for end in 0..file.len() {
            let _ = UserFile::read(&file[..end]);
            for byte in [0, b'"', b'\n', b';', 0xFF] {
                let mut damaged = file.to_vec();
                damaged[end] = byte;
                let _ = UserFile::read(&damaged);
            }
        }
    }
}
