//! The address book of a domain.
//!
//! Which numbers are the same is not decided here: who writes a number gives the tail by which candidates are found,
//! who looks one up compares.

use serde::{Deserialize, Serialize};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::engine::Write;
use crate::error::at_most;
use crate::{DomainScope, Store, StoreError, rows};

/// Most contacts of one domain.
pub const CONTACTS_MOST: usize = 50_000;
/// Most numbers of one contact.
pub const NUMBERS_MOST: usize = 16;
/// Longest text of a field, in bytes; of a note.
const FIELD_MOST: usize = 256;
const NOTE_MOST: usize = 1_024;
/// Words of a search that count.
const WORDS_MOST: usize = 8;
/// Candidates for one number at most.
const CANDIDATES_MOST: i64 = 200;

/// A number of a contact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactNumber {
    /// What it is: `work`, `mobile`; may be empty.
    pub label: String,
    /// As it was written.
    pub number: String,
    /// The end of its digits.
    #[serde(skip)]
    pub tail: String,
}

/// A person or a company. Two of one name have different companies.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// For people.
    pub name: String,
    /// May be empty.
    pub company: String,
    /// May be empty.
    pub email: String,
    /// May be empty.
    pub note: String,
    /// In order.
    pub numbers: Vec<ContactNumber>,
}

/// What came of writing contacts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactsWritten {
    /// Those that were new.
    pub added: usize,
    /// Those that took the place of one with their name and company.
    pub replaced: usize,
    /// Those that are there now.
    pub present: usize,
}

impl Store {
    /// Writes contacts, all or none; one with the name and the company of one that is there takes its place.
    /// `only_these`: the others go. Errors: [`StoreError::Invalid`], [`StoreError::TooLarge`], [`StoreError::TooMany`].
    pub async fn put_contacts(
        &self,
        scope: &DomainScope,
        contacts: &[Contact],
        only_these: bool,
    ) -> Result<ContactsWritten, StoreError> {
        for contact in contacts {
            check(contact)?;
        }
        let mut write = self.write().await?;
        if only_these {
            sqlx::query("DELETE FROM contacts WHERE domain_id = $1")
                .bind(scope.id())
                .execute(&mut *write)
                .await?;
        }
        let row = sqlx::query("SELECT COALESCE(MAX(id), 0) AS last FROM contacts WHERE domain_id = $1")
            .bind(scope.id())
            .fetch_one(&mut *write)
            .await?;
        let mut id: i64 = row.try_get("last")?;
        let mut replaced = 0;
        for contact in contacts {
            let deleted =
                sqlx::query("DELETE FROM contacts WHERE domain_id = $1 AND name = $2 AND company = $3")
                    .bind(scope.id())
                    .bind(&contact.name)
                    .bind(&contact.company)
                    .execute(&mut *write)
                    .await?;
            replaced += deleted.rows_affected() as usize;
            id += 1;
            insert(&mut write, scope, id, contact).await?;
        }
        let row = sqlx::query("SELECT COUNT(*) AS present FROM contacts WHERE domain_id = $1")
            .bind(scope.id())
            .fetch_one(&mut *write)
            .await?;
        let present = rows::count(&row, "present")? as usize;
        if present > CONTACTS_MOST {
            return Err(StoreError::TooMany {
                what: "contacts in one domain",
                most: CONTACTS_MOST,
            });
        }
        write.commit().await?;
        Ok(ContactsWritten {
            added: contacts.len() - replaced.min(contacts.len()),
            replaced,
            present,
        })
    }

