-- No recent day is without orders that always has some. Deliver the day's file, or say that the
-- shop was closed.
{{ config(severity='warn') }}

with days as (

    select
        *,
        max(period_date) over () as last_date
    from {{ ref('rpt_drift') }}
    where metric = 'orders'

)

select
    period_date,
    value,
    lower_limit,
    upper_limit,
    baseline
from days
where
    value = 0
    and lower_limit > 0
    and {{ dbt.datediff('period_date', 'last_date', 'day') }} < {{ var('drift_watched_days') }}
