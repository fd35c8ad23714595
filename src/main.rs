//! The program: reads arguments and environment, and runs one command.

mod command;

use std::process::ExitCode;

use clap::Parser;
use command::{Arguments, Failure};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("turnout: cannot start threads: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(command::run(Arguments::parse())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Configuration(error)) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
        Err(Failure::Run(error)) => {
            eprintln!("turnout: {error:#}");
            ExitCode::FAILURE
        }
    }
}
