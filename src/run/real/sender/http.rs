//! The little of HTTP that feeding a sender and asking for its account takes: one request, one
//! answer, bounded in time and size.
//!
//! Speaks HTTP/1.0 (RFC 1945), so that no answer comes in chunks and the connection ends with it.
//! No TLS, no redirects, no cookies: what is asked is on this machine or one that is named.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HttpError {
    /// It cannot be asked by what is spoken here.
    #[error("`{0}` is no `http://`")]
    Scheme(String),
    /// It is not said where it is.
    #[error("`{0}` names no host and port")]
    NoPort(String),
    /// The connection failed.
    #[error("`{url}`: {error}")]
    Connection {
        /// Where it leads.
        url: String,
        /// How.
        #[source]
        error: io::Error,
    },
    /// It took too long.
    #[error("`{0}` took longer than {LONGEST:?}")]
    TooLong(String),
    /// The answer is longer than is read.
    #[error("`{0}` gave more than {LARGEST} bytes")]
    TooMuch(String),
    /// What it answered is none that counts.
    #[error("`{url}` {answer}")]
    Answer {
        /// Who answered.
        url: String,
        /// What.
        #[source]
        answer: BadAnswer,
    },
}

/// An answer that does not count.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadAnswer {
    /// Its header has no end.
    #[error("gave no whole answer")]
    Unfinished,
    /// It says no.
    #[error("answered with status {0}")]
    Status(String),
    /// It is none.
    #[error("answered with no status of HTTP")]
    NoStatus,
    /// It is shorter than it says.
    #[error("broke off in its answer")]
    BrokenOff,
}

/// Asks, and returns the body of an answer whose status is 2xx.
///
/// # Errors
/// What went wrong; a status that is not 2xx among it.
pub(crate) async fn ask(
    method: &str,
    url: &str,
    body: Option<Body<'_>>,
) -> Result<Vec<u8>, HttpError> {
    let exchange = exchange(method, url, body);
    let answer = tokio::time::timeout(LONGEST, exchange).await;
    answer.map_err(|_| HttpError::TooLong(url.to_owned()))?
}

/// What is posted.
pub(crate) struct Body<'a> {
    pub(crate) bytes: &'a [u8],
    /// Its media type.
    pub(crate) kind: &'a str,
}

async fn exchange(method: &str, url: &str, body: Option<Body<'_>>) -> Result<Vec<u8>, HttpError> {
    send(method, url, body).await?.answer().await
}

/// A request that was sent whole, and waits for its answer.
pub(crate) struct Sent {
    stream: TcpStream,
    url: String,
}

/// Sends a request, whole.
///
/// # Errors
/// What went wrong before all of it was out.
pub(crate) async fn send(
    method: &str,
    url: &str,
    body: Option<Body<'_>>,
) -> Result<Sent, HttpError> {
    let (authority, path) = parts(url)?;
    let failed = |error| HttpError::Connection { url: url.to_owned(), error };
    let mut stream = TcpStream::connect(authority).await.map_err(failed)?;
    let mut head = format!("{method} {path} HTTP/1.0\r\nHost: {authority}\r\nAccept: */*\r\n");
    if let Some(body) = &body {
        let length = body.bytes.len();
        head += &format!("Content-Type: {}\r\nContent-Length: {length}\r\n", body.kind);
    }
    head += "\r\n";
    stream.write_all(head.as_bytes()).await.map_err(failed)?;
    stream.write_all(body.map_or(&[], |body| body.bytes)).await.map_err(failed)?;
    Ok(Sent { stream, url: url.to_owned() })
}

impl Sent {
    /// The body of its answer, if that has a status of 2xx.
    ///
    /// # Errors
    /// What came instead.
    pub(crate) async fn answer(self) -> Result<Vec<u8>, HttpError> {
        let Self { stream, url } = self;
        let mut answer = Vec::new();
        let read = stream.take(LARGEST + 1).read_to_end(&mut answer).await;
        if answer.len() as u64 > LARGEST {
            return Err(HttpError::TooMuch(url));
        }
        // A server that resets after its answer has answered, if it says how long that is.
        match (content(&answer), read) {
            (Ok(Content::Told(content)), _) | (Ok(Content::ToTheEnd(content)), Ok(_)) => {
                Ok(content)
            }
            (Err(answer), Ok(_)) => Err(HttpError::Answer { url, answer }),
            (_, Err(error)) => Err(HttpError::Connection { url, error }),
        }
    }
}

