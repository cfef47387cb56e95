//! Endings in which TLS never got its say: refused, unanswered, reset, closed, abandoned.

mod client_abandoned;
mod closed_after_client_hello;
mod contradictory_copies;
mod no_server_response;
mod reset_after_client_hello;
mod server_closed;
mod tcp_probe;
mod tcp_refused;
mod tcp_unanswered;

pub(super) use client_abandoned::ClientAbandoned;
pub(super) use closed_after_client_hello::ClosedAfterClientHello;
pub(super) use contradictory_copies::ContradictoryCopies;
pub(super) use no_server_response::NoServerResponse;
pub(super) use reset_after_client_hello::ResetAfterClientHello;
pub(super) use server_closed::ServerClosed;
pub(super) use tcp_probe::TcpProbe;
pub(super) use tcp_refused::TcpRefused;
pub(super) use tcp_unanswered::TcpUnanswered;
