//! `certs`: the inventory of certificates, and their PEM files.

use std::fs;
use std::io;
use std::path::Path;

use tlswhy::Analysis;
use tlswhy::report::{self, Expiring, Inventory, Timestamp};

use super::args::{At, Certs, InventoryFormat};
use super::run::{finished, layout, now, open_output, options, read};
use super::{Exit, Failure};

/// Reads the input and lists who served which certificates.
pub(crate) fn list(arguments: &Certs) -> Result<Exit, Failure> {
    let mut options = options(&arguments.input, &arguments.certificates, &arguments.limits)?;
    options.inventory = true;
    let expiring = Expiring {
        from: match arguments.certificates.at {
            Some(At::Moment(moment)) => moment,
            Some(At::Now) | None => Timestamp::from_nanos(now()),
        },
        within_days: arguments.expiring,
    };
    let mut out = open_output(&arguments.input, arguments.output.as_deref())?;
    let outcome = read(&arguments.input, Analysis::new(options))?;
    if let (Some(folder), Some(inventory)) = (&arguments.pem, outcome.report.inventory()) {
        write_pem(folder, inventory, &expiring)
            .map_err(|error| Failure(format!("--pem: {}: {error}", folder.display())))?;
    }
    let written = if arguments.json || arguments.format == InventoryFormat::Json {
        report::json::write_inventory(&outcome.report, &expiring, &mut out)
    } else {
        let layout = layout(arguments.output.is_some(), arguments.color);
        report::text::write_inventory(&outcome.report, &expiring, &layout, &mut out)
    };
    if let Err(error) = written.and_then(|()| out.flush()) {
        return finished(Err(error));
    }
    Ok(outcome.exit(&arguments.input))
}

/// Writes the certificates of the rows that are asked for. A file that is there already has the same content, by its name.
fn write_pem(folder: &Path, inventory: &Inventory, expiring: &Expiring) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    for row in inventory.chosen(expiring) {
        for file in row.pem_files() {
            fs::write(folder.join(&file.name), &file.text)?;
        }
    }
    Ok(())
}
