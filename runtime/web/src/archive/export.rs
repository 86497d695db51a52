//! Out: a file at a time is read, packed and given away, so that no more than one is in memory.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use axum::body::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use tandem_store::archive::DOCUMENT_MOST;
use tandem_store::{DomainScope, Store, StoreError};

use super::{ArchiveError, DOCUMENT, Tools, blocking};
use crate::{PromptRefused, Prompts};

/// What is packed so far and nobody has taken yet is in the vector.
type Packer = tar::Builder<GzEncoder<Vec<u8>>>;

/// A domain on its way out.
pub struct Export {
    store: Store,
    scope: DomainScope,
    prompts: Arc<dyn Prompts>,
    left: VecDeque<Item>,
    /// None: it was closed, or broke.
    packer: Option<Packer>,
    /// When the export began, in seconds since 1970.
    at: u64,
}

impl std::fmt::Debug for Export {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Export")
            .field("scope", &self.scope)
            .field("left", &self.left.len())
            .finish_non_exhaustive()
    }
}

/// A file of the archive that is still to come.
enum Item {
    Document(Vec<u8>),
    Component { name: String, hash: String },
    Prompt(String),
    End,
}

impl Export {
    /// Reads what the domain is now; its files are read as they are given. A prompt that cannot be played is left out, and
    /// the document says so. Errors: [`ArchiveError::Store`] (also of a domain that is too large), [`ArchiveError::Prompts`].
    pub async fn begin(tools: Tools<'_>, scope: &DomainScope) -> Result<Self, ArchiveError> {
        let made_by = concat!("tandem ", env!("CARGO_PKG_VERSION"));
        let mut archive = tools.store.read_archive(scope, made_by).await?;
        let (prompts, domain) = (Arc::clone(tools.prompts), scope.name().to_owned());
        let listed = blocking(move || prompts.list(&domain)).await?;
        let (playable, broken): (Vec<_>, Vec<_>) = listed
            .into_iter()
            .partition(|prompt| prompt.duration_ms.is_some());
        let broken = broken.into_iter();
        let words = broken.map(|prompt| format!("the prompt {}, which cannot be played", prompt.name));
        archive.left_out.extend(words);
        let document = serde_json::to_vec_pretty(&archive).map_err(io::Error::other)?;
        if document.len() > DOCUMENT_MOST {
            return Err(ArchiveError::Store(StoreError::TooLarge {
                what: "the domain without its files",
                bytes: document.len(),
                most: DOCUMENT_MOST,
            }));
        }
        let at = archive.made_at.as_second().max(0) as u64;
        let mut left = VecDeque::from([Item::Document(document)]);
        left.extend(archive.scenarios.into_iter().map(|version| Item::Component {
            name: version.name,
            hash: version.hash,
        }));
        left.extend(playable.into_iter().map(|prompt| Item::Prompt(prompt.name)));
        left.push_back(Item::End);
        Ok(Self {
            store: tools.store.clone(),
            scope: scope.clone(),
            prompts: Arc::clone(tools.prompts),
            left,
            packer: Some(tar::Builder::new(GzEncoder::new(
                Vec::new(),
                Compression::default(),
            ))),
            at,
        })
    }

    /// The next piece of the archive, which may be empty; none: it is whole. After an error there is no more of it.
    pub async fn next(&mut self) -> Result<Option<Bytes>, ArchiveError> {
        let Some(item) = self.left.pop_front() else {
            return Ok(None);
        };
        let piece = match item {
            Item::Document(document) => self.pack(DOCUMENT.to_owned(), document).await?,
            Item::Component { name, hash } => {
                let component = self.store.module_bytes(&self.scope, &hash).await?;
                self.pack(format!("scenarios/{name}/{hash}.wasm"), component)
                    .await?
            }
            Item::Prompt(name) => match self.prompt(&name).await {
                Ok(wav) => self.pack(format!("prompts/{name}.wav"), wav).await?,
                // It was taken away meanwhile.
                Err(PromptRefused::File(error)) if error.kind() == io::ErrorKind::NotFound => Bytes::new(),
                Err(error) => return Err(error.into()),
            },
            Item::End => self.end().await?,
        };
        Ok(Some(piece))
    }

    async fn prompt(&self, name: &str) -> Result<Vec<u8>, PromptRefused> {
        let (prompts, domain, name) = (
            Arc::clone(&self.prompts),
            self.scope.name().to_owned(),
            name.to_owned(),
        );
        blocking(move || prompts.read(&domain, &name)).await
    }

    async fn pack(&mut self, path: String, file: Vec<u8>) -> Result<Bytes, ArchiveError> {
        let at = self.at;
        let Some(mut packer) = self.packer.take() else {
            return Err(ArchiveError::File(io::Error::other("the export broke off")));
        };
        let packed = blocking(move || {
            let mut header = tar::Header::new_ustar();
            header.set_entry_type(tar::EntryType::Regular);
            header.set_size(file.len() as u64);
            header.set_mode(0o600);
            header.set_mtime(at);
            packer.append_data(&mut header, path, file.as_slice())?;
            let piece = std::mem::take(packer.get_mut().get_mut());
            Ok::<_, io::Error>((packer, piece))
        });
        let (packer, piece) = packed.await?;
        self.packer = Some(packer);
        Ok(piece.into())
    }

    async fn end(&mut self) -> Result<Bytes, ArchiveError> {
        let Some(packer) = self.packer.take() else {
            return Ok(Bytes::new());
        };
        let rest = blocking(move || packer.into_inner()?.finish()).await?;
        Ok(rest.into())
    }
}
