//! The capture, not the connection, is why nothing more can be said.

mod capture_ended;
mod capture_gap;
mod capture_truncated;
mod one_sided_capture;
mod started_mid_connection;

pub(super) use capture_ended::CaptureEnded;
pub(super) use capture_gap::CaptureGap;
pub(super) use capture_truncated::CaptureTruncated;
pub(super) use one_sided_capture::OneSidedCapture;
pub(super) use started_mid_connection::StartedMidConnection;
