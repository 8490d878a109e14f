//! Where the files of a run are: a folder, and in it the small world of the gateway's database, whose disk
//! can be made full and empty again while the gateway runs.
//!
//! Where the machine lets one mount, that is a file system in memory, whose size is set; else the size of
//! the files that the gateway may write is limited. Outlives everything else of a run, so that what is
//! there can still be looked at after a failure.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tempfile::TempDir;

/// What is left on the disk while it is full: less than what one commit takes.
const LEFT_BYTES: u64 = 32 * 1_024;

/// What the file system holds at the most. It takes memory only for what is in it.
const ROOM_BYTES: u64 = 8 << 30;

/// The folder of a run.
pub(crate) struct Place {
    folder: TempDir,
    disk: Option<Disk>,
    is_full: AtomicBool,
}

/// What takes the room away.
enum Disk {
    /// A file system of its own.
    Mounted,
    /// No file of the gateway may grow beyond so many bytes; 0 is no limit.
    Limited { bytes: AtomicU64 },
}

impl Place {
    /// A new folder; with a disk that can be full where that is asked for.
    pub(crate) fn make(has_disk: bool) -> Result<Self, String> {
        let folder = TempDir::with_prefix("tidings-chaos-");
        let folder = folder.map_err(|error| format!("no temporary folder: {error}"))?;
        let mut place = Self {
            folder,
            disk: None,
            is_full: AtomicBool::new(false),
        };
        let data = place.data();
        fs::create_dir(&data).map_err(|error| format!("no folder for the database: {error}"))?;
        if has_disk {
            let is_mounted = resize(&data, ROOM_BYTES, "");
            place.disk = Some(if is_mounted {
                println!("the disk is a file system in memory");
                Disk::Mounted
            } else {
                println!("nothing may be mounted here: the size of the gateway's files is limited");
                Disk::Limited {
                    bytes: AtomicU64::new(0),
                }
            });
        }
        Ok(place)
    }

    /// A file of the run.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The folder that has the disk.
    fn data(&self) -> PathBuf {
        self.path("data")
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.data().join("tidings.db")
    }

    pub(crate) fn is_full(&self) -> bool {
        self.is_full.load(Ordering::Relaxed)
    }

    /// From now on hardly anything can be written, by a gateway that runs and by its successors.
    pub(crate) fn fill(&self, gateway: Option<u32>) {
        self.is_full.store(true, Ordering::Relaxed);
        match &self.disk {
            Some(Disk::Mounted) => {
                resize(&self.data(), used(&self.data()) + LEFT_BYTES, "remount,");
            }
            Some(Disk::Limited { bytes }) => {
                // The log grows with every commit; that the database itself may be longer only keeps it
                // from being copied there.
                let log = self.data().join("tidings.db-wal");
                let size = fs::metadata(log).map_or(0, |it| it.len());
                bytes.store(size + LEFT_BYTES, Ordering::Relaxed);
                limit(gateway, &(size + LEFT_BYTES).to_string());
            }
            None => {}
        }
    }

    /// There is room again.
    pub(crate) fn empty(&self, gateway: Option<u32>) {
        self.is_full.store(false, Ordering::Relaxed);
        match &self.disk {
            Some(Disk::Mounted) => {
                resize(&self.data(), ROOM_BYTES, "remount,");
            }
            Some(Disk::Limited { bytes }) => {
                bytes.store(0, Ordering::Relaxed);
                limit(gateway, "unlimited");
            }
            None => {}
        }
    }

    /// A command that runs the program as the disk is at this moment.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let Some(Disk::Limited { bytes }) = &self.disk else {
            return Command::new(program);
        };
        let blocks = match bytes.load(Ordering::Relaxed) {
            0 => "unlimited".to_owned(),
            bytes => (bytes / 512).to_string(),
        };
        let mut command = Command::new("sh");
        // The signal is ignored, so that writing fails as on a full disk.
        let script = format!("trap '' XFSZ; ulimit -S -f {blocks}; exec \"$0\" \"$@\"");
        command.args(["-c", &script]).arg(program);
        command
    }

    /// Keeps the files for whoever wants to look. Where they are.
    pub(crate) fn keep(self) -> PathBuf {
        let data = self.data();
        if matches!(self.disk, Some(Disk::Mounted)) {
            // What is in memory would go with it.
            let copy = self.path("data-kept");
            let mut command = Command::new("cp");
            command.arg("-a").arg(&data).arg(copy).status().ok();
            unmount(&data);
        }
        let Self { folder, .. } = self;
        folder.keep()
    }

    /// Removes everything.
    pub(crate) fn remove(self) {
        if matches!(self.disk, Some(Disk::Mounted)) {
            unmount(&self.data());
        }
    }
}

/// Mounts a file system of a size at a folder, or gives the one that is there another size. Whether that
/// went well.
fn resize(folder: &Path, bytes: u64, how: &str) -> bool {
    let options = format!("{how}size={bytes}");
    let mut command = Command::new("mount");
    command.args(["-t", "tmpfs", "-o", &options, "tmpfs"]);
    let status = command.arg(folder).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

fn unmount(folder: &Path) {
    // Lazily: whoever still looks at it may finish.
    Command::new("umount").arg("-l").arg(folder).status().ok();
}

/// How many bytes the files of a folder take.
fn used(folder: &Path) -> u64 {
    const PAGE: u64 = 4_096;
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    let sizes = files.filter_map(|file| Some(file.metadata().ok()?.len()));
    sizes.map(|size| size.div_ceil(PAGE) * PAGE).sum()
}

/// Limits the size of the files that a process writes.
fn limit(process: Option<u32>, bytes: &str) {
    if let Some(process) = process {
        let mut command = Command::new("prlimit");
        command.args(["--pid", &process.to_string()]);
        command.arg(format!("--fsize={bytes}:"));
        command.stderr(Stdio::null()).status().ok();
    }
}
