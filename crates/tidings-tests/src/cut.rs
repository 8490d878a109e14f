//! A line between a client and a carrier that is cut at a chosen stage of a chosen call.
//!
//! Used by the tests of unknown outcomes. It passes HTTP/1.1 on, one call at a time and whole, and knows of
//! it where a head ends and how long a body is; whose API it is it does not know.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// A stage at which a connection can die, as the carrier sees it: what it has got, or what it could say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Nobody listens.
    BeforeTheConnection,
    /// The connection is there, and ends before anything is read from it.
    AfterTheConnection,
    /// The carrier gets half of the head.
    InTheHead,
    /// It gets the head.
    AfterTheHead,
    /// It gets half of the body.
    InTheBody,
    /// It gets the whole call, and the connection ends while it is carried out.
    AfterTheBody,
    /// It has carried the call out, and nothing of its answer comes through.
    BeforeTheAnswer,
    /// Half of the answer's head comes through.
    InTheAnswersHead,
    /// The answer's head comes through.
    AfterTheAnswersHead,
    /// Half of the answer's body comes through.
    InTheAnswersBody,
    /// The whole answer comes through, and then the connection ends.
    AfterTheAnswer,
}

impl Stage {
    /// Every stage, in the order of a call.
    pub const ALL: [Self; 11] = [
        Self::BeforeTheConnection,
        Self::AfterTheConnection,
        Self::InTheHead,
        Self::AfterTheHead,
        Self::InTheBody,
        Self::AfterTheBody,
        Self::BeforeTheAnswer,
        Self::InTheAnswersHead,
        Self::AfterTheAnswersHead,
        Self::InTheAnswersBody,
        Self::AfterTheAnswer,
    ];

    /// The stage in the name of a test.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BeforeTheConnection => "before_the_connection",
            Self::AfterTheConnection => "after_the_connection",
            Self::InTheHead => "in_the_head",
            Self::AfterTheHead => "after_the_head",
            Self::InTheBody => "in_the_body",
            Self::AfterTheBody => "after_the_body",
            Self::BeforeTheAnswer => "before_the_answer",
            Self::InTheAnswersHead => "in_the_answers_head",
            Self::AfterTheAnswersHead => "after_the_answers_head",
            Self::InTheAnswersBody => "in_the_answers_body",
            Self::AfterTheAnswer => "after_the_answer",
        }
    }

    /// Whether it is about connections, whatever call they would be for.
    pub fn is_before_any_call(self) -> bool {
        matches!(self, Self::BeforeTheConnection | Self::AfterTheConnection)
    }
}

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// In order: TCP's FIN.
    Closed,
    /// By a reset.
    Reset,
}

impl Ending {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Closed, Self::Reset];

    /// The way in the name of a test.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Reset => "reset",
        }
    }
}

/// A line to a carrier, on a free port of this machine. It ends when it is dropped.
#[derive(Debug)]
pub struct CutLine {
    address: SocketAddr,
    shared: Arc<Shared>,
    _running: JoinSet<()>,
}

#[derive(Debug)]
struct Shared {
    carrier: SocketAddr,
    plan: Mutex<Plan>,
    /// Connections that are there when this changes end, unless they go on being served.
    state: watch::Sender<Order>,
    /// The last order that is carried out.
    obeyed: watch::Sender<u64>,
    n_cuts: watch::Sender<usize>,
}

/// What is to happen to connections from now on.
#[derive(Clone, Copy, Debug)]
struct Order {
    number: u64,
    connections: Connections,
}

/// What happens to connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Connections {
    Served,
    Ended(Ending),
    Refused,
}

#[derive(Debug, Default)]
struct Plan {
    cut: Option<Cut>,
}

#[derive(Clone, Debug)]
struct Cut {
    stage: Stage,
    ending: Ending,
    marker: String,
    rest: usize,
}

