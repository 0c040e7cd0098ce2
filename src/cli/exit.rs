//! Exit codes. They are part of the contract with scripts.

/// Done.
pub const DONE: u8 = 0;
/// An expectation failed, or a difference was asked to fail.
pub const FAILED: u8 = 1;
/// The arguments make no sense.
pub const USAGE: u8 = 2;
/// The input is faulty or has no such name, or a file cannot be read or written.
pub const INPUT: u8 = 3;
/// An error of the program.
pub const INTERNAL: u8 = 70;
/// Stopped by Ctrl-C: the shell's own convention, 128 and the number of the signal.
pub const INTERRUPTED: u8 = 130;

/// The codes for the help text.
pub const HELP: &str = "\
Exit codes:
  0   done
  1   an expectation failed, or a difference or break was asked to fail
  2   the arguments make no sense
  3   the input is faulty or lacks a name that was asked for, or a file cannot be read or written
  70  an error of this program
  130 stopped by Ctrl-C";
