//! The larger collection of labelled captures, which is kept beside the project and not in it.

use std::env;
use std::path::{Path, PathBuf};

/// The folder of its captures: in `$TLSWHY_CORPUS`, or beside the project. None where there is none.
pub(crate) fn captures() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    let corpus = env::var_os("TLSWHY_CORPUS").map_or_else(beside, PathBuf::from);
    let inner = corpus.join("captures");
    [inner, corpus].into_iter().find(|folder| folder.is_dir())
}
