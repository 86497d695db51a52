//! In: the archive's files, each looked at as it comes and laid ready beside the store. None of their names becomes a path.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flate2::read::MultiGzDecoder;
use tandem_store::archive::{DOCUMENT_MOST, is_hash};
use tandem_store::modules::check_name;

use super::staging::Staging;
use super::{
    ArchiveError, DOCUMENT, FILES_MAX, PROMPT_BYTES_MAX, Problems, Tools, UNPACKED_BYTES_MAX, blocking,
};
use crate::Prompts;

/// Longest name of a file in the archive, in bytes.
const PATH_BYTES_MAX: u64 = 1_024;
/// Bytes that are read at once.
const CHUNK_BYTES: usize = 64 << 10;

/// An archive whose files lie ready.
#[derive(Debug)]
pub struct Unpacked {
    pub(super) staging: Staging,
    pub(super) files: Files,
}

/// What an archive has.
#[derive(Debug, Default)]
pub(super) struct Files {
    pub(super) document: Option<Vec<u8>>,
    /// By the scenario's name and the hash of the component, which is in the file `HASH.wasm`: its length.
    pub(super) components: BTreeMap<(String, String), u64>,
    /// By name: a file that has the sound as prompts are kept.
    pub(super) prompts: BTreeMap<String, PathBuf>,
    pub(super) problems: Problems,
}

/// Takes an archive's files out of it. What is wrong with them is kept for [`Unpacked::check`]. Errors:
/// [`ArchiveError::File`].
pub async fn unpack(tools: Tools<'_>, from: impl Read + Send + 'static) -> Result<Unpacked, ArchiveError> {
    let directory = tools.store.directory().to_owned();
    let staging = blocking(move || Staging::new(&directory)).await?;
    let mut unpacking = Unpacking {
        folder: staging.path().to_owned(),
        component_bytes_max: tools.component_bytes_max as u64,
        prompts: Arc::clone(tools.prompts),
        files: Files::default(),
    };
    let files = blocking(move || {
        unpacking.all(from)?;
        Ok::<_, io::Error>(unpacking.files)
    });
    let files = files.await?;
    Ok(Unpacked { staging, files })
}

/// Why a file could not be taken.
enum Trouble {
    /// What is read is no archive.
    Archive(io::Error),
    /// This machine's disk.
    Disk(io::Error),
}

struct Unpacking {
    folder: PathBuf,
    component_bytes_max: u64,
    prompts: Arc<dyn Prompts>,
    files: Files,
}

impl Unpacking {
    /// The error is of this machine's disk.
    fn all(&mut self, from: impl Read) -> io::Result<()> {
        match self.every_file(from) {
            Ok(()) => Ok(()),
            Err(Trouble::Disk(error)) => Err(error),
            Err(Trouble::Archive(error)) => {
                self.files.problems.add("the file", broken(&error));
                Ok(())
            }
        }
    }

    fn every_file(&mut self, from: impl Read) -> Result<(), Trouble> {
        let bounded = Bounded {
            inner: MultiGzDecoder::new(from),
            left: UNPACKED_BYTES_MAX,
        };
        let mut archive = tar::Archive::new(bounded);
        // A name that is too long for its place stands in a file before.
        let mut long_name = None;
        // Raw: what other programs put in besides would be read into memory, however long it is.
        let entries = archive.entries().map_err(Trouble::Archive)?.raw(true);
        for (number, entry) in entries.enumerate() {
            let mut entry = entry.map_err(Trouble::Archive)?;
            if number >= FILES_MAX {
                let words = format!("it has more than {FILES_MAX} files");
                return Err(Trouble::Archive(io::Error::other(words)));
            }
            let (kind, bytes) = (entry.header().entry_type(), entry.size());
            if kind.is_gnu_longname() {
                let mut name = Vec::new();
                let mut first = (&mut entry).take(PATH_BYTES_MAX);
                first.read_to_end(&mut name).map_err(Trouble::Archive)?;
                name.retain(|byte| *byte != 0);
                long_name = Some(name);
                continue;
            }
            let path = long_name
                .take()
                .unwrap_or_else(|| entry.path_bytes().into_owned());
            let Ok(path) = String::from_utf8(path) else {
                self.files
                    .problems
                    .add("the file", "the name of a file in it is no text");
                continue;
            };
            // What other programs say there is in the head as well, or not needed.
            if kind.is_dir() || kind.is_pax_local_extensions() || kind.is_pax_global_extensions() {
                continue;
            }
            if !kind.is_file() {
                let words = "it is a link or something else: an archive of a domain has plain files only";
                self.files.problems.add(path, words);
                continue;
            }
            self.file(path.strip_prefix("./").unwrap_or(&path), bytes, &mut entry)?;
        }
        // Its end has a checksum.
        io::copy(&mut archive.into_inner(), &mut io::sink()).map_err(Trouble::Archive)?;
        Ok(())
    }

