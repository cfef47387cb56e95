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

use super::args::{Arguments, At, Color, Command, Format};
use super::{Exit, Failure, explain, message, terminal, trust};

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
    if arguments.inputs().next().is_none() {
        return Err(Failure(
            "no capture is given: tlswhy FILE…, or - for standard input (see --help)".to_owned(),
        ));
    }
    if !arguments.key_logs()?.is_empty() && !arguments.output.quiet {
        message(&"--keylog: this version does not decrypt yet; the analysis goes on without the keys");
    }
    let analysis = Analysis::new(options(arguments)?);
    // Opened before the reading: a path that cannot be written is better known before an hour of work than after.
    let mut out = open_output(arguments)?;
    let input = read(arguments, analysis)?;
    if !arguments.choice.stream.is_empty() && input.report.captures().len() > 1 {
        return Err(Failure(format!(
            "--stream: streams are numbered within one capture, and {} were read",
            input.report.captures().len()
        )));
    }
    let written = write(arguments, &input.report, &filter, &mut out).and_then(|()| out.flush());
    if let Err(error) = written {
        return finished(Err(error));
    }
    Ok(exit_of(arguments, &input))
}

/// The library's options.
fn options(arguments: &Arguments) -> Result<Options, Failure> {
    let mut options = Options::default();
    options.threads = arguments.threads;
    options.trust = trust::stores(&arguments.certificates)?;
    options.trust_added = trust::added(&arguments.certificates)?;
    options.intermediates = trust::intermediates(&arguments.certificates)?;
    if !arguments.output.quiet {
        for store in options.trust.iter().chain(&options.trust_added) {
            let told = |problem: &String| message(&format!("{}: {problem}", store.name()));
            store.problems().iter().for_each(told);
        }
    }
    options.at = arguments.certificates.at.map(|at| match at {
        At::Moment(moment) => moment.nanos(),
        At::Now => now(),
    });
    options.all = arguments.choice.all;
    options.hash = arguments.hash;
    options.limits = arguments.limits.limits();
    options.glob.clone_from(&arguments.glob);
    Ok(options)
}

/// The present in nanoseconds since 1970 UTC.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

/// What was read, and what of it could not be.
struct Input {
    report: Report,
    unreadable: bool,
}

/// Reads every source that was named. A source that cannot be read is told and passed over.
fn read(arguments: &Arguments, mut analysis: Analysis) -> Result<Input, Failure> {
    let shows_progress = !arguments.output.quiet && terminal::shows_progress();
    if shows_progress {
        analysis = analysis.on_progress(terminal::progress());
    }
    let stop = analysis.stopper();
    watch_signals(&stop)?;
    let (mut readable, mut unreadable) = (false, false);
    for path in arguments.inputs() {
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
    Ok(Input { report, unreadable })
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
fn open_output(arguments: &Arguments) -> Result<Box<dyn Write>, Failure> {
    let Some(path) = &arguments.output.output else {
        return Ok(Box::new(BufWriter::new(io::stdout().lock())));
    };
    if arguments.inputs().any(|input| same_file(input, path)) {
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
            let to_file = output.output.is_some();
            let layout = Layout {
                width: if to_file {
                    Layout::default().width
                } else {
                    terminal::width()
                },
                color: if to_file {
                    output.color == Color::Always
                } else {
                    terminal::color(output.color)
                },
                ascii: !to_file && terminal::ascii_only(),
                times: terminal::times(output.time),
                limit: output.limit,
            };
            report::text::write(report, filter, &layout, out)
        }
    }
}

/// The exit code of a run that wrote its report.
fn exit_of(arguments: &Arguments, input: &Input) -> Exit {
    if arguments
        .fail_on
        .as_ref()
        .is_some_and(|fail_on| fail_on.matches(input.report.summary()))
    {
        return Exit::Matched;
    }
    let is_damage = |kind| match kind {
        ProblemKind::Limit => false,
        ProblemKind::CutAtEnd => arguments.strict,
        _ => true,
    };
    let mut problems = input.report.captures().iter().flat_map(|capture| &capture.problems);
    if input.unreadable || problems.any(|problem| is_damage(problem.kind)) {
        return Exit::Damaged;
    }
    Exit::Ran
}

/// The exit code after writing. A reader that went away, such as `head`, has what it wanted.
fn finished(written: io::Result<()>) -> Result<Exit, Failure> {
    match written {
        Ok(()) => Ok(Exit::Ran),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Exit::Ran),
        Err(error) => Err(Failure(format!("cannot write the report: {error}"))),
    }
}
