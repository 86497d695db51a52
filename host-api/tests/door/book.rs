//! The book (docs/scenarios) says of every interface what it is for, and what it shows is what is built and run.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A language: how its blocks begin, and where their code comes from.
const LANGUAGES: [(&str, &[&str]); 3] = [
    (
        "rust",
        &[
            "docs/scenarios/examples/rust/src/lib.rs",
            "docs/scenarios/examples/rust/src/recipes.rs",
        ],
    ),
    (
        "ts",
        &[
            "docs/scenarios/examples/ts/main.ts",
            "sdk-wit/templates/ts/src/main.ts",
            "sdk-wit/templates/ts-event/src/main.ts",
            "sdk-wit/templates/ts-web/src/main.ts",
        ],
    ),
    (
        "python",
        &[
            "docs/scenarios/examples/py/main.py",
            "sdk-wit/templates/py/main.py",
            "sdk-wit/templates/py-event/main.py",
            "sdk-wit/templates/py-web/main.py",
        ],
    ),
];

/// Pages outside `interfaces/` whose code is that of the examples.
const PAGES: [&str; 4] = ["cookbook.md", "python.md", "rust.md", "typescript.md"];

fn checkout() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The pages about interfaces: file name and text.
fn interface_pages() -> Vec<(String, String)> {
    let folder = checkout().join("docs/scenarios/interfaces");
    let files = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    files
        .map(|path| {
            (
                path.file_name().unwrap().to_string_lossy().into_owned(),
                read(&path),
            )
        })
        .collect()
}

/// The blocks of code that begin with this fence.
fn blocks<'a>(text: &'a str, language: &str) -> Vec<&'a str> {
    let fence = format!("```{language}\n");
    let rest = text.split(fence.as_str()).skip(1);
    rest.map(|rest| rest.split("```").next().unwrap()).collect()
}

/// Every interface that a world imports or exports has a chapter under its name, with an example in each language.
#[test]
fn every_interface_is_in_the_book_with_an_example_in_each_language() {
    let world = read(&checkout().join("sdk-wit/wit/world.wit"));
    let named = |line: &str| {
        let line = line.trim();
        let rest = line
            .strip_prefix("import ")
            .or_else(|| line.strip_prefix("export "))?;
        rest.strip_suffix(';').map(str::to_owned)
    };
    let interfaces: BTreeSet<String> = world.lines().filter_map(named).collect();
    assert!(interfaces.len() >= 22, "{interfaces:?}");
    let pages = interface_pages();
    let chapter = |interface: &str| {
        let heading = format!("\n## `{interface}`\n");
        let (_, rest) = pages
            .iter()
            .find_map(|(_, text)| text.split_once(heading.as_str()))?;
        rest.split("\n## ").next()
    };
    let mut missing = Vec::new();
    for interface in &interfaces {
        let Some(text) = chapter(interface) else {
            missing.push(format!("{interface}: no page has a chapter about it"));
            continue;
        };
        for (language, _) in LANGUAGES {
            if blocks(text, language).is_empty() {
                missing.push(format!("{interface}: no example in {language}"));
            }
        }
    }
    assert!(missing.is_empty(), "docs/scenarios/interfaces: {missing:#?}");
}

/// Each block of code is found in a source.
#[test]
fn examples_of_the_book_are_those_that_run() {
    let mut pages = interface_pages();
    for page in PAGES {
        pages.push((
            page.to_owned(),
            read(&checkout().join("docs/scenarios").join(page)),
        ));
    }
    for (language, sources) in LANGUAGES {
        let sources: Vec<String> = sources
            .iter()
            .map(|source| read(&checkout().join(source)))
            .collect();
        let mut count = 0;
        for (page, text) in &pages {
            for block in blocks(text, language) {
                count += 1;
                assert!(
                    sources.iter().any(|source| source.contains(block)),
                    "{page}: not in any source:\n{block}"
                );
            }
        }
        assert!(count >= 20, "the book has {count} examples in {language}");
    }
}

/// What a page links to in this repository is there.
#[test]
fn links_of_the_book_lead_somewhere() {
    let folder = checkout().join("docs/scenarios");
    let mut pages: Vec<PathBuf> = Vec::new();
    for folder in [folder.clone(), folder.join("interfaces")] {
        let files = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path());
        pages.extend(files.filter(|path| path.extension().is_some_and(|end| end == "md")));
    }
    for page in pages {
        for link in read(&page)
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            let (file, chapter) = link.split_once('#').unwrap_or((link, ""));
            if link.contains("://") {
                continue;
            }
            let target = if file.is_empty() {
                page.clone()
            } else {
                page.with_file_name(file)
            };
            assert!(target.exists(), "{}: {link} is not there", page.display());
            if !chapter.is_empty() {
                let text = read(&target);
                let mut headings = text.lines().filter(|line| line.starts_with('#')).map(anchor);
                assert!(
                    headings.any(|own| own == chapter),
                    "{}: {link} has no such chapter",
                    page.display()
                );
            }
        }
    }
}

/// A heading as it is linked to.
fn anchor(heading: &str) -> String {
    let words = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = words
        .chars()
        .filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter));
    kept.map(|letter| if letter == ' ' { '-' } else { letter })
        .collect()
}