    fn file(&mut self, path: &str, bytes: u64, from: &mut impl Read) -> Result<(), Trouble> {
        if path == DOCUMENT {
            return self.document(bytes, from);
        }
        let steps: Vec<&str> = path.split('/').collect();
        match steps.as_slice() {
            ["scenarios", scenario, file] => {
                let hash = file.strip_suffix(".wasm").filter(|hash| is_hash(hash));
                match (check_name(scenario), hash) {
                    (Ok(()), Some(hash)) => self.component(path, (*scenario, hash), bytes, from),
                    (Err(error), _) => {
                        self.files.problems.add(path, error.to_string());
                        Ok(())
                    }
                    (Ok(()), None) => {
                        let words = "its name is not 64 lower-case hexadecimal digits and `.wasm`";
                        self.files.problems.add(path, words);
                        Ok(())
                    }
                }
            }
            ["prompts", file] => {
                if let Some(name) = file.strip_suffix(".wav").filter(|name| !name.is_empty()) {
                    return self.prompt(path, name, bytes, from);
                }
                self.files.problems.add(path, "its name does not end in `.wav`");
                Ok(())
            }
            _ => {
                self.files
                    .problems
                    .add(path, "an archive of a domain has no such file");
                Ok(())
            }
        }
    }

    fn document(&mut self, bytes: u64, from: &mut impl Read) -> Result<(), Trouble> {
        if self.files.document.is_some() {
            self.files.problems.add(DOCUMENT, "it is there twice");
            return Ok(());
        }
        if bytes > DOCUMENT_MOST as u64 {
            self.files
                .problems
                .add(DOCUMENT, too_large(bytes, DOCUMENT_MOST as u64));
            return Ok(());
        }
        self.files.document = Some(whole(bytes, from)?);
        Ok(())
    }

    fn component(
        &mut self,
        path: &str,
        (scenario, hash): (&str, &str),
        bytes: u64,
        from: &mut impl Read,
    ) -> Result<(), Trouble> {
        let key = (scenario.to_owned(), hash.to_owned());
        if self.files.components.contains_key(&key) {
            self.files.problems.add(path, "it is there twice");
            return Ok(());
        }
        if bytes > self.component_bytes_max {
            let words = too_large(bytes, self.component_bytes_max);
            self.files.problems.add(path, words);
            return Ok(());
        }
        // The same content under another name takes the place of its like.
        let file = staged_component(&self.folder, hash);
        let found = copy(from, bytes, &file)?;
        if found.to_hex().as_str() != hash {
            fs::remove_file(&file).map_err(Trouble::Disk)?;
            let words = format!("its content is another one: its BLAKE3 hash is {found}");
            self.files.problems.add(path, words);
            // Not missing: that it is wrong was said.
            self.files.components.insert(key, bytes);
            return Ok(());
        }
        self.files.components.insert(key, bytes);
        Ok(())
    }

    fn prompt(&mut self, path: &str, name: &str, bytes: u64, from: &mut impl Read) -> Result<(), Trouble> {
        if self.files.prompts.contains_key(name) {
            self.files.problems.add(path, "it is there twice");
            return Ok(());
        }
        if bytes > PROMPT_BYTES_MAX {
            self.files.problems.add(path, too_large(bytes, PROMPT_BYTES_MAX));
            return Ok(());
        }
        let wav = whole(bytes, from)?;
        match self.prompts.sound(&wav) {
            Ok(sound) => {
                let file = self.folder.join(format!("{}.wav", self.files.prompts.len()));
                fs::write(&file, sound).map_err(Trouble::Disk)?;
                self.files.prompts.insert(name.to_owned(), file);
            }
            Err(refused) => self.files.problems.add(path, refused.to_string()),
        }
        Ok(())
    }
}

/// Where a component lies ready.
pub(super) fn staged_component(folder: &Path, hash: &str) -> PathBuf {
    folder.join(format!("{hash}.wasm"))
}

/// A file of the archive in memory. What its head says of its length is not believed.
fn whole(bytes: u64, from: &mut impl Read) -> Result<Vec<u8>, Trouble> {
    let mut file = Vec::new();
    from.take(bytes)
        .read_to_end(&mut file)
        .map_err(Trouble::Archive)?;
    complete(file.len() as u64, bytes)?;
    Ok(file)
}

