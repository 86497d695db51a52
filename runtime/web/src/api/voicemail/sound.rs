//! What is said in a message, read from its file as fast as the listener takes it; a part of it where one was asked for,
//! so that browsers can go forth and back (RFC 9110 §14).

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;

use axum::body::{Body, Bytes};
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tandem_store::TokenScope;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::api::caller::Caller;
use crate::api::calls::csv::Chunks;
use crate::api::problem::ApiError;
use crate::api::scenarios::{not_found, path};
use crate::api::{Api, ApiLimits};

/// Chunks that wait for their listener.
const CHUNKS_WAITING: usize = 2;
/// Bytes of one: four seconds.
const CHUNK_BYTES: usize = 64 << 10;

/// What is said in a message, as a WAV file. It does not become a heard one by that.
#[utoipa::path(
    get,
    path = "/voicemail/{box}/{id}",
    tag = "voicemail",
    params(("box" = String, Path), ("id" = u64, Path), ("Range" = Option<String>, Header, description = "a part: `bytes=FIRST-LAST`")),
    responses(
        (status = 200, body = Vec<u8>, content_type = "audio/wav"),
        (status = 206, description = "the part that was asked for", body = Vec<u8>, content_type = "audio/wav"),
        (status = 416, description = "there is no such part")
    )
)]
pub(crate) async fn listen(
    caller: Caller,
    State(api): State<Api>,
    place: Result<Path<(String, u64)>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let (name, id) = path(place)?;
    let scope = caller.may_of_user(TokenScope::VoicemailRead, &name)?;
    let Some((file, bytes)) = api.store().open_voicemail(scope, &name, id).await? else {
        return Err(not_found("message", &id.to_string()));
    };
    let asked = headers.get(header::RANGE).and_then(|value| value.to_str().ok());
    let part = match asked.map_or(Part::Whole, |asked| part_of(asked, bytes)) {
        Part::Whole => None,
        Part::Of(part) => Some(part),
        Part::None => {
            let none = ApiError::new(
                StatusCode::RANGE_NOT_SATISFIABLE,
                format!("the recording has {bytes} bytes"),
            );
            return Ok(([(header::CONTENT_RANGE, format!("bytes */{bytes}"))], none).into_response());
        }
    };
    let (chunks, waiting) = mpsc::channel(CHUNKS_WAITING);
    let told = part.clone().unwrap_or(0..bytes);
    tokio::spawn(read(file, told.clone(), *api.limits(), chunks));
    let headers = [
        (header::CONTENT_TYPE, "audio/wav".to_owned()),
        (header::CONTENT_LENGTH, (told.end - told.start).to_string()),
        (header::ACCEPT_RANGES, "bytes".to_owned()),
        (header::CACHE_CONTROL, "private, no-cache".to_owned()),
    ];
    let body = Body::new(Chunks { waiting });
    Ok(match part {
        None => (headers, body).into_response(),
        Some(part) => {
            let place = format!("bytes {}-{}/{bytes}", part.start, part.end.saturating_sub(1));
            let head = [(header::CONTENT_RANGE, place)];
            (StatusCode::PARTIAL_CONTENT, headers, head, body).into_response()
        }
    })
}

/// Gives what is between these bytes of the file. Who takes nothing any more holds no file of ours.
async fn read(
    file: File,
    Range { mut start, end }: Range<u64>,
    limits: ApiLimits,
    chunks: mpsc::Sender<io::Result<Bytes>>,
) {
    let mut file = Some(file);
    while start < end {
        let Some(mut open) = file.take() else { return };
        let most = CHUNK_BYTES.min(usize::try_from(end - start).unwrap_or(CHUNK_BYTES));
        let chunk = tokio::task::spawn_blocking(move || {
            let mut chunk = vec![0; most];
            open.seek(SeekFrom::Start(start))?;
            open.read_exact(&mut chunk)?;
            Ok((open, chunk))
        });
        let chunk = match chunk.await.unwrap_or_else(|error| Err(io::Error::other(error))) {
            Ok((open, chunk)) => {
                file = Some(open);
                start += chunk.len() as u64;
                Ok(Bytes::from(chunk))
            }
            // The connection breaks: half a message is not taken for the whole.
            Err(error) => {
                tracing::warn!(%error, "a message is not read to its end");
                Err(error)
            }
        };
        if !matches!(timeout(limits.reader_idle, chunks.send(chunk)).await, Ok(Ok(()))) {
            return;
        }
    }
}

/// What of a file somebody asks for.
#[derive(Debug, PartialEq, Eq)]
enum Part {
    Whole,
    Of(Range<u64>),
    /// Nothing that the file has.
    None,
}

/// The part that a `Range` names. One that we do not understand, or of several parts, is as if none were there
/// (RFC 9110 §14.2).
fn part_of(asked: &str, bytes: u64) -> Part {
    let Some((first, last)) = asked
        .trim()
        .strip_prefix("bytes=")
        .and_then(|part| part.split_once('-'))
    else {
        return Part::Whole;
    };
    let number = |text: &str| text.trim().parse::<u64>();
    let part = match (number(first), number(last)) {
        (Ok(first), Ok(last)) if first <= last => first..last.saturating_add(1).min(bytes),
        (Ok(first), Err(_)) if last.trim().is_empty() => first..bytes,
        // The last so many bytes.
        (Err(_), Ok(last)) if first.trim().is_empty() => bytes.saturating_sub(last)..bytes,
        _ => return Part::Whole,
    };
    if part.is_empty() {
        Part::None
    } else {
        Part::Of(part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 9110 §14.1.2.
    #[test]
    fn a_part_is_within_the_file_or_there_is_none() {
        assert_eq!(part_of("bytes=0-499", 10_000), Part::Of(0..500));
        assert_eq!(part_of("bytes=500-", 10_000), Part::Of(500..10_000));
        assert_eq!(part_of("bytes=-500", 10_000), Part::Of(9_500..10_000));
        assert_eq!(part_of("bytes=-20000", 10_000), Part::Of(0..10_000));
        assert_eq!(part_of("bytes=9999-99999", 10_000), Part::Of(9_999..10_000));
        assert_eq!(
            part_of("bytes=0-18446744073709551615", 10_000),
            Part::Of(0..10_000)
        );
        assert_eq!(part_of("bytes=10000-", 10_000), Part::None);
        assert_eq!(part_of("bytes=-0", 10_000), Part::None);
        assert_eq!(part_of("bytes=0-0", 0), Part::None);
        for whole in [
            "bytes=5-4",
            "bytes=0-1,3-4",
            "items=0-1",
            "bytes=",
            "bytes=-",
            "bytes=a-b",
        ] {
            assert_eq!(part_of(whole, 10_000), Part::Whole, "{whole}");
        }
    }
}