/// `host:port` and the path of a URL.
fn parts(url: &str) -> Result<(&str, &str), HttpError> {
    let rest = url.strip_prefix("http://").ok_or_else(|| HttpError::Scheme(url.to_owned()))?;
    let (authority, path) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
    if authority.rsplit_once(':').is_none_or(|(host, port)| host.is_empty() || port.is_empty()) {
        return Err(HttpError::NoPort(url.to_owned()));
    }
    Ok((authority, path))
}

/// The body of an answer.
#[derive(Debug, PartialEq, Eq)]
enum Content {
    /// As long as its header says.
    Told(Vec<u8>),
    /// As long as the connection lasts.
    ToTheEnd(Vec<u8>),
}

/// The body of an answer, if its status is 2xx and all of it is there. Of any other answer only the
/// number is told: whatever else it says may be about a patient.
fn content(answer: &[u8]) -> Result<Content, BadAnswer> {
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n");
    let end = end.ok_or(BadAnswer::Unfinished)?;
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap_or_default();
    let code = status.strip_prefix("HTTP/1.").and_then(|rest| rest.split(' ').nth(1));
    match code.map(str::as_bytes) {
        Some([b'2', _, _]) => {}
        Some(code) if code.len() == 3 && code.iter().all(u8::is_ascii_digit) => {
            return Err(BadAnswer::Status(String::from_utf8_lossy(code).into_owned()));
        }
        _ => return Err(BadAnswer::NoStatus),
    }
    let body = &answer[end + 4..];
    let length = lines.filter_map(|line| line.split_once(':')).find_map(|(name, value)| {
        let is_length = name.eq_ignore_ascii_case("content-length");
        is_length.then(|| value.trim().parse::<usize>().ok()).flatten()
    });
    match length {
        Some(length) if length > body.len() => Err(BadAnswer::BrokenOff),
        Some(length) => Ok(Content::Told(body[..length].to_vec())),
        None => Ok(Content::ToTheEnd(body.to_vec())),
    }
}

/// How long an exchange may take.
const LONGEST: Duration = Duration::from_secs(10);

/// How much of an answer is read.
const LARGEST: u64 = 1024 * 1024;

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::{Content, content, parts};

    #[rstest]
    #[case("http://127.0.0.1:80/exams?x=1", Ok(("127.0.0.1:80", "/exams?x=1")))]
    #[case("http://localhost:8080", Ok(("localhost:8080", "/")))]
    #[case("http://localhost/", Err("`http://localhost/` names no host and port"))]
    #[case("https://localhost:1/", Err("`https://localhost:1/` is no `http://`"))]
    fn a_url_has_a_host_a_port_and_a_path(
        #[case] url: &str,
        #[case] expected: Result<(&str, &str), &str>,
    ) {
        let found = parts(url).map_err(|error| error.to_string());
        assert_eq!(found, expected.map_err(str::to_owned));
    }

    #[rstest]
    #[case("HTTP/1.0 200 OK\r\n\r\nbody", Ok("body"))]
    #[case("HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n", Ok(""))]
    #[case("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nbody", Ok("bo"))]
    #[case("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nbody", Err("broke off in its answer"))]
    #[case("HTTP/1.1 500 Oh\r\n\r\n", Err("answered with status 500"))]
    #[case("HTTP/1.1 200 OK\r\n", Err("gave no whole answer"))]
    #[case("2xx \r\n\r\n", Err("answered with no status of HTTP"))]
    fn only_a_whole_answer_of_2xx_counts(
        #[case] answer: &str,
        #[case] expected: Result<&str, &str>,
    ) {
        let content = content(answer.as_bytes());
        let content = content.map(|(Content::Told(body) | Content::ToTheEnd(body))| body);
        let content = content.map(|body| String::from_utf8(body).unwrap());
        let content = content.map_err(|answer| answer.to_string());
        assert_eq!(content.as_deref().map_err(String::as_str), expected);
    }
}
