//! A script worker, for this crate's tests and benchmark.

fn main() -> std::process::ExitCode {
    gatewright_script::run_worker()
}
