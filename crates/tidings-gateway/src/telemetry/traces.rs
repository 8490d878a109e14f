//! Spans for OpenTelemetry: a `call` of the API, in it the acceptance, and every attempt at a provider. They hold ids and
//! never a text, a full number or a secret.
//!
//! Made by the command that starts a gateway, where `monitoring.otlp_endpoint` is set. Which spans there
//! are is said where they are opened.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_http::{HttpClient as ExportClient, HttpError};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tidings::http::HttpClient;
use tokio::runtime::Handle;
use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::registry::LookupSpan;

/// How long one call to the collector may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where spans go. What is on its way is lost when it is dropped; [`Traces::end`] waits for it.
pub struct Traces {
    provider: SdkTracerProvider,
}

/// Why spans cannot be exported.
#[derive(Debug, thiserror::Error)]
#[error("traces cannot be exported to monitoring.otlp_endpoint")]
pub struct TracesError(#[source] Box<dyn std::error::Error + Send + Sync>);

impl Traces {
    /// Exports spans to this address, such as `http://127.0.0.1:4318`, in the background. Must be called
    /// inside the run time.
    ///
    /// # Errors
    /// [`TracesError`] when there can be no client for it.
    pub fn start(endpoint: &str) -> Result<Self, TracesError> {
        let http = HttpClient::builder()
            .timeout(PATIENCE)
            .build()
            .map_err(|error| TracesError(error.into()))?;
        let client = Exporting {
            http,
            run_time: Handle::current(),
        };
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(client)
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("{endpoint}/v1/traces"))
            .build()
            .map_err(|error| TracesError(error.into()))?;
        let resource = Resource::builder().with_service_name("tidings").build();
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(resource)
            .build();
        super::stages::remember_traces();
        Ok(Self { provider })
    }

    /// A layer of `tracing` that hands over the spans of the gateway, and none of the calls that export
    /// them.
    pub fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    {
        let tracer = self.provider.tracer("tidings");
        let ours = Targets::new()
            .with_target("tidings_gateway", LevelFilter::DEBUG)
            .with_target("tidings::serve", LevelFilter::DEBUG);
        tracing_opentelemetry::layer()
            .with_tracer(tracer)
            .with_filter(ours)
    }

    /// Exports what is on its way.
    pub async fn end(self) {
        let ended = tokio::task::spawn_blocking(move || self.provider.shutdown()).await;
        if let Ok(Err(error)) = ended {
            tracing::debug!(%error, "the last spans were not exported");
        }
    }
}

impl fmt::Debug for Traces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Traces").finish_non_exhaustive()
    }
}

/// The exporter has a thread of its own, without a run time: its calls are made on ours.
#[derive(Debug)]
struct Exporting {
    http: HttpClient,
    run_time: Handle,
}

#[async_trait::async_trait]
impl ExportClient for Exporting {
    async fn send_bytes(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, HttpError> {
        let http = self.http.clone();
        let call = self.run_time.spawn(async move { http.send(request).await });
        let answer = call.await??;
        let mut response = http::Response::new(answer.body);
        *response.status_mut() = answer.status;
        *response.headers_mut() = answer.headers;
        Ok(response)
    }
}
