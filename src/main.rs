//! The `netwhy` command.

fn main() -> std::process::ExitCode {
    netwhy::cli::main()
}
