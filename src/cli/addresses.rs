//! Where `serve` listens: an address, a port alone, or the name of a host.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, ToSocketAddrs};

use crate::cli::failure::Failure;

/// An address as it was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Listen {
    At(SocketAddr),
    /// A host by its name, which may have several addresses.
    Host(String, u16),
}

/// Where it is to be listened, and what a person should know of that.
#[derive(Debug, Default)]
pub(super) struct Addresses {
    pub(super) all: Vec<SocketAddr>,
    pub(super) told: Vec<String>,
}

/// Reads an address: a port alone is one of loopback, and never of every interface.
pub(super) fn listen(text: &str) -> Result<Listen, String> {
    let port = text.strip_prefix(':').unwrap_or(text);
    if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) {
        let port = port.parse().map_err(|_| TOO_HIGH.to_owned())?;
        return Ok(Listen::At((Ipv4Addr::LOCALHOST, port).into()));
    }
    if let Ok(address) = text.parse() {
        return Ok(Listen::At(address));
    }
    if let Ok(address) = text.parse::<IpAddr>() {
        return Err(format!(
            "it names no port: did you mean `{}`?",
            SocketAddr::new(address, USUAL)
        ));
    }
    let Some((host, port)) = text.rsplit_once(':') else {
        return Err(format!("it names no port: did you mean `{text}:{USUAL}`?"));
    };
    if host == "*" {
        return Err(format!("every address of this machine is `0.0.0.0:{port}`, or `[::]:{port}`"));
    }
    let is_of_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    if !host.bytes().all(is_of_name) {
        return Err("it is neither an address nor the name of a host; one of IPv6 is written as \
                    `[::1]:2575`"
            .to_owned());
    }
    let port = match port.parse() {
        Ok(port) => port,
        Err(_) if port.bytes().all(|byte| byte.is_ascii_digit()) && !port.is_empty() => {
            return Err(TOO_HIGH.to_owned());
        }
        Err(_) => return Err(format!("the port is a number: did you mean `{host}:{USUAL}`?")),
    };
    Ok(Listen::Host(host.to_owned(), port))
}

/// The addresses that were meant.
///
/// # Errors
/// The name of a host that has none here.
pub(super) fn resolve(listen: &[Listen]) -> Result<Addresses, Failure> {
    let mut found = Addresses::default();
    for one in listen {
        match one {
            Listen::At(address) => found.all.push(*address),
            Listen::Host(host, port) => of_host(host, *port, &mut found)?,
        }
    }
    Ok(found)
}

/// The first address of a host at which it can be listened; one of IPv4 if there is one.
fn of_host(host: &str, port: u16, found: &mut Addresses) -> Result<(), Failure> {
    let mut all: Vec<SocketAddr> = match (host, port).to_socket_addrs() {
        Ok(all) => all.collect(),
        Err(error) => {
            let message = format!("no address of `{host}` is known: {error}");
            let hint = "name an address of this machine, or a port alone for this machine only";
            return Err(Failure::usage(message, hint));
        }
    };
    // Other spellings of `0.0.0.0`, such as `0`, are found like names.
    if let Some(every) = all.iter().find(|address| address.ip().is_unspecified()) {
        let hint =
            format!("write `{every}` if that is meant, or a port alone for this machine only");
        let message = format!("`{host}` is every address of this machine");
        return Err(Failure::usage(message, hint));
    }
    all.sort_by_key(SocketAddr::is_ipv6);
    all.dedup();
    // Only tried: whoever listens binds it again, and says why if it cannot.
    let free = all.iter().find(|address| TcpListener::bind(address).is_ok());
    let Some(chosen) = free.or(all.first()).copied() else {
        let hint = "name an address of this machine, or a port alone for this machine only";
        return Err(Failure::usage(format!("`{host}` has no address"), hint));
    };
    found.all.push(chosen);
    let others: Vec<String> =
        all.iter().filter(|one| **one != chosen).map(|one| format!("`--listen {one}`")).collect();
    let more = match others.as_slice() {
        [] => String::new(),
        others => format!("; {} would listen at another of its addresses", others.join(" or ")),
    };
    found.told.push(format!("{host} is {}{more}", chosen.ip()));
    Ok(())
}

const TOO_HIGH: &str = "a port is a number up to 65535";

/// The port of MLLP (IANA: `hl7`).
const USUAL: u16 = 2575;

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::{Listen, listen, resolve};

    #[rstest]
    #[case("127.0.0.1:2575", "127.0.0.1:2575")]
    #[case("2575", "127.0.0.1:2575")]
    #[case(":2575", "127.0.0.1:2575")]
    #[case("0", "127.0.0.1:0")]
    #[case("[::1]:2575", "[::1]:2575")]
    #[case("0.0.0.0:2575", "0.0.0.0:2575")]
    fn an_address_or_a_port_is_where_it_listens(#[case] text: &str, #[case] address: &str) {
        assert_eq!(listen(text), Ok(Listen::At(address.parse().unwrap())));
    }

    #[rstest]
    #[case("10.0.0.5", "did you mean `10.0.0.5:2575`?")]
    #[case("::1", "did you mean `[::1]:2575`?")]
    #[case("nowhere", "did you mean `nowhere:2575`?")]
    #[case("localhost:mllp", "did you mean `localhost:2575`?")]
    #[case("localhost:70000", "up to 65535")]
    #[case("70000", "up to 65535")]
    #[case("*:2575", "`0.0.0.0:2575`")]
    #[case("::1:2575:x", "`[::1]:2575`")]
    fn what_is_none_says_what_was_meant(#[case] text: &str, #[case] hint: &str) {
        let said = listen(text).unwrap_err();
        assert!(said.contains(hint), "{said}");
    }

    #[rstest]
    #[case("0:2575")]
    #[case("0x0:2575")]
    #[case("0.0:2575")]
    fn every_interface_is_listened_on_only_where_that_is_written(#[case] text: &str) {
        let error = resolve(&[listen(text).unwrap()]).unwrap_err().to_string();
        assert!(error.contains("write `0.0.0.0:2575` if that is meant"), "{error}");
    }

    #[test]
    fn a_host_has_one_address_at_which_it_listens_and_that_is_said() {
        let found = resolve(&[listen("localhost:0").unwrap()]).unwrap();
        assert_eq!(found.all.len(), 1);
        assert!(found.all[0].ip().is_loopback());
        assert!(found.told[0].starts_with("localhost is "), "{}", found.told[0]);
    }
}
