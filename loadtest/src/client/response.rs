//! Taking answers apart: the head, and where the body ends. It must not touch a socket.

use std::time::Duration;

use super::TransportError;
use crate::utc::http_date;

/// Bytes that the head of an answer may have.
pub(super) const MAX_HEAD_BYTES: usize = 16 * 1024;
/// Bytes that the body of an answer may have: more than the largest page the server gives.
pub(super) const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;
const MAX_HEADERS: usize = 48;

/// What the head of an answer says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Head {
    /// The status code.
    pub status: u16,
    /// The version of what is shown, as the server wrote it.
    pub etag: Option<String>,
    /// How long the server asks to wait before the next try.
    pub retry_after: Option<Duration>,
    /// What time it is by the server's clock, to the second, in microseconds since 1970.
    pub date_us: Option<i64>,
}

/// How the end of the body is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Framing {
    Length(usize),
    Chunked,
    UntilClose,
}

/// A complete head.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct ParsedHead {
    pub(super) head: Head,
    pub(super) head_bytes: usize,
    pub(super) framing: Framing,
    pub(super) closes: bool,
}

/// Parses the head at the start of `bytes`; `None` while it is incomplete.
pub(super) fn parse_head(bytes: &[u8]) -> Result<Option<ParsedHead>, TransportError> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut parsed = httparse::Response::new(&mut headers);
    let head_bytes = match parsed.parse(bytes) {
        Ok(httparse::Status::Complete(head_bytes)) => head_bytes,
        Ok(httparse::Status::Partial) if bytes.len() >= MAX_HEAD_BYTES => {
            return Err(TransportError::TooLarge {
                limit: MAX_HEAD_BYTES,
            });
        }
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(_) => return Err(TransportError::Malformed("head")),
    };
    let status = parsed.code.ok_or(TransportError::Malformed("no status"))?;
    let mut closes = parsed.version == Some(0);
    let mut framing = Framing::UntilClose;
    let mut retry_after = None;
    let mut etag = None;
    let mut date_us = None;
    for header in parsed.headers.iter() {
        if header.name.eq_ignore_ascii_case("content-length") && framing != Framing::Chunked {
            let length = parse_number(header.value).ok_or(TransportError::Malformed("content-length"))?;
            framing = Framing::Length(usize::try_from(length).unwrap_or(usize::MAX));
        } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
            framing = Framing::Chunked;
        } else if header.name.eq_ignore_ascii_case("connection") {
            closes |= header.value.eq_ignore_ascii_case(b"close");
        } else if header.name.eq_ignore_ascii_case("retry-after") {
            retry_after = parse_number(header.value).map(Duration::from_secs);
        } else if header.name.eq_ignore_ascii_case("etag") {
            etag = Some(String::from_utf8_lossy(header.value).into_owned());
        } else if header.name.eq_ignore_ascii_case("date") {
            date_us = std::str::from_utf8(header.value).ok().and_then(http_date);
        }
    }
    if matches!(status, 100..=199 | 204 | 304) {
        framing = Framing::Length(0);
    }
    if let Framing::Length(length) = framing
        && length > MAX_BODY_BYTES
    {
        return Err(TransportError::TooLarge {
            limit: MAX_BODY_BYTES,
        });
    }
    Ok(Some(ParsedHead {
        head: Head {
            status,
            etag,
            retry_after,
            date_us,
        },
        head_bytes,
        framing,
        closes,
    }))
}

fn parse_number(value: &[u8]) -> Option<u64> {
    std::str::from_utf8(value).ok()?.trim().parse().ok()
}

