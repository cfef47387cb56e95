//! Endings in which TLS never got its say: refused, unanswered, reset, closed, abandoned.

mod client_abandoned;
mod closed_after_client_hello;
mod contradictory_copies;
mod icmp_unreachable;
mod injected_reset;
mod large_client_hello_lost;
mod no_server_response;
mod path_mtu;
mod reset_after_client_hello;
mod server_closed;
mod server_flight_lost;
mod stall;
mod stalled_by_client;
mod stalled_by_server;
mod tcp_probe;
mod tcp_refused;
mod tcp_unanswered;

pub(super) use client_abandoned::ClientAbandoned;
pub(super) use closed_after_client_hello::ClosedAfterClientHello;
pub(super) use contradictory_copies::ContradictoryCopies;
pub(super) use icmp_unreachable::IcmpUnreachable;
pub(super) use injected_reset::InjectedReset;
pub(super) use large_client_hello_lost::LargeClientHelloLost;
pub(super) use no_server_response::NoServerResponse;
pub(super) use reset_after_client_hello::ResetAfterClientHello;
pub(super) use server_closed::ServerClosed;
pub(super) use server_flight_lost::ServerFlightLost;
pub(super) use stalled_by_client::StalledByClient;
pub(super) use stalled_by_server::StalledByServer;
pub(super) use tcp_probe::TcpProbe;
pub(super) use tcp_refused::TcpRefused;
pub(super) use tcp_unanswered::TcpUnanswered;
