//! Which socket of this machine is at the other end of an accepted connection.
//!
//! Two instances of a sender may be up at once, and a connection belongs to the one whose process
//! holds its socket. The system lists every socket with its two addresses and its number. It does
//! **not** look further than this machine.

use std::net::{IpAddr, SocketAddr};

/// The number of the socket that connects `peer` to us at `own`; none if the system no longer
/// knows whose it is.
pub(crate) fn socket_of(peer: SocketAddr, own: SocketAddr) -> Option<u64> {
    let table = if peer.is_ipv4() { "/proc/net/tcp" } else { "/proc/net/tcp6" };
    let table = std::fs::read_to_string(table).ok()?;
    let (peer, own) = (in_table(peer), in_table(own));
    table.lines().find_map(|line| row(line, &peer, &own))
}

/// The socket's number, if this row is its own: number, local address, remote address, state,
/// queues, timer, retransmits, user, timeout, socket.
fn row(line: &str, peer: &str, own: &str) -> Option<u64> {
    let mut fields = line.split_whitespace().skip(1);
    if fields.next()? != peer || fields.next()? != own {
        return None;
    }
    // A socket that nobody holds any more has the number 0.
    fields.nth(6)?.parse().ok().filter(|&number| number != 0)
}

/// An address as the table writes it: groups of four bytes in the machine's order, in hex.
fn in_table(address: SocketAddr) -> String {
    let bytes = match address.ip() {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    };
    let group = |four: &[u8]| {
        let four = <[u8; 4]>::try_from(four).unwrap_or_default();
        format!("{:08X}", u32::from_ne_bytes(four))
    };
    let groups: String = bytes.chunks(4).map(group).collect();
    format!("{groups}:{:04X}", address.port())
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};
    use std::os::fd::AsRawFd;

    use super::socket_of;

    #[test]
    fn the_other_end_of_a_connection_is_the_socket_that_made_it() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(address) else { continue };
            let own = listener.local_addr().unwrap();
            let client = TcpStream::connect(own).unwrap();
            let link = format!("/proc/self/fd/{}", client.as_raw_fd());
            let link = std::fs::read_link(link).unwrap();
            let socket = socket_of(client.local_addr().unwrap(), own).unwrap();
            assert_eq!(link.to_str().unwrap(), format!("socket:[{socket}]"));
            assert_eq!(socket_of(own, client.local_addr().unwrap()), None, "our own end waits");
        }
    }
}
