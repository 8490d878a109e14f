//! The limit beside which a gateway is measured: a server that reads a message or a batch out of its
//! request and answers, and keeps nothing.
//!
//! Run by `cargo xtask bench gateway` as a process of its own, with the same allocator, run time and HTTP
//! server as the gateway. Its first line says where it is; it runs until it is ended.

#![expect(
    clippy::print_stdout,
    reason = "the process that started it reads the address"
)]

use std::sync::atomic::{AtomicU64, Ordering};

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// As many messages as were read count as having left: there is nothing that they would wait for.
static N_READ: AtomicU64 = AtomicU64::new(0);

#[derive(Deserialize)]
struct Message {
    to: String,
    text: String,
}

#[derive(Deserialize)]
struct Batch {
    messages: Vec<Message>,
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}", listener.local_addr()?);
    let routes = axum::Router::new()
        .route("/v1/messages", post(message))
        .route("/v1/batches", post(batch))
        .route("/v1/providers", get(providers))
        .with_state(&N_READ);
    axum::serve(listener, routes).await
}

async fn message(
    State(n_read): State<&'static AtomicU64>,
    body: Bytes,
) -> Result<(StatusCode, Json<Value>), StatusCode> {
    let message: Message = serde_json::from_slice(&body).map_err(|_| StatusCode::BAD_REQUEST)?;
    let number = n_read.fetch_add(1, Ordering::Relaxed);
    let answer =
        json!({"id": number, "state": "queued", "length": message.to.len() + message.text.len()});
    Ok((StatusCode::ACCEPTED, Json(answer)))
}

async fn batch(
    State(n_read): State<&'static AtomicU64>,
    body: Bytes,
) -> Result<(StatusCode, Json<Value>), StatusCode> {
    let batch: Batch = serde_json::from_slice(&body).map_err(|_| StatusCode::BAD_REQUEST)?;
    let number = n_read.fetch_add(batch.messages.len() as u64, Ordering::Relaxed);
    let answer = json!({"id": number, "accepted": batch.messages.len(), "rejected": []});
    Ok((StatusCode::ACCEPTED, Json(answer)))
}

async fn providers(State(n_read): State<&'static AtomicU64>) -> Json<Value> {
    Json(json!({"items": [{"sent": n_read.load(Ordering::Relaxed)}]}))
}
