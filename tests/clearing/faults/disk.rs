//! A real file system, ext4 in a loop device: one that can lose power, or be full.
//!
//! Needs root, a loop device and `mkfs.ext4`; says so where they are missing.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::Command;
use tempfile::TempDir;

/// A file system in a file; unmounted when it is dropped.
pub struct Disk {
    folder: TempDir,
    mounted: bool,
}

impl Disk {
    /// None where none can be made here, which is said with what it was for. `options` are those of `mkfs.ext4`.
    pub fn new(bytes: u64, options: &[&str], what_for: &str) -> Option<Self> {
        let folder = TempDir::new().expect("a folder");
        let mut disk = Self { folder, mounted: false };
        std::fs::create_dir(disk.mount_point()).expect("a folder");
        // A file with holes: it takes what is written to it.
        std::fs::File::create(disk.image()).and_then(|image| image.set_len(bytes)).expect("a file");
        let image = disk.image();
        let arguments = ["-q", "-F"].iter().chain(options).map(OsStr::new).chain([image.as_os_str()]);
        if run("mkfs.ext4", &arguments.collect::<Vec<_>>()) && disk.mount() {
            return Some(disk);
        }
        println!("skipped: {what_for} needs root, a loop device and mkfs.ext4");
        None
    }

    fn image(&self) -> PathBuf {
        self.folder.path().join("image")
    }

    pub fn mount_point(&self) -> PathBuf {
        self.folder.path().join("disk")
    }

    fn mount(&mut self) -> bool {
        self.mounted = run("mount", &["-o".as_ref(), "loop".as_ref(), self.image().as_ref(), self.mount_point().as_ref()]);
        self.mounted
    }

    /// What a restart of the machine does.
    pub fn restart(&mut self) {
        assert!(run("umount", &[self.mount_point().as_ref()]), "it can be unmounted");
        assert!(self.mount(), "it can be mounted again");
    }

    /// As `ro` or `rw`.
    pub fn remount(&mut self, how: &str) {
        let options = format!("remount,{how}");
        assert!(run("mount", &["-o".as_ref(), options.as_ref(), self.mount_point().as_ref()]), "it can be mounted as {how}");
    }

    pub fn sync(&self) {
        assert!(run("sync", &["-f".as_ref(), self.mount_point().as_ref()]), "it can be synced");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if self.mounted {
            run("umount", &[self.mount_point().as_ref()]);
        }
    }
}

fn run(program: &str, arguments: &[&OsStr]) -> bool {
    Command::new(program).args(arguments).output().is_ok_and(|output| output.status.success())
}
