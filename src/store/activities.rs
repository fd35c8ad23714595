//! Lists of activities. Single ones are asked of the engine.

use sqlx::QueryBuilder;
use turnout_actors::domain::{OrganizationId, Overview, Timestamp, UserId};

use super::journal::{ACTIVITY_COLUMNS, ActivityRow};
use super::{Db, StoreError, on_db};

/// Which activities are asked for.
#[derive(Clone, Debug, Default)]
pub struct ActivityFilter {
    /// Part of the title, the description or the venue; the case of ASCII letters does not matter.
    pub search: Option<String>,
    /// Those that start at this time or later.
    pub starts_from: Option<Timestamp>,
    /// Those that start before this time.
    pub starts_before: Option<Timestamp>,
    /// Only those that are not cancelled and have a free spot.
    pub available_only: bool,
    /// Those of one host.
    pub host: Option<UserId>,
    /// Those of one organization.
    pub organization: Option<OrganizationId>,
    /// Also those that are not listed publicly. Only for their host.
    pub unlisted_too: bool,
}

/// In which order.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ActivityOrder {
    /// By start, earliest first.
    #[default]
    Start,
    /// By start, latest first.
    StartDescending,
    /// By title.
    Title,
    /// By free spots, most first.
    Available,
}

/// Appends the conditions of a filter. A macro, because the builder's type is that of one kind of database.
macro_rules! restrict {
    ($query:ident, $filter:ident) => {
        $query.push(if $filter.unlisted_too {
            " WHERE 1 = 1"
        } else {
            " WHERE visibility = 'public'"
        });
        if let Some(search) = &$filter.search {
            let pattern = super::containing(search);
            for (before, column) in [(" AND (", "title"), (" OR ", "description"), (" OR ", "venue")] {
                $query.push(before).push("LOWER(").push(column).push(") LIKE ");
                $query
                    .push("LOWER(")
                    .push_bind(pattern.clone())
                    .push(") ESCAPE '\\'");
            }
            $query.push(")");
        }
        if let Some(from) = $filter.starts_from {
            $query.push(" AND starts_at >= ").push_bind(from.micros());
        }
        if let Some(before) = $filter.starts_before {
            $query.push(" AND starts_at < ").push_bind(before.micros());
        }
        if $filter.available_only {
            $query.push(" AND cancelled_at IS NULL AND confirmed_spots + offered_spots < capacity");
        }
        if let Some(host) = $filter.host {
            $query.push(" AND host_id = ").push_bind(host.uuid());
        }
        if let Some(organization) = $filter.organization {
            $query
                .push(" AND organization_id = ")
                .push_bind(organization.uuid());
        }
    };
}

/// One page of the activities, and how many there are on all pages.
pub async fn list(
    db: &Db,
    filter: &ActivityFilter,
    order: ActivityOrder,
    offset: u64,
    limit: u32,
) -> Result<(Vec<Overview>, u64), StoreError> {
    let (offset, limit) = (i64::try_from(offset).unwrap_or(i64::MAX), i64::from(limit));
    let rows: Vec<ActivityRow> = on_db!(db.read, |pool| {
        let mut query = QueryBuilder::new(format!("SELECT {ACTIVITY_COLUMNS} FROM activities"));
        restrict!(query, filter);
        query.push(match order {
            ActivityOrder::Start => " ORDER BY starts_at, id",
            ActivityOrder::StartDescending => " ORDER BY starts_at DESC, id DESC",
            ActivityOrder::Title => " ORDER BY LOWER(title), id",
            ActivityOrder::Available => " ORDER BY (capacity - confirmed_spots - offered_spots) DESC, id",
        });
        query
            .push(" LIMIT ")
            .push_bind(limit)
            .push(" OFFSET ")
            .push_bind(offset);
        query.build_query_as().fetch_all(pool).await
    })?;
    let total: i64 = on_db!(db.read, |pool| {
        let mut query = QueryBuilder::new("SELECT COUNT(*) FROM activities");
        restrict!(query, filter);
        query.build_query_scalar().fetch_one(pool).await
    })?;
    let overviews = rows
        .into_iter()
        .map(ActivityRow::overview)
        .collect::<Result<_, _>>();
    Ok((
        overviews.map_err(|misfit| sqlx::Error::Decode(misfit.into()))?,
        total as u64,
    ))
}
