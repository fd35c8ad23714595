//! `turnout migrate`: what a start does to the schema, and nothing else.

use turnout::config::Config;
use turnout::store::Db;

pub(super) async fn run(config: Config) -> anyhow::Result<()> {
    let db = Db::open(&config.database, 1).await?;
    db.close().await;
    println!("The schema of {} is up to date.", config.database);
    Ok(())
}