/// Appends the data of the chunks at the start of `bytes` to `body` and answers how many bytes they take;
/// `None` while the last chunk has not come. `body` is emptied first, so a longer `bytes` may be tried again.
pub(super) fn parse_chunks(bytes: &[u8], body: &mut Vec<u8>) -> Result<Option<usize>, TransportError> {
    body.clear();
    let mut at = 0;
    loop {
        let (size_bytes, size) = match httparse::parse_chunk_size(&bytes[at..]) {
            Ok(httparse::Status::Complete(parsed)) => parsed,
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(_) => return Err(TransportError::Malformed("chunk size")),
        };
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        if size > MAX_BODY_BYTES || body.len() + size > MAX_BODY_BYTES {
            return Err(TransportError::TooLarge {
                limit: MAX_BODY_BYTES,
            });
        }
        at += size_bytes;
        if size == 0 {
            return parse_trailers(&bytes[at..]).map(|end| end.map(|trailer_bytes| at + trailer_bytes));
        }
        if bytes.len() < at + size + 2 {
            return Ok(None);
        }
        body.extend_from_slice(&bytes[at..at + size]);
        if &bytes[at + size..at + size + 2] != b"\r\n" {
            return Err(TransportError::Malformed("chunk end"));
        }
        at += size + 2;
    }
}

/// Skips trailers; answers how many bytes they take with the empty line that ends them.
fn parse_trailers(bytes: &[u8]) -> Result<Option<usize>, TransportError> {
    let mut trailers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    match httparse::parse_headers(bytes, &mut trailers) {
        Ok(httparse::Status::Complete((trailer_bytes, _))) => Ok(Some(trailer_bytes)),
        Ok(httparse::Status::Partial) => Ok(None),
        Err(_) => Err(TransportError::Malformed("trailers")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_tells_status_length_version_time_and_when_to_come_again() {
        let bytes = b"HTTP/1.1 503 Busy\r\nContent-Length: 12\r\nRetry-After: 2\r\nETag: \"3\"\r\n\
            Date: Sat, 21 Nov 2026 05:01:18 GMT\r\n\r\n{}";
        let parsed = parse_head(bytes).unwrap().unwrap();
        assert_eq!(
            parsed.head,
            Head {
                status: 503,
                etag: Some("\"3\"".into()),
                retry_after: Some(Duration::from_secs(2)),
                date_us: Some(1_795_237_278_000_000),
            }
        );
        assert_eq!((parsed.framing, parsed.closes), (Framing::Length(12), false));
        assert_eq!(parsed.head_bytes, bytes.len() - 2);
    }

    #[test]
    fn an_incomplete_head_is_waited_for_and_an_endless_one_is_not() {
        assert_eq!(parse_head(b"HTTP/1.1 200 OK\r\nconte").unwrap(), None);
        let endless = [b"HTTP/1.1 200 OK\r\nx: ".to_vec(), vec![b'x'; MAX_HEAD_BYTES]].concat();
        assert!(matches!(
            parse_head(&endless),
            Err(TransportError::TooLarge { .. })
        ));
    }

    #[test]
    fn an_answer_without_content_has_no_body() {
        let parsed = parse_head(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap().unwrap();
        assert_eq!(parsed.framing, Framing::Length(0));
    }

    #[test]
    fn a_body_above_the_bound_is_refused_before_it_is_read() {
        let bytes = format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n",
            MAX_BODY_BYTES + 1
        );
        assert!(matches!(
            parse_head(bytes.as_bytes()),
            Err(TransportError::TooLarge { .. })
        ));
        let chunk = format!("{:x}\r\n", MAX_BODY_BYTES + 1);
        assert!(matches!(
            parse_chunks(chunk.as_bytes(), &mut Vec::new()),
            Err(TransportError::TooLarge { .. })
        ));
    }

    #[test]
    fn chunks_are_joined_once_the_last_one_has_come() {
        let whole = b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\nHTTP";
        let mut body = Vec::new();
        for end in 0..whole.len() - 4 {
            assert_eq!(
                parse_chunks(&whole[..end], &mut body).unwrap(),
                None,
                "after {end} bytes"
            );
        }
        assert_eq!(parse_chunks(whole, &mut body).unwrap(), Some(whole.len() - 4));
        assert_eq!(body, b"abcde");
    }
}
