//! The arguments. Options that analysts know from tshark and tcpdump keep their names; those that do something else there are answered with
//! what to use instead.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use tlswhy::Glob;
use tlswhy::report::{Filter, Host, Timestamp};

use super::Failure;
use super::fail_on::FailOn;
use super::limits::LimitArguments;

/// Reads packet captures and says why each TLS handshake failed.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100, args_conflicts_with_subcommands = true)]
#[command(after_help = "\
A file that is called like a command is reached as ./causes.

Exit status: 0 ran; 1 --fail-on matched; 2 wrong usage, or nothing could be read; 3 ran, but something of the input was damaged.")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    #[command(flatten)]
    pub(crate) input: Input,

    /// Exit with 1 if this is met: failed, undetermined or a cause, alone or with a bound (failed>3, failed>0.1%)
    #[arg(long, value_name = "EXPR")]
    pub(crate) fail_on: Option<FailOn>,

    #[command(flatten)]
    pub(crate) certificates: Certificates,

    #[command(flatten)]
    pub(crate) output: Output,

    #[command(flatten)]
    pub(crate) choice: Choice,

    #[command(flatten)]
    pub(crate) limits: LimitArguments,

    #[command(flatten)]
    pub(crate) elsewhere: Elsewhere,
}

/// What is read, and how.
#[derive(Debug, clap::Args)]
pub(crate) struct Input {
    /// Captures, folders or archives of captures, or - for standard input
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,

    /// A capture, folder or - (repeatable; the same as a bare FILE)
    #[arg(short, long = "read", value_name = "FILE")]
    read: Vec<PathBuf>,

    /// In folders, only files of this name, such as '*.pcap', or with a slash of this path below the folder: '2026-*/**/*.gz' (repeatable)
    #[arg(long, value_name = "PATTERN")]
    pub(crate) glob: Vec<Glob>,

    /// Threads; 0 uses all cores
    #[arg(short = 'j', long, value_name = "N", default_value_t = 0)]
    pub(crate) threads: usize,

    /// SHA-256 of each capture in the report
    #[arg(long)]
    pub(crate) hash: bool,

    /// A cut last record counts as damage
    #[arg(long)]
    pub(crate) strict: bool,

    /// No progress and no notes on standard error
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

impl Input {
    /// What is to be read, in the order in which it is read: -r first.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        self.read.iter().chain(&self.files)
    }
}

/// What certificates are judged with.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Certificates and keys")]
pub(crate) struct Certificates {
    /// The roots that clients are taken to trust (repeatable: each store is tried by itself)
    #[arg(long, value_name = "STORE", default_value = "mozilla")]
    pub(crate) trust: Vec<Trust>,

    /// One more store, tried by itself under this name: java=cacerts.jks (PEM, DER, JKS, open PKCS#12, PKCS#7; repeatable)
    #[arg(long, value_name = "NAME=FILE")]
    pub(crate) trust_store: Vec<NamedFile>,

    /// Trust the certificates of this file too, in every store (forms as above; repeatable)
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_file: Vec<PathBuf>,

    /// Trust the certificates of the files in this folder too, in every store (repeatable)
    #[arg(long, value_name = "FOLDER")]
    pub(crate) ca_dir: Vec<PathBuf>,

    /// Certificates that servers may have left out; they complete chains and are not trusted (repeatable)
    #[arg(long, value_name = "FILE|FOLDER")]
    pub(crate) intermediates: Vec<PathBuf>,

    /// Judge certificates at this time instead of each packet's
    #[arg(long, value_name = "TIME|now")]
    pub(crate) at: Option<At>,

    /// Seconds to add to the captures' clock where certificates are judged; without it, what a capture plainly says of its own clock
    #[arg(long, value_name = "SECONDS", allow_hyphen_values = true)]
    pub(crate) clock_offset: Option<i64>,

    /// A key log, as SSLKEYLOGFILE makes it (this version does not decrypt yet)
    #[arg(long, value_name = "FILE")]
    pub(crate) keylog: Vec<PathBuf>,

    /// A preference as in tshark; tls.keylog_file:FILE is known
    #[arg(short = 'o', value_name = "PREFERENCE:VALUE")]
    pub(crate) preference: Vec<String>,
}

/// Which roots are trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Trust {
    /// Mozilla's, as built into the program
    Mozilla,
    /// Those of this machine
    System,
    /// None but those of --trust-store, --ca-file and --ca-dir
    None,
}

/// A file with the name that reports call it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NamedFile {
    pub(crate) name: String,
    pub(crate) path: PathBuf,
}