impl CutLine {
    /// A line to what listens at this address. It passes everything on.
    ///
    /// # Panics
    /// When no port is free.
    pub async fn to(carrier: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.expect("a port is free");
        let address = listener.local_addr().expect("a listener has an address");
        let shared = Arc::new(Shared {
            carrier,
            plan: Mutex::default(),
            state: watch::Sender::new(Order {
                number: 0,
                connections: Connections::Served,
            }),
            obeyed: watch::Sender::new(0),
            n_cuts: watch::Sender::new(0),
        });
        let mut running = JoinSet::new();
        running.spawn(listen(listener, Arc::clone(&shared)));
        Self {
            address,
            shared,
            _running: running,
        }
    }

    /// Where clients point to.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Cuts the next `times` calls that hold these bytes. Before there is a call nobody can say what it
    /// will hold: at the first two stages all connections end, and no other comes, until
    /// [`Self::heal`].
    ///
    /// # Panics
    /// When the line is gone.
    pub async fn cut(&self, (stage, ending): (Stage, Ending), marker: &str, times: usize) {
        let cut = Cut {
            stage,
            ending,
            marker: marker.to_owned(),
            rest: times,
        };
        self.shared.plan().cut = Some(cut);
        let connections = match stage {
            Stage::BeforeTheConnection => Connections::Refused,
            Stage::AfterTheConnection => Connections::Ended(ending),
            _ => Connections::Served,
        };
        self.order(connections).await;
    }

    /// Passes everything on again.
    ///
    /// # Panics
    /// When somebody has taken the port meanwhile.
    pub async fn heal(&self) {
        self.shared.plan().cut = None;
        self.order(Connections::Served).await;
    }

    /// Returns when it is so.
    async fn order(&self, connections: Connections) {
        let mut number = 0;
        self.shared.state.send_modify(|order| {
            order.number += 1;
            order.connections = connections;
            number = order.number;
        });
        let mut obeyed = self.shared.obeyed.subscribe();
        let waited = obeyed.wait_for(|obeyed| *obeyed >= number).await;
        waited.expect("the line is there");
    }

    /// How often it was cut in the middle of something.
    pub fn n_cuts(&self) -> usize {
        *self.shared.n_cuts.borrow()
    }

    /// Returns when it has been cut in the middle of something.
    pub async fn wait_for_a_cut(&self) {
        let mut n_cuts = self.shared.n_cuts.subscribe();
        let waited = n_cuts.wait_for(|n_cuts| *n_cuts > 0).await;
        waited.expect("the line is there");
    }
}

impl Shared {
    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What happens to a call.
    fn cut_of(&self, call: &HttpMessage) -> Option<(Stage, Ending)> {
        let mut plan = self.plan();
        let cut = plan.cut.as_mut()?;
        if cut.rest == 0 || cut.stage.is_before_any_call() || !call.holds(&cut.marker) {
            return None;
        }
        cut.rest -= 1;
        let how = (cut.stage, cut.ending);
        self.n_cuts.send_modify(|n_cuts| *n_cuts += 1);
        Some(how)
    }
}

