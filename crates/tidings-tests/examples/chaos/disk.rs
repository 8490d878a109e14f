//! A disk that gets full: a small file system in memory where one may be mounted, else a limit on how
//! large a file the gateway may write.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// How large the file system is.
const MEGABYTES: u64 = 48;

/// How much of it is left while it is nearly full.
const LEFT_KILOBYTES: u64 = 512;

/// What takes the place away.
pub(crate) enum Disk {
    /// A file system of its own, with a file in it that fills it.
    Mounted { folder: PathBuf, is_full: bool },
    /// No file may grow beyond so many blocks of 512 bytes.
    Limited { blocks: Option<u64> },
}

impl Disk {
    /// A small file system at `folder`, if the machine allows it.
    pub(crate) fn prepare(folder: &Path) -> Self {
        let size = format!("size={MEGABYTES}m");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
            .arg(folder)
            .status();
        if mounted.is_ok_and(|status| status.success()) {
            println!("the disk is a file system in memory of {MEGABYTES} MB");
            return Self::Mounted {
                folder: folder.to_owned(),
                is_full: false,
            };
        }
        println!("no file system may be mounted here: the size of files is limited instead");
        Self::Limited { blocks: None }
    }

    /// From now on hardly anything can be written.
    pub(crate) fn fill(&mut self, database: &Path) {
        match self {
            Self::Mounted { folder, is_full } if !*is_full => {
                let filler = fs::File::create(folder.join("filler"));
                let mut filler = filler.expect("the file system is ours");
                let block = [7_u8; 4_096];
                // Until nothing goes in any more; then a little is given back.
                while filler.write_all(&block).is_ok() {}
                let written = filler.metadata().map_or(0, |it| it.len());
                let kept = written.saturating_sub(LEFT_KILOBYTES * 1_024);
                filler.set_len(kept).expect("a file can be made shorter");
                *is_full = true;
            }
            Self::Limited { blocks } if blocks.is_none() => {
                let size = fs::metadata(database).map_or(0, |it| it.len());
                *blocks = Some((size + LEFT_KILOBYTES * 1_024) / 512);
            }
            Self::Mounted { .. } | Self::Limited { .. } => {}
        }
    }

    /// There is room again.
    pub(crate) fn empty(&mut self) {
        match self {
            Self::Mounted { folder, is_full } => {
                fs::remove_file(folder.join("filler")).ok();
                *is_full = false;
            }
            Self::Limited { blocks } => *blocks = None,
        }
    }

    /// A command that runs the program as the disk is at this moment.
    pub(crate) fn command(&self, program: &Path) -> Command {
        if let Self::Limited {
            blocks: Some(blocks),
        } = self
        {
            let mut command = Command::new("sh");
            // The signal is ignored, so that writing fails as on a full disk.
            let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
            command.args(["-c", &script]).arg(program);
            return command;
        }
        Command::new(program)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if let Self::Mounted { folder, .. } = self {
            // Lazily: whoever still looks at it may finish.
            Command::new("umount").arg("-l").arg(folder).status().ok();
        }
    }
}
