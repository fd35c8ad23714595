//! A request, written out as bytes.

use std::io::Write;

/// The methods that the product knows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "the names of HTTP")]
pub enum Method {
    Get,
    Post,
    Patch,
    Delete,
}

impl Method {
    fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// What is asked. It borrows everything, because the same request may be sent several times.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The method.
    pub method: Method,
    /// Path and query, from the leading slash.
    pub path: &'a str,
    /// The bearer token.
    pub token: Option<&'a str>,
    /// The idempotency key.
    pub key: Option<&'a str>,
    /// The JSON body; empty for none.
    pub body: &'a str,
}

impl<'a> Request<'a> {
    /// A `GET` with a token.
    pub fn get(path: &'a str, token: &'a str) -> Self {
        Self {
            method: Method::Get,
            path,
            token: Some(token),
            key: None,
            body: "",
        }
    }

    /// Writes the request for the server named `authority` in place of what `out` holds.
    pub(super) fn write_to(&self, authority: &str, out: &mut Vec<u8>) {
        out.clear();
        for part in [
            self.method.as_str(),
            " ",
            self.path,
            " HTTP/1.1\r\nhost: ",
            authority,
            "\r\n",
        ] {
            out.extend_from_slice(part.as_bytes());
        }
        if let Some(token) = self.token {
            write_header(out, "authorization: Bearer ", token);
        }
        if let Some(key) = self.key {
            write_header(out, "idempotency-key: ", key);
        }
        if matches!(self.method, Method::Post | Method::Patch) {
            write!(
                out,
                "content-type: application/json\r\ncontent-length: {}\r\n",
                self.body.len()
            )
            .expect("writing into memory does not fail");
        }
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(self.body.as_bytes());
    }
}

fn write_header(out: &mut Vec<u8>, name: &str, value: &str) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(value.as_bytes());
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_post_carries_token_key_and_length() {
        let request = Request {
            method: Method::Post,
            path: "/x",
            token: Some("t"),
            key: Some("k"),
            body: "{\"a\":1}",
        };
        let mut out = b"left over".to_vec();
        request.write_to("localhost:80", &mut out);
        let text = String::from_utf8(out).unwrap();
        assert_eq!(
            text,
            "POST /x HTTP/1.1\r\nhost: localhost:80\r\nauthorization: Bearer t\r\nidempotency-key: k\r\n\
             content-type: application/json\r\ncontent-length: 7\r\n\r\n{\"a\":1}"
        );
    }

    #[test]
    fn a_get_has_no_body() {
        let mut out = Vec::new();
        Request::get("/x", "t").write_to("h", &mut out);
        assert_eq!(
            out,
            b"GET /x HTTP/1.1\r\nhost: h\r\nauthorization: Bearer t\r\n\r\n"
        );
    }
}
