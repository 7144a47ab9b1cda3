//! The little of HTTP that feeding a sender and asking for its account takes: one request, one
//! answer, bounded in time and size.
//!
//! Speaks HTTP/1.0 (RFC 1945), so that no answer comes in chunks and the connection ends with it.
//! No TLS, no redirects, no cookies: what is asked is on this machine or one that is named.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Asks, and returns the body of an answer whose status is 2xx.
///
/// # Errors
/// What went wrong, as a lowercase fragment; a status that is not 2xx among it.
pub(crate) async fn ask(
    method: &str,
    url: &str,
    body: Option<Body<'_>>,
) -> Result<Vec<u8>, String> {
    let exchange = exchange(method, url, body);
    let answer = tokio::time::timeout(LONGEST, exchange).await;
    answer.map_err(|_| format!("`{url}` took longer than {LONGEST:?}"))?
}

/// What is posted.
pub(crate) struct Body<'a> {
    pub(crate) bytes: &'a [u8],
    /// Its media type.
    pub(crate) kind: &'a str,
}

async fn exchange(method: &str, url: &str, body: Option<Body<'_>>) -> Result<Vec<u8>, String> {
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
/// What went wrong before all of it was out, as a lowercase fragment.
pub(crate) async fn send(method: &str, url: &str, body: Option<Body<'_>>) -> Result<Sent, String> {
    let (authority, path) = parts(url)?;
    let failed = |error: std::io::Error| format!("`{url}`: {error}");
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
    /// What came instead, as a lowercase fragment.
    pub(crate) async fn answer(self) -> Result<Vec<u8>, String> {
        let Self { stream, url } = self;
        let mut answer = Vec::new();
        let read = stream.take(LARGEST + 1).read_to_end(&mut answer).await;
        if answer.len() as u64 > LARGEST {
            return Err(format!("`{url}` gave more than {LARGEST} bytes"));
        }
        // A server that resets after its answer has answered, if it says how long that is.
        match (content(&answer), read) {
            (Ok(Content::Told(content)), _) | (Ok(Content::ToTheEnd(content)), Ok(_)) => {
                Ok(content)
            }
            (Err(why), Ok(_)) => Err(format!("`{url}` {why}")),
            (_, Err(error)) => Err(format!("`{url}`: {error}")),
        }
    }
}

/// `host:port` and the path of a URL.
fn parts(url: &str) -> Result<(&str, &str), String> {
    let rest = url.strip_prefix("http://").ok_or_else(|| format!("`{url}` is no `http://`"))?;
    let (authority, path) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
    if authority.rsplit_once(':').is_none_or(|(host, port)| host.is_empty() || port.is_empty()) {
        return Err(format!("`{url}` names no host and port"));
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
fn content(answer: &[u8]) -> Result<Content, String> {
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n");
    let end = end.ok_or("gave no whole answer")?;
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap_or_default();
    let code = status.strip_prefix("HTTP/1.").and_then(|rest| rest.split(' ').nth(1));
    match code.map(str::as_bytes) {
        Some([b'2', _, _]) => {}
        Some(code) if code.len() == 3 && code.iter().all(u8::is_ascii_digit) => {
            return Err(format!("answered with status {}", String::from_utf8_lossy(code)));
        }
        _ => return Err("answered with no status of HTTP".to_owned()),
    }
    let body = &answer[end + 4..];
    let length = lines.filter_map(|line| line.split_once(':')).find_map(|(name, value)| {
        let is_length = name.eq_ignore_ascii_case("content-length");
        is_length.then(|| value.trim().parse::<usize>().ok()).flatten()
    });
    match length {
        Some(length) if length > body.len() => Err("broke off in its answer".to_owned()),
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
    #[case("http://localhost/", Err("`http://localhost/` names no host and port".to_owned()))]
    #[case("https://localhost:1/", Err("`https://localhost:1/` is no `http://`".to_owned()))]
    fn a_url_has_a_host_a_port_and_a_path(
        #[case] url: &str,
        #[case] expected: Result<(&str, &str), String>,
    ) {
        assert_eq!(parts(url), expected);
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
        assert_eq!(content.as_deref().map_err(String::as_str), expected);
    }
}
