//! From arguments to an exit code.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use tlswhy::report::text::Layout;
use tlswhy::report::{self, Filter, ProblemKind};
use tlswhy::{Analysis, Options, Report, Source};

use super::args::{Arguments, At, Certificates, Color, Command, Format, Input};
use super::limits::LimitArguments;
use super::{Exit, Failure, certs, explain, message, terminal, trust};

/// Runs the program.
pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    match &arguments.command {
        Some(Command::Explain { id, color }) => {
            let mut out = io::stdout().lock();
            let written = explain::explain(id, terminal::color(*color), &mut out)?;
            finished(written.and_then(|()| out.flush()))
        }
        Some(Command::Causes) => {
            let mut out = io::stdout().lock();
            finished(explain::list(&mut out).and_then(|()| out.flush()))
        }
        Some(Command::Certs(arguments)) => certs::list(arguments),
        None => analyse(&arguments),
    }
}

/// Reads the input and writes the report.
fn analyse(arguments: &Arguments) -> Result<Exit, Failure> {
    arguments.elsewhere.refuse()?;
    let filter = arguments.choice.filter()?;
    if let Some(fail_on) = &arguments.fail_on {
        fail_on.check()?;
    }
    if !arguments.key_logs()?.is_empty() && !arguments.input.quiet {
        message(&"--keylog: this version does not decrypt yet; the analysis goes on without the keys");
    }
    let mut options = options(&arguments.input, &arguments.certificates, &arguments.limits)?;
    options.all = arguments.choice.all;
    // Opened before the reading: a path that cannot be written is better known before an hour of work than after.
    let mut out = open_output(&arguments.input, arguments.output.output.as_deref())?;
    let outcome = read(&arguments.input, Analysis::new(options))?;
    if !arguments.choice.stream.is_empty() && outcome.report.captures().len() > 1 {
        return Err(Failure(format!(
            "--stream: streams are numbered within one capture, and {} were read",
            outcome.report.captures().len()
        )));
    }
    let written = write(arguments, &outcome.report, &filter, &mut out).and_then(|()| out.flush());
    if let Err(error) = written {
        return finished(Err(error));
    }
    let fail_on = arguments.fail_on.as_ref();
    if fail_on.is_some_and(|fail_on| fail_on.matches(outcome.report.summary())) {
        return Ok(Exit::Matched);
    }
    Ok(outcome.exit(&arguments.input))
}

/// The library's options, as far as every command has them.
pub(super) fn options(input: &Input, certificates: &Certificates, limits: &LimitArguments) -> Result<Options, Failure> {
    if input.paths().next().is_none() {
        return Err(Failure(
            "no capture is given: tlswhy FILE…, or - for standard input (see --help)".to_owned(),
        ));
    }
    let mut options = Options::default();
    options.threads = input.threads;
    options.trust = trust::stores(certificates)?;
    options.trust_added = trust::added(certificates)?;
    options.intermediates = trust::intermediates(certificates)?;
    if !input.quiet {
        for store in options.trust.iter().chain(&options.trust_added) {
            let told = |problem: &String| message(&format!("{}: {problem}", store.name()));
            store.problems().iter().for_each(told);
        }
    }
    options.at = certificates.at.map(|at| match at {
        At::Moment(moment) => moment.nanos(),
        At::Now => now(),
    });
    options.clock_offset = certificates.clock_offset;
    options.hash = input.hash;
    options.limits = limits.limits();
    options.glob.clone_from(&input.glob);
    Ok(options)
}

/// The present in nanoseconds since 1970 UTC.
pub(super) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

/// What was read, and what of it could not be.
pub(super) struct Outcome {
    pub(super) report: Report,
    unreadable: bool,
}

impl Outcome {
    /// The exit code of a run that wrote what was asked for.
    pub(super) fn exit(&self, input: &Input) -> Exit {
        let is_damage = |kind| match kind {
            ProblemKind::Limit => false,
            ProblemKind::CutAtEnd => input.strict,
            _ => true,
        };
        let mut problems = self.report.captures().iter().flat_map(|capture| &capture.problems);
        if self.unreadable || problems.any(|problem| is_damage(problem.kind)) {
            Exit::Damaged
        } else {
            Exit::Ran
        }
    }
}

