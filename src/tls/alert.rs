//! The two bytes of an alert.

use super::{Malformed, Reader};
use crate::registry::{AlertDescription, AlertLevel};

/// An alert (RFC 9846 §6). Encrypted ones must be decrypted before they get here: any two bytes make an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Alert {
    /// How severe the sender calls it.
    pub(crate) level: AlertLevel,
    /// What it is about.
    pub(crate) description: AlertDescription,
}

impl Alert {
    /// Reads one alert that fills its record.
    ///
    /// # Errors
    /// [`Malformed`] where there are fewer than two bytes, or more.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let alert = Self {
            level: AlertLevel(reader.u8("level")?),
            description: AlertDescription(reader.u8("description")?),
        };
        reader.end("alert")?;
        Ok(alert)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_has_two_bytes() {
        let alert = Alert::parse(&[2, 48]).unwrap();
        assert_eq!(
            (alert.level, alert.description),
            (AlertLevel::FATAL, AlertDescription::UNKNOWN_CA)
        );
        assert!(Alert::parse(&[2]).is_err() && Alert::parse(&[2, 48, 0]).is_err());
    }
}