/// A file of the archive on disk, and its hash.
fn copy(from: &mut impl Read, bytes: u64, to: &Path) -> Result<blake3::Hash, Trouble> {
    let mut file = File::create(to).map_err(Trouble::Disk)?;
    let (mut hasher, mut taken) = (blake3::Hasher::new(), 0);
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let read = match from.read(&mut chunk) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(Trouble::Archive(error)),
        };
        let piece = chunk.get(..read).unwrap_or_default();
        hasher.update(piece);
        file.write_all(piece).map_err(Trouble::Disk)?;
        taken += read as u64;
    }
    complete(taken, bytes)?;
    file.sync_all().map_err(Trouble::Disk)?;
    Ok(hasher.finalize())
}

fn complete(taken: u64, bytes: u64) -> Result<(), Trouble> {
    if taken == bytes {
        return Ok(());
    }
    Err(Trouble::Archive(ErrorKind::UnexpectedEof.into()))
}

fn too_large(bytes: u64, most: u64) -> String {
    format!("it has {bytes} bytes, at most {most} are taken")
}

fn broken(error: &io::Error) -> String {
    let why = match error.kind() {
        ErrorKind::UnexpectedEof => "it ends too early".to_owned(),
        _ => error.to_string(),
    };
    format!("it is not, or not whole, what an export gives, a tar archive in gzip: {why}")
}

/// A reader that gives so much and no more.
struct Bounded<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(to)?;
        let left = self.left.checked_sub(read as u64);
        self.left = left.ok_or_else(|| {
            let words = format!("it unpacks to more than {UNPACKED_BYTES_MAX} bytes");
            io::Error::new(ErrorKind::FileTooLarge, words)
        })?;
        Ok(read)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]
mod tests {
    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;
    use crate::{Prompt, PromptRefused};

    /// Takes every sound but an empty one.
    struct Sounds;

    impl Prompts for Sounds {
        fn list(&self, _: &str) -> Result<Vec<Prompt>, PromptRefused> {
            Ok(Vec::new())
        }

        fn find(&self, _: &str, _: &str) -> Result<Option<Prompt>, PromptRefused> {
            Ok(None)
        }

        fn read(&self, _: &str, name: &str) -> Result<Vec<u8>, PromptRefused> {
            Err(PromptRefused::Failed(name.to_owned()))
        }

        fn put(&self, _: &str, name: &str, _: &[u8]) -> Result<Prompt, PromptRefused> {
            Err(PromptRefused::Failed(name.to_owned()))
        }

        fn remove(&self, _: &str, _: &str) -> Result<(), PromptRefused> {
            Ok(())
        }

        fn sound(&self, wav: &[u8]) -> Result<Vec<u8>, PromptRefused> {
            match wav {
                [] => Err(PromptRefused::Sound("it is empty".to_owned())),
                wav => Ok(wav.to_vec()),
            }
        }

        fn speak(&self, text: &str, _: &str) -> Result<Vec<u8>, PromptRefused> {
            Err(PromptRefused::Text(text.to_owned()))
        }
    }

    fn unpacked(archive: &[u8]) -> (tempfile::TempDir, Files) {
        let folder = tempfile::tempdir().unwrap();
        let mut unpacking = Unpacking {
            folder: folder.path().to_owned(),
            component_bytes_max: 100,
            prompts: Arc::new(Sounds),
            files: Files::default(),
        };
        unpacking.all(archive).unwrap();
        (folder, unpacking.files)
    }

    fn told(files: &Files) -> String {
        let told = files.problems.told.iter().map(ToString::to_string);
        told.collect::<Vec<_>>().join("\n")
    }

    /// What [`super::super::Export`] makes, of these files.
    fn packed(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
        for (path, content) in files {
            let mut header = tar::Header::new_ustar();
            header.set_size(content.len() as u64);
            header.set_entry_type(tar::EntryType::Regular);
            // Not `set_path`, which refuses what an attacker writes.
            let bytes = path.as_bytes();
            if bytes.len() <= 100 {
                header.as_ustar_mut().unwrap().name[..bytes.len()].copy_from_slice(bytes);
                header.set_cksum();
                tar.append(&header, *content).unwrap();
            } else {
                tar.append_data(&mut header, path, *content).unwrap();
            }
        }
        tar.into_inner().unwrap().finish().unwrap()
    }

