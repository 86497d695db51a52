//! Contacts out of CSV (RFC 4180), as spreadsheets and telephones write it: with commas, semicolons or tabs.

use tandem_host_api::numbers::{significant, tail};
use tandem_store::{Contact, ContactNumber};

/// What a file looks like, for people.
pub const HELP: &str = "The first line names the columns, separated by commas, semicolons or tabs:
  name                        of a person or a company; or first name and last name
  company, email, note        may be left out
  number, phone, work, mobile, home, fax, other
                              numbers; each column may come several times, or end in a digit, as `mobile 2`
A contact with the name and company of one that is there takes its place.";

/// What is wrong with a file: the line, counted from 1, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{line}: {reason}")]
pub struct CsvProblem {
    line: usize,
    reason: String,
}

/// What a column is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Column {
    Name,
    First,
    Last,
    Company,
    Email,
    Note,
    /// With the label that its numbers have.
    Number(String),
}

/// Reads contacts. Lines without anything in them are passed over.
pub fn contacts(text: &str) -> Result<Vec<Contact>, CsvProblem> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let head = text.lines().next().unwrap_or_default();
    // The separator is what the first line has most of.
    let count = |sign: char| head.chars().filter(|c| *c == sign).count();
    let mut separator = ',';
    for sign in [';', '\t'] {
        if count(sign) > count(separator) {
            separator = sign;
        }
    }
    let mut rows = rows(text, separator)?.into_iter();
    let wrong = |line, reason| CsvProblem { line, reason };
    let (_, titles) = rows
        .next()
        .ok_or_else(|| wrong(1, "the file is empty".to_owned()))?;
    let columns: Vec<Column> = titles
        .iter()
        .map(|title| column(title).map_err(|reason| wrong(1, reason)))
        .collect::<Result<_, _>>()?;
    if !columns
        .iter()
        .any(|c| matches!(c, Column::Name | Column::First | Column::Last))
    {
        return Err(wrong(1, "there is no column `name`".to_owned()));
    }
    let mut contacts = Vec::new();
    for (line, fields) in rows {
        if fields.iter().all(|field| field.trim().is_empty()) {
            continue;
        }
        if fields.len() > columns.len() {
            let reason = format!("{} fields, the first line has {}", fields.len(), columns.len());
            return Err(wrong(line, reason));
        }
        contacts.push(contact(&columns, &fields).map_err(|reason| wrong(line, reason))?);
    }
    Ok(contacts)
}

fn column(title: &str) -> Result<Column, String> {
    let lower = title.trim().to_lowercase();
    // `mobile 2`, `Phone3`: the number only tells it from another.
    let plain = lower.trim_end_matches(|c: char| c.is_ascii_digit() || c == ' ' || c == '_');
    Ok(match plain {
        "name" | "full name" | "display name" => Column::Name,
        "first name" | "first" | "given name" => Column::First,
        "last name" | "last" | "family name" | "surname" => Column::Last,
        "company" | "organization" | "organisation" => Column::Company,
        "email" | "e-mail" | "mail" => Column::Email,
        "note" | "notes" => Column::Note,
        "number" | "phone" | "telephone" | "tel" => Column::Number(String::new()),
        "work" | "mobile" | "home" | "fax" | "other" => Column::Number(plain.to_owned()),
        "cell" => Column::Number("mobile".to_owned()),
        _ => {
            return Err(format!(
                "the column `{}` is not known: there are name, first name, last name, company, email, note, number, \
                 phone, work, mobile, home, fax, other",
                title.trim()
            ));
        }
    })
}

fn contact(columns: &[Column], fields: &[String]) -> Result<Contact, String> {
    let mut contact = Contact::default();
    let (mut first, mut last) = ("", "");
    for (column, field) in columns.iter().zip(fields) {
        let field = field.trim();
        match column {
            Column::Name => field.clone_into(&mut contact.name),
            Column::First => first = field,
            Column::Last => last = field,
            Column::Company => field.clone_into(&mut contact.company),
            Column::Email => field.clone_into(&mut contact.email),
            Column::Note => contact.note = field.replace(['\r', '\n', '\t'], " "),
            Column::Number(_) if field.is_empty() => (),
            Column::Number(label) => {
                let digits = significant(field);
                if digits.is_empty() {
                    return Err(format!("`{field}` is no number"));
                }
                contact.numbers.push(ContactNumber {
                    label: label.clone(),
                    number: field.to_owned(),
                    tail: tail(&digits).to_owned(),
                });
            }
        }
    }
    if contact.name.is_empty() {
        format!("{first} {last}").trim().clone_into(&mut contact.name);
    }
    if contact.name.is_empty() {
        // A company's own entry has no person.
        contact.name.clone_from(&contact.company);
    }
    if contact.name.is_empty() {
        return Err("there is no name".to_owned());
    }
    Ok(contact)
}

/// The fields of each row, with the line on which it begins.
fn rows(text: &str, separator: char) -> Result<Vec<(usize, Vec<String>)>, CsvProblem> {
    let mut rows = Vec::new();
    let (mut line, mut begin) = (1, 1);
    let mut row = Vec::new();
    let mut field = String::new();
    let mut quoted = false;
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter == '\n' {
            line += 1;
        }
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => {
                letters.next();
                field.push('"');
            }
            '"' if quoted => quoted = false,
            '"' if field.is_empty() => quoted = true,
            '\r' if !quoted && letters.peek() == Some(&'\n') => (),
            '\n' if !quoted => {
                row.push(std::mem::take(&mut field));
                rows.push((begin, std::mem::take(&mut row)));
                begin = line;
            }
            letter if letter == separator && !quoted => row.push(std::mem::take(&mut field)),
            letter => field.push(letter),
        }
    }
    if quoted {
        let reason = "a quote begins in this row and does not end".to_owned();
        return Err(CsvProblem { line: begin, reason });
    }
    if !field.is_empty() || !row.is_empty() {
        row.push(field);
        rows.push((begin, row));
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spreadsheets_and_telephones_are_read() {
        let text = "\u{feff}First Name;Last Name;Company;Mobile;Mobile 2;Phone\r\n\
                    Ann;\"O'Neill; PhD\";\"Acme \"\"Int\"\"\";+49 (0)30 1234567;;302\r\n\
                    ;;;;;\r\n;;Trattoria;;;030/7654321\r\n";
        let book = contacts(text).unwrap();
        assert_eq!(book.len(), 2);
        assert_eq!(book[0].name, "Ann O'Neill; PhD");
        assert_eq!(book[0].company, "Acme \"Int\"");
        let numbers: Vec<_> = book[0]
            .numbers
            .iter()
            .map(|n| (&*n.label, &*n.number, &*n.tail))
            .collect();
        assert_eq!(
            numbers,
            [("mobile", "+49 (0)30 1234567", "1234567"), ("", "302", "302")]
        );
        assert_eq!(book[1].name, "Trattoria");
    }

    #[test]
    fn each_mistake_is_told_with_its_line() {
        for (text, problem) in [
            ("", "1: the file is empty"),
            ("phone\n1\n", "1: there is no column `name`"),
            ("name,shoe size\n", "1: the column `shoe size` is not known"),
            ("name,phone\nAnn,1\nBob,none\n", "3: `none` is no number"),
            ("name,phone\n\"Ann\nB\",1\n,2\n", "4: there is no name"),
            ("name\nAnn,1\n", "2: 2 fields, the first line has 1"),
            ("name\n\"Ann\n", "2: a quote begins in this row"),
        ] {
            let found = contacts(text).unwrap_err().to_string();
            assert!(found.starts_with(problem), "{text}: {found}");
        }
    }
}