impl std::str::FromStr for NamedFile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('=') {
            Some((name, path)) if !name.is_empty() && !path.is_empty() => Ok(Self {
                name: name.to_owned(),
                path: PathBuf::from(path),
            }),
            _ => Err("a name and a file are wanted, as in java=cacerts.jks".to_owned()),
        }
    }
}

/// A moment, or the present.
#[derive(Clone, Copy, Debug)]
pub(crate) enum At {
    Moment(Timestamp),
    Now,
}

impl std::str::FromStr for At {
    type Err = tlswhy::report::BadTimestamp;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "now" {
            Ok(Self::Now)
        } else {
            text.parse().map(Self::Moment)
        }
    }
}

/// How the report is written.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct Output {
    /// What to write
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: Format,

    /// The same as --format json
    #[arg(long, conflicts_with = "format")]
    pub(crate) json: bool,

    /// Write to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    /// How to show times in text and lines
    #[arg(short, long = "time", value_name = "utc|local|relative", default_value = "utc")]
    pub(crate) time: Clock,

    /// How many groups the text report shows; 0 shows all
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(crate) limit: usize,

    /// When to use colours
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: Color,
}

impl Output {
    /// The format that was asked for.
    pub(crate) const fn format(&self) -> Format {
        if self.json { Format::Json } else { self.format }
    }
}

/// A form of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people: causes with proof and remedy
    Text,
    /// One line for each connection
    Line,
    /// One JSON document
    Json,
    /// One JSON object for each line
    Ndjson,
}

/// A clock to show times by. tshark's letters are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Clock {
    #[value(alias = "u", alias = "ud")]
    Utc,
    #[value(alias = "a", alias = "ad")]
    Local,
    #[value(alias = "r")]
    Relative,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

/// Which connections are shown; counts and --fail-on always cover all.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "What is shown (counts and --fail-on always cover everything)")]
pub(crate) struct Choice {
    /// Only this cause (repeatable)
    #[arg(long, value_name = "ID")]
    cause: Vec<String>,

    /// Only where either end is this name, address or range (repeatable)
    #[arg(long, value_name = "NAME|IP")]
    host: Vec<Host>,

    /// Only this client (repeatable)
    #[arg(long, value_name = "IP")]
    client: Vec<Host>,

    /// Only this server (repeatable)
    #[arg(long, value_name = "NAME|IP")]
    server: Vec<Host>,

    /// Only this port of the server (repeatable)
    #[arg(long, value_name = "N")]
    port: Vec<u16>,

    /// Only what was still there at this time
    #[arg(long, value_name = "TIME")]
    since: Option<Timestamp>,

    /// Only what had begun by this time
    #[arg(long, value_name = "TIME")]
    until: Option<Timestamp>,

    /// Only this stream, as Wireshark numbers it; for a single capture (repeatable)
    #[arg(long, value_name = "N")]
    pub(crate) stream: Vec<u64>,

    /// Sound connections too
    #[arg(long)]
    pub(crate) all: bool,
}

impl Choice {
    /// The filter, once the names of causes are known to exist.
    pub(crate) fn filter(&self) -> Result<Filter, Failure> {
        for id in &self.cause {
            known_cause("--cause", id)?;
        }
        if self.client.iter().any(|host| matches!(host, Host::Name(_))) {
            return Err(Failure(
                "--client: a client has an address, not a name; --host and --server know names".to_owned(),
            ));
        }
        Ok(Filter {
            causes: self.cause.clone(),
            hosts: self.host.clone(),
            clients: self.client.clone(),
            servers: self.server.clone(),
            ports: self.port.clone(),
            since: self.since,
            until: self.until,
            streams: self.stream.clone(),
            all: self.all,
        })
    }
}

/// Refuses a cause that the catalogue does not have.
pub(crate) fn known_cause(option: &str, id: &str) -> Result<(), Failure> {
    if tlswhy::causes().any(|cause| cause.id == id) {
        return Ok(());
    }
    Err(Failure(format!(
        "{option}: no cause is called {id:?}: `tlswhy causes` lists them"
    )))
}

/// Options of tshark that have another answer here.
#[derive(Debug, clap::Args)]
pub(crate) struct Elsewhere {
    #[arg(
        short = 'Y',
        long = "display-filter",
        hide = true,
        value_name = "FILTER",
        allow_hyphen_values = true
    )]
    display_filter: Option<String>,

    #[arg(short = 'T', hide = true, value_name = "FORMAT")]
    tshark_format: Option<String>,

    #[arg(short = 'w', hide = true, value_name = "FILE")]
    write: Option<PathBuf>,

    #[arg(short = 'd', hide = true, value_name = "RULE")]
    decode_as: Option<String>,
}

