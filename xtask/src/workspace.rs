//! Where the repository is on disk, and its files in memory. Read by `tidy` and by the snapshot
//! check. Walks the folders itself, so that it also works in a copy without git.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use anyhow::Context as _;

use crate::tidy::source::Source;

/// Folders that hold no sources of ours, at any depth.
const SKIPPED_FOLDERS: [&str; 5] = [".git", "target", "node_modules", "__pycache__", ".venv"];

/// The repository's root: the folder around the current one that holds this crate. Not the folder
/// that the crate was compiled in, because a build folder may be copied to another checkout.
pub(crate) fn root() -> &'static Path {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    ROOT.get_or_init(|| {
        let compiled_in = Path::new(env!("CARGO_MANIFEST_DIR"));
        std::env::current_dir()
            .ok()
            .and_then(|folder| find_root(&folder))
            .or_else(|| find_root(compiled_in))
            .expect("xtask is started in the repository or where it was compiled")
    })
}

fn find_root(start: &Path) -> Option<PathBuf> {
    start
        .ancestors()
        .find(|folder| folder.join("xtask/Cargo.toml").is_file())
        .map(Path::to_owned)
}

/// Every file of the repository that holds text, in the order of the paths.
pub(crate) fn sources() -> anyhow::Result<Vec<Source>> {
    let mut paths = Vec::new();
    collect(root(), &mut paths)?;
    paths.sort();
    let mut sources = Vec::with_capacity(paths.len());
    for path in paths {
        let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let relative = path
            .strip_prefix(root())?
            .to_string_lossy()
            .replace('\\', "/");
        // A file that is not text keeps its path, so that documents can name it.
        sources.push(Source::new(
            relative,
            String::from_utf8(bytes).unwrap_or_default(),
        ));
    }
    Ok(sources)
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    for entry in entries {
        let entry = entry?;
        let kind = entry.file_type()?;
        let name = entry.file_name();
        if kind.is_dir() {
            if !SKIPPED_FOLDERS.iter().any(|skipped| name == *skipped) {
                collect(&entry.path(), paths)?;
            }
        } else if kind.is_file() && name != ".git" {
            paths.push(entry.path());
        }
    }
    Ok(())
}
