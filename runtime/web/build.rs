//! The console is in the binary: built anew, it is put in anew.

use std::fs;

const CONSOLE: &str = "../../admin-ui/dist";

fn main() {
    // Only a folder that is there is watched. What hinders it is told by rust-embed's macro, or harms nothing.
    let _ = fs::create_dir_all(CONSOLE);
    println!("cargo:rerun-if-changed={CONSOLE}");
}