    #[test]
    fn files_lie_ready_under_names_of_ours() {
        let hash = blake3::hash(b"component").to_string();
        let long = "x".repeat(128);
        let (document, component) = (DOCUMENT, format!("scenarios/{long}/{hash}.wasm"));
        let prompt = format!("./prompts/{}.wav", "y".repeat(120));
        let (folder, files) = unpacked(&packed(&[
            (document, b"{}"),
            (&component, b"component"),
            (&prompt, b"sound"),
        ]));
        assert_eq!(told(&files), "");
        assert_eq!(files.document.as_deref(), Some(&b"{}"[..]));
        assert_eq!(files.components.get(&(long, hash.clone())), Some(&9));
        let staged = staged_component(folder.path(), &hash);
        assert_eq!(fs::read(staged).unwrap(), b"component");
        let (name, file) = files.prompts.first_key_value().unwrap();
        assert_eq!((name.len(), fs::read(file).unwrap()), (120, b"sound".to_vec()));
    }

    #[test]
    fn all_that_is_wrong_with_files_is_told_and_nothing_leaves_the_folder() {
        let hash = blake3::hash(b"component").to_string();
        let (wrong, outside) = (
            format!("scenarios/a/{hash}.wasm"),
            format!("scenarios/../{hash}.wasm"),
        );
        let large = format!("scenarios/a/{}.wasm", "0".repeat(64));
        let (folder, files) = unpacked(&packed(&[
            ("../outside", b"x"),
            ("/etc/passwd", b"x"),
            ("prompts/../../x.wav", b"x"),
            (&outside, b"component"),
            (&wrong, b"another"),
            (&large, &[0; 101]),
            ("scenarios/a b/x.wasm", b"x"),
            ("prompts/empty.wav", b""),
            ("prompts/notes.txt", b"x"),
            (DOCUMENT, b"{}"),
            (DOCUMENT, b"{}"),
        ]));
        let told = told(&files);
        for words in [
            "../outside: an archive of a domain has no such file",
            "/etc/passwd: an archive of a domain has no such file",
            "prompts/../../x.wav: an archive of a domain has no such file",
            "its content is another one",
            "it has 101 bytes, at most 100 are taken",
            "module name",
            "it is empty",
            "its name does not end in `.wav`",
            "domain.json: it is there twice",
        ] {
            assert!(told.contains(words), "{words}:\n{told}");
        }
        // `..` is a name of letters that a scenario may have; it becomes no path.
        let left: Vec<_> = fs::read_dir(folder.path()).unwrap().flatten().collect();
        assert!(left.len() <= 1, "{left:?}");
    }

    #[test]
    fn what_is_cut_or_no_archive_is_told() {
        let noise: Vec<u8> = (0..50_000_u32)
            .flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes())
            .collect();
        let whole = packed(&[(DOCUMENT, b"{}"), ("prompts/a.wav", &noise)]);
        assert_eq!(told(&unpacked(&whole).1), "");
        for cut in [whole.len() / 2, whole.len() - 4, 5, 0] {
            let told = told(&unpacked(&whole[..cut]).1);
            assert!(told.contains("it ends too early"), "{cut}: {told}");
        }
        for other in [&b"not a gzip file at all, but text"[..], &[0; 600]] {
            let told = told(&unpacked(other).1);
            assert!(told.contains("a tar archive in gzip"), "{told}");
        }
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        gzip.write_all(&[b'x'; 2_048]).unwrap();
        let told = told(&unpacked(&gzip.finish().unwrap()).1);
        assert!(told.contains("a tar archive in gzip"), "{told}");
    }

    #[test]
    fn links_and_devices_are_refused() {
        let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
        for kind in [
            tar::EntryType::Symlink,
            tar::EntryType::Link,
            tar::EntryType::Char,
        ] {
            let mut header = tar::Header::new_ustar();
            header.set_size(0);
            header.set_entry_type(kind);
            header.set_link_name("/etc/passwd").unwrap();
            tar.append_data(&mut header, "prompts/a.wav", &b""[..]).unwrap();
        }
        let (folder, files) = unpacked(&tar.into_inner().unwrap().finish().unwrap());
        assert_eq!(files.problems.number(), 3, "{}", told(&files));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    /// A bomb: a gigabyte of zeros is a megabyte in gzip.
    #[test]
    fn a_file_that_unpacks_to_too_much_is_given_up() {
        struct Endless;
        impl Read for Endless {
            fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
                to.fill(0);
                Ok(to.len())
            }
        }
        let mut bounded = Bounded {
            inner: Endless,
            left: 1_000,
        };
        let error = io::copy(&mut bounded, &mut io::sink()).unwrap_err();
        assert!(error.to_string().contains("unpacks to more than"), "{error}");
    }
}
