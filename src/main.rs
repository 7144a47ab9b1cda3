//! The `chargeproof` command.

mod cli;

/// Exploring makes and drops a few hundred small things for every schedule, on every core at once:
/// with the allocator of most systems, a third of its time goes there.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    cli::main()
}