impl Elsewhere {
    /// Answers an option of tshark with what to use instead.
    pub(crate) fn refuse(&self) -> Result<(), Failure> {
        let answer = if self.display_filter.is_some() {
            "-Y: display filters are Wireshark's; use --host, --server, --port, --cause, --since, --until or --stream"
        } else if self.tshark_format.is_some() {
            "-T: use --format text, line, json or ndjson"
        } else if self.write.is_some() {
            "-w: packets are not written; --output FILE writes the report, and each verdict names its streams for `tshark -Y … -w FILE`"
        } else if self.decode_as.is_some() {
            "-d: not needed; TLS is recognised on every port"
        } else {
            return Ok(());
        };
        Err(Failure(answer.to_owned()))
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Explain a cause: what happened, how to tell, how to fix it
    Explain {
        /// Its name, as in the report
        id: String,

        /// When to use colours
        #[arg(long, value_name = "WHEN", default_value = "auto")]
        color: Color,
    },
    /// List the causes
    Causes,
    /// List the certificates of every server in captures, and what ends when
    Certs(Box<Certs>),
}

/// The arguments of `certs`.
#[derive(Debug, clap::Args)]
pub(crate) struct Certs {
    #[command(flatten)]
    pub(crate) input: Input,

    /// Only where a certificate ends within so many days from now, or from --at, or has ended
    #[arg(long, value_name = "DAYS")]
    pub(crate) expiring: Option<u64>,

    /// Write every certificate, and every list of them, into this folder as PEM files named by SHA-256
    #[arg(long, value_name = "FOLDER")]
    pub(crate) pem: Option<PathBuf>,

    /// What to write
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: InventoryFormat,

    /// The same as --format json
    #[arg(long, conflicts_with = "format")]
    pub(crate) json: bool,

    /// Write to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    /// When to use colours
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: Color,

    #[command(flatten)]
    pub(crate) certificates: Certificates,

    #[command(flatten)]
    pub(crate) limits: LimitArguments,
}

/// A form of the inventory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum InventoryFormat {
    /// For people
    Text,
    /// One JSON document
    Json,
}

impl Arguments {
    /// The key logs that were named, by --keylog or as tshark names them.
    pub(crate) fn key_logs(&self) -> Result<Vec<PathBuf>, Failure> {
        let mut logs = self.certificates.keylog.clone();
        for preference in &self.certificates.preference {
            match preference.split_once(':') {
                Some(("tls.keylog_file" | "ssl.keylog_file", path)) => logs.push(PathBuf::from(path)),
                _ => {
                    return Err(Failure(format!(
                        "-o: {preference:?} is not known; tls.keylog_file:FILE is, and --output names a file to write"
                    )));
                }
            }
        }
        Ok(logs)
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn bare_files_need_no_command() {
        let arguments = Arguments::parse_from(["tlswhy", "-r", "a", "b", "./causes", "-j", "2"]);
        assert!(arguments.command.is_none());
        assert_eq!(
            arguments
                .input
                .paths()
                .map(|path| path.display().to_string())
                .collect::<Vec<_>>(),
            ["a", "b", "./causes"]
        );
        assert!(matches!(
            Arguments::parse_from(["tlswhy", "causes"]).command,
            Some(Command::Causes)
        ));
        assert_eq!(
            Arguments::parse_from(["tlswhy", "-r", "causes"]).input.paths().count(),
            1
        );
    }

    #[test]
    fn a_store_has_a_name_and_a_file() {
        let store = |text: &str| text.parse::<NamedFile>();
        let expected = NamedFile {
            name: "java".to_owned(),
            path: PathBuf::from("a=b.jks"),
        };
        assert_eq!(store("java=a=b.jks"), Ok(expected));
        for text in ["cacerts.jks", "=cacerts.jks", "java="] {
            assert!(store(text).is_err(), "{text}");
        }
    }

    #[test]
    fn tsharks_letters_for_times_are_known() {
        for (letter, clock) in [
            ("u", Clock::Utc),
            ("ad", Clock::Local),
            ("r", Clock::Relative),
            ("local", Clock::Local),
        ] {
            assert_eq!(Arguments::parse_from(["tlswhy", "-t", letter, "a"]).output.time, clock);
        }
    }

    #[test]
    fn a_key_log_is_named_as_in_tshark() {
        let arguments = Arguments::parse_from(["tlswhy", "-o", "tls.keylog_file:C:\\keys", "--keylog", "b", "a"]);
        assert_eq!(
            arguments.key_logs().unwrap(),
            [PathBuf::from("b"), PathBuf::from("C:\\keys")]
        );
        assert!(
            Arguments::parse_from(["tlswhy", "-o", "report.json", "a"])
                .key_logs()
                .is_err()
        );
    }
}