async fn listen(listener: TcpListener, shared: Arc<Shared>) {
    let address = listener.local_addr().expect("a listener has an address");
    let mut listener = Some(listener);
    let mut state = shared.state.subscribe();
    let mut connections = JoinSet::new();
    loop {
        let Order {
            number,
            connections: now,
        } = *state.borrow_and_update();
        match now {
            Connections::Refused => listener = None,
            Connections::Served | Connections::Ended(_) => {
                if listener.is_none() {
                    let again = TcpListener::bind(address).await;
                    listener = Some(again.expect("nobody has taken the port meanwhile"));
                }
            }
        }
        shared.obeyed.send_replace(number);
        let accepted = async {
            match &listener {
                Some(listener) => listener.accept().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            changed = state.changed() => if changed.is_err() {
                return;
            },
            accepted = accepted => {
                let Ok((client, _)) = accepted else { continue };
                if let Connections::Ended(ending) = now {
                    shared.n_cuts.send_modify(|n_cuts| *n_cuts += 1);
                    end(client, ending);
                } else {
                    connections.spawn(serve(client, Arc::clone(&shared)));
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// A connection, until it is cut or ends by itself.
async fn serve(mut client: TcpStream, shared: Arc<Shared>) {
    let mut state = shared.state.subscribe();
    state.mark_unchanged();
    tokio::select! {
        // Whoever has left has nothing more to say, and a cut is no error here.
        ended = pass_on(&mut client, &shared) => match ended {
            Ok(Ending::Closed) | Err(_) => {}
            Ok(Ending::Reset) => end(client, Ending::Reset),
        },
        changed = wait_for_an_end(&mut state) => end(client, changed),
    }
}

async fn wait_for_an_end(state: &mut watch::Receiver<Order>) -> Ending {
    loop {
        if state.changed().await.is_err() {
            return Ending::Closed;
        }
        match state.borrow_and_update().connections {
            Connections::Served => {}
            Connections::Refused => return Ending::Closed,
            Connections::Ended(ending) => return ending,
        }
    }
}

async fn pass_on(client: &mut TcpStream, shared: &Shared) -> io::Result<Ending> {
    let mut carrier = TcpStream::connect(shared.carrier).await?;
    let (mut from_client, mut from_carrier) = (BytesMut::new(), BytesMut::new());
    loop {
        let call = HttpMessage::read(client, &mut from_client).await?;
        let cut = shared.cut_of(&call);
        let (whole, head) = (call.bytes.len(), call.head);
        let passed_on = match cut.map(|(stage, _)| stage) {
            Some(Stage::InTheHead) => head / 2,
            Some(Stage::AfterTheHead) => head,
            Some(Stage::InTheBody) => head + (whole - head) / 2,
            _ => whole,
        };
        carrier.write_all(&call.bytes[..passed_on]).await?;
        if let Some((stage, ending)) = cut {
            if stage == Stage::AfterTheBody {
                // Until the carrier has done what it does then, the client sees nothing: so what it is
                // told afterwards is true.
                carrier.shutdown().await?;
                tokio::io::copy(&mut carrier, &mut tokio::io::sink()).await?;
                return Ok(ending);
            }
            if passed_on < whole {
                end(carrier, ending);
                return Ok(ending);
            }
        }
        let answer = HttpMessage::read(&mut carrier, &mut from_carrier).await?;
        let (whole, head) = (answer.bytes.len(), answer.head);
        let passed_on = match cut.map(|(stage, _)| stage) {
            Some(Stage::BeforeTheAnswer) => 0,
            Some(Stage::InTheAnswersHead) => head / 2,
            Some(Stage::AfterTheAnswersHead) => head,
            Some(Stage::InTheAnswersBody) => head + (whole - head) / 2,
            _ => whole,
        };
        client.write_all(&answer.bytes[..passed_on]).await?;
        if let Some((_, ending)) = cut {
            return Ok(ending);
        }
    }
}

fn end(connection: TcpStream, ending: Ending) {
    if ending == Ending::Reset {
        // What cannot be reset any more is over already.
        let _ = connection.set_zero_linger();
    }
    drop(connection);
}

/// A call or an answer.
struct HttpMessage {
    bytes: Bytes,
    /// How long the head is, the empty line included.
    head: usize,
}

impl HttpMessage {
    /// Reads one whole.
    async fn read(from: &mut TcpStream, buffer: &mut BytesMut) -> io::Result<Self> {
        loop {
            if let Some(head) = end_of_head(buffer) {
                let whole = head + body_length(&buffer[..head]);
                if whole <= buffer.len() {
                    let bytes = buffer.split_to(whole).freeze();
                    return Ok(Self { bytes, head });
                }
            }
            if from.read_buf(buffer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    fn holds(&self, marker: &str) -> bool {
        let mut windows = self.bytes.windows(marker.len());
        windows.any(|window| window == marker.as_bytes())
    }
}

fn end_of_head(buffer: &[u8]) -> Option<usize> {
    const EMPTY_LINE: &[u8] = b"\r\n\r\n";
    let mut windows = buffer.windows(EMPTY_LINE.len());
    let start = windows.position(|window| window == EMPTY_LINE)?;
    Some(start + EMPTY_LINE.len())
}

/// What `Content-Length` says; without it there is no body.
fn body_length(head: &[u8]) -> usize {
    let head = String::from_utf8_lossy(head);
    let mut lines = head.lines().filter_map(|line| line.split_once(':'));
    let length = lines.find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length = length.and_then(|(_, length)| length.trim().parse().ok());
    length.unwrap_or_default()
}