/// Reads every source that was named. A source that cannot be read is told and passed over.
pub(super) fn read(input: &Input, mut analysis: Analysis) -> Result<Outcome, Failure> {
    let shows_progress = !input.quiet && terminal::shows_progress();
    if shows_progress {
        analysis = analysis.on_progress(terminal::progress());
    }
    let stop = analysis.stopper();
    watch_signals(&stop)?;
    let (mut readable, mut unreadable) = (false, false);
    for path in input.paths() {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let source = if path.as_os_str() == "-" {
            Source::Stdin
        } else {
            Source::Path(path.clone())
        };
        match analysis.read(source) {
            Ok(()) => readable = true,
            Err(error) => {
                unreadable = true;
                if shows_progress {
                    terminal::clear_progress();
                }
                message(&error);
            }
        }
    }
    if unreadable && !readable {
        return Err(Failure("nothing could be read".to_owned()));
    }
    let report = analysis.finish();
    if shows_progress {
        terminal::clear_progress();
    }
    Ok(Outcome { report, unreadable })
}

/// The first signal ends the reading, the second ends the program.
fn watch_signals(stop: &Arc<AtomicBool>) -> Result<(), Failure> {
    for signal in [SIGINT, SIGTERM] {
        // The order matters: the conditional shutdown must find the flag as it was before this signal.
        flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(stop))
            .and_then(|_| flag::register(signal, Arc::clone(stop)))
            .map_err(|error| Failure(format!("cannot watch for signals: {error}")))?;
    }
    Ok(())
}

/// Where the report goes.
pub(super) fn open_output(input: &Input, path: Option<&Path>) -> Result<Box<dyn Write>, Failure> {
    let Some(path) = path else {
        return Ok(Box::new(BufWriter::new(io::stdout().lock())));
    };
    if input.paths().any(|read| same_file(read, path)) {
        return Err(Failure(format!(
            "--output: {} is an input; it would be overwritten",
            path.display()
        )));
    }
    let file = File::create(path).map_err(|error| Failure(format!("--output: {}: {error}", path.display())))?;
    Ok(Box::new(BufWriter::new(file)))
}

fn same_file(left: &Path, right: &Path) -> bool {
    matches!((fs::canonicalize(left), fs::canonicalize(right)), (Ok(left), Ok(right)) if left == right)
}

/// Writes the report as it was asked for.
fn write(arguments: &Arguments, report: &Report, filter: &Filter, out: &mut dyn Write) -> io::Result<()> {
    let output = &arguments.output;
    match output.format() {
        Format::Json => report::json::write(report, filter, out),
        Format::Ndjson => report::ndjson::write(report, filter, out),
        Format::Line => report::line::write(report, filter, &terminal::times(output.time), out),
        Format::Text => {
            let layout = Layout {
                times: terminal::times(output.time),
                limit: output.limit,
                ..layout(output.output.is_some(), output.color)
            };
            report::text::write(report, filter, &layout, out)
        }
    }
}

/// How a text is laid out: as the terminal has it, or as a file should.
pub(super) fn layout(to_file: bool, color: Color) -> Layout {
    if to_file {
        return Layout {
            color: color == Color::Always,
            ..Layout::default()
        };
    }
    Layout {
        width: terminal::width(),
        color: terminal::color(color),
        ascii: terminal::ascii_only(),
        ..Layout::default()
    }
}

/// The exit code after writing. A reader that went away, such as `head`, has what it wanted.
pub(super) fn finished(written: io::Result<()>) -> Result<Exit, Failure> {
    match written {
        Ok(()) => Ok(Exit::Ran),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Exit::Ran),
        Err(error) => Err(Failure(format!("cannot write the report: {error}"))),
    }
}
