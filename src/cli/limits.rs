//! The options that limit memory.

use std::str::FromStr;

use tlswhy::Limits;

/// How much may be kept at a time. What is given up at a limit is told in the report.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Limits on memory")]
pub(crate) struct LimitArguments {
    /// Flows that are remembered in a capture (4M by default); beyond, streams have no number
    #[arg(long, value_name = "N")]
    max_flows: Option<Size>,

    /// Bytes for connections that are open at a time (48M by default); beyond, those silent for longest are judged as they stand
    #[arg(long, value_name = "BYTES")]
    max_reassembly: Option<Size>,

    /// Bytes of IP fragments that wait for others (8M by default)
    #[arg(long, value_name = "BYTES")]
    max_fragments: Option<Size>,

    /// Bytes of distinct certificates that are shared (128M by default)
    #[arg(long, value_name = "BYTES")]
    max_certificates: Option<Size>,
}

impl LimitArguments {
    /// The library's limits.
    pub(super) fn limits(&self) -> Limits {
        let mut limits = Limits::default();
        let set = |limit: &mut usize, size: Option<Size>| {
            if let Some(Size(size)) = size {
                *limit = size;
            }
        };
        set(&mut limits.flows, self.max_flows);
        set(&mut limits.reassembly, self.max_reassembly);
        set(&mut limits.fragments, self.max_fragments);
        set(&mut limits.certificates, self.max_certificates);
        limits
    }
}

/// A number, with K, M or G for the powers of 1,024.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Size(usize);

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.trim_end_matches(|last: char| last.is_ascii_alphabetic());
        let unit = match text.get(digits.len()..).unwrap_or_default() {
            "" => 1,
            "K" | "k" => 1 << 10,
            "M" | "m" => 1 << 20,
            "G" | "g" => 1 << 30,
            other => return Err(format!("{other} is no unit: K, M and G are")),
        };
        let number: usize = digits
            .parse()
            .map_err(|_| "not a number such as 500000, 64M or 2G".to_owned())?;
        number
            .checked_mul(unit)
            .map(Self)
            .ok_or_else(|| "more than this machine can count".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        assert_eq!("4096".parse(), Ok(Size(4_096)));
        assert_eq!("64M".parse(), Ok(Size(64 << 20)));
        assert_eq!("2g".parse(), Ok(Size(2 << 30)));
        for wrong in ["", "M", "-1", "12MB", "99999999999G"] {
            assert!(wrong.parse::<Size>().is_err(), "{wrong}");
        }
    }
}
