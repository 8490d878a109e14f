//! A line to a server that can lose answers, and that stays where it is when the server moves.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// Where the line leads, and what it does with answers.
#[derive(Clone, Copy, Debug)]
struct Way {
    server: SocketAddr,
    loses_answers: bool,
}

/// Passes bytes on, both ways.
pub(crate) struct Line {
    address: SocketAddr,
    way: Arc<Mutex<Way>>,
}

impl Line {
    /// A line to the server with this URL.
    pub(crate) fn to(url: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let way = Arc::new(Mutex::new(Way {
            server: server_of(url),
            loses_answers: false,
        }));
        let shared = Arc::clone(&way);
        // It ends with the test's process.
        thread::spawn(move || {
            for caller in listener.incoming() {
                let way = *shared.lock().unwrap();
                thread::spawn(move || pass(caller.unwrap(), way));
            }
        });
        Self { address, way }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From the next connection on, what the server answers gets lost, or does not.
    pub(crate) fn loses_answers(&self, loses: bool) {
        self.way.lock().unwrap().loses_answers = loses;
    }

    /// The server is elsewhere now.
    pub(crate) fn leads_to(&self, url: &str) {
        self.way.lock().unwrap().server = server_of(url);
    }
}

fn server_of(url: &str) -> SocketAddr {
    url.strip_prefix("http://").unwrap().parse().unwrap()
}

fn pass(mut caller: TcpStream, way: Way) {
    // Where nobody listens the caller is hung up on.
    let Ok(mut server) = TcpStream::connect(way.server) else {
        return;
    };
    let (mut from_caller, mut to_server) =
        (caller.try_clone().unwrap(), server.try_clone().unwrap());
    thread::spawn(move || {
        let _ = std::io::copy(&mut from_caller, &mut to_server);
        let _ = to_server.shutdown(Shutdown::Write);
    });
    let mut piece = [0; 4096];
    while let Ok(n @ 1..) = server.read(&mut piece) {
        if way.loses_answers || caller.write_all(&piece[..n]).is_err() {
            break;
        }
    }
    let _ = caller.shutdown(Shutdown::Both);
    let _ = server.shutdown(Shutdown::Both);
}
