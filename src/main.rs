//! The `chargeproof` command.

fn main() -> std::process::ExitCode {
    chargeproof::cli::main()
}