    /// The contacts that have a number with this tail, by name; at most 200.
    pub async fn contacts_by_tail(
        &self,
        scope: &DomainScope,
        tail: &str,
    ) -> Result<Vec<Contact>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, name, company, email, note FROM contacts WHERE domain_id = $1 AND id IN \
             (SELECT contact_id FROM contact_numbers WHERE domain_id = $1 AND tail = $2) \
             ORDER BY name, company LIMIT $3",
        )
        .bind(scope.id())
        .bind(tail)
        .bind(CANDIDATES_MOST)
        .fetch_all(self.read())
        .await?;
        self.with_numbers(scope, &rows).await
    }

    /// Up to `limit` contacts by name, after the first `skip`, that have each word of `text` in their name, company or
    /// email, or these digits in a number; an empty text is in all of them.
    pub async fn search_contacts(
        &self,
        scope: &DomainScope,
        text: &str,
        skip: u32,
        limit: u32,
    ) -> Result<Vec<Contact>, StoreError> {
        let lower = text.to_lowercase();
        let mut words = lower.split_whitespace().take(WORDS_MOST).map(like);
        let mut query = sqlx::query(
            "SELECT id, name, company, email, note FROM contacts WHERE domain_id = $1 \
             AND words LIKE $4 ESCAPE '\\' AND words LIKE $5 ESCAPE '\\' AND words LIKE $6 ESCAPE '\\' \
             AND words LIKE $7 ESCAPE '\\' AND words LIKE $8 ESCAPE '\\' AND words LIKE $9 ESCAPE '\\' \
             AND words LIKE $10 ESCAPE '\\' AND words LIKE $11 ESCAPE '\\' \
             ORDER BY name, company LIMIT $2 OFFSET $3",
        )
        .bind(scope.id())
        .bind(i64::from(limit))
        .bind(i64::from(skip));
        for _ in 0..WORDS_MOST {
            query = query.bind(words.next().unwrap_or_else(|| "%".to_owned()));
        }
        let rows = query.fetch_all(self.read()).await?;
        self.with_numbers(scope, &rows).await
    }

    /// Removes the contacts of a name, or all; gives how many there were. Errors: [`StoreError::NotFound`].
    pub async fn remove_contacts(&self, scope: &DomainScope, name: Option<&str>) -> Result<u64, StoreError> {
        let mut write = self.write().await?;
        let deleted = sqlx::query("DELETE FROM contacts WHERE domain_id = $1 AND ($2 IS NULL OR name = $2)")
            .bind(scope.id())
            .bind(name)
            .execute(&mut *write)
            .await?;
        if let (0, Some(name)) = (deleted.rows_affected(), name) {
            return Err(StoreError::not_found("contact", name));
        }
        write.commit().await?;
        Ok(deleted.rows_affected())
    }

    async fn with_numbers(
        &self,
        scope: &DomainScope,
        rows: &[SqliteRow],
    ) -> Result<Vec<Contact>, StoreError> {
        let mut contacts = Vec::with_capacity(rows.len());
        for row in rows {
            let numbers = sqlx::query(
                "SELECT label, number, tail FROM contact_numbers WHERE domain_id = $1 AND contact_id = $2 \
                 ORDER BY position",
            )
            .bind(scope.id())
            .bind(row.try_get::<i64, _>("id")?)
            .fetch_all(self.read())
            .await?;
            contacts.push(Contact {
                name: row.try_get("name")?,
                company: row.try_get("company")?,
                email: row.try_get("email")?,
                note: row.try_get("note")?,
                numbers: numbers
                    .iter()
                    .map(|row| {
                        Ok(ContactNumber {
                            label: row.try_get("label")?,
                            number: row.try_get("number")?,
                            tail: row.try_get("tail")?,
                        })
                    })
                    .collect::<Result<_, StoreError>>()?,
            });
        }
        Ok(contacts)
    }
}

/// Writes a contact, which was checked.
pub(crate) async fn insert(
    write: &mut Write,
    scope: &DomainScope,
    id: i64,
    contact: &Contact,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO contacts (domain_id, id, name, company, email, note, words) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(scope.id())
    .bind(id)
    .bind(&contact.name)
    .bind(&contact.company)
    .bind(&contact.email)
    .bind(&contact.note)
    .bind(words(contact))
    .execute(&mut **write)
    .await
    .map_err(|error| StoreError::on_insert(error, "contact", &contact.name))?;
    for (position, number) in (0_i64..).zip(&contact.numbers) {
        sqlx::query(
            "INSERT INTO contact_numbers (domain_id, contact_id, position, label, number, tail) \
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(scope.id())
        .bind(id)
        .bind(position)
        .bind(&number.label)
        .bind(&number.number)
        .bind(&number.tail)
        .execute(&mut **write)
        .await?;
    }
    Ok(())
}

/// What a search looks at, a line each.
fn words(contact: &Contact) -> String {
    let mut words = [&contact.name, &contact.company, &contact.email]
        .map(|field| field.to_lowercase())
        .join("\n");
    for number in &contact.numbers {
        words.push('\n');
        words.extend(number.number.chars().filter(char::is_ascii_digit));
    }
    words
}

/// A pattern for what has this word in it.
fn like(word: &str) -> String {
    let mut pattern = String::from("%");
    for letter in word.chars() {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    pattern
}

pub(crate) fn check(contact: &Contact) -> Result<(), StoreError> {
    const WHAT: &str = "contact";
    if contact.name.trim().is_empty() {
        return Err(StoreError::invalid(WHAT, "it has no name"));
    }
    for (field, most) in [
        (&contact.name, FIELD_MOST),
        (&contact.company, FIELD_MOST),
        (&contact.email, FIELD_MOST),
        (&contact.note, NOTE_MOST),
    ] {
        at_most(WHAT, field.len(), most)?;
    }
    if contact.numbers.len() > NUMBERS_MOST {
        return Err(StoreError::TooMany {
            what: "numbers of one contact",
            most: NUMBERS_MOST,
        });
    }
    let mut texts: Vec<&String> = vec![&contact.name, &contact.company, &contact.email, &contact.note];
    for number in &contact.numbers {
        at_most("number", number.number.len(), 64)?;
        at_most("number's label", number.label.len(), 64)?;
        if number.tail.is_empty() {
            let why = format!("{}: `{}` has no digits", contact.name, number.number);
            return Err(StoreError::invalid("number", why));
        }
        texts.extend([&number.number, &number.label]);
    }
    if texts.iter().any(|text| text.chars().any(char::is_control)) {
        let why = format!(
            "{}: it has a control character",
            contact.name.replace(char::is_control, " ")
        );
        return Err(StoreError::invalid(WHAT, why));
    }
    Ok(())
}
